//! A leg of a job, and who runs it: machines in the product, something quicker in tests.

use std::sync::Arc;

use async_trait::async_trait;
use dormer_workflow::workflow::{Job, RunnerSelector, Workflow};
use secrecy::SecretString;

use crate::event::Events;
use crate::failure::InputError;
use crate::host::signals::Cancel;
use crate::job::limits::Due;
use crate::job::outcome::JobEnd;
use crate::job::plan::LegFacts;
use crate::steps::context::RunFacts;

/// Secrets, by name.
pub type Secrets = Arc<Vec<(String, SecretString)>>;

/// A leg that is to run, with all that is known of it.
#[derive(Debug)]
pub struct LegOrder {
    /// The workflow that the job is part of.
    pub workflow: Arc<Workflow>,
    /// The job.
    pub job: Arc<Job>,
    /// What is known of the run.
    pub run: Arc<RunFacts>,
    /// What is known of the leg's place in the run.
    pub facts: LegFacts,
    /// The name for people, which other legs may have too.
    pub name: String,
    /// What it runs on.
    pub runs_on: RunnerSelector,
    /// The secrets that it may see.
    pub secrets: Secrets,
    /// Where its facts go.
    pub events: Events,
    /// What stops it.
    pub cancel: Cancel,
    /// When it has to be over, for the run's sake.
    pub deadline: Option<Due>,
}

/// Runs legs.
#[async_trait]
pub trait LegRunner: Send + Sync {
    /// Whether there is something that serves these labels; an error names those that nothing does.
    fn serves(&self, runs_on: &RunnerSelector) -> Result<(), InputError>;
    /// Runs a leg to its end, and states that.
    async fn run(&self, order: LegOrder) -> JobEnd;
}
