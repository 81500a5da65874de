//! The tree that a YAML file is read into.

use std::sync::Arc;

use crate::number;
use crate::source::Span;

/// A value in a YAML file, and where it stands. Cloning is cheap: collections are shared.
#[derive(Debug, Clone, PartialEq)]
pub struct Node {
    /// The value.
    pub value: NodeValue,
    /// Where the value is used: for an alias, the alias.
    pub span: Span,
    /// Where the value is written; differs from `span` for an alias only.
    pub written: Span,
    pub(super) quoting: Quoting,
    pub(super) size: Size,
}

/// What a node holds.
#[derive(Debug, Clone, PartialEq)]
pub enum NodeValue {
    /// `null`, `~` or nothing.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// Any number.
    Number(f64),
    /// Everything else that is not a collection.
    String(Arc<str>),
    /// A list.
    Sequence(Arc<[Node]>),
    /// Keys with values.
    Mapping(Mapping),
}

/// Keys with values, in the order of the file. Keys differ in more than case.
#[derive(Debug, Clone, PartialEq)]
pub struct Mapping(pub(super) Arc<[Entry]>);

/// One key with its value.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// The key.
    pub key: Key,
    /// The value.
    pub value: Node,
}

/// A key. Whatever its type was, GitHub takes it as text.
#[derive(Debug, Clone, PartialEq)]
pub struct Key {
    /// The text of the key.
    pub text: Arc<str>,
    /// Where it stands.
    pub span: Span,
    pub(super) written: Span,
    pub(super) quoting: Quoting,
}

impl Key {
    /// Whether it stands for the keys of its value.
    pub(super) fn is_merge(&self) -> bool {
        &*self.text == "<<" && self.quoting == Quoting::None
    }
}

/// The type of a node, for messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Nothing.
    Null,
    /// A boolean.
    Bool,
    /// A number.
    Number,
    /// A string.
    String,
    /// A list.
    Sequence,
    /// Keys with values.
    Mapping,
}

impl Kind {
    /// The type with its article: `a sequence`.
    pub fn described(self) -> &'static str {
        match self {
            Kind::Null => "nothing",
            Kind::Bool => "a boolean",
            Kind::Number => "a number",
            Kind::String => "a string",
            Kind::Sequence => "a sequence",
            Kind::Mapping => "a mapping",
        }
    }
}

/// How a scalar was written, which decides how its text is found again in the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Quoting {
    /// Plain, literal or folded: what is written is what is meant, but for white space.
    None,
    /// Within `'`.
    Single,
    /// Within `"`.
    Double,
}

/// What a node costs with every alias in it written out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Size {
    pub(super) nodes: usize,
    pub(super) text: usize,
    /// Levels of collections; 0 for a scalar.
    pub(super) depth: usize,
}

impl Size {
    pub(super) fn scalar(text: &str) -> Self {
        Self {
            nodes: 1,
            text: text.len(),
            depth: 0,
        }
    }

    /// Adds the size of something inside of a collection.
    pub(super) fn add(&mut self, child: Size) {
        self.nodes = self.nodes.saturating_add(child.nodes);
        self.text = self.text.saturating_add(child.text);
        self.depth = self.depth.max(child.depth.saturating_add(1));
    }
}

impl Node {
    /// The type of the value.
    pub fn kind(&self) -> Kind {
        match self.value {
            NodeValue::Null => Kind::Null,
            NodeValue::Bool(_) => Kind::Bool,
            NodeValue::Number(_) => Kind::Number,
            NodeValue::String(_) => Kind::String,
            NodeValue::Sequence(_) => Kind::Sequence,
            NodeValue::Mapping(_) => Kind::Mapping,
        }
    }

    /// The keys and values of a mapping.
    pub fn as_mapping(&self) -> Option<&Mapping> {
        match &self.value {
            NodeValue::Mapping(mapping) => Some(mapping),
            _ => None,
        }
    }

    /// The items of a sequence.
    pub fn as_sequence(&self) -> Option<&[Node]> {
        match &self.value {
            NodeValue::Sequence(items) => Some(items),
            _ => None,
        }
    }

    /// The text of a scalar, whatever its type: GitHub takes any scalar where it wants a string.
    /// `None` for collections.
    pub fn scalar_text(&self) -> Option<Arc<str>> {
        Some(match &self.value {
            NodeValue::Null => "".into(),
            NodeValue::Bool(true) => "true".into(),
            NodeValue::Bool(false) => "false".into(),
            NodeValue::Number(number) => number::format(*number).into(),
            NodeValue::String(text) => text.clone(),
            NodeValue::Sequence(_) | NodeValue::Mapping(_) => return None,
        })
    }
}

impl Mapping {
    /// The entries in the order of the file.
    pub fn entries(&self) -> &[Entry] {
        &self.0
    }

    /// The value of a key, written exactly so.
    pub fn get(&self, key: &str) -> Option<&Node> {
        self.entry(key).map(|entry| &entry.value)
    }

    /// The entry of a key, written exactly so.
    pub fn entry(&self, key: &str) -> Option<&Entry> {
        self.0.iter().find(|entry| &*entry.key.text == key)
    }
}
