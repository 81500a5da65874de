//! Reading data of any shape, and `strategy`, which is made of it.

use crate::expr::{Availability, Value};
use crate::source::Spanned;
use crate::yaml::{Entry, Node, NodeValue};

use super::data::{Content, Data, DataEntry};
use super::keys;
use super::places;
use super::read::{Fields, Reader};
use super::strategy::{self, Strategy};

impl Reader {
    /// The strategy of a job. What can be said of it before its expressions are evaluated is said.
    pub(super) fn strategy(&mut self, fields: &Fields<'_>) -> Option<Strategy> {
        let raw = fields.raw("strategy")?;
        if let Some(mapping) = raw.node.as_mapping() {
            for entry in mapping.entries() {
                if !keys::STRATEGY.keys.contains(&&*entry.key.text) {
                    self.unknown_key(entry, &keys::STRATEGY);
                }
            }
        }
        let data = self.data(&raw.node, &places::STRATEGY)?;
        strategy::check(&data, &mut |span, message, help| {
            self.problems.report_with(span, message, help);
        });
        Some(Strategy { key: raw.key, data })
    }

    /// Data of any shape. Nothing where an expression in it can't be understood.
    ///
    /// Nodes are nested [`crate::yaml::MAX_DEPTH`] levels at most, so this may recurse.
    pub(super) fn data(&mut self, node: &Node, place: &Availability) -> Option<Data> {
        let content = match &node.value {
            NodeValue::Null => Content::Value(Value::Null),
            NodeValue::Bool(value) => Content::Value((*value).into()),
            NodeValue::Number(value) => Content::Value((*value).into()),
            NodeValue::String(_) => {
                let template = self.template(node, place, "a string")?;
                match template.as_literal() {
                    Some(text) => Content::Value(text.into()),
                    None => Content::Template(template),
                }
            }
            NodeValue::Sequence(items) => {
                let items: Vec<_> = items.iter().map(|item| self.data(item, place)).collect();
                Content::Sequence(items.into_iter().collect::<Option<_>>()?)
            }
            NodeValue::Mapping(mapping) => {
                let entries = mapping.entries().iter();
                let entries: Vec<_> = entries.map(|entry| self.data_entry(entry, place)).collect();
                Content::Mapping(entries.into_iter().collect::<Option<_>>()?)
            }
        };
        Some(Data::new(node.span, content))
    }

    fn data_entry(&mut self, entry: &Entry, place: &Availability) -> Option<DataEntry> {
        let key = &entry.key;
        if key.text.is_empty() {
            self.report(key.span, "expected a name, found nothing");
        }
        let (computed_name, is_right) = if key.text.contains("${{") {
            let template = self.text(key.written(), key.span, place);
            let is_right = template.is_some();
            (
                template.filter(|name| name.as_literal().is_none()),
                is_right,
            )
        } else {
            (None, true)
        };
        let value = self.data(&entry.value, place)?;
        is_right.then(|| DataEntry {
            name: Spanned::new(key.text.to_string(), key.span),
            computed_name,
            value,
        })
    }
}
