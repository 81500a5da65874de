//! What expressions ask for that is not there: `needs`, `steps`, `inputs` and `jobs`.
//!
//! To GitHub all of it is an empty string, so that these are warnings.

use std::rc::Rc;

use crate::action::Action;
use crate::expr::Asked;
use crate::source::Span;
use crate::text;
use crate::workflow::{Job, Step, TemplateMap, Trigger, Workflow, WorkflowReference};

use super::Checker;
use super::broken;
use super::files::Found;
use super::nesting::local_action;
use super::texts;
use crate::names::Names;

/// What `needs.x` and `jobs.x` have.
const JOB: [&str; 2] = ["outputs", "result"];

/// What `steps.x` has.
const STEP: [&str; 3] = ["outputs", "outcome", "conclusion"];

/// The names of outputs. None where they are known only when the file runs.
type Outputs = Option<Rc<Names>>;

/// What is there for the expressions of one part of a file. What is not known is not checked.
struct Around<'a> {
    /// What the file is called in messages.
    of: &'static str,
    /// None where they are not all known.
    inputs: Option<Names>,
    jobs: Jobs<'a>,
    /// The job that the part belongs to, and the ids of those it needs. None outside of jobs.
    job: Option<(&'a Job, Names)>,
    steps: Steps,
}

/// The jobs of a workflow. None for an action.
#[derive(Default)]
struct Jobs<'a> {
    jobs: &'a [Job],
    ids: Names,
    /// Whether there may be others.
    is_open: bool,
    /// By position.
    outputs: Vec<Outputs>,
}

/// The steps that have an id, of a job or an action.
#[derive(Default)]
struct Steps {
    ids: Names,
    /// The number of each step among all steps, and its outputs, by position.
    steps: Vec<(usize, Outputs)>,
    /// How many steps are over.
    seen: usize,
    /// Whether there may be others with an id.
    is_open: bool,
}

