//! A command that was typed, as a job of one step.

use dormer_workflow::expr::Template;
use dormer_workflow::workflow::{Job, Step, StepAction, Workflow};
use dormer_workflow::{SourceFile, parse_workflow};

use crate::failure::Bug;
use crate::steps::shell;

/// The job's and the workflow's name.
const NAME: &str = "command";

/// A workflow with everything at its default, into which the command is put.
const FRAME: &str = "name: command\non: workflow_dispatch\njobs:\n  command:\n    runs-on: windows\n    steps:\n      - run: exit\n";

/// A workflow with a job that runs one command in a shell, or in the guest's default one. The command is taken as it
/// is: nothing in it is an expression.
pub fn workflow(command: &str, shell: Option<&str>) -> Result<Workflow, Bug> {
    let wrong = |what: &str| Bug {
        message: format!("a command does not become a job: {what}"),
    };
    let frame = parse_workflow(&SourceFile::new(NAME, FRAME));
    let mut workflow: Workflow = frame.map_err(|problems| wrong(&problems.to_string()))?;
    let job: &mut Job = workflow.jobs.first_mut().ok_or_else(|| wrong("no job"))?;
    let step: &mut Step = job.steps.first_mut().ok_or_else(|| wrong("no step"))?;
    step.action = StepAction::Run {
        script: Template::literal(command),
        shell: Some(Template::literal(shell.unwrap_or(shell::DEFAULT))),
        working_directory: None,
    };
    Ok(workflow)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_is_taken_as_it_is() {
        let workflow = workflow("echo ${{ github.job }}", Some("bash")).unwrap();
        let StepAction::Run { script, shell, .. } = &workflow.jobs[0].steps[0].action else {
            panic!()
        };
        assert_eq!(script.as_literal(), Some("echo ${{ github.job }}"));
        assert_eq!(shell.as_ref().unwrap().as_literal(), Some("bash"));
    }
}
