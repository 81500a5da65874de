//! Values that are kept as YAML: only their expressions are looked at.

use crate::expr::Availability;
use crate::yaml::{Node, NodeValue};

use super::model::Raw;
use super::places;
use super::read::{Fields, Reader};

/// What a value that is kept may be. What is in it is for those to say who use it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Shape {
    /// A mapping, or an expression that gives one.
    Mapping,
    /// A string or a mapping.
    Either,
    /// The same; nothing and an empty string are as good as no key at all.
    Optional,
    /// A mapping, or this one word.
    MappingOr(&'static str),
}

impl Reader {
    /// A value as it is, with its expressions checked.
    pub(super) fn raw(
        &mut self,
        fields: &Fields<'_>,
        key: &str,
        shape: Shape,
        place: &Availability,
    ) -> Option<Raw> {
        let raw = self.shaped(fields, key, shape)?;
        self.raw_node(&raw.node, place);
        Some(raw)
    }

    /// A container or all services: some of their keys see more than the rest.
    pub(super) fn raw_container(
        &mut self,
        fields: &Fields<'_>,
        key: &str,
        shape: Shape,
    ) -> Option<Raw> {
        let raw = self.shaped(fields, key, shape)?;
        self.raw_keys(&raw.node, &places::JOB, &|key| match key {
            "env" => Some(&places::CONTAINER_ENV),
            "credentials" => Some(&places::CONTAINER_CREDENTIALS),
            _ => None,
        });
        Some(raw)
    }

    /// A deployment environment: its URL is known only when the job is over.
    pub(super) fn raw_environment(&mut self, fields: &Fields<'_>) -> Option<Raw> {
        let raw = self.shaped(fields, "environment", Shape::Optional)?;
        self.raw_keys(&raw.node, &places::JOB, &|key| {
            (key == "url").then_some(&places::ENVIRONMENT_URL)
        });
        Some(raw)
    }

    fn shaped(&mut self, fields: &Fields<'_>, key: &str, shape: Shape) -> Option<Raw> {
        let raw = fields.raw(key)?;
        if shape == Shape::Optional && raw.node.scalar_text().is_some_and(|text| text.is_empty()) {
            return None;
        }
        let is_right = match (&raw.node.value, shape) {
            (NodeValue::Mapping(_), _) => true,
            (NodeValue::String(text), Shape::Mapping) => text.contains("${{"),
            (NodeValue::String(text), Shape::MappingOr(word)) => &**text == word,
            (NodeValue::Sequence(_) | NodeValue::Null, _) => false,
            (_, shape) => matches!(shape, Shape::Either | Shape::Optional),
        };
        if !is_right {
            match shape {
                Shape::Mapping => self.expected(&raw.node, "a mapping"),
                Shape::Either | Shape::Optional => {
                    self.expected(&raw.node, "a string or a mapping");
                }
                Shape::MappingOr(word) => {
                    self.expected(&raw.node, &format!("a mapping or `{word}`"));
                }
            }
        }
        Some(raw)
    }

    fn raw_node(&mut self, node: &Node, place: &Availability) {
        self.raw_keys(node, place, &|_| None);
    }

    /// Nodes are nested [`crate::yaml::MAX_DEPTH`] levels at most, so this may recurse.
    fn raw_keys(
        &mut self,
        node: &Node,
        place: &Availability,
        special: &dyn Fn(&str) -> Option<&'static Availability>,
    ) {
        match &node.value {
            NodeValue::String(_) => self.check_text(node, place),
            NodeValue::Sequence(items) => {
                for item in items.iter() {
                    self.raw_keys(item, place, special);
                }
            }
            NodeValue::Mapping(mapping) => {
                for entry in mapping.entries() {
                    match special(&entry.key.text) {
                        Some(place) => self.raw_node(&entry.value, place),
                        None => self.raw_keys(&entry.value, place, special),
                    }
                }
            }
            NodeValue::Null | NodeValue::Bool(_) | NodeValue::Number(_) => {}
        }
    }
}
