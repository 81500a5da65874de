//! Plans one workflow, and those it calls.

use std::collections::HashMap;
use std::sync::Arc;

use crate::diagnostic::{Problem, Problems};
use crate::expr::{Contexts, EvalError, Object, Value};
use crate::files::Files;
use crate::source::Span;
use crate::trigger::{Changes, Verdict, judge};
use crate::workflow::{ConcurrencyGroup, Job, Workflow, WorkflowReference};

use super::condition::Skipped;
use super::facts::Facts;
use super::legs::job_name;
use super::model::{Legs, Plan, Planned, PlannedCondition, PlannedJob};
use super::start::Start;
use super::{MAX_LEGS, order};

/// Goes through workflows and remembers what is wrong.
pub(super) struct Planner<'f> {
    pub(super) files: &'f dyn Files,
    pub(super) problems: Vec<Problem>,
    /// What went wrong in the job that is planned: it fails, and the run goes on.
    pub(super) faults: Vec<Problem>,
    /// How many legs there may still be.
    pub(super) legs_left: usize,
    /// Workflows that were called before, by their names.
    pub(super) called: HashMap<String, Loaded>,
}

/// What became of a workflow that is called.
#[derive(Clone)]
pub(super) enum Loaded {
    /// It was read, and at which commit where that is another repository's.
    Workflow(Arc<Workflow>, Option<String>),
    /// There is no text of it.
    Missing,
    /// There is, but it can't be read, and why.
    Unreadable(String),
    /// It is wrong, as was reported.
    Broken,
}

/// A workflow and what is known where it is planned.
pub(super) struct Scene {
    pub(super) workflow: Arc<Workflow>,
    pub(super) event: String,
    pub(super) inputs: Planned<Object>,
    /// The contexts `github`, `inputs` and `vars`.
    pub(super) facts: Facts,
    /// What the names of its jobs begin with.
    pub(super) prefix: String,
    /// How it came to be called, outermost first.
    pub(super) callers: Vec<WorkflowReference>,
    /// The files that the event changed.
    pub(super) changes: Changes,
}

pub(super) fn plan(
    workflow: &Arc<Workflow>,
    start: Start,
    files: &dyn Files,
) -> Result<Plan, Problems> {
    let mut planner = Planner::new(files);
    let plan = planner.workflow(Scene {
        workflow: workflow.clone(),
        event: start.event,
        inputs: Planned::Now(start.inputs),
        facts: Facts::new(start.contexts),
        prefix: String::new(),
        callers: Vec::new(),
        changes: start.changes,
    });
    planner.finish(plan)
}

pub(super) fn expand(
    plan: &Plan,
    job: &PlannedJob,
    needs: Object,
    files: &dyn Files,
) -> Result<Legs, Problems> {
    let Some(source) = plan.source_of(job) else {
        return Ok(Legs::default());
    };
    let scene = Scene {
        workflow: plan.workflow.clone(),
        event: plan.event.clone(),
        inputs: plan.inputs.clone(),
        facts: Facts::new(plan.contexts.clone()),
        prefix: plan.prefix.clone(),
        callers: plan.callers.clone(),
        changes: Changes::Unknown,
    };
    let mut planner = Planner::new(files);
    let facts = scene.facts.with("needs", needs);
    let legs = planner.legs(&scene, source, &facts);
    // Nothing is unknown here, so that there is nothing to wait for.
    planner.finish(legs.known().cloned().unwrap_or_default())
}

impl<'f> Planner<'f> {
    fn new(files: &'f dyn Files) -> Self {
        Self {
            files,
            problems: Vec::new(),
            faults: Vec::new(),
            legs_left: MAX_LEGS,
            called: HashMap::new(),
        }
    }

    fn finish<T>(mut self, value: T) -> Result<T, Problems> {
        self.problems.append(&mut self.faults);
        if self.problems.is_empty() {
            Ok(value)
        } else {
            Err(self.problems.into())
        }
    }

    pub(super) fn workflow(&mut self, scene: Scene) -> Plan {
        let workflow = scene.workflow.clone();
        let (run_name, concurrency) = if scene.callers.is_empty() {
            self.of_the_run(&scene)
        } else {
            (None, None)
        };
        let mut skipped = Skipped::default();
        let jobs = order::sorted(&workflow.jobs)
            .into_iter()
            .map(|job| self.job(&scene, job, &mut skipped))
            .collect();
        Plan {
            name: name(&workflow),
            file: workflow.source.name().to_owned(),
            trigger: scene.verdict(),
            event: scene.event,
            run_name,
            inputs: scene.inputs,
            concurrency,
            jobs,
            warnings: warnings(&workflow),
            workflow,
            contexts: scene.facts.contexts,
            prefix: scene.prefix,
            callers: scene.callers,
        }
    }

