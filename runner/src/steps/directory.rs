//! Where a script runs.

use crate::guest::profile::has_drive;
use crate::steps::context::JobFacts;

/// A `working-directory` in Windows form; a relative one is below the workspace.
pub(super) fn absolute(directory: &str, facts: &JobFacts) -> String {
    let path = directory.trim().replace('/', "\\");
    // `/C:/a` is how a POSIX shell of the guest writes `C:\a`.
    let path = path
        .strip_prefix('\\')
        .filter(|rest| has_drive(rest))
        .unwrap_or(&path);
    if has_drive(path) || path.starts_with('\\') {
        return path.to_owned();
    }
    match path.trim_start_matches(".\\") {
        "" | "." => facts.workspace.clone(),
        below => format!("{}\\{below}", facts.workspace),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_relative_directory_is_below_the_workspace() {
        let facts = JobFacts {
            workspace: r"C:\a\it\it".to_owned(),
            ..JobFacts::default()
        };
        for (written, expected) in [
            ("sub/dir", r"C:\a\it\it\sub\dir"),
            (r".\sub", r"C:\a\it\it\sub"),
            (".", r"C:\a\it\it"),
            ("./", r"C:\a\it\it"),
            ("", r"C:\a\it\it"),
            ("/C:/x", r"C:\x"),
            (r"D:\x", r"D:\x"),
            ("/x", r"\x"),
        ] {
            assert_eq!(absolute(written, &facts), expected, "{written}");
        }
    }
}
