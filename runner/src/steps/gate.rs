//! The gate that is asked before and after each step. Usually it stands open; a debugger stands in it.

use async_trait::async_trait;
use dormer_workflow::workflow::Step;

use crate::event::Stage;
use crate::steps::state::ExecutorState;

/// What to do with the step that comes next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Passage {
    /// Go on with it.
    Go,
    /// Leave it out, as if its condition did not hold.
    Skip,
}

/// Asked before and after each stage of a step of the job. It may take its time, and may change the state.
#[async_trait]
pub trait Gate: Send {
    /// Before a step's condition is looked at.
    async fn before(&mut self, state: &mut ExecutorState, step: &Step, stage: Stage) -> Passage;
    /// After a step's outcome was taken into the state.
    async fn after(&mut self, state: &mut ExecutorState, step: &Step, stage: Stage);
}

/// A gate that stands open.
#[derive(Debug, Clone, Copy)]
pub struct Open;

#[async_trait]
impl Gate for Open {
    async fn before(&mut self, _state: &mut ExecutorState, _step: &Step, _stage: Stage) -> Passage {
        Passage::Go
    }

    async fn after(&mut self, _state: &mut ExecutorState, _step: &Step, _stage: Stage) {}
}
