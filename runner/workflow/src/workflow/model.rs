//! What a workflow file says.

use crate::diagnostic::Problem;
use crate::expr::{Condition, EvalError, Template};
use crate::reader::{Setting, TemplateMap};
use crate::source::{SourceFile, Span, Spanned};
use crate::yaml::Node;

pub use crate::reader::Raw;

use super::runs_on::RunsOn;

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
    /// What the job's token may do, as written. None by default.
    pub permissions: Option<Raw>,
    /// Which runs exclude one another, as written. None by default.
    pub concurrency: Option<Raw>,
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

/// What starts a workflow.
#[derive(Debug, Clone, PartialEq)]
pub struct Triggers {
    /// The events; at least one.
    pub events: Vec<Event>,
    /// Where the value of `on` stands.
    pub span: Span,
}

/// An event that starts a workflow.
#[derive(Debug, Clone, PartialEq)]
pub struct Event {
    /// The name.
    pub name: Spanned<String>,
    /// Filters and inputs, as written. None by default.
    pub config: Option<Node>,
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
    /// The matrix and how it is run, as written. None by default.
    pub strategy: Option<Raw>,
    /// The deployment environment, as written. None by default.
    pub environment: Option<Raw>,
    /// Which jobs exclude one another, as written. None by default.
    pub concurrency: Option<Raw>,
    /// What the job's token may do, as written. None by default.
    pub permissions: Option<Raw>,
    /// What the job may do with caches. None by default, which is what the workflow says.
    pub cache_mode: Option<Spanned<String>>,
    /// The container that steps run in, as written. None by default.
    pub container: Option<Raw>,
    /// Containers beside the job, as written. None by default.
    pub services: Option<Raw>,
    /// The image to make of the machine afterwards, as written. None by default.
    pub snapshot: Option<Raw>,
    /// The workflow that the job calls instead of having steps. None by default.
    pub uses: Option<Spanned<String>>,
    /// Inputs of the called workflow, as written. None by default.
    pub with: Option<Raw>,
    /// Secrets of the called workflow, as written. None by default.
    pub secrets: Option<Raw>,
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
        /// The action, as written: `owner/repo[/path]@ref`, `./path`, `$/path` or `docker://…`.
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
