//! What is asked of a job: everything that was typed or read, checked, in one value.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use dormer_workflow::expr::{Object, Value};
use dormer_workflow::workflow::{Job, Workflow};
use secrecy::{ExposeSecret, SecretString};

use crate::actions::cache::ActionCache;
use crate::actions::stand_ins::StandIns;
use crate::artifact::rules::Rules;
use crate::artifact::shelf::Shelf;
use crate::artifact::write::OutDirectory;
use crate::failure::InputError;
use crate::guest::profile::GuestProfile;
use crate::instance::accelerator::Wish;
use crate::instance::allowance::Allowance;
use crate::job::limits::Due;
use crate::job::prepare::PrepareScript;
use crate::steps::context::{JobFacts, RunFacts};
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

/// How a job's machine comes to run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Start {
    /// It wakes where a template fits, else it boots.
    #[default]
    Auto,
    /// It boots.
    Cold,
    /// It wakes; the template is made first where there is none.
    Warm,
}

/// A job's place in its run.
#[derive(Debug, Clone, Default)]
pub struct LegFacts {
    /// The leg of the matrix; null without one.
    pub matrix: Value,
    /// How the matrix is run; empty without one.
    pub strategy: Object,
    /// The jobs that it needs, with their results and outputs.
    pub needs: Object,
}

/// How jobs are run, whichever they are: the same for all jobs of a run.
#[derive(Debug, Clone)]
pub struct JobSettings {
    /// The user's files, if any come along.
    pub workspace: Option<PathBuf>,
    /// What is to come back.
    pub artifacts: Arc<Rules>,
    /// Where that goes.
    pub out: PathBuf,
    /// What the steps of the run upload; all its jobs share it.
    pub shelf: Arc<Shelf>,
    /// Whether the actions that Dormer serves by itself are run as they are instead. False by default.
    pub real_actions: bool,
    /// Files and directories that are not sent though they may be in the workspace: what Dormer itself
    /// writes there, and the secrets.
    pub stays_behind: Vec<PathBuf>,
    /// Variables from the command line.
    pub environment: Vec<(String, String)>,
    /// Directories of this host that stand in for actions of other repositories. Empty by default.
    pub mapped_actions: StandIns,
    /// Where all other actions come from.
    pub actions: Arc<ActionCache>,
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
    /// What a machine may take of the host.
    pub allowance: Allowance,
    /// How the machine comes to run.
    pub start: Start,
    /// What prepares the machine before the job is in it. None by default.
    pub prepare: Option<PrepareScript>,
    /// Whether a template that there was none of is made after the run. False by default.
    pub warm_after: bool,
    /// When the machine outlives the job.
    pub keep: Keep,
    /// For how long.
    pub keep_for: Duration,
}

/// A job to run.
#[derive(Debug)]
pub struct JobRequest {
    /// The workflow that it is part of.
    pub workflow: Arc<Workflow>,
    /// The job itself, a part of that workflow.
    pub job: Arc<Job>,
    /// What is known of the run that it is part of.
    pub run: Arc<RunFacts>,
    /// What is known of its place in that run.
    pub leg: LegFacts,
    /// The image's name.
    pub image: String,
    /// Secrets, by name.
    pub secrets: Vec<(String, SecretString)>,
    /// How it is run.
    pub settings: JobSettings,
    /// The directory below `--out` that is this job's alone, as artifacts are told with; empty if there
    /// is no other job.
    pub out_name: String,
    /// When the job has to be over, for the run's sake. None by default.
    pub deadline: Option<Due>,
}

impl JobSettings {
    /// Whether something can be written where artifacts go: better known before the job than after it.
    pub fn check_out(&self) -> Result<(), InputError> {
        OutDirectory::open(&self.out).map(drop)
    }
}

impl JobRequest {
    /// What is known of the job before its first step: `runner` is the instance, `guest` where things
    /// are in it.
    pub fn facts(&self, runner: &str, guest: &GuestProfile) -> JobFacts {
        let leg = self.leg.clone();
        let mut facts = JobFacts {
            run: Arc::clone(&self.run),
            job: self.job.id.value.clone(),
            runner: runner.to_owned(),
            matrix: leg.matrix,
            strategy: leg.strategy,
            needs: leg.needs,
            debug: self.is_debugged(),
            ..JobFacts::default()
        };
        let name = self.run.repository.rsplit('/').next();
        facts.place_in(guest, name.unwrap_or_default());
        facts
    }

    /// Whether steps are to tell more than usual: GitHub's own switch, as a secret or a variable.
    pub fn is_debugged(&self) -> bool {
        const SWITCH: &str = "ACTIONS_STEP_DEBUG";
        let secret = self.secrets.iter().find(|(name, _)| name == SWITCH);
        match secret {
            Some((_, value)) => value.expose_secret() == "true",
            None => self
                .run
                .vars
                .get(SWITCH)
                .is_some_and(|value| value.to_text() == "true"),
        }
    }
}
