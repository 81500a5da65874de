//! The tools that workflow files and action files are read with.
//!
//! Nothing here knows which keys a file has: those who read one say it. A reader never gives up: it reports what is wrong, gives `None` or something empty in its
//! place, and goes on. Whether there was a problem is asked once, at the end.

use crate::diagnostic::{Problem, Problems, Reporter};
use crate::source::{SourceFile, Span};
use crate::text;
use crate::yaml::{Entry, Mapping, Node};

mod setting;
mod template_map;
mod values;

pub(crate) use setting::is_positive;
pub use setting::{Setting, minutes};
pub use template_map::{TemplateEntry, TemplateMap};

/// The keys of one kind of mapping, and what such a mapping is called in messages.
pub(crate) struct Keys {
    pub(crate) of: &'static str,
    pub(crate) keys: &'static [&'static str],
}

/// The value of a key that is kept as YAML.
#[derive(Debug, Clone, PartialEq)]
pub struct Raw {
    /// Where the key stands.
    pub key: Span,
    /// The value.
    pub node: Node,
}

pub(crate) struct Reader {
    pub(crate) problems: Reporter,
    pub(crate) warnings: Reporter,
}

/// A mapping whose keys have been checked.
#[derive(Clone, Copy)]
pub(crate) struct Fields<'n> {
    mapping: &'n Mapping,
    pub(crate) span: Span,
}

impl<'n> Fields<'n> {
    pub(crate) fn get(&self, key: &str) -> Option<&'n Node> {
        self.mapping.get(key)
    }

    pub(crate) fn entry(&self, key: &str) -> Option<&'n Entry> {
        self.mapping.entry(key)
    }

    pub(crate) fn raw(&self, key: &str) -> Option<Raw> {
        let entry = self.entry(key)?;
        Some(Raw {
            key: entry.key.span,
            node: entry.value.clone(),
        })
    }
}

impl Reader {
    pub(crate) fn new(source: &SourceFile) -> Self {
        Self {
            problems: Reporter::new(source),
            warnings: Reporter::new(source),
        }
    }

    pub(crate) fn source(&self) -> &SourceFile {
        self.problems.source()
    }

    pub(crate) fn finish<T>(self, value: Option<T>) -> Result<T, Problems> {
        self.problems.finish(value)
    }

    pub(crate) fn report(&mut self, span: Span, message: impl Into<String>) {
        self.problems.report(span, message);
    }

    pub(crate) fn help(&mut self, span: Span, message: impl Into<String>, help: impl Into<String>) {
        self.problems.report_with(span, message, Some(help.into()));
    }

    /// Says what is legal but surely not meant.
    pub(crate) fn warn(&mut self, span: Span, message: impl Into<String>, help: Option<&str>) {
        self.warnings
            .report_with(span, message, help.map(str::to_owned));
    }

    pub(crate) fn take_warnings(&mut self) -> Vec<Problem> {
        let source = self.source().clone();
        let warnings = std::mem::replace(&mut self.warnings, Reporter::new(&source));
        warnings.into_problems().into_vec()
    }

    /// Says that a mapping lacks a key, at its beginning.
    pub(crate) fn missing(&mut self, fields: &Fields<'_>, message: &str) {
        self.report(Span::at(fields.span.start), message);
    }

    /// Says that a node has the wrong type.
    pub(crate) fn expected(&mut self, node: &Node, expected: &str) {
        let found = node.kind().described();
        self.report(node.span, format!("expected {expected}, found {found}"));
    }

    /// The entries of a mapping with fixed keys. Unknown keys are reported.
    pub(crate) fn fields<'n>(&mut self, node: &'n Node, keys: &Keys) -> Option<Fields<'n>> {
        let fields = self.any_fields(node, keys)?;
        for entry in fields.mapping.entries() {
            if !keys.keys.contains(&&*entry.key.text) {
                self.unknown_key(entry, keys);
            }
        }
        Some(fields)
    }

    /// The same, but for the check of the keys.
    pub(crate) fn any_fields<'n>(&mut self, node: &'n Node, keys: &Keys) -> Option<Fields<'n>> {
        let Some(mapping) = node.as_mapping() else {
            self.expected(node, &format!("a mapping of the keys of {}", keys.of));
            return None;
        };
        Some(Fields {
            mapping,
            span: node.span,
        })
    }

    pub(crate) fn unknown_key(&mut self, entry: &Entry, keys: &Keys) {
        let key = &*entry.key.text;
        if key.contains("${{") {
            self.report(entry.key.span, "expressions are not allowed as keys here");
            return;
        }
        let help = match text::suggestion(key, keys.keys.iter().copied()) {
            Some(known) => format!("did you mean `{known}`?"),
            None => {
                let known = text::listed(keys.keys.iter().copied(), "and");
                format!("the keys of {} are {known}", keys.of)
            }
        };
        self.help(
            entry.key.span,
            format!("unknown key `{key}` in {}", keys.of),
            help,
        );
    }
}
