//! One script by itself, outside of any job's steps: a job of a single step, in the form in which the
//! executor runs all others.

use dormer_workflow::expr::Template;
use dormer_workflow::workflow::{Job, Step, StepAction, Workflow};
use dormer_workflow::{SourceFile, parse_workflow};

use crate::event::Conclusion;
use crate::failure::{Bug, Failure};
use crate::guest::environment::Environment;
use crate::steps::executor::Executor;
use crate::steps::frame::Frame;
use crate::steps::gate::Passage;
use crate::steps::turn::Turn;

/// How a script ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AloneEnd {
    /// Whether it did what it should.
    pub conclusion: Conclusion,
    /// What its program ended with, if it ran to its end.
    pub exit_code: Option<u32>,
    /// What it set for steps behind it.
    pub environment: Environment,
}

/// A workflow with one job of one step: that of `frame`, whose script is exchanged for this one. The script
/// is taken as it is: nothing in it is an expression.
pub fn workflow(frame: &str, script: &str, shell: &str) -> Result<Workflow, Bug> {
    let wrong = |what: &str| Bug {
        message: format!("a script does not become a job: {what}"),
    };
    let parsed = parse_workflow(&SourceFile::new("script", frame));
    let mut workflow: Workflow = parsed.map_err(|problems| wrong(&problems.to_string()))?;
    let job: &mut Job = workflow.jobs.first_mut().ok_or_else(|| wrong("no job"))?;
    let step: &mut Step = job.steps.first_mut().ok_or_else(|| wrong("no step"))?;
    step.action = StepAction::Run {
        script: Template::literal(script),
        shell: Some(Template::literal(shell)),
        working_directory: None,
    };
    Ok(workflow)
}

impl Executor<'_> {
    /// Runs the first step of the job as if there were no other. What it leaves running goes on.
    pub async fn run_alone(&self) -> Result<AloneEnd, Failure> {
        let missing = |what: String| Bug {
            message: format!("a script cannot be run by itself: {what}"),
        };
        let begun = self.begin(&Environment::default(), Vec::new());
        let mut state = begun.map_err(|error| missing(error.to_string()))?;
        let turn = Turn::main(&self.job.steps, 0);
        let turn = turn.ok_or_else(|| missing("its job has no step".to_owned()))?;
        let frame = Frame::of_job(self.workflow, turn.step.number);
        let done = self.perform(&mut state, &frame, &turn, Passage::Go).await?;
        self.tell_end(&turn, &done);
        Ok(AloneEnd {
            conclusion: done.conclusion,
            exit_code: done.end.exit_code,
            environment: Environment {
                variables: state.environment.into_pairs(),
                path: state.path,
            },
        })
    }
}
