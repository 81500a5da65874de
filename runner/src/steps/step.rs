//! One stage of one step, wherever it stands.
//!
//! ```text
//!   environment ─> name ─> condition ─> act ─> continue-on-error ─> Concluded
//!                              └── does not hold ──> skipped
//! ```

use std::time::Instant;

use dormer_workflow::action::{Action, Hook, Runs};
use dormer_workflow::expr::Condition;
use dormer_workflow::workflow::{Step, StepAction, minutes};
use futures_util::future::BoxFuture;

use crate::event::{Conclusion, Stage};
use crate::failure::InfraFailure;
use crate::steps::context::StepFacts;
use crate::steps::executor::Executor;
use crate::steps::frame::{File, Frame};
use crate::steps::gate::Passage;
use crate::steps::names;
use crate::steps::state::{ExecutorState, Status, Variables};
use crate::steps::turn::{Concluded, Here, StepEnd, Turn};
use crate::steps::view::View;

impl Executor<'_> {
    /// Runs one stage of one step to its end. An error is the machine's end. Boxed, since composite
    /// actions come back here for their own steps. So is each way that a step may take from here: all that they
    /// wait for would otherwise lie on the stack of every action around, ten deep.
    pub(super) fn perform<'f>(
        &'f self,
        state: &'f mut ExecutorState,
        frame: &'f Frame<'_>,
        turn: &'f Turn<'_>,
        passage: Passage,
    ) -> BoxFuture<'f, Result<Concluded, InfraFailure>> {
        Box::pin(async move {
            let begun = Instant::now();
            let facts = frame.facts_for(state, &names::action_name(turn.steps, turn.index));
            let around = frame.variables(state);
            let own = self.view(state, frame, &facts, &around);
            let own = own.render_map(&turn.step.env).await;
            let (own, mistake) = match own {
                Ok(own) => (own, None),
                Err(why) => (Vec::new(), Some(why)),
            };
            let mut here = here(state, frame, facts, own);
            let view = self.view(state, frame, &here.facts, &here.environment);
            let name = self.name_of(turn, &view).await;
            let wanted = match (mistake, passage) {
                (_, Passage::Skip) => Ok(false),
                (Some(why), _) => Err(why),
                (None, Passage::Go) => self.is_wanted(turn, &view).await,
            };
            let mut has_begun = true;
            let end = match wanted {
                Ok(false) => StepEnd::plain(Conclusion::Skipped),
                Ok(true) => {
                    self.announce(frame, turn, &name).await;
                    here.goes_on = self.would_go_on(state, frame, turn, &here).await;
                    let end = self.act_in_time(state, frame, turn, (&here, &name)).await?;
                    if end.is_unanswered {
                        self.expect_guest().await?;
                    }
                    end
                }
                Err(why) => {
                    self.announce(frame, turn, &name).await;
                    has_begun = false;
                    self.failed(why)
                }
            };
            self.hashes.forget();
            let view = self.view(state, frame, &here.facts, &here.environment);
            // Of a step whose `if` or `env` can't be evaluated GitHub never asks `continue-on-error`.
            let conclusion = if has_begun {
                self.conclusion(turn, &view, end.outcome).await
            } else {
                end.outcome
            };
            Ok(Concluded {
                name,
                end,
                conclusion,
                begun,
            })
        })
    }

    /// What the expressions of a step see.
    pub(super) fn view<'v>(
        &'v self,
        state: &'v ExecutorState,
        frame: &'v Frame<'_>,
        facts: &'v StepFacts,
        environment: &'v Variables,
    ) -> View<'v> {
        View {
            executor: self,
            state,
            facts,
            environment,
            file: frame.file,
            status: frame.status,
        }
    }

    /// Whether the step's condition holds.
    async fn is_wanted(&self, turn: &Turn<'_>, view: &View<'_>) -> Result<bool, String> {
        let Some(site) = &turn.site else {
            return view.holds(&condition_of(turn.step)).await;
        };
        let action = site.action()?;
        let condition = hook_of(&action, turn.stage).map(|hook| &hook.condition);
        match condition {
            Some(condition) => view.of_file(File::Action(&action)).holds(condition).await,
            // A composite action has none: its steps' actions have.
            None => Ok(true),
        }
    }

    /// Whether the step goes on when the job is told to stop while it runs. One that runs in a stopped job
    /// does.
    async fn would_go_on(
        &self,
        state: &ExecutorState,
        frame: &Frame<'_>,
        turn: &Turn<'_>,
        here: &Here,
    ) -> bool {
        if state.status == Status::Cancelled {
            return true;
        }
        let view = self.view(state, frame, &here.facts, &here.environment);
        let Some(site) = &turn.site else {
            return view.would_hold_when_stopped(&condition_of(turn.step)).await;
        };
        let Ok(action) = site.action() else {
            return false;
        };
        match hook_of(&action, turn.stage) {
            Some(hook) => {
                let view = view.of_file(File::Action(&action));
                view.would_hold_when_stopped(&hook.condition).await
            }
            None => true,
        }
    }

    /// Acts within the step's `timeout-minutes`; steps inside of actions have their job's step's.
    async fn act_in_time(
        &self,
        state: &mut ExecutorState,
        frame: &Frame<'_>,
        turn: &Turn<'_>,
        (here, name): (&Here, &str),
    ) -> Result<StepEnd, InfraFailure> {
        let Some(setting) = &turn.step.timeout_minutes else {
            return self.act(state, frame, turn, here).await;
        };
        let view = self.view(state, frame, &here.facts, &here.environment);
        let limit = match view.evaluate(|scope| setting.evaluate(scope)).await {
            Ok(limit) => limit,
            Err(why) => return Ok(self.failed(why)),
        };
        let mut frame = frame.clone();
        // A time too far away to be written down is none.
        let until = tokio::time::Instant::now().checked_add(minutes(limit));
        frame.until = frame.until.into_iter().chain(until).min();
        let end = self.act(state, &frame, turn, here).await?;
        if end.is_late {
            self.complain(format!(
                "The action '{name}' has timed out after {limit} minutes."
            ));
        }
        Ok(end)
    }

    async fn act(
        &self,
        state: &mut ExecutorState,
        frame: &Frame<'_>,
        turn: &Turn<'_>,
        here: &Here,
    ) -> Result<StepEnd, InfraFailure> {
        match &turn.step.action {
            StepAction::Run { .. } => self.run_script(state, frame, turn, here).await,
            StepAction::Uses { reference, with } => {
                self.run_uses(state, frame, turn, (&reference.value, with), here)
                    .await
            }
            StepAction::Control { .. } => {
                let why = "steps that control other steps are not supported yet";
                Ok(self.failed(why.to_owned()))
            }
        }
    }

    /// The end of a step that fails before anything of it runs.
    pub(super) fn failed(&self, why: String) -> StepEnd {
        self.complain(why);
        StepEnd::plain(Conclusion::Failure)
    }

    async fn conclusion(
        &self,
        turn: &Turn<'_>,
        view: &View<'_>,
        outcome: Conclusion,
    ) -> Conclusion {
        if outcome != Conclusion::Failure {
            return outcome;
        }
        let Some(setting) = &turn.step.continue_on_error else {
            return outcome;
        };
        match view.evaluate(|scope| setting.evaluate(scope)).await {
            Ok(true) => Conclusion::Success,
            Ok(false) => outcome,
            Err(why) => {
                self.complain(why);
                outcome
            }
        }
    }

    /// The step's name, or what it does. A name that can't be rendered is shown as it is written.
    async fn name_of(&self, turn: &Turn<'_>, view: &View<'_>) -> String {
        let written = match (&turn.step.name, &turn.step.action) {
            (Some(name), _) => Some(name),
            (None, StepAction::Run { script, .. }) => Some(script),
            _ => None,
        };
        let text = match written {
            Some(template) => view
                .render(template)
                .await
                .unwrap_or_else(|_| template.text().to_owned()),
            None => String::new(),
        };
        let name = match turn.step.name {
            Some(_) => text,
            None => names::of_action(&turn.step.action, &text),
        };
        let name = names::of_stage(turn.stage, &name);
        self.masker.mask(&name).into_owned()
    }
}

/// What a step knows of itself; `own` are the variables that its file gives it.
fn here(
    state: &ExecutorState,
    frame: &Frame<'_>,
    facts: StepFacts,
    own: Vec<(String, String)>,
) -> Here {
    let mut above = frame.environment.clone();
    above.extend(own);
    let mut environment = state.environment.clone();
    environment.extend(above.clone().into_pairs());
    Here {
        facts,
        own: above,
        environment,
        goes_on: false,
    }
}

fn condition_of(step: &Step) -> Condition {
    step.condition.clone().unwrap_or_default()
}

/// What an action does in a stage that is not its main one, by itself.
pub(super) fn hook_of(action: &Action, stage: Stage) -> Option<&Hook> {
    let Runs::Node(node) = &action.runs else {
        return None;
    };
    match stage {
        Stage::Pre => node.pre.as_ref(),
        Stage::Main => None,
        Stage::Post => node.post.as_ref(),
    }
}
