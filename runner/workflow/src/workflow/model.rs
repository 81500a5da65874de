//! What a workflow file says.

use crate::diagnostic::Problem;
use crate::expr::{Condition, EvalError, Template};
use crate::reader::{Setting, TemplateMap};
use crate::source::{SourceFile, Span, Spanned};

pub use crate::reader::Raw;

use super::call::{Argument, CallSecrets};
use super::concurrency::Concurrency;
use super::container::{Container, Services};
use super::environment::Environment;
use super::permissions::Permissions;
use super::runs_on::RunsOn;
use super::strategy::Strategy;
use super::triggers::Triggers;

/// A workflow. Lists have the order of the file.
#[derive(Debug, Clone)]
pub struct Workflow {
    /// The name. None by default: GitHub then shows the path of the file.
    pub name: Option<Spanned<String>>,
    /// The name of a run. None by default.
    pub run_name: Option<Template>,
    /// What starts the workflow.
    pub on: Triggers,
    /// Environment variables of all jobs. Empty by default.
    pub env: TemplateMap,
    /// What steps of all jobs have unless they say otherwise. Nothing by default.
    pub defaults: Defaults,
    /// What the token of all jobs may do. None by default: then the repository's settings say.
    pub permissions: Option<Permissions>,
    /// Which runs exclude one another. None by default.
    pub concurrency: Option<Concurrency>,
    /// What all jobs may do with caches: `read`, `write`, `write-only` or `none`. None by default,
    /// which depends on the event.
    pub cache_mode: Option<Spanned<String>>,
    /// The jobs; at least one.
    pub jobs: Vec<Job>,
    /// What is legal but surely not meant, sorted by position.
    pub warnings: Vec<Problem>,
    /// The file it was read from.
    pub source: SourceFile,
}

/// What `run` steps have unless they say otherwise (`defaults.run`).
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Defaults {
    /// The shell. None by default.
    pub shell: Option<Template>,
    /// The directory. None by default.
    pub working_directory: Option<Template>,
}

/// A job.
#[derive(Debug, Clone, PartialEq)]
pub struct Job {
    /// The id, its key among the jobs.
    pub id: Spanned<String>,
    /// The name for people. None by default: then it is the id.
    pub name: Option<Template>,
    /// The jobs that must be over before. Empty by default.
    pub needs: Vec<Spanned<String>>,
    /// Whether it runs at all. None by default, which is `success()`.
    pub condition: Option<Condition>,
    /// What it runs on. None only where `uses` names a workflow.
    pub runs_on: Option<RunsOn>,
    /// Environment variables of its steps. Empty by default.
    pub env: TemplateMap,
    /// What its steps have unless they say otherwise. Nothing by default.
    pub defaults: Defaults,
    /// After how many minutes it is cancelled. None by default, which GitHub takes as 360.
    pub timeout_minutes: Option<Setting<f64>>,
    /// How many minutes its steps have to end once it is cancelled. None by default, which GitHub
    /// takes as 5.
    pub cancel_timeout_minutes: Option<Setting<f64>>,
    /// Whether the run may succeed though this job fails. None by default, which is no.
    pub continue_on_error: Option<Setting<bool>>,
    /// What jobs that need this one can read. Empty by default.
    pub outputs: TemplateMap,
    /// The steps; at least one, except where `uses` names a workflow.
    pub steps: Vec<Step>,
    /// The matrix and how its legs are run. None by default.
    pub strategy: Option<Strategy>,
    /// The deployment environment. None by default.
    pub environment: Option<Environment>,
    /// Which jobs exclude one another. None by default.
    pub concurrency: Option<Concurrency>,
    /// What the job's token may do. None by default, which is what the workflow says.
    pub permissions: Option<Permissions>,
    /// What the job may do with caches. None by default, which is what the workflow says.
    pub cache_mode: Option<Spanned<String>>,
    /// The container that steps run in. None by default.
    pub container: Option<Container>,
    /// Containers beside the job. None by default.
    pub services: Option<Services>,
    /// The image to make of the machine afterwards, as written. None by default.
    pub snapshot: Option<Raw>,
    /// The workflow that the job calls instead of having steps, as written; always one that
    /// [`WorkflowReference`](super::WorkflowReference) can read. None by default.
    pub uses: Option<Spanned<String>>,
    /// Inputs of the called workflow. Empty by default.
    pub with: Vec<Argument>,
    /// Secrets of the called workflow. Nothing by default.
    pub secrets: CallSecrets,
    /// Where the value of its key stands.
    pub span: Span,
}

/// A step of a job.
#[derive(Debug, Clone, PartialEq)]
pub struct Step {
    /// Its number in the file, from 1 in each job. Steps within `parallel` are counted too.
    pub number: usize,
    /// The id for the `steps` context. None by default.
    pub id: Option<Spanned<String>>,
    /// The name for people. None by default.
    pub name: Option<Template>,
    /// Whether it runs. None by default, which is `success()`.
    pub condition: Option<Condition>,
    /// Environment variables of the step. Empty by default.
    pub env: TemplateMap,
    /// Whether the job may succeed though this step fails. None by default, which is no.
    pub continue_on_error: Option<Setting<bool>>,
    /// After how many minutes it fails. None by default, which is never.
    pub timeout_minutes: Option<Setting<f64>>,
    /// Whether the next step starts at once. None by default, which is no.
    pub background: Option<Spanned<bool>>,
    /// What it does.
    pub action: StepAction,
    /// Where the step stands.
    pub span: Span,
}

/// What a step does.
#[derive(Debug, Clone, PartialEq)]
pub enum StepAction {
    /// Runs a script.
    Run {
        /// The script.
        script: Template,
        /// The shell. None by default.
        shell: Option<Template>,
        /// The directory. None by default.
        working_directory: Option<Template>,
    },
    /// Runs an action.
    Uses {
        /// The action, as written: `owner/repo[/path]@ref`, `./path`, `$/path` or `docker://…`;
        /// mostly one that [`ActionReference`](crate::action::ActionReference) can read.
        reference: Spanned<String>,
        /// The action's inputs. Empty by default.
        with: TemplateMap,
    },
    /// Controls other steps. [`Workflow::unsupported_in`] names these.
    Control {
        /// Where the key stands.
        key: Span,
        /// What it does to which steps.
        control: Control,
    },
}

/// What a step does to other steps.
#[derive(Debug, Clone, PartialEq)]
pub enum Control {
    /// Waits for background steps by their ids.
    Wait(Vec<Spanned<String>>),
    /// Waits for all background steps.
    WaitAll,
    /// Stops a background step.
    Cancel(Spanned<String>),
    /// Runs steps at once and waits for them.
    Parallel(Vec<Step>),
}

impl Workflow {
    /// The job of an id, in any case.
    pub fn job(&self, id: &str) -> Option<&Job> {
        self.jobs
            .iter()
            .find(|job| crate::text::equal(&job.id.value, id))
    }

    /// A failed expression of this workflow as a problem of its file.
    pub fn problem(&self, error: &EvalError) -> Option<Problem> {
        error.problem(&self.source)
    }
}
