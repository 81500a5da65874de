//! Reading the top level of an action file, its inputs and its outputs.

use crate::expr::Availability;
use crate::reader::{Fields, Keys, Reader};
use crate::source::Spanned;
use crate::text;
use crate::yaml::{self, Entry, Kind, Node, NodeValue};

use super::model::{Action, ActionInput, ActionOutput, Runs};
use super::rules;

impl Reader {
    /// The whole file.
    pub(super) fn action_file(&mut self) -> Option<Action> {
        let source = self.source().clone();
        let root = yaml::read(&source, &mut self.problems)?;
        let fields = self.loose_fields(&root, &rules::ACTION)?;
        let runs = self.runs(&fields);
        let outputs = self.outputs(&fields, matches!(runs, Some(Runs::Composite { .. })));
        let inputs = self.inputs(&fields);
        let mut text = |key| self.literal(fields.get(key)?, "a string");
        let (name, description) = (text("name"), text("description"));
        Some(Action {
            name,
            author: fields.get("author").and_then(ignored_text),
            description,
            inputs,
            outputs,
            runs: runs?,
            warnings: self.take_warnings(),
            source,
        })
    }

    /// The entries of a mapping that may have any key. One that is nearly a known one is likely to
    /// be a mistake; what is below unknown ones may not hold expressions.
    fn loose_fields<'n>(&mut self, node: &'n Node, keys: &Keys) -> Option<Fields<'n>> {
        let fields = self.any_fields(node, keys)?;
        for entry in node.as_mapping()?.entries() {
            let key = &*entry.key.text;
            if key.is_empty() {
                self.report(entry.key.span, "expected a key, found nothing");
            }
            if keys.keys.contains(&key) {
                continue;
            }
            self.no_expressions(&entry.value);
            if let Some(known) = text::suggestion(key, keys.keys.iter().copied()) {
                let message = format!("unknown key `{key}` in {}, which is ignored", keys.of);
                let help = Some(format!("did you mean `{known}`?"));
                self.warnings.report_with(entry.key.span, message, help);
            }
        }
        for key in ["author", "branding", "required"] {
            if let Some(value) = fields.get(key) {
                self.no_expressions(value);
            }
        }
        Some(fields)
    }

    /// Refuses expressions in a value that GitHub reads but does not look at. Nodes are nested
    /// [`yaml::MAX_DEPTH`] levels at most, so this may recurse.
    fn no_expressions(&mut self, node: &Node) {
        match &node.value {
            NodeValue::Sequence(items) => {
                for item in items.iter() {
                    self.no_expressions(item);
                }
            }
            NodeValue::Mapping(mapping) => {
                for entry in mapping.entries() {
                    self.no_expressions(&entry.value);
                }
            }
            _ => self.check_text(node, &Availability::NOTHING),
        }
    }

    /// The entries of `inputs` or `outputs`.
    fn named<'n>(&mut self, fields: &Fields<'n>, key: &str, expected: &str) -> &'n [Entry] {
        let Some(node) = fields.get(key) else {
            return &[];
        };
        let Some(mapping) = node.as_mapping() else {
            self.expected(node, expected);
            return &[];
        };
        for entry in mapping.entries() {
            if entry.key.text.is_empty() {
                self.report(entry.key.span, "expected a name, found nothing");
            }
        }
        mapping.entries()
    }

    fn inputs(&mut self, fields: &Fields<'_>) -> Vec<ActionInput> {
        let entries = self.named(fields, "inputs", "a mapping of names and inputs");
        entries
            .iter()
            .filter_map(|entry| self.input(entry))
            .collect()
    }

    fn input(&mut self, entry: &Entry) -> Option<ActionInput> {
        let fields = self.loose_fields(&entry.value, &rules::INPUT)?;
        if let Some(description) = fields.get("description") {
            self.no_expressions(description);
        }
        Some(ActionInput {
            name: Spanned::new(entry.key.text.to_string(), entry.key.span),
            description: fields
                .get("description")
                .and_then(ignored_text)
                .map(|description| description.value),
            required: fields.get("required").is_some_and(is_true),
            default: fields
                .get("default")
                .and_then(|node| self.template(node, &rules::INPUT_DEFAULT, "a string")),
            deprecation_message: fields
                .get("deprecationMessage")
                .and_then(|node| self.deprecation_message(node)),
        })
    }

    /// GitHub takes any scalar for most strings, but not for this one.
    fn deprecation_message(&mut self, node: &Node) -> Option<Spanned<String>> {
        if node.kind() != Kind::String {
            self.expected(node, "a string");
            return None;
        }
        self.literal(node, "a string")
    }

    fn outputs(&mut self, fields: &Fields<'_>, is_composite: bool) -> Vec<ActionOutput> {
        let entries = self.named(fields, "outputs", "a mapping of names and outputs");
        entries
            .iter()
            .filter_map(|entry| self.output(entry, is_composite))
            .collect()
    }

    fn output(&mut self, entry: &Entry, is_composite: bool) -> Option<ActionOutput> {
        let fields = self.fields(&entry.value, &rules::OUTPUT)?;
        let name = Spanned::new(entry.key.text.to_string(), entry.key.span);
        let value = fields.get("value");
        if is_composite && value.is_none() {
            let message = format!(
                "the output `{}` has no `value`: it is never set",
                name.value
            );
            self.warnings.report(name.span, message);
        }
        Some(ActionOutput {
            name,
            description: fields
                .get("description")
                .and_then(|node| self.literal(node, "a string")),
            value: value.and_then(|node| self.template(node, &rules::OUTPUT_VALUE, "a string")),
        })
    }
}

/// The text of a value that GitHub does not look at, if it has one.
fn ignored_text(node: &Node) -> Option<Spanned<String>> {
    Some(Spanned::new(node.scalar_text()?.to_string(), node.span))
}

fn is_true(node: &Node) -> bool {
    node.scalar_text()
        .is_some_and(|text| text.eq_ignore_ascii_case("true"))
}
