//! Reading what a job hands to the workflow that it calls.

use crate::expr::Value;
use crate::source::Spanned;
use crate::yaml::{Entry, Node, NodeValue};

use super::call::{Argument, CallSecrets};
use super::places;
use super::read::{Fields, Reader};
use crate::reader::Setting;

impl Reader {
    /// The workflow that a job calls.
    pub(super) fn called(&mut self, fields: &Fields<'_>) -> Option<Spanned<String>> {
        let reference = self.name(fields.get("uses")?, "the reference of a workflow")?;
        self.check_workflow(&reference);
        Some(reference)
    }

    /// `with` of a job that calls a workflow.
    pub(super) fn arguments(&mut self, fields: &Fields<'_>) -> Vec<Argument> {
        let Some(node) = fields.get("with") else {
            return Vec::new();
        };
        let Some(mapping) = node.as_mapping() else {
            self.expected(node, "a mapping of inputs and values");
            return Vec::new();
        };
        let entries = mapping.entries().iter();
        entries.filter_map(|entry| self.argument(entry)).collect()
    }

    fn argument(&mut self, entry: &Entry) -> Option<Argument> {
        let name = self.plain_key(entry, "an input");
        let value = self.value(&entry.value)?;
        Some(Argument {
            name,
            value: Spanned::new(value, entry.value.span),
        })
    }

    /// A scalar with its type, or an expression that gives one.
    fn value(&mut self, node: &Node) -> Option<Setting<Value>> {
        match &node.value {
            NodeValue::Null => Some(Setting::Literal(Value::Null)),
            NodeValue::Bool(value) => Some(Setting::Literal(Value::Bool(*value))),
            NodeValue::Number(value) => Some(Setting::Literal(Value::Number(*value))),
            _ => {
                let template =
                    self.template(node, &places::CALL_INPUT, "a string, a boolean or a number")?;
                Some(match template.as_literal() {
                    Some(text) => Setting::Literal(text.into()),
                    None => Setting::Template(template),
                })
            }
        }
    }

    /// `secrets` of a job that calls a workflow.
    pub(super) fn call_secrets(&mut self, fields: &Fields<'_>) -> CallSecrets {
        let Some(node) = fields.get("secrets") else {
            return CallSecrets::Nothing;
        };
        match &node.value {
            NodeValue::String(text) if &**text == "inherit" => CallSecrets::Inherit(node.span),
            NodeValue::Mapping(mapping) => {
                for entry in mapping.entries() {
                    self.plain_key(entry, "a secret");
                }
                CallSecrets::Only(self.template_map(node, &places::JOB_SECRETS, None))
            }
            _ => {
                self.expected(node, "a mapping of secrets or `inherit`");
                CallSecrets::Nothing
            }
        }
    }

    /// A key that is a name as it stands.
    fn plain_key(&mut self, entry: &Entry, what: &str) -> Spanned<String> {
        if entry.key.text.is_empty() {
            let message = format!("expected the name of {what}, found nothing");
            self.report(entry.key.span, message);
        }
        Spanned::new(entry.key.text.to_string(), entry.key.span)
    }
}
