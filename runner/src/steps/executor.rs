//! The stages of a job, step by step. See the diagram in `steps`.

use std::sync::Arc;

use dormer_workflow::expr::EvalError;
use dormer_workflow::workflow::{Job, Step, StepAction, Workflow};

use crate::event::{Events, Stage};
use crate::failure::InfraFailure;
use crate::guest::channel::GuestChannel;
use crate::guest::environment::Environment;
use crate::guest::profile::GuestProfile;
use crate::host::signals::Cancel;
use crate::mask::Masker;
use crate::steps::action::prepare::{Sites, begins_early, key};
use crate::steps::action::site::{Ground, Site, Used, used};
use crate::steps::action::source::ActionSource;
use crate::steps::artifacts::ArtifactKeeper;
use crate::steps::checkout::WorkspaceSource;
use crate::steps::context::{JobFacts, StepScope};
use crate::steps::frame::Frame;
use crate::steps::gate::Gate;
use crate::steps::hash_files::FileHashes;
use crate::steps::matchers::JobMatchers;
use crate::steps::orphans;
use crate::steps::state::{ExecutorState, Status, StepRecord, Variables};
use crate::steps::tools::ToolSource;
use crate::steps::turn::{Concluded, Turn};

/// Everything that stays the same from step to step.
pub struct Executor<'a> {
    /// The workflow, for the places of mistakes in it.
    pub workflow: &'a Workflow,
    /// The job.
    pub job: &'a Job,
    /// The guest.
    pub channel: Arc<dyn GuestChannel>,
    /// What the guest is like.
    pub guest: &'a GuestProfile,
    /// What is known of the job.
    pub facts: &'a JobFacts,
    /// The secrets, by name.
    pub secrets: &'a Variables,
    /// Where facts go.
    pub events: &'a Events,
    /// What is kept out of everything.
    pub masker: &'a Masker,
    /// What stops the job.
    pub cancel: &'a Cancel,
    /// The user's files.
    pub workspace: &'a dyn WorkspaceSource,
    /// The actions of other repositories.
    pub actions: &'a dyn ActionSource,
    /// The artifacts of the run.
    pub artifacts: &'a dyn ArtifactKeeper,
    /// Whether actions that Dormer serves by itself are run as they are instead.
    pub real_actions: bool,
    /// The hashes of files that are known until the next step.
    pub hashes: FileHashes,
    /// What the guest lacks and can get.
    pub tools: &'a dyn ToolSource,
    /// The problem matchers that steps have added.
    pub matchers: JobMatchers,
}

