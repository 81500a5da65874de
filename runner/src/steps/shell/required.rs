//! Shells that a job needs for certain. Whoever starts a machine for a job that asks for one its guest does not
//! have would only wait for that step to fail: on GitHub's Windows all of these are there, so a workflow that
//! names one means it.
//!
//! For certain is a step that nothing in the file may skip and whose failure nothing forgives: one with an `if` or
//! with `continue-on-error`, or whose shell is an expression of `defaults`, is judged when its turn comes, as on
//! GitHub.

use dormer_workflow::diagnostic::Problem;
use dormer_workflow::expr::Template;
use dormer_workflow::workflow::{Job, Step, StepAction, Workflow};

use crate::failure::InputError;
use crate::guest::profile::GuestProfile;
use crate::steps::shell::{NoShell, choose};

/// Refuses a job with steps that need shells which the guest does not have; each is named with its place.
pub fn refuse_missing(
    guest: &GuestProfile,
    workflow: &Workflow,
    job: &Job,
) -> Result<(), InputError> {
    let missing = |step: &Step| missing(guest, workflow, job, step);
    let texts: Vec<String> = job.steps.iter().filter_map(missing).collect();
    if texts.is_empty() {
        return Ok(());
    }
    let help = "name a shell that is there, leave `shell` out, or give the job an image that has it with \
                `--image`; a step that `if` may skip is refused only when its turn comes";
    Err(InputError::usage(texts.join("\n")).help(help))
}

/// What is wrong with the shell of a step, if the step will run and that is known.
fn missing(guest: &GuestProfile, workflow: &Workflow, job: &Job, step: &Step) -> Option<String> {
    let StepAction::Run { shell, .. } = &step.action else {
        return None;
    };
    if step.condition.is_some() || step.continue_on_error.is_some() {
        return None;
    }
    let inherited = [&job.defaults.shell, &workflow.defaults.shell];
    let asked: &Template = shell.as_ref().or(inherited.into_iter().flatten().next())?;
    let why: NoShell = choose(guest, Some(asked.as_literal()?)).err()?;
    Some(match asked.span() {
        Some(span) => Problem::new(&workflow.source, span, why.to_string()).to_string(),
        None => why.to_string(),
    })
}