impl Checker<'_> {
    /// Everything that a workflow asks for.
    pub(super) fn workflow_contexts(&mut self, workflow: &Workflow) {
        let mut around = Around {
            of: "workflow",
            inputs: (!self.broken.has_on(workflow)).then(|| inputs_of(workflow)),
            jobs: self.jobs_of(workflow),
            job: None,
            steps: Steps::default(),
        };
        self.all(&texts::of_workflow(workflow), &around);
        for job in &workflow.jobs {
            let steps = texts::flat(&job.steps);
            // Of what is wrong with a job, and of what follows from it, one is enough.
            let may_need = self.broken.may_have_needs(&self.source, job, &steps);
            let needs = || job.needs.iter().map(|need| &*need.value).collect();
            around.job = (!may_need).then(|| (job, needs()));
            around.steps = self.steps_of(&steps, broken::whole(job));
            self.all(&texts::of_job(job), &around);
            self.in_steps(&steps, &mut around);
        }
    }

    /// Everything that an action asks for.
    pub(super) fn action_contexts(&mut self, action: &Action) {
        let steps = texts::flat(texts::steps_of(action));
        let inputs = action.inputs.iter();
        let file = Span::new(0, self.source.text().len());
        let is_known = !self.broken.has_around(file, &steps);
        let mut around = Around {
            of: "action",
            inputs: is_known.then(|| inputs.map(|input| &*input.name.value).collect()),
            jobs: Jobs::default(),
            job: None,
            steps: self.steps_of(&steps, file),
        };
        self.all(&texts::of_action(action), &around);
        self.in_steps(&steps, &mut around);
    }

    fn in_steps(&mut self, steps: &[&Step], around: &mut Around<'_>) {
        for (number, step) in steps.iter().enumerate() {
            around.steps.seen = number;
            self.all(&texts::of_step(step), around);
        }
    }

    fn all(&mut self, asked: &[Asked], around: &Around<'_>) {
        for asked in asked {
            if self.warnings.is_full() {
                return;
            }
            let Some(name) = asked.name(0) else {
                continue;
            };
            match &*asked.context().to_ascii_lowercase() {
                "inputs" => self.input(asked, name, around),
                "needs" => self.need(asked, name, around),
                "steps" => self.step(asked, name, &around.steps),
                "jobs" => self.job(asked, name, &around.jobs),
                _ => {}
            }
        }
    }

    fn input(&mut self, asked: &Asked, name: &str, around: &Around<'_>) {
        let Some(inputs) = &around.inputs else {
            return;
        };
        if !inputs.contains(name) {
            let message = format!("the {} has no input `{name}`", around.of);
            self.absent(asked, 0, message, Some(inputs.help(name, "input")));
        }
    }

    fn need(&mut self, asked: &Asked, name: &str, around: &Around<'_>) {
        let Some((job, needs)) = &around.job else {
            return;
        };
        let position = around.jobs.ids.position(name);
        if !needs.contains(name) {
            let message = format!("the job `{}` does not need `{name}`", job.id.value);
            let help = match position.and_then(|at| around.jobs.jobs.get(at)) {
                Some(other) if other.id == job.id => {
                    Some("a job knows nothing of itself before it is over".to_owned())
                }
                Some(other) => Some(format!("add `{}` to its `needs`", other.id.value)),
                None => needs.suggestion(name),
            };
            self.absent(asked, 0, message, help);
            return;
        }
        self.part(asked, &JOB);
        if let Some(at) = position {
            self.output(asked, "job", around.jobs.outputs[at].as_deref());
        }
    }

    fn job(&mut self, asked: &Asked, name: &str, jobs: &Jobs<'_>) {
        let Some(at) = jobs.ids.position(name) else {
            if jobs.is_open {
                return;
            }
            let help = jobs.ids.suggestion(name);
            self.absent(asked, 0, format!("there is no job `{name}`"), help);
            return;
        };
        self.part(asked, &JOB);
        self.output(asked, "job", jobs.outputs[at].as_deref());
    }

    fn step(&mut self, asked: &Asked, name: &str, steps: &Steps) {
        let Some(at) = steps.ids.position(name) else {
            if steps.is_open {
                return;
            }
            let help = steps.ids.suggestion(name);
            self.absent(
                asked,
                0,
                format!("there is no step with the id `{name}`"),
                help,
            );
            return;
        };
        let (number, outputs) = &steps.steps[at];
        if *number >= steps.seen {
            let message = format!("the step `{name}` is not over when this is asked for");
            self.absent(asked, 0, message, None);
            return;
        }
        self.part(asked, &STEP);
        self.output(asked, "step", outputs.as_deref());
    }

    /// Whether the second name is one of a few.
    fn part(&mut self, asked: &Asked, known: &[&str]) {
        let (Some(name), Some(part)) = (asked.name(0), asked.name(1)) else {
            return;
        };
        if !known.iter().any(|known| text::equal(known, part)) {
            let message = format!("`{}.{name}` has no `{part}`", asked.context());
            let help = format!("it has {}", text::listed(known.iter().copied(), "and"));
            self.absent(asked, 1, message, Some(help));
        }
    }

    /// Whether an output that is asked for is among those that there are.
    fn output(&mut self, asked: &Asked, of: &str, outputs: Option<&Names>) {
        let is_output = asked
            .name(1)
            .is_some_and(|part| text::equal(part, "outputs"));
        let (true, Some(name), Some(outputs)) = (is_output, asked.name(2), outputs) else {
            return;
        };
        if !outputs.contains(name) {
            let whose = asked.name(0).unwrap_or_default();
            let message = format!("the {of} `{whose}` has no output `{name}`");
            self.absent(asked, 2, message, Some(outputs.help(name, "output")));
        }
    }

    fn absent(&mut self, asked: &Asked, part: usize, message: String, help: Option<String>) {
        if let Some(span) = asked.place(&self.source, part) {
            let help = help.or_else(|| Some("it is an empty string to GitHub".to_owned()));
            self.warn(span, message, help);
        }
    }

    fn jobs_of<'w>(&mut self, workflow: &'w Workflow) -> Jobs<'w> {
        let jobs = workflow.jobs.iter();
        Jobs {
            jobs: &workflow.jobs,
            ids: jobs.clone().map(|job| &*job.id.value).collect(),
            is_open: self.broken.has_list(workflow),
            outputs: jobs.map(|job| self.outputs_of_job(job)).collect(),
        }
    }

    fn outputs_of_job(&mut self, job: &Job) -> Outputs {
        let steps = texts::flat(&job.steps);
        if self.broken.has_around(broken::whole(job), &steps) {
            return None;
        }
        let Some(uses) = &job.uses else {
            return names_of(&job.outputs);
        };
        let Ok(WorkflowReference::Local(path)) = WorkflowReference::parse(&uses.value) else {
            return None;
        };
        match &*self.library.workflow(&path) {
            Found::Right(called) => Some(called.outputs.clone()),
            _ => None,
        }
    }

    /// The steps of a part of the file.
    fn steps_of(&mut self, steps: &[&Step], part: Span) -> Steps {
        let numbered = steps.iter().enumerate();
        let with_id: Vec<(usize, &Step)> = numbered
            .filter(|(_, step)| step.id.is_some())
            .map(|(number, step)| (number, *step))
            .collect();
        let ids = with_id.iter().filter_map(|(_, step)| step.id.as_ref());
        Steps {
            ids: ids.map(|id| &*id.value).collect(),
            steps: with_id
                .iter()
                .map(|(number, step)| (*number, self.outputs_of_step(step)))
                .collect(),
            seen: steps.len(),
            is_open: self.broken.may_have_ids(&self.source, part, steps),
        }
    }

    fn outputs_of_step(&mut self, step: &Step) -> Outputs {
        let directory = local_action(step)?;
        match &*self.library.action(&directory) {
            Found::Right(action) => Some(action.outputs.clone()),
            _ => None,
        }
    }
}

/// The inputs of a workflow, whoever gives them.
fn inputs_of(workflow: &Workflow) -> Names {
    let events = workflow.on.events.iter();
    let inputs = events.flat_map(|event| match &event.trigger {
        Trigger::Dispatch(inputs) => inputs.as_slice(),
        Trigger::Call(call) => call.inputs.as_slice(),
        _ => &[],
    });
    inputs.map(|input| &*input.name.value).collect()
}

/// The names of a map, where all of them are written down.
fn names_of(map: &TemplateMap) -> Outputs {
    let is_computed = |entry: &crate::workflow::TemplateEntry| entry.computed_name.is_some();
    if map.whole.is_some() || map.entries.iter().any(is_computed) {
        return None;
    }
    let names = map.entries.iter().map(|entry| &*entry.name.value);
    Some(Rc::new(names.collect()))
}
