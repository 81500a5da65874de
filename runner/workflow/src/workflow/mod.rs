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
//! All of a file is read into types, but for `snapshot`, which is kept as the YAML node it is, with
//! its expressions checked.
//! What Dormer can't run yet is no fault of the file: [`Workflow::unsupported_in`] names it.

mod call;
mod concurrency;
mod container;
mod cron;
mod data;
mod environment;
mod events;
mod graph;
pub(crate) mod handover;
mod ids;
mod inputs;
mod keys;
mod model;
mod permissions;
mod places;
mod raw;
mod read_call;
mod read_container;
mod read_data;
mod read_inputs;
mod read_job;
mod read_on;
mod read_settings;
mod read_step;
mod read_workflow;
mod reference;
mod runs_on;
mod strategy;
mod triggers;
mod unsupported;

#[cfg(test)]
mod tests;

use crate::diagnostic::Problems;
use crate::reader as read;
use crate::source::SourceFile;

pub use crate::reader::{Setting, TemplateEntry, TemplateMap, minutes};

pub use call::{Argument, CallSecrets, argument};
pub use concurrency::{Concurrency, ConcurrencyGroup, Queue};
pub use container::{Container, Credentials, Service, Services};
pub use data::{Data, DataEntry};
pub use environment::Environment;
pub(crate) use events::usual_types;
pub use inputs::{Call, CallOutput, Input, InputKind, SecretInput};
pub use model::{Control, Defaults, Job, Raw, Step, StepAction, Workflow};
pub use permissions::{Access, Grant, Permission, Permissions};
pub(crate) use read_step::StepRules;
pub use reference::{RemoteReference, WorkflowReference};
pub use runs_on::{RunnerSelector, RunsOn};
pub use strategy::{ResolvedStrategy, Strategy};
pub use triggers::{Event, Filters, Patterns, Schedule, Trigger, Triggers};

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

/// Reads as much of a workflow file as can be, and gives everything that is wrong with it.
pub(crate) fn read_workflow(source: &SourceFile) -> (Option<Workflow>, Problems) {
    let mut reader = read::Reader::new(source);
    let workflow = reader.workflow();
    (workflow, reader.problems.into_problems())
}
