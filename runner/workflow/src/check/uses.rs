//! Steps that use local actions: what they give, against what is taken.
//!
//! GitHub looks at none of it before the step runs, and then warns at most. A local action may also
//! come into being only while the job runs, by a checkout of another repository.

use crate::action::{Action, ActionInput, Runs};
use crate::files::Unreadable;
use crate::source::Spanned;
use crate::text;
use crate::workflow::{Step, StepAction, TemplateMap};

use super::Checker;
use super::files::{Found, Used, summary};
use super::nesting::{Nesting, local_action};

/// What every Docker action takes beside its inputs.
const DOCKER_INPUTS: [&str; 2] = ["args", "entrypoint"];

impl Checker<'_> {
    /// Everything about the local actions that steps use.
    pub(super) fn uses_of(&mut self, steps: &[&Step]) {
        for (step, reference, with, directory) in local_uses(steps) {
            let is_broken = self.broken.has_step(step);
            self.use_of(reference, &directory, with, is_broken);
        }
    }

    /// Whether the local actions that steps use come to an end. `own` is the directory of the
    /// action that the steps belong to.
    pub(super) fn nesting_of(&mut self, steps: &[&Step], own: Option<&str>) {
        let mut nesting = Nesting::uses(&mut self.library, own);
        for (_, reference, _, directory) in local_uses(steps) {
            if let Some(message) = nesting.fault(&directory) {
                self.errors.report(reference.span, message);
            }
            if self.errors.is_full() {
                return;
            }
        }
    }

    fn use_of(
        &mut self,
        reference: &Spanned<String>,
        directory: &str,
        with: &TemplateMap,
        is_broken: bool,
    ) {
        let found = self.library.action(directory);
        match &*found {
            Found::Right(action) => self.given(reference, action, with, is_broken),
            Found::Wrong(problems) => {
                let message = format!("the action is not valid: {}", summary(problems));
                self.error(reference.span, message, None);
            }
            Found::Unreadable(Unreadable::Missing) => {
                let message = format!("there is no `action.yml` in `{}`", reference.value);
                let help = "that is right only if a step before puts it there".to_owned();
                self.warn(reference.span, message, Some(help));
            }
            Found::Unreadable(Unreadable::Other(why)) => {
                let message = format!("the action `{}` can't be read: {why}", reference.value);
                self.error(reference.span, message, None);
            }
            Found::Image => {}
        }
    }

    fn given(
        &mut self,
        reference: &Spanned<String>,
        action: &Used<Action>,
        with: &TemplateMap,
        is_broken: bool,
    ) {
        let is_docker = matches!(action.file.runs, Runs::Docker(_));
        let has_computed = with.whole.is_some()
            || with
                .entries
                .iter()
                .any(|entry| entry.computed_name.is_some());
        for entry in &with.entries {
            let name = &entry.name;
            let is_special = is_docker
                && DOCKER_INPUTS
                    .iter()
                    .any(|known| text::equal(known, &name.value));
            if entry.computed_name.is_none() && !is_special {
                self.given_input(reference, action, name);
            }
        }
        if has_computed || is_broken {
            return;
        }
        for input in &action.file.inputs {
            if self.warnings.is_full() {
                return;
            }
            let name = &input.name.value;
            if input.required && input.default.is_none() && with.get(name).is_none() {
                let message = format!("the action requires the input `{name}`");
                self.warn(
                    reference.span,
                    message,
                    Some(format!("add `{name}` to `with`")),
                );
            }
        }
    }

    fn given_input(
        &mut self,
        reference: &Spanned<String>,
        action: &Used<Action>,
        name: &Spanned<String>,
    ) {
        if self.warnings.is_full() {
            return;
        }
        let Some(at) = action.inputs.position(&name.value) else {
            let message = format!(
                "the action `{}` has no input `{}`",
                reference.value, name.value
            );
            let help = action.inputs.help(&name.value, "input");
            self.warn(name.span, message, Some(help));
            return;
        };
        let input: &ActionInput = &action.file.inputs[at];
        if let Some(why) = &input.deprecation_message {
            let message = format!("the input `{}` is deprecated: {}", name.value, why.value);
            self.warn(name.span, message, None);
        }
    }
}

/// The steps that use local actions: how these are named, what they are given, where they are.
fn local_uses<'s>(
    steps: &'s [&Step],
) -> impl Iterator<Item = (&'s Step, &'s Spanned<String>, &'s TemplateMap, String)> {
    steps.iter().filter_map(|step| {
        let StepAction::Uses { reference, with } = &step.action else {
            return None;
        };
        Some((*step, reference, with, local_action(step)?))
    })
}
