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
use crate::steps::action::site::Site;
use crate::steps::context::StepFacts;
use crate::steps::effects::Effects;
use crate::steps::executor::Executor;
use crate::steps::frame::{File, Frame};
use crate::steps::gate::Passage;
use crate::steps::names;
use crate::steps::post::{Link, Post};
use crate::steps::state::{ExecutorState, Status, Variables};
use crate::steps::view::View;

/// A stage of a step that is about to run.
#[derive(Debug, Clone)]
pub(super) struct Turn<'a> {
    /// The steps that it is one of.
    pub(super) steps: &'a [Step],
    /// The step.
    pub(super) step: &'a Step,
    /// Its index among them.
    pub(super) index: usize,
    /// The stage.
    pub(super) stage: Stage,
    /// The action, for its first and its last stage. The main stage finds it itself, since steps before
    /// may have changed it.
    pub(super) site: Option<Site>,
    /// What is left to do inside of a composite action, for its last stage.
    pub(super) inner: Vec<Post>,
}

impl<'a> Turn<'a> {
    /// The main stage of a step; none if there is no such step.
    pub(super) fn main(steps: &'a [Step], index: usize) -> Option<Self> {
        Some(Self {
            steps,
            step: steps.get(index)?,
            index,
            stage: Stage::Main,
            site: None,
            inner: Vec::new(),
        })
    }

    /// The first stage of a step's action.
    pub(super) fn pre(steps: &'a [Step], index: usize, site: &Site) -> Option<Self> {
        Some(Self {
            stage: Stage::Pre,
            site: Some(site.clone()),
            ..Self::main(steps, index)?
        })
    }

    /// The last stage of a step's action.
    pub(super) fn post(steps: &'a [Step], post: &Post) -> Option<Self> {
        Some(Self {
            stage: Stage::Post,
            site: Some(post.site.clone()),
            inner: post.inner.clone(),
            ..Self::main(steps, post.index)?
        })
    }

    /// The way from the job to this action.
    pub(super) fn chain(&self, frame: &Frame<'_>, site: &Site) -> Vec<Link> {
        let mut chain = frame.chain.clone();
        chain.push(Link {
            index: self.index,
            site: site.clone(),
        });
        chain
    }
}

/// What a step that runs knows of itself.
#[derive(Debug, Clone)]
pub(super) struct Here {
    /// What the contexts show of it.
    pub(super) facts: StepFacts,
    /// The variables of the step and of the composite actions' steps around it, which stand above the
    /// job's.
    pub(super) own: Variables,
    /// All its variables.
    pub(super) environment: Variables,
    /// Whether it goes on when the job is told to stop, or runs because it was.
    pub(super) goes_on: bool,
}

/// How a step ended, before `continue-on-error`.
#[derive(Debug, Clone)]
pub(super) struct StepEnd {
    pub(super) outcome: Conclusion,
    pub(super) exit_code: Option<u32>,
    pub(super) outputs: Variables,
    /// Whether its time was over.
    pub(super) is_late: bool,
}

impl StepEnd {
    /// An end without a program's.
    pub(super) fn plain(outcome: Conclusion) -> Self {
        Self {
            outcome,
            exit_code: None,
            outputs: Variables::default(),
            is_late: false,
        }
    }

    /// The end of a step whose commands asked for this.
    pub(super) fn heeding(mut self, effects: Effects) -> Self {
        if effects.failed() && self.outcome == Conclusion::Success {
            self.outcome = Conclusion::Failure;
        }
        let from_files = std::mem::replace(&mut self.outputs, effects.outputs);
        self.outputs.extend(from_files.into_pairs());
        self
    }

    /// The end of a step whose time was over.
    pub(super) fn late() -> Self {
        Self {
            is_late: true,
            ..Self::plain(Conclusion::Failure)
        }
    }
}

/// A step that is over.
#[derive(Debug, Clone)]
pub(super) struct Concluded {
    /// Its name, masked.
    pub(super) name: String,
    /// How it ended.
    pub(super) end: StepEnd,
    /// After `continue-on-error`.
    pub(super) conclusion: Conclusion,
    /// When it began.
    pub(super) begun: Instant,
}

impl Executor<'_> {
    /// Runs one stage of one step to its end. An error is the machine's end. Boxed, since composite
    /// actions come back here for their own steps.
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
            let own = self
                .view(state, frame, &facts, &around)
                .render_map(&turn.step.env)
                .await;
            let here = own
                .as_ref()
                .ok()
                .map(|own| self.here(state, frame, &facts, own));
            let seen = here.as_ref().map_or(&around, |here| &here.environment);
            let name = self
                .name_of(turn, &self.view(state, frame, &facts, seen))
                .await;
            let wanted = match (&own, passage) {
                (_, Passage::Skip) => Ok(false),
                (Err(why), _) => Err(why.clone()),
                (Ok(_), Passage::Go) => {
                    self.is_wanted(turn, &self.view(state, frame, &facts, seen))
                        .await
                }
            };
            let end = match (wanted, here) {
                (Ok(false), _) => StepEnd::plain(Conclusion::Skipped),
                (Ok(true), Some(mut here)) => {
                    self.announce(frame, turn, &name).await;
                    here.goes_on = state.status == Status::Cancelled
                        || self.would_go_on(state, frame, turn, &here).await;
                    self.act_in_time(state, frame, turn, &here).await?
                }
                (wanted, _) => {
                    self.announce(frame, turn, &name).await;
                    self.complain(wanted.err().unwrap_or_default());
                    StepEnd::plain(Conclusion::Failure)
                }
            };
            self.hashes.forget();
            let conclusion = self
                .conclusion(turn, &self.view(state, frame, &facts, &around), end.outcome)
                .await;
            Ok(Concluded {
                name,
                end,
                conclusion,
                begun,
            })
        })
    }

    fn here(
        &self,
        state: &ExecutorState,
        frame: &Frame<'_>,
        facts: &StepFacts,
        own: &[(String, String)],
    ) -> Here {
        let mut above = frame.environment.clone();
        above.extend(own.iter().cloned());
        let mut environment = state.environment.clone();
        environment.extend(above.clone().into_pairs());
        Here {
            facts: facts.clone(),
            own: above,
            environment,
            goes_on: false,
        }
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

    /// Whether the step goes on when the job is told to stop while it runs.
    async fn would_go_on(
        &self,
        state: &ExecutorState,
        frame: &Frame<'_>,
        turn: &Turn<'_>,
        here: &Here,
    ) -> bool {
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
        here: &Here,
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
            self.complain(format!("The step has timed out after {limit} minutes."));
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

fn condition_of(step: &Step) -> Condition {
    step.condition.clone().unwrap_or_default()
}

/// What an action does in a stage that is not its main one, by itself.
pub(super) fn hook_of(action: &Action, stage: Stage) -> Option<&Hook> {
    let (pre, post) = match &action.runs {
        Runs::Node(node) => (&node.pre, &node.post),
        Runs::Docker(docker) => (&docker.pre, &docker.post),
        Runs::Composite { .. } | Runs::Plugin { .. } => return None,
    };
    match stage {
        Stage::Pre => pre.as_ref(),
        Stage::Main => None,
        Stage::Post => post.as_ref(),
    }
}
