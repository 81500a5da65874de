//! Reading steps.

use std::collections::HashMap;

use crate::action::{ActionReference, ReferenceError};
use crate::expr::Availability;
use crate::source::{Span, Spanned};
use crate::text;
use crate::yaml::{Entry, Node, NodeValue};

use super::ids;
use super::keys::{self, ACTIONS, Keys};
use super::model::{Control, Step, StepAction};
use super::places;
use super::read::{Fields, Reader, TemplateMap};

/// What steps may be: those of an action may do less than those of a job.
pub(crate) struct StepRules {
    /// The keys of which a step has exactly one.
    pub(crate) kinds: &'static [&'static str],
    /// The keys of a step that runs a script.
    pub(crate) run: Keys,
    /// The keys of a step that runs an action.
    pub(crate) uses: Keys,
    /// What values may use.
    pub(crate) values: Availability,
    /// What conditions may use.
    pub(crate) condition: Availability,
    /// What the name of a shell may use.
    pub(crate) shell: Availability,
    /// Whether a script must name its shell.
    pub(crate) needs_shell: bool,
}

/// GitHub allows no expressions in a step's own shell; `defaults.run.shell` takes them.
static JOB_STEPS: StepRules = StepRules {
    kinds: &ACTIONS,
    run: keys::RUN_STEP,
    uses: keys::USES_STEP,
    values: places::STEP,
    condition: places::STEP_IF,
    shell: Availability::NOTHING,
    needs_shell: false,
};

/// What is known of the steps before, within one job or action.
struct Before {
    rules: &'static StepRules,
    count: usize,
    /// Where each id was first used.
    ids: HashMap<String, Span>,
}

impl Reader {
    /// The steps of a job.
    pub(super) fn job_steps(&mut self, items: &[Node]) -> Vec<Step> {
        self.step_list(items, &JOB_STEPS)
    }

    /// The steps of a job or an action.
    pub(crate) fn step_list(&mut self, items: &[Node], rules: &'static StepRules) -> Vec<Step> {
        let mut before = Before {
            rules,
            count: 0,
            ids: HashMap::new(),
        };
        items
            .iter()
            .filter_map(|item| self.step(item, &mut before, false))
            .collect()
    }

    fn step(&mut self, node: &Node, before: &mut Before, in_parallel: bool) -> Option<Step> {
        before.count += 1;
        let number = before.count;
        let fields = self.any_fields(
            node,
            &Keys {
                of: "a step",
                keys: &[],
            },
        )?;
        let rules = before.rules;
        let kind = self.kind(node, &fields, rules)?;
        let keys = match &*kind.key.text {
            "run" => &rules.run,
            "uses" => &rules.uses,
            _ => &keys::CONTROL_STEP,
        };
        self.step_keys(node, keys);
        if in_parallel && !matches!(&*kind.key.text, "run" | "uses") {
            let message = format!("`{}` can't be used within `parallel`", kind.key.text);
            self.report(kind.key.span, message);
        }
        Some(Step {
            number,
            id: fields.get("id").and_then(|node| self.step_id(node, before)),
            name: fields
                .get("name")
                .and_then(|node| self.template(node, &rules.values, "a string")),
            condition: fields
                .get("if")
                .and_then(|node| self.condition(node, &rules.condition)),
            env: self.env(&fields, &rules.values),
            continue_on_error: fields
                .get("continue-on-error")
                .and_then(|node| self.switch(node, &rules.values)),
            timeout_minutes: fields
                .get("timeout-minutes")
                .and_then(|node| self.minutes(node, &rules.values)),
            background: fields
                .get("background")
                .and_then(|node| self.background(node)),
            action: self.action(kind, &fields, before)?,
            span: node.span,
        })
    }

