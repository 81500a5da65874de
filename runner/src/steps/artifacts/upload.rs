//! What an upload asks for.

use crate::steps::artifacts::inputs::{flag, text};
use crate::steps::state::Variables;

/// The inputs that mean something, and those that only concern GitHub's storage.
pub(super) const KNOWN: [&str; 9] = [
    "name",
    "path",
    "if-no-files-found",
    "overwrite",
    "include-hidden-files",
    "archive",
    // Without effect.
    "retention-days",
    "compression-level",
    "github-token",
];

/// An upload, as its inputs ask for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Upload {
    /// The artifact's name.
    pub name: String,
    /// Patterns, one a line.
    pub path: String,
    /// Whether one of this name is replaced.
    pub overwrite: bool,
    /// Whether what begins with a dot comes along.
    pub hidden: bool,
    /// What it means that there is no file.
    pub none_found: NoneFound,
}

/// What it means that no file was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoneFound {
    /// People are told.
    Warn,
    /// The step fails.
    Error,
    /// Nothing.
    Ignore,
}

impl Upload {
    /// What the inputs ask for.
    ///
    /// # Errors
    ///
    /// What they can't ask for, for people.
    pub fn asked(inputs: &Variables) -> Result<Self, String> {
        let none_found = match text(inputs, "if-no-files-found") {
            None | Some("warn") => NoneFound::Warn,
            Some("error") => NoneFound::Error,
            Some("ignore") => NoneFound::Ignore,
            Some(other) => {
                return Err(format!(
                    "the input `if-no-files-found` is `{other}`; it can be `warn`, `error` or `ignore`"
                ));
            }
        };
        if text(inputs, "archive").is_some() && !flag(inputs, "archive")? {
            return Err(
                "`archive: false` is not supported: artifacts are directories here".to_owned(),
            );
        }
        let path = text(inputs, "path").ok_or("Input required and not supplied: path")?;
        Ok(Self {
            name: text(inputs, "name").unwrap_or("artifact").to_owned(),
            path: path.to_owned(),
            overwrite: flag(inputs, "overwrite")?,
            hidden: flag(inputs, "include-hidden-files")?,
            none_found,
        })
    }

    /// What is said when no file was found.
    pub(super) fn nothing_found(&self) -> String {
        let patterns: Vec<&str> = self.path.lines().map(str::trim).collect();
        format!(
            "No files were found with the provided path: {}. No artifacts will be uploaded.",
            patterns.join(", ")
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::steps::artifacts::inputs::given;

    #[test]
    fn defaults_are_the_actions_own() {
        let asked = Upload::asked(&given(&[("path", "a\n!b\n")])).unwrap();
        let expected = Upload {
            name: "artifact".to_owned(),
            path: "a\n!b".to_owned(),
            overwrite: false,
            hidden: false,
            none_found: NoneFound::Warn,
        };
        assert_eq!(asked, expected);
        assert!(asked.nothing_found().contains("a, !b"));
    }

    #[test]
    fn what_is_no_upload_is_said() {
        for (inputs, expected) in [
            (&[("name", "x")][..], "path"),
            (&[("path", "x"), ("if-no-files-found", "fail")], "`fail`"),
            (&[("path", "x"), ("overwrite", "1")], "`overwrite`"),
            (&[("path", "x"), ("archive", "false")], "`archive: false`"),
        ] {
            let why = Upload::asked(&given(inputs)).unwrap_err();
            assert!(why.contains(expected), "{why}");
        }
        let asked = [
            ("path", "x"),
            ("Archive", "true"),
            ("if-no-files-found", "error"),
        ];
        let asked = Upload::asked(&given(&asked)).unwrap();
        assert_eq!(asked.none_found, NoneFound::Error);
    }
}
