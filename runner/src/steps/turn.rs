//! A stage of a step: what is known of it before it runs, while it runs, and when it is over.

use std::time::Instant;

use dormer_workflow::workflow::Step;

use crate::event::{Conclusion, Stage};
use crate::steps::action::site::Site;
use crate::steps::context::StepFacts;
use crate::steps::effects::Effects;
use crate::steps::frame::Frame;
use crate::steps::post::{Link, Post};
use crate::steps::state::Variables;

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
    /// Whether the guest had no word in it: something that was asked of it was not done, or not in time.
    pub(super) is_unanswered: bool,
}

impl StepEnd {
    /// An end without a program's.
    pub(super) fn plain(outcome: Conclusion) -> Self {
        Self {
            outcome,
            exit_code: None,
            outputs: Variables::default(),
            is_late: false,
            is_unanswered: false,
        }
    }

    /// An end that the guest had no word in.
    pub(super) fn unanswered(self) -> Self {
        Self {
            is_unanswered: true,
            ..self
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