    /// The one key that says what the step does.
    fn kind<'n>(
        &mut self,
        node: &'n Node,
        fields: &Fields<'n>,
        rules: &StepRules,
    ) -> Option<&'n Entry> {
        let entries = node
            .as_mapping()
            .map(|mapping| mapping.entries())
            .unwrap_or_default();
        let mut found = entries
            .iter()
            .filter(|entry| rules.kinds.contains(&&*entry.key.text));
        let Some(first) = found.next() else {
            self.missing(fields, "the step has neither `run` nor `uses`");
            // A misspelt key is most often the reason.
            self.step_keys(node, &ANY_STEP);
            return None;
        };
        for other in found {
            let message = format!(
                "a step can't have both `{}` and `{}`",
                first.key.text, other.key.text
            );
            self.report(other.key.span, message);
        }
        Some(first)
    }

    /// Refuses unknown keys, and those that belong to another kind of step.
    fn step_keys(&mut self, node: &Node, own: &Keys) {
        for entry in node
            .as_mapping()
            .map(|mapping| mapping.entries())
            .unwrap_or_default()
        {
            let key = &&*entry.key.text;
            if own.keys.contains(key) || ACTIONS.contains(key) {
                continue;
            }
            if ANY_STEP.keys.contains(key) {
                self.report(
                    entry.key.span,
                    format!("`{key}` can't be used in {}", own.of),
                );
            } else {
                self.unknown_key(entry, own);
            }
        }
    }

    fn step_id(&mut self, node: &Node, before: &mut Before) -> Option<Spanned<String>> {
        let id = self.name(node, "an id")?;
        if let Some(message) = ids::refuse(&id.value) {
            self.report(id.span, message);
            return None;
        }
        let folded = text::folded(&id.value).into_owned();
        if let Some(first) = before.ids.get(&folded) {
            let line = self.source().location(first.start).line;
            let message = format!("the id `{}` is already used on line {line}", id.value);
            self.report(id.span, message);
        }
        before.ids.entry(folded).or_insert(id.span);
        Some(id)
    }

    fn background(&mut self, node: &Node) -> Option<Spanned<bool>> {
        if let NodeValue::Bool(value) = node.value {
            return Some(Spanned::new(value, node.span));
        }
        self.expected(node, "`true` or `false`");
        None
    }

    fn action(
        &mut self,
        kind: &Entry,
        fields: &Fields<'_>,
        before: &mut Before,
    ) -> Option<StepAction> {
        let node = &kind.value;
        let control = match &*kind.key.text {
            "run" => return self.run(node, fields, before.rules),
            "uses" => return self.uses(node, fields, before.rules),
            "wait" => Control::Wait(self.names(node, "the id of a step")),
            "wait-all" => self.wait_all(node)?,
            "cancel" => Control::Cancel(self.name(node, "the id of a step")?),
            _ => self.parallel(node, before)?,
        };
        Some(StepAction::Control {
            key: kind.key.span,
            control,
        })
    }

    fn run(&mut self, node: &Node, fields: &Fields<'_>, rules: &StepRules) -> Option<StepAction> {
        let script = self.template(node, &rules.values, "a script");
        let shell = fields.get("shell");
        if shell.is_none() && rules.needs_shell {
            self.missing(fields, "a step with `run` must have a `shell` in an action");
        }
        let shell =
            shell.and_then(|node| self.full_template(node, &rules.shell, "the name of a shell"));
        let directory = fields.get("working-directory");
        let working_directory =
            directory.and_then(|node| self.full_template(node, &rules.values, "a directory"));
        self.check_shell(shell.as_ref());
        Some(StepAction::Run {
            script: script?,
            shell,
            working_directory,
        })
    }

    fn uses(&mut self, node: &Node, fields: &Fields<'_>, rules: &StepRules) -> Option<StepAction> {
        let with = match fields.get("with") {
            Some(node) => self.template_map(node, &places::STEP, Some(&rules.values)),
            None => TemplateMap::default(),
        };
        let reference = self.name(node, "the reference of an action")?;
        self.check_reference(&reference);
        Some(StepAction::Uses { reference, with })
    }

    /// A reference that leaves its directory works on GitHub as far as the runner lets it.
    fn check_reference(&mut self, reference: &Spanned<String>) {
        match ActionReference::parse(&reference.value) {
            Ok(_) => {}
            Err(error @ ReferenceError::Leaves(_)) => {
                self.warnings.report(reference.span, error.to_string());
            }
            Err(error) => self.problems.report_with(
                reference.span,
                error.to_string(),
                error.help().map(str::to_owned),
            ),
        }
    }

    fn wait_all(&mut self, node: &Node) -> Option<Control> {
        if matches!(node.value, NodeValue::Null | NodeValue::Bool(true)) {
            return Some(Control::WaitAll);
        }
        match node.value {
            NodeValue::Bool(false) => self.report(node.span, "`wait-all` can't be `false`"),
            _ => self.expected(node, "nothing or `true`"),
        }
        None
    }

    fn parallel(&mut self, node: &Node, before: &mut Before) -> Option<Control> {
        let Some(items) = node.as_sequence() else {
            self.expected(node, "a sequence of steps");
            return None;
        };
        let steps = items
            .iter()
            .filter_map(|item| self.step(item, before, true))
            .collect();
        Some(Control::Parallel(steps))
    }
}

/// Every key that a step of any kind may have.
const ANY_STEP: Keys = Keys {
    of: "a step",
    keys: &[
        "name",
        "id",
        "if",
        "run",
        "shell",
        "working-directory",
        "uses",
        "with",
        "env",
        "continue-on-error",
        "timeout-minutes",
        "background",
        "wait",
        "wait-all",
        "cancel",
        "parallel",
    ],
};
