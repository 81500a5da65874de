//! What a plan says.
//!
//! Everything here can be serialised; [`Plan::document`] is the stable form, for programs. Its
//! fields have the names of the fields here, and these rules:
//!
//! - What is [`Planned::Now`] is its value; what is [`Planned::After`] is `{"after": ["job", …]}`
//!   with the ids of the jobs that must be over.
//! - What is not there is `null`. Fields may be added; none changes its meaning while `version` is
//!   the same.

use std::collections::HashSet;
use std::sync::Arc;

use serde::ser::{Serialize, SerializeMap, Serializer};

use crate::expr::{Contexts, Object};
use crate::trigger::Verdict;
use crate::workflow::{ConcurrencyGroup, Job, RunnerSelector, Workflow, WorkflowReference};

/// The version of the stable form.
pub const PLAN_VERSION: u32 = 1;

/// What is known before the run, or only after certain jobs.
#[derive(Debug, Clone, PartialEq)]
pub enum Planned<T> {
    /// It is known.
    Now(T),
    /// It is known when these jobs are over. The ids are those of the plan, or of the plan around
    /// it where the plan is that of a called workflow.
    After(Arc<[String]>),
}

impl<T> Planned<T> {
    /// The value, where it is known.
    pub fn known(&self) -> Option<&T> {
        match self {
            Planned::Now(value) => Some(value),
            Planned::After(_) => None,
        }
    }
}

impl<T: Serialize> Serialize for Planned<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Planned::Now(value) => value.serialize(serializer),
            Planned::After(jobs) => {
                let mut map = serializer.serialize_map(Some(1))?;
                map.serialize_entry("after", &**jobs)?;
                map.end()
            }
        }
    }
}

/// The plan of a run, or of a called workflow within one.
#[derive(Debug, Clone, serde::Serialize)]
pub struct Plan {
    /// The name of the workflow, or that of its file.
    pub name: String,
    /// The name of the file, as it was given.
    pub file: String,
    /// The event that starts it; for a called workflow that of its caller.
    pub event: String,
    /// The name of the run. None by default, and for a called workflow.
    pub run_name: Option<String>,
    /// The `inputs` context. Empty where there are none.
    pub inputs: Planned<Object>,
    /// Which runs exclude one another. None by default.
    pub concurrency: Option<Planned<ConcurrencyGroup>>,
    /// Whether GitHub would start it for this event, by the filters of the event. None for a called
    /// workflow.
    pub trigger: Option<Verdict>,
    /// The jobs, each after all that it needs, and else in the order of the file.
    pub jobs: Vec<PlannedJob>,
    /// What the file's reader should know, one line each with its place.
    pub warnings: Vec<String>,
    /// The workflow itself.
    #[serde(skip)]
    pub workflow: Arc<Workflow>,
    /// The contexts of the run: `github`, `vars`, and `inputs` where these are known.
    #[serde(skip)]
    pub contexts: Contexts,
    /// What names of jobs begin with: for a called workflow the caller's and ` / `.
    #[serde(skip)]
    pub(super) prefix: String,
    /// How it came to be called, outermost first. Empty for what is run itself.
    #[serde(skip)]
    pub(super) callers: Vec<WorkflowReference>,
}

/// A job of a plan.
#[derive(Debug, Clone, serde::Serialize)]
pub struct PlannedJob {
    /// Its id.
    pub id: String,
    /// What it is called as a whole; as written where that is known of its legs only.
    pub name: String,
    /// The ids of the jobs that must be over before.
    pub needs: Vec<String>,
    /// Whether it runs.
    pub condition: PlannedCondition,
    /// Why it fails before its first step: expressions that failed, one line each with its place.
    /// The other jobs of the run don't mind. Empty by default.
    pub problems: Vec<String>,
    /// The legs. None at all where it is known that the job does not run.
    pub legs: Planned<Legs>,
}

/// The `if` of a job.
#[derive(Debug, Clone, PartialEq, Eq, Default, serde::Serialize)]
pub struct PlannedCondition {
    /// The text as written. None by default, which is `success()`.
    pub text: Option<String>,
    /// Whether it holds, where that is known before the run. A condition that does not ask how the
    /// jobs before did is known to fail as soon as one of these is known not to run.
    /// In a called workflow this is only about its own jobs: nothing of it runs where its caller
    /// does not.
    pub holds: Option<bool>,
}