    /// What only a whole run has. GitHub does not look at it in a workflow that is called.
    fn of_the_run(&mut self, scene: &Scene) -> (Option<String>, Option<Planned<ConcurrencyGroup>>) {
        let workflow = &scene.workflow;
        let contexts = &scene.facts.contexts;
        let run_name = workflow.run_name.as_ref().and_then(|template| {
            let span = template.span().unwrap_or_default();
            self.take(scene, span, template.render(contexts))
        });
        let concurrency = workflow.concurrency.as_ref().and_then(|concurrency| {
            let group = concurrency.evaluate(contexts).map(Planned::Now);
            self.take(scene, concurrency.key, group)
        });
        self.problems.append(&mut self.faults);
        (run_name, concurrency)
    }

    fn job(&mut self, scene: &Scene, job: &Job, skipped: &mut Skipped) -> PlannedJob {
        let needs: Vec<String> = job.needs.iter().map(|need| need.value.clone()).collect();
        let facts = if needs.is_empty() {
            scene.facts.with("needs", Object::new())
        } else {
            scene.facts.without("needs", needs.clone().into())
        };
        let before = self.faults.len();
        let decided = skipped.decide(job, &facts);
        let condition = self.take(scene, job.id.span, decided);
        let condition = condition.unwrap_or_else(|| PlannedCondition::undecided(job));
        // GitHub looks at nothing else of a job that does not run.
        let legs = if condition.holds == Some(false) {
            Planned::Now(Legs::default())
        } else {
            self.legs(scene, job, &facts)
        };
        let faults = Problems::from(self.faults.split_off(before));
        PlannedJob {
            id: job.id.value.clone(),
            name: format!("{}{}", scene.prefix, job_name(job, &facts)),
            needs,
            condition,
            legs,
            problems: faults.iter().map(Problem::to_string).collect(),
        }
    }

    /// A value, or nothing where an expression failed, which is then a fault of the job.
    pub(super) fn take<T>(
        &mut self,
        scene: &Scene,
        span: Span,
        result: Result<T, EvalError>,
    ) -> Option<T> {
        match result {
            Ok(value) => Some(value),
            Err(error) => {
                let source = &scene.workflow.source;
                self.faults.push(error.problem_or(source, span));
                None
            }
        }
    }

    pub(super) fn report(&mut self, scene: &Scene, span: Span, message: String) {
        let problem = Problem::new(&scene.workflow.source, span, message);
        self.problems.push(problem);
    }
}

/// What the file's reader should know, in the order of the file.
fn warnings(workflow: &Workflow) -> Vec<String> {
    let source = &workflow.source;
    let jobs = workflow.jobs.iter();
    let beyond = jobs.flat_map(Job::beyond_windows);
    let beyond = beyond.map(|(key, message)| Problem::new(source, key, message));
    let ignored = workflow.without_effect();
    let own = workflow.warnings.iter().cloned();
    let all = Problems::from(own.chain(beyond).chain(ignored).collect::<Vec<_>>());
    all.iter().map(Problem::to_string).collect()
}

/// The workflow's name, or that of its file.
fn name(workflow: &Workflow) -> String {
    let file = workflow.source.name();
    let name = workflow.name.as_ref().map(|name| name.value.as_str());
    name.filter(|name| !name.is_empty())
        .unwrap_or(file)
        .to_owned()
}

impl Scene {
    /// What the filters of the event say. A workflow that is called is started by its caller.
    fn verdict(&self) -> Option<Verdict> {
        let event = self.workflow.on.event(&self.event);
        let github = self.facts.contexts.values.get("github");
        match (event, github.and_then(Value::as_object)) {
            (Some(event), Some(github)) if self.callers.is_empty() => {
                Some(judge(event, github, &self.changes))
            }
            _ => None,
        }
    }

    /// The contexts that a called workflow has from its caller: all but the inputs.
    pub(super) fn handed_down(&self) -> Contexts {
        let contexts = self.facts.contexts.values.iter();
        let handed = contexts.filter(|(name, _)| *name != "inputs");
        Contexts {
            values: handed.map(|(name, value)| (name, value.clone())).collect(),
            status: self.facts.contexts.status,
        }
    }
}
