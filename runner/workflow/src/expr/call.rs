//! What the functions do.

use crate::source::Span;
use crate::text;

use super::ast::Ast;
use super::coerce;
use super::error::Fault;
use super::evaluator::{Evaluator, Operand};
use super::format;
use super::function::Function;
use super::json;
use super::scope::JobStatus;
use super::value::Value;

impl Evaluator<'_> {
    /// Calls a function. The parser has checked how many arguments there are.
    pub(super) fn call(
        &self,
        function: Function,
        arguments: &[Ast],
        span: Span,
    ) -> Result<Operand, Fault> {
        let value = match (function, arguments) {
            (Function::Always, _) => Value::Bool(true),
            (Function::Cancelled, _) => Value::Bool(self.scope.is_cancelled()),
            (Function::Failure, jobs) => Value::Bool(self.status(jobs)? == JobStatus::Failure),
            (Function::Success, jobs) => Value::Bool(self.status(jobs)? == JobStatus::Success),
            (Function::Case, arguments) => return self.case(arguments),
            (Function::Contains, [within, wanted]) => Value::Bool(self.contains(within, wanted)?),
            (Function::StartsWith, [whole, part]) => {
                Value::Bool(self.compare_texts(whole, part, |whole, part| whole.starts_with(part))?)
            }
            (Function::EndsWith, [whole, part]) => {
                Value::Bool(self.compare_texts(whole, part, |whole, part| whole.ends_with(part))?)
            }
            (Function::Format, [pattern, arguments @ ..]) => {
                Value::String(self.format(pattern, arguments, span)?)
            }
            (Function::Join, [items, separator @ ..]) => {
                Value::String(self.join(items, separator.first(), span)?)
            }
            (Function::ToJson, [value]) => {
                let value = self.value(value)?;
                Value::String(json::write(&value, |bytes| self.take(bytes, span))?)
            }
            (Function::FromJson, [text]) => self.parse_json(text)?,
            (Function::HashFiles, patterns) => Value::String(self.hash_files(patterns, span)?),
            _ => {
                return Err(Fault::new(
                    "this call has the wrong number of arguments",
                    span,
                ));
            }
        };
        Ok(value.into())
    }

    fn status(&self, jobs: &[Ast]) -> Result<JobStatus, Fault> {
        if jobs.is_empty() {
            return Ok(self.scope.status());
        }
        Ok(self.scope.status_of(&self.texts(jobs)?))
    }

    /// The value after the first condition that holds, else the last one. Unlike `if`, a condition
    /// must be a boolean.
    fn case(&self, arguments: &[Ast]) -> Result<Operand, Fault> {
        let (pairs, default) = arguments.as_chunks::<2>();
        for [condition, value] in pairs {
            match self.value(condition)? {
                Value::Bool(true) => return self.evaluate(value),
                Value::Bool(false) => {}
                other => {
                    let message = format!(
                        "a condition of `case` must be a boolean, found {}",
                        described(&other)
                    );
                    return Err(Fault::new(message, condition.span));
                }
            }
        }
        default
            .first()
            .map_or(Ok(Value::Null.into()), |default| self.evaluate(default))
    }

    /// A part of a string, without case, or an item of an array, by `==`.
    fn contains(&self, within: &Ast, wanted: &Ast) -> Result<bool, Fault> {
        let (within, wanted) = (self.value(within)?, self.value(wanted)?);
        Ok(match &within {
            Value::Array(items) => items.iter().any(|item| coerce::equal(item, &wanted)),
            Value::Object(_) => false,
            _ => {
                wanted.is_primitive()
                    && text::folded(&within.to_text()).contains(&*text::folded(&wanted.to_text()))
            }
        })
    }

    fn compare_texts(
        &self,
        whole: &Ast,
        part: &Ast,
        holds: impl Fn(&str, &str) -> bool,
    ) -> Result<bool, Fault> {
        let (whole, part) = (self.value(whole)?, self.value(part)?);
        Ok(whole.is_primitive()
            && part.is_primitive()
            && holds(
                &text::folded(&whole.to_text()),
                &text::folded(&part.to_text()),
            ))
    }

    /// Arguments are evaluated where the pattern names them, each once.
    fn format(&self, pattern: &Ast, arguments: &[Ast], span: Span) -> Result<String, Fault> {
        let text = self.value(pattern)?.to_text();
        let segments = format::segments(&text, arguments.len())
            .map_err(|message| Fault::new(message, pattern.span))?;
        let mut values: Vec<Option<String>> = vec![None; arguments.len()];
        let mut out = String::new();
        for segment in segments {
            match segment {
                format::Segment::Text(text) => {
                    self.take(text.len(), span)?;
                    out.push_str(text);
                }
                format::Segment::Argument(i) => {
                    let text = match values[i].take() {
                        Some(text) => text,
                        None => self.value(&arguments[i])?.to_text(),
                    };
                    self.take(text.len(), span)?;
                    out.push_str(&text);
                    values[i] = Some(text);
                }
            }
        }
        Ok(out)
    }

    /// The items of an array with a separator between them. A separator that is no primitive is as
    /// good as none.
    fn join(&self, items: &Ast, separator: Option<&Ast>, span: Span) -> Result<String, Fault> {
        let items = self.value(items)?;
        let Value::Array(items) = &items else {
            return Ok(if items.is_primitive() {
                items.to_text()
            } else {
                String::new()
            });
        };
        let separator = match separator {
            Some(separator) if items.len() > 1 => Some(self.value(separator)?),
            _ => None,
        };
        let separator = separator
            .filter(Value::is_primitive)
            .map_or(",".to_owned(), |s| s.to_text());
        let mut out = String::new();
        for (i, item) in items.iter().enumerate() {
            let text = item.to_text();
            self.take(text.len() + separator.len(), span)?;
            if i > 0 {
                out.push_str(&separator);
            }
            out.push_str(&text);
        }
        Ok(out)
    }

    fn parse_json(&self, argument: &Ast) -> Result<Value, Fault> {
        let text = self.value(argument)?.to_text();
        self.take(text.len(), argument.span)?;
        json::read(&text).map_err(|error| {
            let message = if text.trim().is_empty() {
                "`fromJSON` got an empty string".to_owned()
            } else {
                format!("`fromJSON` got a string that is not JSON: {error}")
            };
            Fault::new(message, argument.span)
        })
    }

    fn hash_files(&self, patterns: &[Ast], span: Span) -> Result<String, Fault> {
        self.scope
            .hash_files(&self.texts(patterns)?)
            .map_err(|error| Fault::new(format!("`hashFiles` failed: {error}"), span))
    }

    fn texts(&self, arguments: &[Ast]) -> Result<Vec<String>, Fault> {
        arguments
            .iter()
            .map(|argument| Ok(self.value(argument)?.to_text()))
            .collect()
    }
}

/// The type of a value with its article.
pub(crate) fn described(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "an array",
        Value::Object(_) => "an object",
    }
}
