//! Workflow files: from text to what can be run.
//!
//! ```text
//!  text ─ yaml ─> Node ─ read ─> Workflow      everything that GitHub's own parser would refuse
//!                         │                    is refused here, all of it at once
//!                         ├─ keys              which keys there are
//!                         ├─ places            what expressions may use under each key
//!                         └─ graph             which jobs need which
//! ```
//!
//! What a job is made of is read into types; what only whole graphs need (`strategy`,
//! `concurrency` and their like) is kept as the YAML node it is, with its expressions checked.
//! What Dormer can't run yet is no fault of the file: [`Workflow::unsupported_in`] names it.

mod graph;
mod ids;
mod keys;
mod model;
mod places;
mod raw;
mod read_job;
mod read_on;
mod read_step;
mod read_workflow;
mod runs_on;
mod unsupported;

#[cfg(test)]
mod tests;

use crate::diagnostic::Problems;
use crate::reader as read;
use crate::source::SourceFile;

pub use crate::reader::{Setting, TemplateEntry, TemplateMap, minutes};

pub use model::{Control, Defaults, Event, Job, Raw, Step, StepAction, Triggers, Workflow};
pub(crate) use read_step::StepRules;
pub use runs_on::{RunnerSelector, RunsOn};

/// Reads a workflow file.
///
/// # Errors
///
/// Everything that is wrong with the file, sorted by position.
pub fn parse_workflow(source: &SourceFile) -> Result<Workflow, Problems> {
    let mut reader = read::Reader::new(source);
    let workflow = reader.workflow();
    reader.finish(workflow)
}
