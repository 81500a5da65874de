//! What the expressions of a job see before it has a machine.

use dormer_workflow::expr::{Contexts, JobStatus, Object, Scope, Value};

use crate::job::graph::board::{Ancestry, Board};

/// How a job ended, as other jobs see it.
#[derive(Debug, Clone)]
pub(super) struct Result {
    /// `success`, `failure`, `cancelled` or `skipped`.
    pub(super) result: &'static str,
    /// Its outputs.
    pub(super) outputs: Object,
}

impl Result {
    /// As it is in the contexts `needs` and `jobs`.
    pub(super) fn context(&self) -> Object {
        let mut context = Object::new();
        context.insert("result", self.result);
        context.insert("outputs", self.outputs.clone());
        context
    }
}

/// The scope of a job's `if`.
pub(super) struct ConditionScope<'a> {
    pub(super) contexts: Contexts,
    pub(super) board: &'a Board,
    pub(super) job: usize,
    /// The number of the job of an id.
    pub(super) number_of: &'a (dyn Fn(&str) -> Option<usize> + Sync),
}

impl Scope for ConditionScope<'_> {
    fn context(&self, name: &str) -> Option<Value> {
        self.contexts.context(name)
    }

    fn status(&self) -> JobStatus {
        status(self.board.ancestry(self.job))
    }

    fn status_of(&self, jobs: &[String]) -> JobStatus {
        let jobs: Vec<usize> = jobs.iter().filter_map(|id| (self.number_of)(id)).collect();
        status(self.board.outlook(&jobs))
    }
}

fn status(ancestry: Ancestry) -> JobStatus {
    match ancestry {
        Ancestry::Succeeded => JobStatus::Success,
        Ancestry::Failed => JobStatus::Failure,
        Ancestry::Incomplete => JobStatus::Skipped,
    }
}

/// A scope of fixed values and secrets.
pub(super) struct SecretScope<'a> {
    pub(super) contexts: &'a Contexts,
    pub(super) secrets: Object,
}

impl Scope for SecretScope<'_> {
    fn context(&self, name: &str) -> Option<Value> {
        match name {
            "secrets" => Some(Value::from(self.secrets.clone())),
            _ => self.contexts.context(name),
        }
    }
}
