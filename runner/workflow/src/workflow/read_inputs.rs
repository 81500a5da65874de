//! Reading what a workflow is handed and gives back: `workflow_dispatch` and `workflow_call`.

use crate::expr::Value;
use crate::number;
use crate::source::Spanned;
use crate::text;
use crate::yaml::{Entry, Kind, Node, NodeValue};

use super::inputs::{Call, CallOutput, Input, InputKind, SecretInput};
use super::keys::{self, Keys};
use super::places;
use super::read::{Fields, Reader};
use crate::reader::Setting;

/// How many inputs GitHub asks somebody for.
const MAX_DISPATCH_INPUTS: usize = 25;

/// Who gives the inputs: a person, or a job.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Giver {
    Person,
    Job,
}

impl Giver {
    fn types(self) -> &'static [&'static str] {
        match self {
            Giver::Person => &["string", "boolean", "number", "choice", "environment"],
            Giver::Job => &["string", "boolean", "number"],
        }
    }

    fn keys(self) -> &'static Keys {
        match self {
            Giver::Person => &keys::DISPATCH_INPUT,
            Giver::Job => &keys::CALL_INPUT,
        }
    }
}

impl Reader {
    /// `workflow_dispatch`, where something is said of it.
    pub(super) fn dispatch(&mut self, node: &Node) -> Vec<Input> {
        let inputs = self
            .fields(node, &keys::DISPATCH)
            .and_then(|fields| fields.get("inputs"))
            .filter(|node| node.value != NodeValue::Null);
        let Some(inputs) = inputs else {
            return Vec::new();
        };
        let entries = self.definitions(inputs, "a mapping of names and inputs");
        if let Some(beyond) = entries.get(MAX_DISPATCH_INPUTS) {
            let message =
                format!("`workflow_dispatch` can't have more than {MAX_DISPATCH_INPUTS} inputs");
            self.report(beyond.key.span, message);
        }
        let mut read = |entry| self.any_input(entry, Giver::Person);
        entries.iter().filter_map(&mut read).collect()
    }

    /// `workflow_call`, where something is said of it.
    pub(super) fn call(&mut self, node: &Node) -> Call {
        let Some(fields) = self.fields(node, &keys::CALL) else {
            return Call::default();
        };
        let mut entries = |key: &str, expected: &str| match fields.get(key) {
            Some(node) => self.definitions(node, expected),
            None => &[],
        };
        let inputs = entries("inputs", "a mapping of names and inputs");
        let secrets = entries("secrets", "a mapping of names and secrets");
        let outputs = entries("outputs", "a mapping of names and outputs");
        Call {
            inputs: inputs
                .iter()
                .filter_map(|entry| self.any_input(entry, Giver::Job))
                .collect(),
            secrets: secrets
                .iter()
                .filter_map(|entry| self.secret(entry))
                .collect(),
            outputs: outputs
                .iter()
                .filter_map(|entry| self.call_output(entry))
                .collect(),
        }
    }