impl Executor<'_> {
    /// The state before the first step: the job's own variables, in front of what the machine was
    /// `prepared` with.
    pub fn begin(
        &self,
        prepared: &Environment,
        given: Vec<(String, String)>,
    ) -> Result<ExecutorState, EvalError> {
        let mut state = ExecutorState::new(prepared.variables.clone().into());
        state.path.clone_from(&prepared.path);
        state.tracking = orphans::new_mark();
        for map in [&self.workflow.env, &self.job.env] {
            let scope = StepScope::of_job(self.facts, &state, self.secrets);
            let rendered = map.render(&scope)?;
            state.environment.extend(rendered);
        }
        // What the user says on the command line stands above the file.
        state.environment.extend(given);
        Ok(state)
    }

    /// Runs everything that is left. An error is the machine's end, and the steps' with it.
    pub async fn run(
        &self,
        state: &mut ExecutorState,
        gate: &mut dyn Gate,
    ) -> Result<(), InfraFailure> {
        if state.actions.is_none() {
            self.fetch_actions(state).await?;
        }
        // Without what its steps need a job does not begin.
        if state.actions.is_some() {
            self.take_turns(state, gate).await?;
        }
        if self.cancel.is_requested() {
            state.status = Status::Cancelled;
        }
        if !self.cancel.is_immediate() {
            self.end_orphans(state).await;
        }
        Ok(())
    }

    /// Brings the actions of other repositories into the guest, before the first step.
    async fn fetch_actions(&self, state: &mut ExecutorState) -> Result<(), InfraFailure> {
        let mut sites = Sites::new();
        let preparation = self.preparation();
        let fetching = preparation.complete(&mut sites, &self.job.steps, None, 0);
        let fetched = tokio::select! {
            biased;
            fetched = fetching => fetched,
            () = self.cancel.requested() => {
                state.status = Status::Cancelled;
                return Ok(());
            }
        };
        match fetched {
            Ok(()) => state.actions = Some(sites),
            Err(why) => {
                self.complain(why);
                state.status = Status::Failure;
                self.expect_guest().await?;
            }
        }
        Ok(())
    }

    async fn take_turns(
        &self,
        state: &mut ExecutorState,
        gate: &mut dyn Gate,
    ) -> Result<(), InfraFailure> {
        while let Some(turn) = self.next_turn(state) {
            if self.cancel.is_immediate() {
                return Ok(());
            }
            if self.cancel.is_requested() {
                state.status = Status::Cancelled;
            }
            let passage = gate.before(state, turn.step, turn.stage).await;
            let frame = Frame::of_job(self.workflow, turn.step.number);
            let done = self.perform(state, &frame, &turn, passage).await?;
            self.tell_end(&turn, &done);
            conclude(state, &turn, done);
            gate.after(state, turn.step, turn.stage).await;
        }
        Ok(())
    }

    /// What comes next. The state moves on to the stage that it is part of, and to the step.
    fn next_turn(&self, state: &mut ExecutorState) -> Option<Turn<'_>> {
        let steps = &self.job.steps;
        if state.stage == Stage::Pre {
            while state.next < steps.len() {
                if let Some(turn) = self.early(state, None, (steps, state.next)) {
                    return Some(turn);
                }
                state.next += 1;
            }
            (state.stage, state.next) = (Stage::Main, 0);
        }
        if state.stage == Stage::Main {
            if let Some(turn) = Turn::main(steps, state.next) {
                return Some(turn);
            }
            state.stage = Stage::Post;
        }
        let last = state.post.last()?;
        Turn::post(steps, last)
    }

    /// What decides on the meaning of `uses` in this job.
    pub(super) fn ground(&self) -> Ground<'_> {
        Ground {
            workspace: &self.facts.workspace,
            real_actions: self.real_actions,
            own: self.facts.run.foreign(),
        }
    }

    /// The first stage of the action of a step, by its index among the steps of the job or of the action
    /// `within`; none if it has no such stage.
    pub(super) fn early<'s>(
        &self,
        state: &ExecutorState,
        within: Option<&Site>,
        (steps, index): (&'s [Step], usize),
    ) -> Option<Turn<'s>> {
        let StepAction::Uses { reference, .. } = &steps.get(index)?.action else {
            return None;
        };
        let ground = self.ground();
        let Ok(Used::Remote { uses, .. }) = used(&reference.value, within, ground) else {
            return None;
        };
        let sites = state.actions.as_ref()?;
        let site = sites.get(&key(&uses))?;
        begins_early(site, sites, ground).then(|| Turn::pre(steps, index, site))?
    }
}

/// Takes the end of a step of the job into the state.
fn conclude(state: &mut ExecutorState, turn: &Turn<'_>, done: Concluded) {
    state.status = state.status.after(done.conclusion);
    match turn.stage {
        Stage::Pre => state.next += 1,
        Stage::Main => {
            state.next += 1;
            state.steps.push(StepRecord {
                number: turn.step.number,
                id: turn.step.id.as_ref().map(|id| id.value.clone()),
                outcome: done.end.outcome,
                conclusion: done.conclusion,
                outputs: done.end.outputs,
            });
        }
        Stage::Post => {
            state.post.pop();
        }
    }
}
