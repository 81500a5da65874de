//! Workflow files as they are read, and what is said of one that can't be.

use std::fs;
use std::path::Path;

use dormer_workflow::workflow::Workflow;
use dormer_workflow::{Problem, SourceFile, parse_workflow};

use crate::failure::InputError;

/// A workflow is text that people write; more than this is something else.
const LARGEST: u64 = 4 << 20;

/// Reads a workflow file. An error names everything that is wrong with it.
pub fn load(path: &Path) -> Result<Workflow, InputError> {
    let shown = path.display().to_string();
    let text = read(path, &shown)?;
    parse_workflow(&SourceFile::new(shown.as_str(), text))
        .map_err(|problems| wrong(problems.into_vec()))
}

/// The text of a workflow's file, which messages call `shown`.
pub(super) fn read(path: &Path, shown: &str) -> Result<String, InputError> {
    let cannot = |why: String| {
        InputError::usage(format!("cannot read the workflow `{shown}`: {why}"))
            .help("name a file such as `.github/workflows/build.yml`")
    };
    let found = fs::metadata(path).map_err(|error| cannot(error.to_string()))?;
    if !found.is_file() {
        return Err(cannot("it is not a file".to_owned()));
    }
    if found.len() > LARGEST {
        return Err(cannot("it is larger than any workflow".to_owned()));
    }
    let bytes = fs::read(path).map_err(|error| cannot(error.to_string()))?;
    utf8(bytes, shown)
}

/// A file's text, or an error that names the first line that is none.
pub fn utf8(bytes: Vec<u8>, shown: &str) -> Result<String, InputError> {
    String::from_utf8(bytes).map_err(|error| {
        let before = &error.as_bytes()[..error.utf8_error().valid_up_to()];
        let line = before.iter().filter(|&&byte| byte == b'\n').count() + 1;
        InputError::usage(format!("{shown}:{line}:1: the file is not UTF-8"))
    })
}

/// All problems of a file as one error, each with its line.
pub(super) fn wrong(problems: Vec<Problem>) -> InputError {
    let count = problems.len();
    let texts: Vec<String> = problems
        .iter()
        .map(|problem| problem.render().trim_end().to_owned())
        .collect();
    let head = if count == 1 {
        "the workflow cannot be run:".to_owned()
    } else {
        format!("the workflow cannot be run, for {count} reasons:")
    };
    InputError::usage(format!("{head}\n{}", texts.join("\n")))
}

#[cfg(test)]
mod tests {
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
        assert!(error.message.contains(":2:1: the file is not UTF-8"));
        assert!(load(tempfile::tempdir().unwrap().path()).is_err());
    }
}
