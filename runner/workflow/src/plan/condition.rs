//! Whether a job runs, as far as that is known before the run.

use std::collections::HashSet;

use crate::expr::{Condition, Contexts, EvalError, Expression, JobStatus};
use crate::text;
use crate::workflow::Job;

use super::facts::Facts;
use super::model::PlannedCondition;

/// The jobs that are known not to run, and those that wait for them.
#[derive(Default)]
pub(super) struct Skipped {
    /// Folded ids of jobs that are skipped, or that need a job that is, however far away.
    behind: HashSet<String>,
}

impl Skipped {
    /// Decides about a job, after all jobs that it needs.
    pub(super) fn decide(
        &mut self,
        job: &Job,
        facts: &Facts,
    ) -> Result<PlannedCondition, EvalError> {
        let needs_skipped = job
            .needs
            .iter()
            .any(|need| self.behind.contains(&*text::folded(&need.value)));
        let holds = holds(job, facts, needs_skipped)?;
        if needs_skipped || holds == Some(false) {
            self.behind.insert(text::folded(&job.id.value).into_owned());
        }
        Ok(PlannedCondition {
            holds,
            ..PlannedCondition::undecided(job)
        })
    }
}

impl PlannedCondition {
    /// The condition of a job as it is written.
    pub(super) fn undecided(job: &Job) -> Self {
        let condition = job.condition.as_ref();
        Self {
            text: condition.map(|condition| condition.text().to_owned()),
            holds: None,
        }
    }
}

/// `success()` is false where any job before was skipped, also one that this job does not name:
/// GitHub looks at all of them.
fn holds(job: &Job, facts: &Facts, needs_skipped: bool) -> Result<Option<bool>, EvalError> {
    let default = Condition::default();
    let condition = job.condition.as_ref().unwrap_or(&default);
    if condition.implies_success() && needs_skipped {
        return Ok(Some(false));
    }
    let expressions = condition.expressions();
    let is_open = facts.awaited(expressions.iter().copied()).is_some();
    if is_open || expressions.iter().copied().any(Expression::asks_for_jobs) {
        return Ok(None);
    }
    let with = |status| {
        let contexts = Contexts {
            status,
            ..facts.contexts.clone()
        };
        condition.evaluate(&contexts)
    };
    if job.needs.is_empty() {
        return with(JobStatus::Success).map(Some);
    }
    let success = with(JobStatus::Success)?;
    let others = [JobStatus::Failure, JobStatus::Cancelled, JobStatus::Skipped];
    let mut is_decided = true;
    for status in others {
        is_decided &= with(status)? == success;
    }
    Ok(is_decided.then_some(success))
}
