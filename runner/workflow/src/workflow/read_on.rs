//! Reading `on`.

use crate::source::Spanned;
use crate::text;
use crate::yaml::{Node, NodeValue};

use super::keys::EVENTS;
use super::model::{Event, Triggers};
use super::read::Reader;

impl Reader {
    /// A name, a list of names, or a mapping of names and filters.
    pub(super) fn triggers(&mut self, node: &Node) -> Triggers {
        const EXPECTED: &str = "the name of an event";
        let events: Vec<Event> = match &node.value {
            NodeValue::Mapping(mapping) => mapping
                .entries()
                .iter()
                .map(|entry| {
                    let name = Spanned::new(entry.key.text.to_string(), entry.key.span);
                    let config = Some(&entry.value).filter(|node| node.value != NodeValue::Null);
                    self.event(name, config)
                })
                .collect(),
            _ => {
                let names = self.names(node, EXPECTED);
                names
                    .into_iter()
                    .map(|name| self.event(name, None))
                    .collect()
            }
        };
        let is_empty = match &node.value {
            NodeValue::Mapping(mapping) => mapping.entries().is_empty(),
            NodeValue::Sequence(items) => items.is_empty(),
            _ => false,
        };
        if is_empty {
            self.report(node.span, "expected at least one event, found none");
        }
        Triggers {
            events,
            span: node.span,
        }
    }

    /// A name that is nearly that of an event is a mistake. Any other may be new, so that the
    /// file is not refused for it.
    fn event(&mut self, name: Spanned<String>, config: Option<&Node>) -> Event {
        if !EVENTS.contains(&name.value.as_str()) {
            let message = format!("unknown event `{}`", name.value);
            match text::suggestion(&name.value, EVENTS) {
                Some(known) => self.help(name.span, message, format!("did you mean `{known}`?")),
                None => self.warnings.report(name.span, message),
            }
        }
        Event {
            name,
            config: config.cloned(),
        }
    }
}
