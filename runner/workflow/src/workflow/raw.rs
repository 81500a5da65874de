//! Values that are kept as YAML: only their expressions are looked at.

use crate::expr::Availability;
use crate::yaml::{Node, NodeValue};

use super::model::Raw;
use super::places;
use super::read::{Fields, Reader};

impl Reader {
    /// `snapshot` of a job: a name or a mapping.
    pub(super) fn snapshot(&mut self, fields: &Fields<'_>) -> Option<Raw> {
        let raw = fields.raw("snapshot")?;
        if matches!(raw.node.value, NodeValue::Sequence(_) | NodeValue::Null) {
            self.expected(&raw.node, "a string or a mapping");
        }
        self.raw_node(&raw.node, &places::SNAPSHOT);
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
