//! What is asked of a job: everything that was typed or read, checked, in one value.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use dormer_workflow::workflow::{Job, Workflow};
use secrecy::SecretString;

use crate::artifact::rules::Rules;
use crate::artifact::write::OutDirectory;
use crate::failure::InputError;
use crate::instance::accelerator::Wish;
use crate::vmm::machine::Network;

/// When a machine outlives its job.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Keep {
    /// Never.
    Never,
    /// When the job did not succeed.
    OnFailure,
    /// Always.
    Always,
}

/// A job to run.
#[derive(Debug)]
pub struct JobRequest {
    /// The workflow that it is part of.
    pub workflow: Arc<Workflow>,
    /// The job itself, a part of that workflow.
    pub job: Arc<Job>,
    /// The workflow's name, or its file's.
    pub workflow_name: String,
    /// The image's name.
    pub image: String,
    /// The user's files, if any come along.
    pub workspace: Option<PathBuf>,
    /// What is to come back.
    pub artifacts: Rules,
    /// Where that goes.
    pub out: PathBuf,
    /// Files and directories that are not sent though they may be in the workspace: what Dormer itself
    /// writes there, and the secrets.
    pub stays_behind: Vec<PathBuf>,
    /// Variables from the command line.
    pub environment: Vec<(String, String)>,
    /// Secrets, by name.
    pub secrets: Vec<(String, SecretString)>,
    /// Virtual CPUs.
    pub cpus: u32,
    /// The guest's memory in bytes; the image's wish if none.
    pub memory: Option<u64>,
    /// What the guest can reach.
    pub network: Network,
    /// Private prefixes that the user opened.
    pub opened: Vec<String>,
    /// Which accelerator is wanted.
    pub accelerator: Wish,
    /// When the machine outlives the job.
    pub keep: Keep,
    /// For how long.
    pub keep_for: Duration,
    /// How long the job may take, from its acceptance.
    pub timeout: Option<Duration>,
}

impl JobRequest {
    /// Whether artifacts can be written where they are to go: better known before the job than after it.
    pub fn check_out(&self) -> Result<(), InputError> {
        if self.artifacts.is_empty() {
            return Ok(());
        }
        OutDirectory::open(&self.out).map(drop)
    }
}
