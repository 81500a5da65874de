//! Expressions with their values and errors.
//!
//! What is expected is `KIND VALUE`, the value as JSON (NaN and infinities as they are), with
//! `as TEXT` behind a number whose text differs; or `error START..END MESSAGE`, the bytes of the
//! expression and the message.

use dormer_workflow::expr::{Answer, AnswerError, EvalError, ParseError};
use serde_json::Value as Json;

use crate::ask;
use crate::table::{Row, assert_none, files, rows};

#[test]
fn every_expression_has_its_value_or_its_error() {
    let mut failures = Vec::new();
    let mut count = 0;
    for row in files("values").iter().flat_map(|name| rows(name)) {
        count += 1;
        if let Err(found) = check(&row) {
            failures.push(format!("{}: {} => {found}", row.place, row.input));
        }
    }
    assert_none(&failures, count);
    assert!(count >= 500, "{count} expressions");
}

/// Compares a row with what is found; gives that where they differ.
fn check(row: &Row) -> Result<(), String> {
    match ask(&row.input) {
        Ok(answer) => check_value(&row.expected, &answer),
        Err(error) if row.expected == shown(&error) => Ok(()),
        Err(error) => Err(shown(&error)),
    }
}

fn check_value(expected: &str, answer: &Answer) -> Result<(), String> {
    let found: Json = serde_json::from_str(&answer.to_json()).unwrap();
    let different = || {
        Err(format!(
            "{} {} as {}",
            found["kind"], found["value"], found["string"]
        ))
    };
    if expected.starts_with("error ") {
        return different();
    }
    let (kind, rest) = expected.split_once(' ').unwrap_or((expected, ""));
    let (value, text) = match rest.split_once(" as ").filter(|_| kind == "Number") {
        Some((value, text)) => (value, Some(text)),
        None => (rest, None),
    };
    let json = match value {
        "" => Json::Null,
        "NaN" | "Infinity" | "-Infinity" => value.into(),
        _ => serde_json::from_str(value).unwrap_or_else(|error| panic!("{value}: {error}")),
    };
    let text = text.map_or_else(|| default_text(kind, value, &json), str::to_owned);
    if found["kind"] == kind && same(&found["value"], &json) && answer.text() == text {
        assert_eq!(found["string"], *text);
        return Ok(());
    }
    different()
}

/// The text of a value, where the table does not give it.
fn default_text(kind: &str, value: &str, json: &Json) -> String {
    match (kind, json) {
        ("Null", _) => String::new(),
        ("Array" | "Object", _) => kind.to_owned(),
        (_, Json::String(text)) => text.clone(),
        _ => value.to_owned(),
    }
}

/// Whether two values are the same, `1` and `1.0` too, and properties in the same order.
fn same(a: &Json, b: &Json) -> bool {
    match (a, b) {
        (Json::Number(a), Json::Number(b)) => a.as_f64() == b.as_f64(),
        (Json::Array(a), Json::Array(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b))
        }
        (Json::Object(a), Json::Object(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| a.0 == b.0 && same(a.1, b.1))
        }
        _ => a == b,
    }
}

fn shown(error: &AnswerError) -> String {
    let placed = |span: dormer_workflow::Span, message: &str| {
        format!("error {}..{} {message}", span.start, span.end)
    };
    let parse = |error: &ParseError| placed(error.span(), error.message());
    let eval = |error: &EvalError| placed(error.span(), error.message());
    match error {
        AnswerError::Contexts(problems) => problems.to_string(),
        AnswerError::Expression(errors) => errors.iter().map(parse).collect::<Vec<_>>().join("; "),
        AnswerError::Evaluation(error) => eval(error),
    }
}
