//! A JSON file whose top-level keys are contexts, as people write one by hand to try an expression.
//!
//! It is read more strictly than `fromJSON` reads: a key that is there twice is a mistake, and every
//! mistake has a line and a column. Names are the same in any case, as expressions have it.

use std::sync::Arc;

use serde::de::DeserializeSeed;

use crate::diagnostic::{Problem, Problems};
use crate::source::{SourceFile, Span};

use super::call::described;
use super::json::Reader;
use super::value::{Object, Value};

/// What PowerShell and some editors put in front of a text.
const BYTE_ORDER_MARK: char = '\u{feff}';

/// Reads contexts from JSON: an object with a value for each context, whatever its name.
///
/// # Errors
///
/// JSON that is wrong or holds a key twice, and a value that is no object.
pub fn read_contexts(file: &SourceFile) -> Result<Object, Problems> {
    match file.text().strip_prefix(BYTE_ORDER_MARK) {
        // It takes no room on a screen, where it would move the caret.
        Some(text) => read(&SourceFile::new(file.name(), text)),
        None => read(file),
    }
}

fn read(file: &SourceFile) -> Result<Object, Problems> {
    let text = file.text();
    if text.trim().is_empty() {
        let message = "expected a JSON object of contexts, found nothing";
        return Err(Problem::new(file, Span::at(0), message).into());
    }
    let mut json = serde_json::Deserializer::from_str(text);
    let value = Reader::unique()
        .deserialize(&mut json)
        .and_then(|value| json.end().map(|()| value))
        .map_err(|error| Problem::new(file, place(text, &error), message(&error)))?;
    match value {
        Value::Object(contexts) => Ok(Arc::unwrap_or_clone(contexts)),
        other => {
            let start = text.len() - text.trim_start().len();
            let span = Span::new(start, text.trim_end().len());
            let found = described(&other);
            let message = format!("expected a JSON object of contexts, found {found}");
            Err(Problem::new(file, span, message).into())
        }
    }
}

/// The message without the place at its end, which a problem has anyway.
fn message(error: &serde_json::Error) -> String {
    let text = error.to_string();
    let place = format!(" at line {} column {}", error.line(), error.column());
    let text = text.strip_suffix(&place).unwrap_or(&text);
    if error.is_data() {
        text.to_owned()
    } else {
        format!("this is not JSON: {text}")
    }
}

/// The bytes that an error is about. Columns count bytes from 1; after a complaint about a key they
/// stand behind it.
fn place(text: &str, error: &serde_json::Error) -> Span {
    let lines = text
        .split_inclusive('\n')
        .take(error.line().saturating_sub(1));
    let line_start: usize = lines.map(str::len).sum();
    let behind = (line_start + error.column()).min(text.len());
    if error.is_data() {
        key_before(&text.as_bytes()[..behind])
    } else {
        Span::at(text.floor_char_boundary(behind.saturating_sub(1)))
    }
}

/// The string that a text ends with, but for white space.
fn key_before(text: &[u8]) -> Span {
    let end = text.trim_ascii_end().len();
    let is_escaped = |quote: usize| {
        let before = &text[..quote];
        let slashes = before.iter().rev().take_while(|&&byte| byte == b'\\');
        slashes.count() % 2 == 1
    };
    let start = (0..end.saturating_sub(1))
        .rev()
        .find(|&at| text[at] == b'"' && !is_escaped(at));
    Span::new(start.unwrap_or(0), end)
}
