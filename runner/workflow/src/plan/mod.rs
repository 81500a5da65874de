//! The plan of a run: which jobs there are, in which order, split into which legs.
//!
//! ```text
//!  Workflow + Request ─ start ─> event, inputs, contexts
//!                                   │
//!                                   ├─ trigger ─> whether GitHub would start it
//!                                   ├─ order ───> jobs, each after those it needs
//!                                   ├─ condition > whether a job runs, where that is known
//!                                   ├─ legs ────> matrix, names, runners, limits
//!                                   └─ call ────> the plan of a workflow that a job calls
//! ```
//!
//! What uses the results of jobs is not known before the run. It is [`Planned::After`] these jobs;
//! when they are over, [`Plan::expand`] gives the legs of the job with all they have. So whoever
//! runs the plan needs to know nothing of YAML.
//!
//! Files are asked for through [`Files`]; nothing here reads any.

mod call;
mod condition;
mod facts;
mod legs;
mod model;
mod order;
mod planner;
mod start;

#[cfg(test)]
mod tests;

use std::sync::Arc;

use crate::diagnostic::Problems;
use crate::expr::{Contexts, Object};
use crate::workflow::Workflow;

pub use crate::files::{Files, NoFiles, RemoteFile, Unreadable};
pub use model::{
    Called, Document, Leg, Legs, PLAN_VERSION, Plan, Planned, PlannedCondition, PlannedJob,
    PlannedSecrets,
};
pub use start::{Request, Start, event, start};

/// How deeply workflows may call one another, the first one included.
pub const MAX_DEPTH: usize = 10;

/// How many different workflows a run may call, those of called workflows included: GitHub's limit.
pub const MAX_CALLED: usize = 50;

/// How many legs all jobs of a plan may have together, those of called workflows included.
pub const MAX_LEGS: usize = 16_384;

/// Plans a run.
///
/// # Errors
///
/// An event or inputs that the workflow does not take, expressions that failed, jobs that are too
/// large, and whatever is wrong with the workflows that are called: all of it, file by file.
pub fn plan(
    workflow: &Arc<Workflow>,
    request: &Request,
    files: &dyn Files,
) -> Result<Plan, Problems> {
    start(workflow, request)?.plan(workflow, files)
}

impl Start {
    /// Plans a run that starts so. What the contexts hold is not looked at again, so that whoever knows
    /// more of the run by now may have put it there.
    ///
    /// # Errors
    ///
    /// As those of [`plan`], but for those of the start.
    pub fn plan(self, workflow: &Arc<Workflow>, files: &dyn Files) -> Result<Plan, Problems> {
        planner::plan(workflow, self, files)
    }
}

impl Plan {
    /// The legs of a job whose needs are over, with all that they have: this is what the run calls
    /// for a job whose legs are [`Planned::After`] others, and may call for any. `needs` is the
    /// `needs` context of the job: an object of `result` and `outputs` for each.
    ///
    /// A called workflow whose inputs are [`Planned::After`] others is planned anew when the job
    /// that calls it is expanded; only then can its own jobs be.
    ///
    /// # Errors
    ///
    /// Expressions that failed, or that gave something else than what is needed. GitHub then fails
    /// the job.
    pub fn expand(
        &self,
        job: &PlannedJob,
        needs: Object,
        files: &dyn Files,
    ) -> Result<Legs, Problems> {
        planner::expand(self, job, needs, files)
    }

    /// What the expressions of a job see before it has a machine: `github`, `inputs`, `vars`,
    /// `needs`, and for a leg `strategy` and `matrix`.
    pub fn contexts(&self, needs: Object, leg: Option<&Leg>) -> Contexts {
        let mut contexts = self.contexts.clone();
        contexts.values.insert("needs", needs);
        if let Some(leg) = leg {
            legs::insert(&mut contexts.values, leg.matrix.as_ref(), &leg.strategy);
        }
        contexts
    }
}
