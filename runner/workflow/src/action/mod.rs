//! Action files (`action.yml`): from text to what can be run.
//!
//! ```text
//!  text ─ yaml ─> Node ─ read ─> Action ─ inputs ─> what an action gets, and what is said about it
//!                         │
//!                         └─ rules    which keys there are, and what expressions may use
//! ```
//!
//! What GitHub's runner refuses when it loads a file is refused here, all of it at once. What it
//! ignores is ignored, with a warning where it is likely to be a mistake. An action that Dormer
//! can't run, since it needs a container, is no fault of its file: it is a [`Runs`] of its own.
//!
//! Where an action comes from is not known here; [`ActionReference`] only says what was asked for.

mod inputs;
mod model;
mod read;
mod read_runs;
mod reference;
mod rules;

#[cfg(test)]
mod tests;

use crate::diagnostic::Problems;
use crate::reader::Reader;
use crate::source::SourceFile;

pub use inputs::{GivenInputs, input_variable};
pub use model::{Action, ActionInput, ActionOutput, DockerRuns, Hook, NodeRuns, NodeVersion, Runs};
pub use reference::{ActionReference, ReferenceError};

/// Reads an action file.
///
/// # Errors
///
/// Everything that is wrong with the file, sorted by position.
pub fn parse_action(source: &SourceFile) -> Result<Action, Problems> {
    let mut reader = Reader::new(source);
    let action = reader.action_file();
    reader.finish(action)
}

/// Reads as much of an action file as can be, and gives everything that is wrong with it.
pub(crate) fn read_action(source: &SourceFile) -> (Option<Action>, Problems) {
    let mut reader = Reader::new(source);
    let action = reader.action_file();
    (action, reader.problems.into_problems())
}
