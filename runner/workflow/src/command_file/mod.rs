//! The files through which a step talks to the runner: `GITHUB_ENV`, `GITHUB_OUTPUT` and others.
//!
//! The bytes of a file in, what they ask for out. The rules, oddities included, are those of the
//! official runner on Windows; what becomes of the requests is for the caller to say. Wherever the
//! official runner has a message for people, it is used as it is, since people search for it.

mod assignments;
mod decode;
mod summary;

#[cfg(test)]
mod tests;

use std::fmt;

pub use assignments::{Assignment, Assignments, EnvRequests, parse_assignments, parse_env};
pub use summary::{SummaryError, parse_summary};

/// The largest file that is read at all, of any kind. The official runner has no such limit and
/// no protection against a step that fills its memory.
pub const FILE_LIMIT: usize = 64 * 1024 * 1024;

/// The largest `GITHUB_STEP_SUMMARY` of one step. A larger one is an error annotation and is not
/// shown; the step does not fail.
pub const SUMMARY_LIMIT: usize = 1024 * 1024;

/// The largest `GITHUB_ARTIFACTS` of one step.
pub const ARTIFACTS_LIMIT: usize = 1024 * 1024;

/// The longest value of an output, and of all outputs of a job together.
pub const OUTPUT_LIMIT: usize = 1024 * 1024;

/// The kinds of command files that are there for every step.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum CommandFile {
    /// Environment variables for the steps that follow.
    Env,
    /// Outputs of the step.
    Output,
    /// State that an action keeps for its post step.
    State,
    /// Directories for the front of the search path.
    Path,
    /// Markdown for the page of the run.
    StepSummary,
}

impl CommandFile {
    /// Every kind.
    pub const ALL: [Self; 5] = [
        Self::Env,
        Self::Output,
        Self::State,
        Self::Path,
        Self::StepSummary,
    ];

    /// The environment variable that holds the path of the file.
    pub fn variable(self) -> &'static str {
        match self {
            Self::Env => "GITHUB_ENV",
            Self::Output => "GITHUB_OUTPUT",
            Self::State => "GITHUB_STATE",
            Self::Path => "GITHUB_PATH",
            Self::StepSummary => "GITHUB_STEP_SUMMARY",
        }
    }

    /// What the name of the file begins with; an unique part follows.
    pub fn prefix(self) -> &'static str {
        match self {
            Self::Env => "set_env_",
            Self::Output => "set_output_",
            Self::State => "save_state_",
            Self::Path => "add_path_",
            Self::StepSummary => "step_summary_",
        }
    }

    /// What the step's log says before the error, when the file can't be processed.
    pub fn failure(self) -> String {
        format!("Unable to process file command '{self}' successfully.")
    }
}

/// The short name, as in the `github` context: `env`, `output`, `state`, `path`, `step_summary`.
impl fmt::Display for CommandFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Env => "env",
            Self::Output => "output",
            Self::State => "state",
            Self::Path => "path",
            Self::StepSummary => "step_summary",
        })
    }
}

/// Why a command file fails its step.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CommandFileError {
    /// A line with neither `=` nor `<<`.
    #[error("Invalid format '{0}'")]
    Format(String),
    /// `=value`.
    #[error("Invalid format '{0}'. Name must not be empty")]
    EmptyName(String),
    /// `<<EOF` or `name<<`.
    #[error("Invalid format '{0}'. Name must not be empty and delimiter must not be empty")]
    EmptyHeredoc(String),
    /// A value that goes on to the end of the file.
    #[error("Invalid value. Matching delimiter not found '{0}'")]
    NoDelimiter(String),
    /// A last line that lacks its end and is not the delimiter.
    #[error("Invalid value. EOF marker missing new line.")]
    NoLineEnd,
    /// A file beyond [`FILE_LIMIT`].
    #[error("The file has {0} bytes, more than the {FILE_LIMIT} that are read")]
    TooLarge(usize),
}

/// Reads `GITHUB_PATH`: one directory a line, in the order of the file. Each goes to the front of
/// the path, so that the last one is searched first; one that is there already moves.
///
/// # Errors
///
/// Only that the file is too large.
pub fn parse_path(bytes: &[u8]) -> Result<Vec<String>, CommandFileError> {
    let text = decode::text(bytes)?;
    let lines = text.split(['\n', '\r']).filter(|line| !line.is_empty());
    Ok(lines.map(str::to_owned).collect())
}

/// The text of a command file, whatever it means.
///
/// # Errors
///
/// Only that the file is too large.
pub fn parse_text(bytes: &[u8]) -> Result<String, CommandFileError> {
    Ok(decode::text(bytes)?.into_owned())
}
