//! The tools that every part of a file is read with.
//!
//! A reader never gives up: it reports what is wrong, gives `None` or something empty in its
//! place, and goes on. Whether there was a problem is asked once, at the end.

use std::sync::Arc;

use crate::diagnostic::{Problem, Problems, Reporter};
use crate::expr::{Availability, Condition, ParseError, Template};
use crate::source::{SourceFile, Span, Spanned};
use crate::text;
use crate::yaml::{Entry, Kind, Mapping, Node, NodeValue};

use super::keys::Keys;
use super::model::Raw;
use super::setting::{Setting, is_positive};
use super::template_map::{TemplateEntry, TemplateMap};

pub(super) struct Reader {
    pub(super) problems: Reporter,
    pub(super) warnings: Reporter,
}

/// A mapping whose keys have been checked.
#[derive(Clone, Copy)]
pub(super) struct Fields<'n> {
    mapping: &'n Mapping,
    pub(super) span: Span,
}

impl<'n> Fields<'n> {
    pub(super) fn get(&self, key: &str) -> Option<&'n Node> {
        self.mapping.get(key)
    }

    pub(super) fn entry(&self, key: &str) -> Option<&'n Entry> {
        self.mapping.entry(key)
    }

    pub(super) fn raw(&self, key: &str) -> Option<Raw> {
        let entry = self.entry(key)?;
        Some(Raw {
            key: entry.key.span,
            node: entry.value.clone(),
        })
    }
}

impl Reader {
    pub(super) fn new(source: &SourceFile) -> Self {
        Self {
            problems: Reporter::new(source),
            warnings: Reporter::new(source),
        }
    }

    pub(super) fn source(&self) -> &SourceFile {
        self.problems.source()
    }

    pub(super) fn finish<T>(self, value: Option<T>) -> Result<T, Problems> {
        self.problems.finish(value)
    }

    pub(super) fn report(&mut self, span: Span, message: impl Into<String>) {
        self.problems.report(span, message);
    }

    pub(super) fn help(&mut self, span: Span, message: impl Into<String>, help: impl Into<String>) {
        self.problems.report_with(span, message, Some(help.into()));
    }

    pub(super) fn take_warnings(&mut self) -> Vec<Problem> {
        let source = self.source().clone();
        let warnings = std::mem::replace(&mut self.warnings, Reporter::new(&source));
        warnings.into_problems().into_vec()
    }

    /// Says that a node has the wrong type.
    pub(super) fn expected(&mut self, node: &Node, expected: &str) {
        let found = node.kind().described();
        self.report(node.span, format!("expected {expected}, found {found}"));
    }

