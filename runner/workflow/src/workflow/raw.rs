//! Values that are kept as YAML: only their expressions are looked at.

use crate::expr::Availability;
use crate::yaml::{Node, NodeValue};

use super::model::Raw;
use super::read::{Fields, Reader};

/// What a value that is kept may be. What is in it is for those to say who use it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Shape {
    /// A mapping, or an expression that gives one.
    Mapping,
    /// A string or a mapping.
    Either,
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

    fn shaped(&mut self, fields: &Fields<'_>, key: &str, shape: Shape) -> Option<Raw> {
        let raw = fields.raw(key)?;
        let is_right = match (&raw.node.value, shape) {
            (NodeValue::Mapping(_), _) => true,
            (NodeValue::String(text), Shape::Mapping) => text.contains("${{"),
            (NodeValue::Sequence(_) | NodeValue::Null, _) => false,
            (_, shape) => shape == Shape::Either,
        };
        if !is_right {
            let expected = match shape {
                Shape::Mapping => "a mapping",
                Shape::Either => "a string or a mapping",
            };
            self.expected(&raw.node, expected);
        }
        Some(raw)
    }

    /// Nodes are nested [`crate::yaml::MAX_DEPTH`] levels at most, so this may recurse.
    fn raw_node(&mut self, node: &Node, place: &Availability) {
        match &node.value {
            NodeValue::String(_) => self.check_text(node, place),
            NodeValue::Sequence(items) => {
                for item in items.iter() {
                    self.raw_node(item, place);
                }
            }
            NodeValue::Mapping(mapping) => {
                for entry in mapping.entries() {
                    self.raw_node(&entry.value, place);
                }
            }
            NodeValue::Null | NodeValue::Bool(_) | NodeValue::Number(_) => {}
        }
    }
}
