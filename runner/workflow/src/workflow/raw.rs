//! Values that are kept as YAML: only their expressions are looked at.

use crate::expr::Availability;
use crate::yaml::{Node, NodeValue};

use super::model::Raw;
use super::read::{Fields, Reader};

impl Reader {
    /// A string or a mapping as it is, with its expressions checked.
    pub(super) fn raw(
        &mut self,
        fields: &Fields<'_>,
        key: &str,
        place: &Availability,
    ) -> Option<Raw> {
        let raw = fields.raw(key)?;
        if let NodeValue::Sequence(_) | NodeValue::Null = raw.node.value {
            self.expected(&raw.node, "a string or a mapping");
        }
        self.raw_node(&raw.node, place);
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
