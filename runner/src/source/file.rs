//! Workflow files as they are read, and what is said of one that can't be.

use std::path::Path;

use dormer_workflow::workflow::Workflow;
use dormer_workflow::{Problems, parse_workflow};

use crate::failure::InputError;
use crate::source::tree::{did_you_mean, read_named};

/// Reads a workflow file. An error names everything that is wrong with it.
pub fn load(path: &Path) -> Result<Workflow, InputError> {
    let source = read_named(path, "the workflow").map_err(|error| {
        let usual = || "name a file such as `.github/workflows/build.yml`".to_owned();
        error.help(did_you_mean(path).unwrap_or_else(usual))
    })?;
    parse_workflow(&source).map_err(|problems| wrong("run", &problems))
}

/// All problems of a workflow as one error, each with its line. `done` is what it cannot be.
pub fn wrong(done: &str, problems: &Problems) -> InputError {
    let head = match problems.len() {
        1 => format!("the workflow cannot be {done}:"),
        count => format!("the workflow cannot be {done}, for {count} reasons:"),
    };
    InputError::usage(format!("{head}\n{}", problems.render()))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn load_text(text: &[u8]) -> InputError {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("w.yml");
        fs::write(&path, text).unwrap();
        load(&path).unwrap_err()
    }

    #[test]
    fn a_missing_a_malformed_and_a_binary_file_are_told_apart() {
        let error = load(Path::new("/no/such/file.yml")).unwrap_err();
        assert!(error.message.contains("/no/such/file.yml"));
        let error = load_text(b"on: push\njobs: [");
        assert!(error.message.contains("w.yml:2:"), "{}", error.message);
        let error = load_text(b"on: push\n\xff\xfe");
        assert!(error.message.contains("it is not UTF-8, from line 2 on"));
        assert!(load(tempfile::tempdir().unwrap().path()).is_err());
    }
}
