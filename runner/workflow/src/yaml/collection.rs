//! Collections that are being read.

use std::collections::HashMap;
use std::sync::Arc;

use crate::source::Span;
use crate::text;

use super::node::{Entry, Key, Mapping, Node, NodeValue, Quoting, Size};

/// A sequence or mapping whose end has not been seen.
pub(super) struct Collection {
    content: Content,
    pub(super) anchor: usize,
    span: Span,
    pub(super) size: Size,
}

enum Content {
    Sequence(Vec<Node>),
    Mapping {
        entries: Vec<Entry>,
        /// A key that waits for its value.
        key: Option<Key>,
        /// Where each key was first seen, in the case that comparisons use.
        seen: HashMap<String, Span>,
        /// What merge keys name. GitHub refuses these; as the keys were meant to be there, nothing
        /// more has to be said of them.
        merged: Vec<Node>,
    },
}

impl Collection {
    pub(super) fn sequence(anchor: usize, span: Span) -> Self {
        Self::new(Content::Sequence(Vec::new()), anchor, span)
    }

    pub(super) fn mapping(anchor: usize, span: Span) -> Self {
        Self::new(
            Content::Mapping {
                entries: Vec::new(),
                key: None,
                seen: HashMap::new(),
                merged: Vec::new(),
            },
            anchor,
            span,
        )
    }

    fn new(content: Content, anchor: usize, span: Span) -> Self {
        let size = Size {
            nodes: 1,
            text: 0,
            depth: 1,
        };
        Self {
            content,
            anchor,
            span,
            size,
        }
    }

    /// Whether the next node is a key.
    pub(super) fn wants_key(&self) -> bool {
        matches!(self.content, Content::Mapping { key: None, .. })
    }

    /// Takes a scalar as the next key. Gives the place of the same key where there is one.
    pub(super) fn take_key(&mut self, node: &Node, text: Arc<str>) -> Option<Span> {
        self.size.add(node.size);
        let Content::Mapping { key, seen, .. } = &mut self.content else {
            return None;
        };
        let folded = text::folded(&text).into_owned();
        let first = *seen.entry(folded).or_insert(node.span);
        let Node {
            span,
            written,
            quoting,
            ..
        } = *node;
        *key = Some(Key {
            text,
            span,
            written,
            quoting,
        });
        (first != span).then_some(first)
    }

    /// Takes an item, or the value of the last key. Of values with one key the first one counts.
    pub(super) fn take(&mut self, node: Node) {
        self.size.add(node.size);
        match &mut self.content {
            Content::Sequence(items) => items.push(node),
            Content::Mapping {
                entries,
                key,
                seen,
                merged,
            } => {
                let Some(key) = key.take() else { return };
                if key.is_merge() {
                    merged.push(node);
                    return;
                }
                if seen.get(&*text::folded(&key.text)) == Some(&key.span) {
                    entries.push(Entry { key, value: node });
                }
            }
        }
    }

    /// The complete node.
    pub(super) fn finish(self, end: Span) -> Node {
        let (value, last) = match self.content {
            Content::Sequence(items) => {
                let last = items.last().map(|item| item.span);
                (NodeValue::Sequence(items.into()), last)
            }
            Content::Mapping {
                mut entries,
                mut seen,
                merged,
                ..
            } => {
                let last = entries.last().map(|entry| entry.value.span);
                let last = last.max(merged.last().map(|node| node.span));
                entries.extend(merged.iter().flat_map(mappings).filter(|entry| {
                    let folded = text::folded(&entry.key.text).into_owned();
                    seen.insert(folded, entry.key.span).is_none()
                }));
                (NodeValue::Mapping(Mapping(entries.into())), last)
            }
        };
        // Block collections have no end of their own: theirs is that of their last part.
        let close = if end.end > end.start {
            end
        } else {
            last.unwrap_or(self.span)
        };
        let span = self.span.to(close);
        Node {
            value,
            span,
            written: span,
            quoting: Quoting::None,
            size: self.size,
        }
    }
}

/// The entries of a mapping that is merged, or of a list of such.
fn mappings(node: &Node) -> Vec<Entry> {
    let nodes = match &node.value {
        NodeValue::Sequence(items) => items,
        _ => std::slice::from_ref(node),
    };
    let mappings = nodes.iter().filter_map(Node::as_mapping);
    mappings
        .flat_map(|mapping| mapping.entries().iter().cloned())
        .collect()
}
