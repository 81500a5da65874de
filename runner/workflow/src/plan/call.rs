//! Workflows that jobs call.

use std::sync::Arc;

use crate::diagnostic::Problem;
use crate::expr::{self, Contexts, Object, Value};
use crate::files::Unreadable;
use crate::names::Names;
use crate::source::Spanned;
use crate::trigger::Changes;
use crate::workflow::handover::{self, Taken};
use crate::workflow::{
    Call, CallSecrets, Input, Job, Workflow, WorkflowReference, argument, parse_workflow,
};

use super::facts::Facts;
use super::legs::expressions;
use super::model::{Called, Planned, PlannedSecrets};
use super::planner::{Loaded, Planner, Scene};
use super::{MAX_CALLED, MAX_DEPTH, Plan};

/// A workflow that is called and can be.
struct Callee {
    reference: WorkflowReference,
    workflow: Arc<Workflow>,
    commit: Option<String>,
}

impl Planner<'_> {
    /// What a leg calls. The name is that of the leg.
    pub(super) fn called(
        &mut self,
        scene: &Scene,
        job: &Job,
        facts: &Facts,
        name: &str,
    ) -> Option<Called> {
        let uses = job.uses.as_ref()?;
        let callee = self.callee(scene, uses);
        let known = callee
            .as_ref()
            .and_then(|callee| Some((callee, callee.workflow.on.call()?)));
        let (inputs, plan) = match known {
            None => (self.arguments(scene, job, facts), None),
            Some((callee, call)) => {
                let before = self.problems.len() + self.faults.len();
                self.check_call(scene, uses, job, call);
                let inputs = self.bind(scene, job, facts, call);
                // With wrong inputs the workflow would only have more of the same to say.
                let is_right = self.problems.len() + self.faults.len() == before;
                let plan = is_right.then(|| self.sub_plan(scene, callee, &inputs, name));
                (inputs, plan.map(Box::new))
            }
        };
        Some(Called {
            uses: uses.value.clone(),
            inputs,
            secrets: secrets(&job.secrets),
            commit: callee.and_then(|callee| callee.commit),
            plan,
        })
    }

    fn sub_plan(
        &mut self,
        scene: &Scene,
        callee: &Callee,
        inputs: &Planned<Object>,
        name: &str,
    ) -> Plan {
        let facts = Facts::new(scene.handed_down());
        let facts = match inputs {
            Planned::Now(inputs) => facts.with("inputs", inputs.clone()),
            Planned::After(jobs) => facts.without("inputs", jobs.clone()),
        };
        let mut callers = scene.callers.clone();
        callers.push(callee.reference.clone());
        self.workflow(Scene {
            workflow: callee.workflow.clone(),
            event: scene.event.clone(),
            inputs: inputs.clone(),
            facts,
            prefix: format!("{name} / "),
            callers,
            changes: Changes::Unknown,
        })
    }

    /// The workflow that is called, which can be. Nothing where there is no text of it, or where
    /// something is wrong.
    fn callee(&mut self, scene: &Scene, uses: &Spanned<String>) -> Option<Callee> {
        let reference = WorkflowReference::parse(&uses.value).ok()?;
        let reference = reference.seen_from(scene.callers.last());
        if scene.callers.contains(&reference) {
            let message = format!("the workflow `{}` calls itself in the end", uses.value);
            self.report(scene, uses.span, message);
            return None;
        }
        if scene.callers.len() + 1 >= MAX_DEPTH {
            let message = format!("workflows can't call one another more than {MAX_DEPTH} deep");
            self.report(scene, uses.span, message);
            return None;
        }
        match self.load(&reference) {
            Loaded::Workflow(workflow, commit) if workflow.on.call().is_some() => Some(Callee {
                reference,
                workflow,
                commit,
            }),
            Loaded::Workflow(..) => {
                let name = &uses.value;
                let message = format!("`{name}` can't be called: its `on` has no `workflow_call`");
                self.report(scene, uses.span, message);
                None
            }
            Loaded::Missing => {
                if let WorkflowReference::Local(path) = &reference {
                    let message = format!("there is no workflow `{path}`");
                    self.report(scene, uses.span, message);
                }
                None
            }
            Loaded::Unreadable(why) => {
                let message = format!("`{}` can't be read: {why}", uses.value);
                self.report(scene, uses.span, message);
                None
            }
            Loaded::Broken => None,
        }
    }

    fn load(&mut self, reference: &WorkflowReference) -> Loaded {
        let key = key(reference);
        if let Some(loaded) = self.called.get(&key) {
            return loaded.clone();
        }
        let loaded = if self.called.len() >= MAX_CALLED {
            Loaded::Unreadable(format!(
                "a run can't call more than {MAX_CALLED} different workflows"
            ))
        } else {
            self.read(reference)
        };
        self.called.insert(key, loaded.clone());
        loaded
    }

    fn read(&mut self, reference: &WorkflowReference) -> Loaded {
        let found = match reference {
            WorkflowReference::Local(path) => self.files.read(path).map(|file| (file, None)),
            WorkflowReference::Remote(remote) => {
                let found = self.files.remote(remote).ok_or(Unreadable::Missing);
                found.map(|found| (found.file, found.commit))
            }
        };
        match found.map(|(source, commit)| (parse_workflow(&source), commit)) {
            Ok((Ok(workflow), commit)) => Loaded::Workflow(Arc::new(workflow), commit),
            Ok((Err(problems), _)) => {
                self.problems.extend(problems);
                Loaded::Broken
            }
            Err(Unreadable::Missing) => Loaded::Missing,
            Err(Unreadable::Other(why)) => Loaded::Unreadable(why),
        }
    }

    /// What is handed over to a workflow that nobody knows, as it is written.
    fn arguments(&mut self, scene: &Scene, job: &Job, facts: &Facts) -> Planned<Object> {
        if let Some(jobs) = awaited(job, facts) {
            return Planned::After(jobs);
        }
        let mut inputs = Object::new();
        for argument in &job.with {
            let value = argument.value.value.evaluate(&facts.contexts);
            if let Some(value) = self.take(scene, argument.value.span, value) {
                inputs.insert(&*argument.name.value, value);
            }
        }
        Planned::Now(inputs)
    }

    /// The inputs of a workflow that is known: what is handed over, or what it says itself.
    fn bind(&mut self, scene: &Scene, job: &Job, facts: &Facts, call: &Call) -> Planned<Object> {
        let after = awaited(job, facts);
        let own = scene.handed_down();
        let mut inputs = Object::new();
        for input in &call.inputs {
            let is_open = after.is_some();
            if let Some(value) = self.input(scene, job, input, facts, &own, is_open) {
                inputs.insert(&*input.name.value, value);
            }
        }
        after.map_or(Planned::Now(inputs), Planned::After)
    }

    fn input(
        &mut self,
        scene: &Scene,
        job: &Job,
        input: &Input,
        facts: &Facts,
        own: &Contexts,
        is_open: bool,
    ) -> Option<Value> {
        let name = &input.name.value;
        let span = job.uses.as_ref().map_or(job.id.span, |uses| uses.span);
        let Some(argument) = argument(&job.with, name) else {
            // That one is missing was said before.
            return match input.required {
                true => None,
                false => self.take(scene, span, input.absent(own)),
            };
        };
        if is_open {
            return None;
        }
        let setting = &argument.value;
        let value = setting.value.evaluate(&facts.contexts);
        let value = self.take(scene, setting.span, value)?;
        let typed = handover::typed(&input.kind, &value);
        if typed.is_none() {
            let message = handover::mistyped(input, expr::described(&value));
            self.report(scene, setting.span, message);
        }
        typed
    }

    fn check_call(&mut self, scene: &Scene, uses: &Spanned<String>, job: &Job, call: &Call) {
        let inputs: Names = call.inputs.iter().map(|input| &*input.name.value).collect();
        let secrets = call.secrets.iter().map(|secret| &*secret.name.value);
        let taken = Taken {
            inputs: &inputs,
            secrets: &secrets.collect(),
        };
        for misfit in handover::misfits(uses, job, call, taken) {
            let problem = Problem::new(&scene.workflow.source, misfit.span, misfit.message);
            self.problems.push(problem.with_help(misfit.help));
        }
    }
}

fn key(reference: &WorkflowReference) -> String {
    match reference {
        WorkflowReference::Local(path) => format!("./{path}"),
        WorkflowReference::Remote(remote) => remote.to_string(),
    }
}

fn awaited(job: &Job, facts: &Facts) -> Option<Arc<[String]>> {
    let arguments = job.with.iter();
    facts.awaited(arguments.flat_map(|argument| expressions(&argument.value.value)))
}

fn secrets(secrets: &CallSecrets) -> PlannedSecrets {
    match secrets {
        CallSecrets::Inherit(_) => PlannedSecrets::Inherit,
        CallSecrets::Nothing => PlannedSecrets::Only(Vec::new()),
        CallSecrets::Only(given) => {
            let names = given.entries.iter().map(|entry| entry.name.value.clone());
            PlannedSecrets::Only(names.collect())
        }
    }
}