    fn definitions<'n>(&mut self, node: &'n Node, expected: &str) -> &'n [Entry] {
        match node.as_mapping() {
            Some(mapping) => mapping.entries(),
            None => {
                self.expected(node, expected);
                &[]
            }
        }
    }

    /// The name of an input, a secret or an output. GitHub takes any, though it says otherwise,
    /// but what is no name can't be asked for with a dot.
    fn defined_name(&mut self, entry: &Entry, what: &str) -> Spanned<String> {
        let name = Spanned::new(entry.key.text.to_string(), entry.key.span);
        let is_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
        if name.value.is_empty() {
            self.report(
                name.span,
                format!("expected the name of {what}, found nothing"),
            );
        } else if !name.value.chars().all(is_name)
            || name
                .value
                .starts_with(|c: char| c.is_ascii_digit() || c == '-')
        {
            self.warn(
                name.span,
                format!("`{}` is no good name for {what}", name.value),
                Some(
                    "names begin with a letter or `_` and go on with letters, digits, `-` and `_`",
                ),
            );
        }
        name
    }

    fn any_input(&mut self, entry: &Entry, giver: Giver) -> Option<Input> {
        let name = self.defined_name(entry, "an input");
        if giver == Giver::Person && entry.value.value == NodeValue::Null {
            return Some(Input {
                name,
                description: None,
                deprecation: None,
                kind: InputKind::String,
                required: false,
                default: None,
            });
        }
        let fields = self.fields(&entry.value, giver.keys())?;
        let kind = self.input_kind(&name, &fields, giver);
        Some(Input {
            description: self.described(&fields, "description"),
            deprecation: self.described(&fields, "deprecationMessage"),
            required: self.required(&fields),
            default: match (fields.get("default"), &kind) {
                (Some(node), Some(kind)) => self.default(node, kind, giver),
                _ => None,
            },
            kind: kind.unwrap_or(InputKind::String),
            name,
        })
    }

    fn described(&mut self, fields: &Fields<'_>, key: &str) -> Option<Spanned<String>> {
        let node = fields.get(key)?;
        self.literal(node, "a string")
    }

    fn required(&mut self, fields: &Fields<'_>) -> bool {
        match fields.get("required") {
            None => false,
            Some(node) => match node.value {
                NodeValue::Bool(value) => value,
                _ => {
                    self.expected(node, "`true` or `false`");
                    false
                }
            },
        }
    }

    /// The type of an input. None where it is unknown, so that nothing else is said for it.
    fn input_kind(
        &mut self,
        name: &Spanned<String>,
        fields: &Fields<'_>,
        giver: Giver,
    ) -> Option<InputKind> {
        let options = fields.entry("options");
        let kind = match fields.get("type") {
            None if giver == Giver::Job => {
                let known = text::listed(giver.types().iter().copied(), "or");
                self.help(
                    name.span,
                    format!("the input `{}` has no `type`", name.value),
                    format!("the type of an input is {known}"),
                );
                return None;
            }
            None => InputKind::String,
            Some(node) => self.named_kind(node, giver)?,
        };
        let is_choice = matches!(kind, InputKind::Choice(_));
        match options {
            Some(options) if is_choice => Some(InputKind::Choice(self.options(&options.value))),
            Some(options) => {
                let message = format!(
                    "an input of the type `{}` can't have `options`",
                    kind.name()
                );
                self.help(options.key.span, message, "write `type: choice`");
                Some(kind)
            }
            None if is_choice => {
                let message = format!("the input `{}` has no `options` to choose from", name.value);
                self.report(name.span, message);
                None
            }
            None => Some(kind),
        }
    }

    fn named_kind(&mut self, node: &Node, giver: Giver) -> Option<InputKind> {
        let name = self.name(node, "a type")?;
        if giver.types().contains(&name.value.as_str()) {
            return match name.value.as_str() {
                "string" => Some(InputKind::String),
                "boolean" => Some(InputKind::Boolean),
                "number" => Some(InputKind::Number),
                "environment" => Some(InputKind::Environment),
                _ => Some(InputKind::Choice(Vec::new())),
            };
        }
        let known = text::listed(giver.types().iter().copied(), "or");
        self.report(
            node.span,
            format!("expected {known}, found `{}`", name.value),
        );
        None
    }

    fn options(&mut self, node: &Node) -> Vec<Spanned<String>> {
        let Some(items) = node.as_sequence() else {
            self.expected(node, "a sequence of options");
            return Vec::new();
        };
        if items.is_empty() {
            self.report(node.span, "expected at least one option, found none");
        }
        let mut read = |item| self.literal(item, "an option");
        items.iter().filter_map(&mut read).collect()
    }

    /// A default. Jobs may leave it to an expression; where a person gives the inputs, GitHub
    /// takes some that do not fit, and makes of them what it can.
    fn default(
        &mut self,
        node: &Node,
        kind: &InputKind,
        giver: Giver,
    ) -> Option<Spanned<Setting<Value>>> {
        let written = node.scalar_text();
        if giver == Giver::Job && written.is_some_and(|text| text.contains("${{")) {
            let template = self.template(node, &places::INPUT_DEFAULT, "a default")?;
            return Some(Spanned::new(Setting::Template(template), node.span));
        }
        let expected = match kind {
            InputKind::Boolean => "`true` or `false`",
            InputKind::Number => "a number",
            _ => "a string",
        };
        if let Some(value) = fitting(node, kind) {
            self.default_text(node, &value, kind);
            return Some(Spanned::new(Setting::Literal(value), node.span));
        }
        let text = node.scalar_text().unwrap_or_default();
        match kind.read(&text) {
            Ok(value) if giver == Giver::Person && node.kind() == Kind::String => {
                self.warn(
                    node.span,
                    format!("expected {expected}, found a string"),
                    Some("take the quotes away"),
                );
                Some(Spanned::new(Setting::Literal(value), node.span))
            }
            _ => {
                self.expected(node, expected);
                None
            }
        }
    }

    /// What is odd about a default that is taken.
    fn default_text(&mut self, node: &Node, value: &Value, kind: &InputKind) {
        let Value::String(text) = value else {
            return;
        };
        if let InputKind::Choice(options) = kind
            && !options.is_empty()
            && !options.iter().any(|option| option.value == *text)
        {
            let names = options.iter().map(|option| option.value.as_str());
            let help = format!("the options are {}", text::listed(names, "and"));
            self.warn(
                node.span,
                format!("the default `{text}` is none of the options"),
                Some(&help),
            );
        }
        let written = self.source().slice(node.written);
        if matches!(node.value, NodeValue::Number(_)) && written != text {
            let message = format!("this default is `{text}`, since `{written}` is a number");
            self.warn(node.span, message, Some("put quotes around it"));
        }
    }

    fn secret(&mut self, entry: &Entry) -> Option<SecretInput> {
        let name = self.defined_name(entry, "a secret");
        if entry.value.value == NodeValue::Null {
            return Some(SecretInput {
                name,
                description: None,
                required: false,
            });
        }
        let fields = self.fields(&entry.value, &keys::CALL_SECRET)?;
        Some(SecretInput {
            name,
            description: self.described(&fields, "description"),
            required: self.required(&fields),
        })
    }

    fn call_output(&mut self, entry: &Entry) -> Option<CallOutput> {
        let name = self.defined_name(entry, "an output");
        let fields = self.fields(&entry.value, &keys::CALL_OUTPUT)?;
        let description = self.described(&fields, "description");
        let Some(value) = fields.get("value") else {
            let message = format!("the output `{}` has no `value`", name.value);
            self.help(
                name.span,
                message,
                "write what it is, such as `${{ jobs.build.outputs.version }}`",
            );
            return None;
        };
        let value = self.template(value, &places::CALL_OUTPUT, "a string")?;
        Some(CallOutput {
            name,
            description,
            value,
        })
    }
}

/// The value of a node, where it has the type of an input. Any scalar is a string.
fn fitting(node: &Node, kind: &InputKind) -> Option<Value> {
    match (kind, &node.value) {
        (InputKind::Boolean, NodeValue::Bool(value)) => Some(Value::Bool(*value)),
        (InputKind::Number, NodeValue::Number(value)) => Some(Value::Number(*value)),
        (InputKind::Boolean | InputKind::Number, _) => None,
        (_, NodeValue::Number(value)) => Some(Value::String(number::format(*value))),
        _ => node
            .scalar_text()
            .map(|text| Value::String(text.to_string())),
    }
}
