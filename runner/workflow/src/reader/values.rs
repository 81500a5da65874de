//! Reading values: strings with and without expressions, conditions, settings, maps.

use std::sync::Arc;

use crate::expr::{Availability, Condition, ParseError, Template};
use crate::source::{Span, Spanned};
use crate::yaml::{Entry, Key, Kind, Node, NodeValue, Written};

use super::{Fields, Reader, Setting, TemplateEntry, TemplateMap, is_positive};

/// How many problems of one text are reported: each is looked for in the file anew.
const MAX_ERRORS: usize = 10;

impl Reader {
    /// A string that is taken as it is; expressions are refused.
    pub(crate) fn literal(&mut self, node: &Node, expected: &str) -> Option<Spanned<String>> {
        let template = self.template(node, &Availability::NOTHING, expected)?;
        Some(Spanned::new(template.as_literal()?.to_owned(), node.span))
    }

    /// The same, not empty.
    pub(crate) fn name(&mut self, node: &Node, expected: &str) -> Option<Spanned<String>> {
        let name = self.literal(node, expected)?;
        if name.value.is_empty() {
            self.report(node.span, format!("expected {expected}, found nothing"));
            return None;
        }
        Some(name)
    }

    /// A string with expressions.
    pub(crate) fn template(
        &mut self,
        node: &Node,
        place: &Availability,
        expected: &str,
    ) -> Option<Template> {
        let Some(written) = node.written() else {
            self.expected(node, expected);
            return None;
        };
        self.text(written, node.span, place)
    }

    pub(crate) fn text(
        &mut self,
        written: Written,
        span: Span,
        place: &Availability,
    ) -> Option<Template> {
        let written = Arc::new(written);
        let (mut template, errors) = Template::parse_all(written.text().clone());
        self.parse_errors(&written, &errors);
        self.parse_errors(&written, &template.check(place));
        template.locate(&written, span);
        errors.is_empty().then_some(template)
    }

    /// Where a part of a scalar's text stands in the file.
    pub(crate) fn part(&self, node: &Node, part: Span) -> Span {
        match node.written() {
            Some(written) => written.place(self.source(), part),
            None => node.span,
        }
    }

    /// Checks the expressions in a string that is kept as it is.
    pub(crate) fn check_text(&mut self, node: &Node, place: &Availability) {
        if let Some(written) = node.written() {
            self.text(written, node.span, place);
        }
    }

    /// The same, not empty.
    pub(crate) fn full_template(
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
    pub(crate) fn condition(&mut self, node: &Node, place: &Availability) -> Option<Condition> {
        let Some(written) = node.written() else {
            self.expected(node, "a condition");
            return None;
        };
        let written = Arc::new(written);
        match Condition::parse(written.text().clone()) {
            Ok(mut condition) => {
                self.parse_errors(&written, &condition.check(place));
                condition.locate(&written, node.span);
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
                self.parse_errors(&written, &[error]);
                None
            }
        }
    }

    /// Reports what is wrong with expressions in a text.
    fn parse_errors(&mut self, written: &Written, errors: &[ParseError]) {
        for error in errors.iter().take(MAX_ERRORS) {
            let place = written.place(self.source(), error.span());
            self.problems
                .report_with(place, error.message(), error.help().map(str::to_owned));
        }
    }

    /// `true`, `false` or an expression.
    pub(crate) fn switch(&mut self, node: &Node, place: &Availability) -> Option<Setting<bool>> {
        match &node.value {
            NodeValue::Bool(value) => Some(Setting::Literal(*value)),
            _ => self
                .expression(node, place, "a boolean")
                .map(Setting::Template),
        }
    }

    /// A positive number or an expression.
    pub(crate) fn minutes(&mut self, node: &Node, place: &Availability) -> Option<Setting<f64>> {
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

    /// Names with text. `whole` is what names, or one expression for all of it, may use; where it
    /// is not given, both are literals.
    pub(crate) fn template_map(
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
                let names = whole.unwrap_or(&Availability::NOTHING);
                let entries = mapping.entries().iter();
                map.entries = entries
                    .filter_map(|entry| self.template_entry(entry, place, names))
                    .collect();
            }
            (NodeValue::String(text), Some(whole)) if text.contains("${{") => {
                map.whole = self.template(node, whole, "a mapping of names and strings");
            }
            _ => self.expected(node, "a mapping of names and strings"),
        }
        map
    }

    /// `env`, of whatever has one.
    pub(crate) fn env(&mut self, fields: &Fields<'_>, place: &Availability) -> TemplateMap {
        match fields.get("env") {
            Some(node) => self.template_map(node, place, Some(place)),
            None => TemplateMap::default(),
        }
    }

    fn template_entry(
        &mut self,
        entry: &Entry,
        place: &Availability,
        names: &Availability,
    ) -> Option<TemplateEntry> {
        let Key { text, span, .. } = &entry.key;
        if text.is_empty() {
            self.report(*span, "expected a name, found nothing");
        }
        let computed_name = if text.contains("${{") {
            self.text(entry.key.written(), *span, names)
        } else {
            None
        };
        let value = self.template(&entry.value, place, "a string")?;
        Some(TemplateEntry {
            name: Spanned::new(text.to_string(), *span),
            computed_name,
            value,
        })
    }

    /// One string or a list of strings.
    pub(crate) fn names(&mut self, node: &Node, expected: &str) -> Vec<Spanned<String>> {
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
