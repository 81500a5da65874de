//! A composite action: steps of its own, in surroundings of their own.

use dormer_workflow::workflow::Step;
use futures_util::future::BoxFuture;

use crate::event::{Conclusion, Stage};
use crate::failure::InfraFailure;
use crate::steps::action::prepare::check_depth;
use crate::steps::context::StepFacts;
use crate::steps::executor::Executor;
use crate::steps::frame::{File, Frame};
use crate::steps::gate::Passage;
use crate::steps::in_time::InTime;
use crate::steps::post;
use crate::steps::state::{ExecutorState, Status, StepRecord, Variables};
use crate::steps::turn::{Concluded, StepEnd, Turn};
use crate::steps::uses::Acting;

impl Executor<'_> {
    /// Runs a stage of a composite action: in its main stage its steps, in the others those of their
    /// actions' that have something to do then.
    pub(super) fn run_composite<'f>(
        &'f self,
        state: &'f mut ExecutorState,
        frame: &'f Frame<'_>,
        turn: &'f Turn<'_>,
        acting: &'f Acting<'_>,
        steps: &'f [Step],
    ) -> BoxFuture<'f, Result<StepEnd, InfraFailure>> {
        Box::pin(async move {
            if let Err(why) = check_depth(frame.depth() + 1) {
                return Ok(self.failed(why));
            }
            let inner = self.inside(frame, turn, acting);
            if turn.stage == Stage::Main {
                match self.fetch_late(state, &inner, acting, steps).await {
                    InTime::Done(Ok(())) => {}
                    InTime::Done(Err(why)) => return Ok(self.failed(why).unanswered()),
                    InTime::Stopped(end) => return Ok(end),
                }
                state.inner.insert(frame.place_of(turn.index), Vec::new());
            }
            let turns = self.turns_inside(state, turn, acting, steps);
            let mut end = self.run_inside(state, &inner, turns).await?;
            if turn.stage == Stage::Main {
                match self.outputs_of(state, &inner, acting).await {
                    Ok(outputs) => end.outputs = outputs,
                    Err(why) => {
                        self.complain(why);
                        end.outcome = Conclusion::Failure;
                    }
                }
                // What its steps said is of use to their last stages only.
                if !post::is_on(&state.post, &inner.chain) {
                    state.inner.remove(&frame.place_of(turn.index));
                }
            }
            Ok(end)
        })
    }

    /// The surroundings of its steps.
    fn inside<'a>(&self, frame: &Frame<'_>, turn: &Turn<'_>, acting: &Acting<'a>) -> Frame<'a> {
        let from = acting.site.from.as_ref();
        Frame {
            number: frame.number,
            place: Some(frame.place_of(turn.index)),
            chain: turn.chain(frame, acting.site),
            file: File::Action(acting.action),
            facts: StepFacts {
                action: acting.here.facts.action.clone(),
                action_path: acting.site.directory.clone(),
                action_status: None,
                action_repository: from.map(|o| o.repository.clone()).unwrap_or_default(),
                action_ref: from.map(|o| o.git_ref.clone()).unwrap_or_default(),
                inputs: Some(acting.inputs.values.iter().cloned().collect()),
                steps: None,
            },
            environment: acting.here.own.clone(),
            status: (turn.stage == Stage::Main).then_some(Status::Success),
            until: frame.until,
        }
    }

    /// An action of the workspace is known only now, and so are the actions that it uses.
    fn fetch_late<'f>(
        &'f self,
        state: &'f mut ExecutorState,
        inner: &'f Frame<'_>,
        acting: &'f Acting<'_>,
        steps: &'f [Step],
    ) -> BoxFuture<'f, InTime<Result<(), String>>> {
        Box::pin(async move {
            if acting.site.from.is_some() {
                return InTime::Done(Ok(()));
            }
            let sites = state.actions.get_or_insert_default();
            let preparation = self.preparation();
            let fetching = preparation.complete(sites, steps, Some(acting.site), inner.depth());
            self.in_time(inner, acting.here, fetching).await
        })
    }

    fn turns_inside<'s>(
        &self,
        state: &ExecutorState,
        turn: &Turn<'_>,
        acting: &Acting<'_>,
        steps: &'s [Step],
    ) -> Vec<Turn<'s>> {
        let indices = 0..steps.len();
        match turn.stage {
            Stage::Main => indices.filter_map(|at| Turn::main(steps, at)).collect(),
            Stage::Pre => indices
                .filter_map(|at| self.early(state, Some(acting.site), (steps, at)))
                .collect(),
            Stage::Post => {
                let last_first = turn.inner.iter().rev();
                last_first
                    .filter_map(|post| Turn::post(steps, post))
                    .collect()
            }
        }
    }

    async fn run_inside(
        &self,
        state: &mut ExecutorState,
        inner: &Frame<'_>,
        turns: Vec<Turn<'_>>,
    ) -> Result<StepEnd, InfraFailure> {
        let mut inner = inner.clone();
        let mut end = StepEnd::plain(Conclusion::Success);
        let was_stopped = state.status == Status::Cancelled;
        for turn in &turns {
            if inner.is_late() {
                return Ok(StepEnd::late());
            }
            if self.cancel.is_immediate() {
                return Ok(StepEnd::plain(Conclusion::Cancelled));
            }
            // What runs because the job was stopped is not itself stopped by that.
            if self.cancel.is_requested() && !was_stopped {
                state.status = Status::Cancelled;
                inner.status = inner.status.and(Some(Status::Cancelled));
            }
            let done = self.perform(state, &inner, turn, Passage::Go).await?;
            end.outcome = worse(end.outcome, done.conclusion);
            if let Some(status) = &mut inner.status {
                *status = status.after(done.conclusion);
            }
            let is_late = done.end.is_late;
            if turn.stage == Stage::Main {
                self.record(state, &inner, turn, done);
            }
            if is_late {
                return Ok(StepEnd::late());
            }
        }
        Ok(end)
    }

    fn record(
        &self,
        state: &mut ExecutorState,
        inner: &Frame<'_>,
        turn: &Turn<'_>,
        done: Concluded,
    ) {
        let Some(place) = &inner.place else { return };
        state
            .inner
            .entry(place.clone())
            .or_default()
            .push(StepRecord {
                number: turn.index + 1,
                id: turn.step.id.as_ref().map(|id| id.value.clone()),
                outcome: done.end.outcome,
                conclusion: done.conclusion,
                outputs: done.end.outputs,
            });
    }

    /// What the action says of itself when its steps are over, however they ended.
    fn outputs_of<'f>(
        &'f self,
        state: &'f ExecutorState,
        inner: &'f Frame<'_>,
        acting: &'f Acting<'_>,
    ) -> BoxFuture<'f, Result<Variables, String>> {
        Box::pin(async move {
            let mut facts = inner.facts_for(state, "");
            facts.action.clone_from(&acting.here.facts.action);
            let environment = inner.variables(state);
            let view = self.view(state, inner, &facts, &environment);
            let mut outputs = Variables::default();
            for output in &acting.action.outputs {
                if let Some(value) = &output.value {
                    outputs.set(output.name.value.as_str(), view.render(value).await?);
                }
            }
            Ok(outputs)
        })
    }
}

/// The worse of how two steps ended.
fn worse(one: Conclusion, other: Conclusion) -> Conclusion {
    let rank = |conclusion| match conclusion {
        Conclusion::Success | Conclusion::Skipped => 0,
        Conclusion::Failure => 1,
        Conclusion::Cancelled => 2,
    };
    if rank(other) > rank(one) { other } else { one }
}
