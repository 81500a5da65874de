//! Jobs that call local workflows: what they hand over, against what is taken.

use std::rc::Rc;

use crate::expr::Value;
use crate::source::{Span, Spanned};
use crate::workflow::{
    Argument, Call, CallSecrets, Input, InputKind, Job, Setting, Workflow, WorkflowReference,
};

use super::Checker;
use super::files::{Found, Unreadable, Used, summary};
use super::names::Names;
use super::nesting::Nesting;

impl Checker<'_> {
    /// Everything about the local workflows that jobs call. `path` is the file they are in.
    pub(super) fn calls_of(&mut self, path: &str, jobs: &[Job]) {
        let calls: Vec<(&Job, &Spanned<String>, String)> =
            jobs.iter().filter_map(local_call).collect();
        for (job, uses, called) in &calls {
            let found = self.library.workflow(called);
            self.call_of(job, uses, called, &found);
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
        self.arguments(uses, call, &workflow.inputs, &job.with);
        self.call_secrets(uses, call, &workflow.secrets, &job.secrets);
    }

    fn arguments(
        &mut self,
        uses: &Spanned<String>,
        call: &Call,
        known: &Names,
        given: &[Argument],
    ) {
        for argument in given {
            match known.position(&argument.name.value) {
                Some(at) => self.argument(&call.inputs[at], argument),
                None => self.unknown(uses, "input", &argument.name, known),
            }
        }
        let given: Names = given.iter().map(|argument| &*argument.name.value).collect();
        for input in call.inputs.iter().filter(|input| input.required) {
            self.required(uses.span, "input", &input.name.value, &given);
        }
    }

    /// The type of a value that is written down, or of text with expressions in it.
    fn argument(&mut self, input: &Input, argument: &Argument) {
        let expected = match input.kind {
            InputKind::Boolean => "`true` or `false`",
            InputKind::Number => "a number",
            _ => return,
        };
        let found = match (&argument.value.value, &input.kind) {
            (Setting::Literal(Value::Bool(_)), InputKind::Boolean)
            | (Setting::Literal(Value::Number(_)), InputKind::Number) => return,
            (Setting::Template(template), _) if template.as_expression().is_some() => return,
            (Setting::Template(_), _) => "text with an expression in it",
            (Setting::Literal(Value::Bool(_)), _) => "a boolean",
            (Setting::Literal(Value::Number(_)), _) => "a number",
            (Setting::Literal(Value::String(_)), _) => "a string",
            (Setting::Literal(_), _) => "nothing",
        };
        let name = &argument.name.value;
        let message = format!("expected {expected} for the input `{name}`, found {found}");
        self.error(argument.value.span, message, None);
    }

    fn call_secrets(
        &mut self,
        uses: &Spanned<String>,
        call: &Call,
        known: &Names,
        given: &CallSecrets,
    ) {
        let entries = match given {
            CallSecrets::Inherit(_) => return,
            CallSecrets::Nothing => &[][..],
            CallSecrets::Only(map) => &map.entries,
        };
        for entry in entries {
            if !known.contains(&entry.name.value) {
                self.unknown(uses, "secret", &entry.name, known);
            }
        }
        let given: Names = entries.iter().map(|entry| &*entry.name.value).collect();
        for secret in call.secrets.iter().filter(|secret| secret.required) {
            self.required(uses.span, "secret", &secret.name.value, &given);
        }
    }

    fn unknown(
        &mut self,
        uses: &Spanned<String>,
        what: &str,
        name: &Spanned<String>,
        known: &Names,
    ) {
        if self.errors.is_full() {
            return;
        }
        let message = format!(
            "the workflow `{}` has no {what} `{}`",
            uses.value, name.value
        );
        self.error(name.span, message, Some(known.help(&name.value, what)));
    }

    /// Says that something is required that was not given. Where the file itself is wrong, it may
    /// be there and not have been understood.
    fn required(&mut self, span: Span, what: &str, name: &str, given: &Names) {
        if given.contains(name) || !self.is_whole || self.errors.is_full() {
            return;
        }
        let help = match what {
            "secret" => format!("add `{name}` to `secrets`, or write `secrets: inherit`"),
            _ => format!("add `{name}` to `with`"),
        };
        let message = format!("the {what} `{name}` is required by the workflow");
        self.error(span, message, Some(help));
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
