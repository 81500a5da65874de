//! Jobs that call local workflows: what they hand over, against what is taken.

use std::rc::Rc;

use crate::expr::{Value, described};
use crate::files::Unreadable;
use crate::source::Spanned;
use crate::workflow::handover::{self, Taken};
use crate::workflow::{Argument, Input, InputKind, Job, Setting, Workflow, WorkflowReference};

use super::Checker;
use super::files::{Found, Used, summary};
use super::nesting::Nesting;

impl Checker<'_> {
    /// Everything about the local workflows that jobs call. `path` is the file they are in.
    pub(super) fn calls_of(&mut self, path: &str, jobs: &[Job]) {
        let calls: Vec<(&Job, &Spanned<String>, String)> =
            jobs.iter().filter_map(local_call).collect();
        for (job, uses, called) in &calls {
            // Of one that calls itself it is enough to say that this never ends.
            if called != path {
                let found = self.library.workflow(called);
                self.call_of(job, uses, called, &found);
            }
        }
        let mut nesting = Nesting::calls(&mut self.library, path);
        for (_, uses, called) in &calls {
            if let Some(message) = nesting.fault(called) {
                self.errors.report(uses.span, message);
            }
            if self.errors.is_full() {
                return;
            }
        }
    }

    fn call_of(
        &mut self,
        job: &Job,
        uses: &Spanned<String>,
        called: &str,
        found: &Rc<Found<Workflow>>,
    ) {
        match &**found {
            Found::Right(workflow) => self.call(uses, workflow, job),
            Found::Wrong(problems) => {
                let message = format!("the workflow is not valid: {}", summary(problems));
                self.error(uses.span, message, None);
            }
            Found::Unreadable(Unreadable::Missing) | Found::Image => {
                self.error(uses.span, format!("there is no workflow `{called}`"), None);
            }
            Found::Unreadable(Unreadable::Other(why)) => {
                self.error(uses.span, format!("`{called}` can't be read: {why}"), None);
            }
        }
    }

    fn call(&mut self, uses: &Spanned<String>, workflow: &Used<Workflow>, job: &Job) {
        let Some(call) = workflow.file.on.call() else {
            let message = format!("the workflow `{}` can't be called", uses.value);
            let help = "add `workflow_call` to its `on`".to_owned();
            self.error(uses.span, message, Some(help));
            return;
        };
        for argument in &job.with {
            if let Some(at) = workflow.inputs.position(&argument.name.value) {
                self.argument(&call.inputs[at], argument);
            }
        }
        let taken = Taken {
            inputs: &workflow.inputs,
            secrets: &workflow.secrets,
        };
        for misfit in handover::misfits(uses, job, call, taken) {
            if self.errors.is_full() {
                return;
            }
            if !misfit.is_missing || !self.broken.has_job(job) {
                self.error(misfit.span, misfit.message, Some(misfit.help));
            }
        }
    }

    /// The type of a value that is written down, or of text with expressions in it.
    fn argument(&mut self, input: &Input, argument: &Argument) {
        let found = match &argument.value.value {
            Setting::Literal(value) if handover::typed(&input.kind, value).is_some() => return,
            Setting::Literal(Value::Null) => "nothing",
            Setting::Literal(value) => described(value),
            Setting::Template(_) if matches!(input.kind, InputKind::String) => return,
            Setting::Template(template) if template.as_expression().is_some() => return,
            Setting::Template(_) => "text with an expression in it",
        };
        self.error(argument.value.span, handover::mistyped(input, found), None);
    }
}

/// The path of the local workflow that a job calls.
fn local_call(job: &Job) -> Option<(&Job, &Spanned<String>, String)> {
    let uses = job.uses.as_ref()?;
    match WorkflowReference::parse(&uses.value) {
        Ok(WorkflowReference::Local(path)) => Some((job, uses, path)),
        _ => None,
    }
}