    /// The entries of a mapping with fixed keys. Unknown keys are reported.
    pub(super) fn fields<'n>(&mut self, node: &'n Node, keys: &Keys) -> Option<Fields<'n>> {
        let fields = self.any_fields(node, keys)?;
        for entry in fields.mapping.entries() {
            if !keys.keys.contains(&&*entry.key.text) {
                self.unknown_key(entry, keys);
            }
        }
        Some(fields)
    }

    /// The same, but for the check of the keys.
    pub(super) fn any_fields<'n>(&mut self, node: &'n Node, keys: &Keys) -> Option<Fields<'n>> {
        let Some(mapping) = node.as_mapping() else {
            self.expected(node, &format!("a mapping of the keys of {}", keys.of));
            return None;
        };
        Some(Fields {
            mapping,
            span: node.span,
        })
    }

    pub(super) fn unknown_key(&mut self, entry: &Entry, keys: &Keys) {
        let key = &*entry.key.text;
        if key.contains("${{") {
            self.report(entry.key.span, "expressions as keys are not supported");
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

    /// The text of a scalar, with a check that it is one.
    fn scalar(&mut self, node: &Node, expected: &str) -> Option<Arc<str>> {
        let text = node.scalar_text();
        if text.is_none() {
            self.expected(node, expected);
        }
        text
    }

    /// A string that is taken as it is; expressions are refused.
    pub(super) fn literal(&mut self, node: &Node, expected: &str) -> Option<Spanned<String>> {
        let template = self.template(node, &Availability::NOTHING, expected)?;
        Some(Spanned::new(template.as_literal()?.to_owned(), node.span))
    }

    /// The same, not empty.
    pub(super) fn name(&mut self, node: &Node, expected: &str) -> Option<Spanned<String>> {
        let name = self.literal(node, expected)?;
        if name.value.is_empty() {
            self.report(node.span, format!("expected {expected}, found nothing"));
            return None;
        }
        Some(name)
    }

    /// A string with expressions.
    pub(super) fn template(
        &mut self,
        node: &Node,
        place: &Availability,
        expected: &str,
    ) -> Option<Template> {
        let text = self.scalar(node, expected)?;
        match Template::parse(text.clone()) {
            Ok(mut template) => {
                self.parse_errors(node, &text, &template.check(place));
                let source = self.source().clone();
                template.locate(&source, node.span, |part| node.place(&source, &text, part));
                Some(template)
            }
            Err(error) => {
                self.parse_errors(node, &text, &[error]);
                None
            }
        }
    }

    /// The same, not empty.
    pub(super) fn full_template(
        &mut self,
        node: &Node,
        place: &Availability,
        expected: &str,
    ) -> Option<Template> {
        let template = self.template(node, place, expected)?;
        if template.text().is_empty() {
            self.report(node.span, format!("expected {expected}, found nothing"));
            return None;
        }
        Some(template)
    }

    /// The value of an `if` key.
    pub(super) fn condition(&mut self, node: &Node, place: &Availability) -> Option<Condition> {
        let text = self.scalar(node, "a condition")?;
        match Condition::parse(text.clone()) {
            Ok(mut condition) => {
                self.parse_errors(node, &text, &condition.check(place));
                let source = self.source().clone();
                condition.locate(&source, node.span, |part| node.place(&source, &text, part));
                if condition.is_text() {
                    self.warnings.report_with(
                        node.span,
                        "this condition always holds, since there is text around its `${{ }}`",
                        Some("put all of it into one `${{ }}`, or leave `${{ }}` out".to_owned()),
                    );
                }
                Some(condition)
            }
            Err(error) => {
                self.parse_errors(node, &text, &[error]);
                None
            }
        }
    }

    /// Reports what is wrong with expressions in the text of a node.
    pub(super) fn parse_errors(&mut self, node: &Node, text: &str, errors: &[ParseError]) {
        for error in errors {
            let place = node.place(self.source(), text, error.span());
            self.problems
                .report_with(place, error.message(), error.help().map(str::to_owned));
        }
    }

    /// `true`, `false` or an expression.
    pub(super) fn switch(&mut self, node: &Node, place: &Availability) -> Option<Setting<bool>> {
        match &node.value {
            NodeValue::Bool(value) => Some(Setting::Literal(*value)),
            _ => self
                .expression(node, place, "a boolean")
                .map(Setting::Template),
        }
    }

    /// A positive number or an expression.
    pub(super) fn minutes(&mut self, node: &Node, place: &Availability) -> Option<Setting<f64>> {
        match &node.value {
            NodeValue::Number(value) if is_positive(*value) => Some(Setting::Literal(*value)),
            NodeValue::Number(value) => {
                let found = crate::number::format(*value);
                let message = format!("expected a positive number of minutes, found {found}");
                self.report(node.span, message);
                None
            }
            _ => self
                .expression(node, place, "a positive number of minutes")
                .map(Setting::Template),
        }
    }

    /// A string that holds an expression and so may become what is expected.
    fn expression(
        &mut self,
        node: &Node,
        place: &Availability,
        expected: &str,
    ) -> Option<Template> {
        if node.kind() != Kind::String {
            self.expected(node, &format!("{expected} or an expression"));
            return None;
        }
        let template = self.template(node, place, expected)?;
        if template.as_literal().is_some() {
            self.expected(node, &format!("{expected} or an expression"));
            return None;
        }
        Some(template)
    }

    /// Names with text. `whole` is what one expression for all of it may use, if there may be one.
    pub(super) fn template_map(
        &mut self,
        node: &Node,
        place: &Availability,
        whole: Option<&Availability>,
    ) -> TemplateMap {
        let mut map = TemplateMap {
            span: node.span,
            ..TemplateMap::default()
        };
        match (&node.value, whole) {
            (NodeValue::Mapping(mapping), _) => {
                map.entries = mapping
                    .entries()
                    .iter()
                    .filter_map(|entry| self.template_entry(entry, place))
                    .collect();
            }
            (NodeValue::String(text), Some(whole)) if text.contains("${{") => {
                map.whole = self.template(node, whole, "a mapping of names and strings");
            }
            _ => self.expected(node, "a mapping of names and strings"),
        }
        map
    }

    fn template_entry(&mut self, entry: &Entry, place: &Availability) -> Option<TemplateEntry> {
        let name = &entry.key.text;
        if name.is_empty() {
            self.report(entry.key.span, "expected a name, found nothing");
        } else if name.contains("${{") {
            self.report(entry.key.span, "expressions as keys are not supported");
        }
        let value = self.template(&entry.value, place, "a string")?;
        Some(TemplateEntry {
            name: Spanned::new(name.to_string(), entry.key.span),
            value,
        })
    }

    /// One string or a list of strings.
    pub(super) fn names(&mut self, node: &Node, expected: &str) -> Vec<Spanned<String>> {
        match &node.value {
            NodeValue::Sequence(items) => items
                .iter()
                .filter_map(|item| self.name(item, expected))
                .collect(),
            NodeValue::Mapping(_) => {
                self.expected(node, &format!("{expected} or a sequence of them"));
                Vec::new()
            }
            _ => self.name(node, expected).into_iter().collect(),
        }
    }
}
