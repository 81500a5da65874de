//! What the expressions of one step see, and their evaluation. An expression that asks for the hash of
//! files is evaluated again when the guest has told it.

use dormer_workflow::expr::{Condition, EvalError, JobStatus, Scope, Template, Value};
use dormer_workflow::workflow::TemplateMap;

use crate::steps::context::{StepFacts, StepScope};
use crate::steps::executor::Executor;
use crate::steps::frame::File;
use crate::steps::state::{ExecutorState, Status, Variables};

/// A step's view of its surroundings.
pub(super) struct View<'a> {
    pub(super) executor: &'a Executor<'a>,
    pub(super) state: &'a ExecutorState,
    /// What is known of the step.
    pub(super) facts: &'a StepFacts,
    /// Its variables, as far as they are known.
    pub(super) environment: &'a Variables,
    /// The file that the expressions stand in.
    pub(super) file: File<'a>,
    /// What `success()` asks for inside of a composite action. None elsewhere.
    pub(super) status: Option<Status>,
}

/// The job's contexts, with what `success()` and `failure()` ask for inside of a composite action, if
/// that is where the step stands. Whether the job was told to stop is the same everywhere.
struct Seen<'a> {
    scope: StepScope<'a>,
    status: Option<JobStatus>,
}

impl Scope for Seen<'_> {
    fn context(&self, name: &str) -> Option<Value> {
        self.scope.context(name)
    }

    fn status(&self) -> JobStatus {
        self.status.unwrap_or_else(|| self.scope.status())
    }

    fn is_cancelled(&self) -> bool {
        self.scope.is_cancelled()
    }

    fn hash_files(&self, patterns: &[String]) -> Result<String, String> {
        self.scope.hash_files(patterns)
    }
}

impl<'a> View<'a> {
    /// The same view of expressions in another file.
    pub(super) fn of_file<'b>(&'b self, file: File<'b>) -> View<'b> {
        View { file, ..*self }
    }

    /// Evaluates something; an error is for people.
    pub(super) async fn evaluate<T>(
        &self,
        evaluate: impl Fn(&dyn Scope) -> Result<T, EvalError>,
    ) -> Result<T, String> {
        let executor = self.executor;
        let seen = Seen {
            scope: StepScope {
                facts: executor.facts,
                state: self.state,
                secrets: executor.secrets,
                step: Some(self.environment),
                here: Some(self.facts),
                files: Some(&executor.hashes),
            },
            status: self.status.map(job_status),
        };
        let (guest, workspace) = (executor.channel.as_ref(), &executor.facts.workspace);
        let settled = executor
            .hashes
            .settle(guest, workspace, || evaluate(&seen))
            .await;
        settled.map_err(|error| self.file.explain(&error))
    }

    /// A text with its expressions filled in.
    pub(super) async fn render(&self, template: &Template) -> Result<String, String> {
        self.evaluate(|scope| template.render(scope)).await
    }

    /// Names with texts, with their expressions filled in.
    pub(super) async fn render_map(
        &self,
        map: &TemplateMap,
    ) -> Result<Vec<(String, String)>, String> {
        self.evaluate(|scope| map.render(scope)).await
    }

    /// Whether a condition holds.
    pub(super) async fn holds(&self, condition: &Condition) -> Result<bool, String> {
        self.evaluate(|scope| condition.evaluate(scope)).await
    }

    /// Whether a condition would hold if the job were told to stop now.
    pub(super) async fn would_hold_when_stopped(&self, condition: &Condition) -> bool {
        if condition.implies_success() {
            return false;
        }
        let mut state = self.state.clone();
        state.status = Status::Cancelled;
        let stopped = View {
            state: &state,
            status: self.status.and(Some(Status::Cancelled)),
            ..*self
        };
        stopped.holds(condition).await.unwrap_or(false)
    }
}

fn job_status(status: Status) -> JobStatus {
    match status {
        Status::Success => JobStatus::Success,
        Status::Failure => JobStatus::Failure,
        Status::Cancelled => JobStatus::Cancelled,
    }
}