/// What a job is split into.
#[derive(Debug, Clone, Default, serde::Serialize)]
pub struct Legs {
    /// Whether the other legs are cancelled when one fails.
    pub fail_fast: bool,
    /// How many legs may run at once. None is all of them.
    pub max_parallel: Option<usize>,
    /// The legs in their order: one where there is no matrix, and none where everything is
    /// excluded, so that the job is skipped.
    pub items: Vec<Leg>,
}

/// One of the runs of a job.
#[derive(Debug, Clone, serde::Serialize)]
pub struct Leg {
    /// Its number, from 0: `strategy.job-index`.
    pub index: usize,
    /// How many there are: `strategy.job-total`.
    pub total: usize,
    /// What it is called, such as `build (windows, 12)`; in a called workflow after the name of
    /// the caller and ` / `. As written where it is not known yet.
    pub name: String,
    /// The `matrix` context. None where there is no matrix.
    pub matrix: Option<Object>,
    /// The `strategy` context.
    pub strategy: Object,
    /// What it runs on. None where it calls a workflow.
    pub runs_on: Option<Planned<RunnerSelector>>,
    /// After how many minutes it is cancelled. 360 by default.
    pub timeout_minutes: Planned<f64>,
    /// Whether the run may succeed though it fails. False by default.
    pub continue_on_error: Planned<bool>,
    /// Which jobs exclude one another. None by default.
    pub concurrency: Option<Planned<ConcurrencyGroup>>,
    /// The name of the deployment environment. None by default.
    pub environment: Option<Planned<String>>,
    /// The workflow that it calls. None by default.
    pub calls: Option<Called>,
}

/// The workflow that a leg calls.
#[derive(Debug, Clone, serde::Serialize)]
pub struct Called {
    /// The reference as written.
    pub uses: String,
    /// What is handed over, typed. Where the workflow is not known this is what is written, and
    /// else every input that the workflow has.
    pub inputs: Planned<Object>,
    /// The secrets that are handed over.
    pub secrets: PlannedSecrets,
    /// The commit that the ref of another repository meant. None where that is not known, and for a
    /// workflow of the same repository.
    pub commit: Option<String>,
    /// The plan of the workflow. None where nobody has its text: a workflow of another repository.
    pub plan: Option<Box<Plan>>,
}

/// The secrets that a called workflow gets. Their values are for the run to evaluate: they are
/// those of `secrets` of the job.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum PlannedSecrets {
    /// All of them: `"inherit"`.
    Inherit,
    /// These, by the names that the called workflow knows: `{"only": ["name", …]}`.
    Only(Vec<String>),
}

/// The stable form of a plan.
#[derive(Debug, Clone, serde::Serialize)]
pub struct Document<'p> {
    /// Always [`PLAN_VERSION`].
    pub version: u32,
    /// The plan.
    #[serde(flatten)]
    pub plan: &'p Plan,
}

impl Plan {
    /// The plan with the version of its form, to be serialised.
    pub fn document(&self) -> Document<'_> {
        Document {
            version: PLAN_VERSION,
            plan: self,
        }
    }

    /// The warnings of the file and of those of called workflows, each once.
    pub fn all_warnings(&self) -> Vec<String> {
        let nested = self.called().flat_map(Plan::all_warnings);
        let mut seen = HashSet::new();
        let all = self.warnings.iter().cloned().chain(nested);
        all.filter(|text| seen.insert(text.clone())).collect()
    }

    /// The plans of the workflows that its legs call, as far as these are known.
    pub fn called(&self) -> impl Iterator<Item = &Plan> {
        let jobs = self.jobs.iter().filter_map(|job| job.legs.known());
        let legs = jobs.flat_map(|legs| &legs.items);
        legs.filter_map(|leg| leg.calls.as_ref()?.plan.as_deref())
    }

    /// How the workflow was called: what its callers' references mean. None for what is run itself.
    pub fn reference(&self) -> Option<&WorkflowReference> {
        self.callers.last()
    }

    /// The planned job of an id, in any case.
    pub fn job(&self, id: &str) -> Option<&PlannedJob> {
        self.jobs.iter().find(|job| crate::text::equal(&job.id, id))
    }

    /// What the file says of a planned job.
    pub fn source_of(&self, job: &PlannedJob) -> Option<&Job> {
        self.workflow.job(&job.id)
    }
}
