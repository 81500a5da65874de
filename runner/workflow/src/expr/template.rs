//! Text with expressions in `${{ }}`.

use std::sync::Arc;

use crate::source::Span;
use crate::text;
use crate::yaml::Written;

use super::MAX_LENGTH;
use super::availability::Availability;
use super::call::described;
use super::error::{EvalError, Fault, ParseError};
use super::evaluator::Evaluator;
use super::expression::{Expression, Origin};
use super::scope::Scope;
use super::value::Value;

pub(super) const OPEN: &str = "${{";
const CLOSE: &str = "}}";

/// The most expressions in one text: GitHub makes one call of `format` of it.
const MAX_EXPRESSIONS: usize = 254;

/// Text that may hold expressions. Text without any is kept as it is.
#[derive(Debug, Clone, PartialEq)]
pub struct Template {
    text: Arc<str>,
    /// Empty for plain text.
    parts: Arc<[Part]>,
    place: Option<Place>,
}

/// Where a template stands in its file.
#[derive(Debug, Clone, PartialEq)]
struct Place {
    scalar: Arc<Written>,
    span: Span,
}

#[derive(Debug, Clone, PartialEq)]
enum Part {
    Text(Span),
    Expression {
        expression: Expression,
        /// Where the expression's text begins in the template's.
        offset: usize,
    },
}

impl Template {
    /// Parses a text with any number of expressions.
    ///
    /// # Errors
    ///
    /// The first thing that is wrong, placed in the whole text.
    pub fn parse(text: impl Into<Arc<str>>) -> Result<Self, ParseError> {
        let (template, errors) = Self::parse_all(text);
        errors.into_iter().next().map_or(Ok(template), Err)
    }

    /// Parses as much of a text as can be, and gives everything that is wrong with it.
    pub(crate) fn parse_all(text: impl Into<Arc<str>>) -> (Self, Vec<ParseError>) {
        let text = text.into();
        let (parts, faults) = parse_parts(&text);
        // A lone string literal is how `${{` itself is written, and no expression.
        if faults.is_empty()
            && let [Part::Expression { expression, .. }] = &*parts
            && let Some(literal) = expression.as_string_literal()
        {
            return (Self::literal(literal.clone()), Vec::new());
        }
        let errors = faults
            .into_iter()
            .map(|fault| fault.within(&text, None).into())
            .collect();
        (
            Self {
                text,
                parts: parts.into(),
                place: None,
            },
            errors,
        )
    }

    /// Text that is taken as it is, whatever it holds.
    pub fn literal(text: impl Into<Arc<str>>) -> Self {
        Self {
            text: text.into(),
            parts: Arc::new([]),
            place: None,
        }
    }

    /// The text with its expressions, as it was written.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The text, where there is no expression in it.
    pub fn as_literal(&self) -> Option<&str> {
        self.parts.is_empty().then_some(&self.text)
    }

    /// The expression, where there is nothing else.
    pub fn as_expression(&self) -> Option<&Expression> {
        match &*self.parts {
            [Part::Expression { expression, .. }] => Some(expression),
            _ => None,
        }
    }

    /// The expressions in their order.
    pub fn expressions(&self) -> impl Iterator<Item = &Expression> {
        self.parts.iter().filter_map(|part| match part {
            Part::Expression { expression, .. } => Some(expression),
            Part::Text(_) => None,
        })
    }

    /// Where it stands in its file, if it was read from one.
    pub fn span(&self) -> Option<Span> {
        self.place.as_ref().map(|place| place.span)
    }

    /// Everything it uses that is not available.
    pub fn check(&self, availability: &Availability) -> Vec<ParseError> {
        let mut errors = Vec::new();
        for part in &*self.parts {
            let Part::Expression { expression, offset } = part else {
                continue;
            };
            if !availability.allows_expressions() {
                let whole = expression.span().shifted(*offset);
                let fault = Fault::new("expressions are not allowed here", whole);
                errors.push(fault.within(&self.text, None).into());
                continue;
            }
            for error in expression.check(availability) {
                let fault = error.0.shifted(*offset);
                errors.push(fault.within(&self.text, None).into());
            }
        }
        errors
    }

    /// The text with the values of its expressions.
    ///
    /// # Errors
    ///
    /// An expression that failed, or one that is the whole text and gives no primitive.
    pub fn render(&self, scope: &dyn Scope) -> Result<String, EvalError> {
        if let Some(text) = self.as_literal() {
            return Ok(text.to_owned());
        }
        match self.evaluate(scope)? {
            Value::String(text) => Ok(text),
            value if value.is_primitive() => Ok(value.to_text()),
            value => Err(self.refuse(&value, "a string")),
        }
    }

