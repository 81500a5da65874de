//! Values that are kept as YAML: only their expressions are looked at.

use crate::expr::{Availability, Template};
use crate::yaml::{Node, NodeValue};

use super::model::Raw;
use super::places;
use super::read::{Fields, Reader};

impl Reader {
    /// A value as it is, with its expressions checked.
    pub(super) fn raw(
        &mut self,
        fields: &Fields<'_>,
        key: &str,
        place: &Availability,
    ) -> Option<Raw> {
        let raw = fields.raw(key)?;
        self.raw_node(&raw.node, place);
        Some(raw)
    }

    /// A container or all services: some of their keys see more than the rest.
    pub(super) fn raw_container(&mut self, fields: &Fields<'_>, key: &str) -> Option<Raw> {
        let raw = fields.raw(key)?;
        self.raw_keys(&raw.node, &places::JOB, &|key| match key {
            "env" => Some(&places::CONTAINER_ENV),
            "credentials" => Some(&places::CONTAINER_CREDENTIALS),
            _ => None,
        });
        Some(raw)
    }

    /// A deployment environment: its URL is known only when the job is over.
    pub(super) fn raw_environment(&mut self, fields: &Fields<'_>) -> Option<Raw> {
        let raw = fields.raw("environment")?;
        self.raw_keys(&raw.node, &places::JOB, &|key| {
            (key == "url").then_some(&places::ENVIRONMENT_URL)
        });
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
            NodeValue::String(text) => match Template::parse(text.clone()) {
                Ok(template) => self.parse_errors(node, text, &template.check(place)),
                Err(error) => self.parse_errors(node, text, &[error]),
            },
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
