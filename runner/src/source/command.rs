//! A command that was typed, as a job of one step.

use dormer_workflow::workflow::Workflow;

use crate::failure::Bug;
use crate::steps::{alone, shell};

/// A workflow with everything at its default, into which the command is put.
const FRAME: &str = "name: command\non: workflow_dispatch\njobs:\n  command:\n    runs-on: windows\n    steps:\n      - run: exit\n";

/// A workflow with a job that runs one command in a shell, or in the guest's default one. The command is taken as it
/// is: nothing in it is an expression.
pub fn workflow(command: &str, shell: Option<&str>) -> Result<Workflow, Bug> {
    alone::workflow(FRAME, command, shell.unwrap_or(shell::DEFAULT))
}

#[cfg(test)]
mod tests {
    use dormer_workflow::workflow::StepAction;

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
