//! One expression on its own, as `dormer expr` evaluates it: text in, an answer or errors out.
//!
//! There is no job here: `success()` and `always()` hold, `failure()` and `cancelled()` do not, and
//! `hashFiles` finds no workspace. The contexts are those of a file, and no others exist, not even
//! where GitHub has some: a misspelt name is an error instead of an empty string.

use serde::Serialize;
use serde::ser::{SerializeMap, Serializer};

use crate::diagnostic::Problems;
use crate::source::{SourceFile, Span};

use super::availability;
use super::context_file::read_contexts;
use super::error::{EvalError, Fault, ParseError};
use super::expression::Expression;
use super::scope::Contexts;
use super::template::{self, Template};
use super::value::{Object, Value};

/// How many unknown names are told; an expression with more has no contexts at all.
const MAX_UNKNOWN: usize = 10;

/// What an expression gave.
#[derive(Debug, Clone, PartialEq)]
pub struct Answer {
    /// The value itself.
    pub value: Value,
}

/// Why there is no answer.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum AnswerError {
    /// The file with the contexts is wrong.
    #[error("{0}")]
    Contexts(Problems),
    /// The expression is wrong, or names what the file does not have: at least one error.
    #[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))]
    Expression(Vec<ParseError>),
    /// The expression failed while it was evaluated.
    #[error("{0}")]
    Evaluation(EvalError),
}

/// Evaluates one bare expression with the contexts of a JSON file; without a file there are none.
///
/// # Errors
///
/// What is wrong with the file, else with the expression, else what failed in it.
///
/// ```
/// use dormer_workflow::SourceFile;
/// use dormer_workflow::expr::answer;
///
/// let contexts = SourceFile::new("contexts.json", r#"{"matrix": {"n": [1, 2]}}"#);
/// let found = answer("matrix.n[1] == '2'", Some(&contexts))?;
/// assert_eq!(found.text(), "true");
/// assert_eq!(found.to_json(), r#"{"kind":"Boolean","value":true,"string":"true"}"#);
/// # Ok::<(), dormer_workflow::expr::AnswerError>(())
/// ```
pub fn answer(expression: &str, contexts: Option<&SourceFile>) -> Result<Answer, AnswerError> {
    let values = match contexts {
        Some(file) => read_contexts(file).map_err(AnswerError::Contexts)?,
        None => Object::new(),
    };
    let expression = parse(expression).map_err(|error| AnswerError::Expression(vec![error]))?;
    let unknown = unknown_contexts(&expression, &values);
    if !unknown.is_empty() {
        return Err(AnswerError::Expression(unknown));
    }
    let scope = Contexts {
        values,
        ..Contexts::default()
    };
    match expression.evaluate(&scope) {
        Ok(value) => Ok(Answer { value }),
        Err(error) => Err(AnswerError::Evaluation(error)),
    }
}

/// Parses the expression; one that comes in `${{ }}` is told so.
fn parse(text: &str) -> Result<Expression, ParseError> {
    if !text.trim_start().starts_with(template::OPEN) {
        return Expression::parse(text);
    }
    let start = text.len() - text.trim_start().len();
    let open = Span::new(start, start + template::OPEN.len());
    let parsed = Template::parse(text.trim()).ok();
    let help = match parsed.as_ref().and_then(Template::as_expression) {
        Some(inner) => format!("leave the marks out: `{}`", inner.text()),
        None => "they mark an expression within text; leave them and the text out".to_owned(),
    };
    let fault = Fault::new("one bare expression is expected, without `${{ }}`", open);
    Err(fault
        .with_help(Some(help))
        .within(&text.into(), None)
        .into())
}

/// The names that are no contexts of the file, also where they would not be evaluated.
fn unknown_contexts(expression: &Expression, contexts: &Object) -> Vec<ParseError> {
    let known: Vec<&str> = contexts.iter().map(|(name, _)| name).collect();
    let unknown = expression.contexts().into_iter();
    unknown
        .filter(|(name, _)| contexts.get(name).is_none())
        .take(MAX_UNKNOWN)
        .map(|(name, span)| {
            let help = availability::instead_of(name, &known)
                .unwrap_or_else(|| "no contexts were given".to_owned());
            let fault = Fault::new(format!("unknown context `{name}`"), span);
            expression.fault(fault.with_help(Some(help))).into()
        })
        .collect()
}

impl Answer {
    /// What `${{ }}` would insert into a text.
    pub fn text(&self) -> String {
        self.value.to_text()
    }

    /// `{"kind": …, "value": …, "string": …}` in one line: the type by GitHub's name for it, the
    /// value as JSON (NaN and infinities as strings, since JSON has none), and [`Self::text`].
    pub fn to_json(&self) -> String {
        let parts = Parts {
            kind: self.value.kind(),
            value: Complete(&self.value),
            string: self.text(),
        };
        // Names are strings and numbers are finite: nothing can fail.
        serde_json::to_string(&parts).unwrap_or_default()
    }
}

impl AnswerError {
    /// The errors for people: message, the line with a caret, help; several are an empty line apart.
    pub fn render(&self) -> String {
        match self {
            AnswerError::Contexts(problems) => problems.render(),
            AnswerError::Expression(errors) => errors
                .iter()
                .map(ParseError::render)
                .collect::<Vec<_>>()
                .join("\n\n"),
            AnswerError::Evaluation(error) => error.render(),
        }
    }
}

#[derive(Serialize)]
struct Parts<'a> {
    kind: &'static str,
    value: Complete<'a>,
    string: String,
}

/// A value as JSON that loses nothing: numbers that JSON does not have are strings.
struct Complete<'a>(&'a Value);

impl Serialize for Complete<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            Value::Number(number) if !number.is_finite() => {
                serializer.serialize_str(&self.0.to_text())
            }
            Value::Array(items) => serializer.collect_seq(items.iter().map(Complete)),
            Value::Object(object) => {
                let mut map = serializer.serialize_map(Some(object.len()))?;
                for (name, value) in object.iter() {
                    map.serialize_entry(name, &Complete(value))?;
                }
                map.end()
            }
            value => value.serialize(serializer),
        }
    }
}
