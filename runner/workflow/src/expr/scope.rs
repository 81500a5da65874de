//! What the evaluator asks its surroundings for.

use super::value::{Object, Value};

/// How the job is doing, for `success()` and its siblings.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum JobStatus {
    /// No step has failed.
    #[default]
    Success,
    /// A step has failed.
    Failure,
    /// The job was cancelled.
    Cancelled,
    /// Nothing failed, but not everything succeeded: a job that is needed was skipped, or cancelled
    /// by itself. Only in the `if` of a job.
    Skipped,
}

/// The surroundings of an expression: its contexts, the status of the job, the files.
///
/// Values share their collections, so giving out a whole context costs little.
pub trait Scope {
    /// A context by its name in lower case. `None` where there is no such context, which is an
    /// error; a context without anything in it is an empty object or null.
    fn context(&self, name: &str) -> Option<Value>;

    /// How the job is doing.
    fn status(&self) -> JobStatus {
        JobStatus::Success
    }

    /// Whether the job was cancelled, for `cancelled()`. By default the status says so; inside of a
    /// composite action the status is that of the action's own steps, which may do well in a cancelled
    /// job.
    fn is_cancelled(&self) -> bool {
        self.status() == JobStatus::Cancelled
    }

    /// How certain jobs did, for `success('a', 'b')` in the `if` of a job.
    fn status_of(&self, jobs: &[String]) -> JobStatus {
        let _ = jobs;
        self.status()
    }

    /// The hash of the files of the workspace that the arguments of `hashFiles` name, in lower-case
    /// hexadecimal digits; the empty string where they name none. How the arguments are to be read
    /// and what is hashed is told at [`HashFiles`](super::HashFiles).
    ///
    /// # Errors
    ///
    /// What kept the files from being read, for people; always, where there are none to read.
    fn hash_files(&self, patterns: &[String]) -> Result<String, String> {
        let _ = patterns;
        Err("there is no workspace here whose files could be hashed".to_owned())
    }
}

/// A scope of fixed values: every property is a context.
#[derive(Debug, Clone, Default)]
pub struct Contexts {
    /// The contexts by name. Empty by default.
    pub values: Object,
    /// How the job is doing. Success by default.
    pub status: JobStatus,
}

impl Scope for Contexts {
    fn context(&self, name: &str) -> Option<Value> {
        self.values.get(name).cloned()
    }

    fn status(&self) -> JobStatus {
        self.status
    }
}