    /// The value: that of the expression where there is nothing else, and a string otherwise.
    ///
    /// # Errors
    ///
    /// An expression that failed.
    pub fn evaluate(&self, scope: &dyn Scope) -> Result<Value, EvalError> {
        let evaluator = Evaluator::new(scope);
        if let Some(expression) = self.as_expression() {
            return expression.evaluate_with(&evaluator);
        }
        if self.parts.is_empty() {
            return Ok(Value::String(self.text.to_string()));
        }
        let mut out = String::new();
        for part in &*self.parts {
            match part {
                Part::Text(span) => out.push_str(&self.text[span.start..span.end]),
                Part::Expression { expression, .. } => {
                    let text = expression.evaluate_with(&evaluator)?.to_text();
                    let taken = evaluator.take(text.len(), expression.span());
                    taken.map_err(|fault| expression.fault(fault))?;
                    out.push_str(&text);
                }
            }
        }
        Ok(Value::String(out))
    }

    /// The error for a value of the wrong type.
    pub(crate) fn refuse(&self, value: &Value, expected: &str) -> EvalError {
        let found = described(value);
        let fault = |span| {
            let help = (!value.is_primitive()).then_some("`toJSON()` turns anything into a string");
            Fault::new(format!("expected {expected}, found {found}"), span).with_help(help)
        };
        match self.as_expression() {
            Some(expression) => expression.fault(fault(expression.span())).into(),
            None => {
                let origin = self.place.as_ref().map(|place| Origin {
                    scalar: place.scalar.clone(),
                    offset: 0,
                });
                let whole = Span::new(0, self.text.len());
                fault(whole).within(&self.text, origin.as_ref()).into()
            }
        }
    }

    /// Remembers where in a file it stands: the scalar, and where that is used.
    pub(crate) fn locate(&mut self, scalar: &Arc<Written>, span: Span) {
        self.place = Some(Place {
            scalar: scalar.clone(),
            span,
        });
        for part in Arc::make_mut(&mut self.parts) {
            if let Part::Expression { expression, offset } = part {
                expression.locate(scalar, *offset);
            }
        }
    }
}

fn parse_parts(text: &str) -> (Vec<Part>, Vec<Fault>) {
    let mut parts = Vec::new();
    let mut faults = Vec::new();
    let mut at = 0;
    let mut count = 0;
    while let Some(start) = text[at..].find(OPEN).map(|found| at + found) {
        if start > at {
            parts.push(Part::Text(Span::new(at, start)));
        }
        let offset = start + OPEN.len();
        let open = Span::new(start, offset);
        let Some(len) = find_close(&text[offset..]) else {
            faults.push(Fault::new("this `${{` is not closed with `}}`", open));
            return (parts, faults);
        };
        count += 1;
        if count > MAX_EXPRESSIONS {
            let message = format!("text can't hold more than {MAX_EXPRESSIONS} expressions");
            faults.push(Fault::new(message, open));
            return (parts, faults);
        }
        match parse_part(text, offset, len) {
            Ok(part) => parts.push(part),
            Err(fault) => faults.push(fault),
        }
        at = offset + len + CLOSE.len();
    }
    // Plain text has no parts at all.
    if at > 0 && at < text.len() {
        parts.push(Part::Text(Span::new(at, text.len())));
    }
    faults.extend(refuse_long(text, &parts));
    (parts, faults)
}

/// The expression between `${{` and `}}`.
fn parse_part(text: &str, offset: usize, len: usize) -> Result<Part, Fault> {
    let inner = &text[offset..offset + len];
    let trimmed = inner.trim();
    let offset = offset + (inner.len() - inner.trim_start().len());
    let whole = Span::new(offset, offset + trimmed.len());
    if trimmed == "insert" {
        return Err(Fault::new("`${{ insert }}` is not supported", whole));
    }
    match Expression::parse(trimmed) {
        Ok(expression) => Ok(Part::Expression { expression, offset }),
        Err(error) => Err(error.0.shifted(offset)),
    }
}

/// Where `}}` is that is not in a string. An escaped quote is two, so that counting them works.
fn find_close(text: &str) -> Option<usize> {
    let mut in_string = false;
    text.bytes().enumerate().find_map(|(at, byte)| {
        in_string ^= byte == b'\'';
        (!in_string && text.as_bytes()[at..].starts_with(CLOSE.as_bytes())).then_some(at)
    })
}

/// GitHub turns text with expressions into one call of `format`, which must itself be within the
/// limits: a script of more than 21,000 characters can't hold an expression.
fn refuse_long(text: &str, parts: &[Part]) -> Option<Fault> {
    if parts.len() < 2 {
        return None;
    }
    let doubled = |c: char| {
        if matches!(c, '\'' | '{' | '}') {
            2
        } else {
            c.len_utf16()
        }
    };
    let mut length = "format('')".len();
    for part in parts {
        length += match part {
            Part::Text(span) => text[span.start..span.end]
                .chars()
                .map(doubled)
                .sum::<usize>(),
            Part::Expression { expression, .. } => {
                "{0}, ".len() + text::utf16_len(expression.text())
            }
        };
    }
    let first = text.find(OPEN).unwrap_or(0);
    let span = Span::new(first, first + OPEN.len());
    if length > MAX_LENGTH {
        let message = format!("text with expressions can't be longer than {MAX_LENGTH} characters");
        let help = "hand the values over in `env`, so that the text needs no expressions";
        return Some(Fault::new(message, span).with_help(Some(help)));
    }
    None
}
