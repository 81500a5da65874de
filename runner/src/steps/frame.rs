//! What differs between the job's own level and the inside of a composite action: whose file the steps
//! stand in, which variables stand above the job's, what the contexts show, how the steps around are
//! doing.

use dormer_workflow::Workflow;
use dormer_workflow::action::Action;
use dormer_workflow::expr::{EvalError, Object};
use tokio::time::Instant;

use crate::steps::context::StepFacts;
use crate::steps::place::Place;
use crate::steps::post::Link;
use crate::steps::state::{ExecutorState, Status, Variables};

/// The file that an expression stands in, for the place of a mistake.
#[derive(Debug, Clone, Copy)]
pub(super) enum File<'a> {
    /// The job's.
    Workflow(&'a Workflow),
    /// An action's.
    Action(&'a Action),
}

impl File<'_> {
    /// A failed expression, for people.
    pub(super) fn explain(self, error: &EvalError) -> String {
        let problem = match self {
            Self::Workflow(workflow) => workflow.problem(error),
            Self::Action(action) => action.problem(error),
        };
        problem.map_or_else(|| error.to_string(), |problem| problem.to_string())
    }
}

/// The surroundings of a step.
#[derive(Debug, Clone)]
pub(super) struct Frame<'a> {
    /// The number of the job's step, which the log is kept under.
    pub(super) number: usize,
    /// The place of the composite action's step. None at the job's own level.
    pub(super) place: Option<Place>,
    /// The composite actions around, from the outside in.
    pub(super) chain: Vec<Link>,
    /// The file that the steps stand in.
    pub(super) file: File<'a>,
    /// What the contexts show of the action around: its inputs, its directory, where it is from.
    pub(super) facts: StepFacts,
    /// The variables of the composite actions' steps around, which stand above the job's.
    pub(super) environment: Variables,
    /// How the composite action's own steps are doing, which is what `success()` means inside of its
    /// main part. None elsewhere: then it is how the job is doing.
    pub(super) status: Option<Status>,
    /// When the job's step has to be over. None by default.
    pub(super) until: Option<Instant>,
}

impl<'a> Frame<'a> {
    /// The surroundings of a step of the job.
    pub(super) fn of_job(workflow: &'a Workflow, number: usize) -> Self {
        Self {
            number,
            place: None,
            chain: Vec::new(),
            file: File::Workflow(workflow),
            facts: StepFacts::default(),
            environment: Variables::default(),
            status: None,
            until: None,
        }
    }

    /// The place of a step by its index among the steps here.
    pub(super) fn place_of(&self, index: usize) -> Place {
        match &self.place {
            None => Place::of_job(self.number),
            Some(place) => place.inside(index + 1),
        }
    }

    /// How many composite actions are around.
    pub(super) fn depth(&self) -> usize {
        self.chain.len()
    }

    /// Whether the time of the job's step is over.
    pub(super) fn is_late(&self) -> bool {
        self.until.is_some_and(|until| until <= Instant::now())
    }

    /// The variables of a step that has none of its own.
    pub(super) fn variables(&self, state: &ExecutorState) -> Variables {
        let mut variables = state.environment.clone();
        variables.extend(self.environment.clone().into_pairs());
        variables
    }

    /// What the contexts show to a step whose `github.action` is this.
    pub(super) fn facts_for(&self, state: &ExecutorState, action: &str) -> StepFacts {
        let mut facts = self.facts.clone();
        facts.action_status = self.status;
        facts.action = match self.facts.action.as_str() {
            "" => action.to_owned(),
            around => format!("{around}.{action}"),
        };
        if let Some(place) = &self.place {
            let records = state.inner.get(place);
            let steps = records.map(|records| records.iter().filter_map(|one| one.context()));
            facts.steps = Some(steps.into_iter().flatten().collect::<Object>());
        }
        facts
    }
}
