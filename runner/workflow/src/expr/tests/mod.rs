//! The documented rules of the language, as tables, and properties that hold for any input.

mod answers;
mod functions;
mod limits;
mod oracle;
mod syntax;
mod templates;

use std::sync::Arc;

use super::*;

/// Contexts with a little of everything.
fn scope() -> Contexts {
    let json = r#"{
        "github": {
            "ref": "refs/heads/main", "actor": "Mona", "run_number": 17, "token": null,
            "event": {
                "commits": [{"id": "a1", "n": 1}, {"id": "b2", "tags": ["x", "y"]}, 7],
                "labels": {"first": {"name": "bug"}, "second": {"name": "help"}},
                "flag": true, "empty": "", "zero": 0
            }
        },
        "env": {"Path": "C:\\bin", "EMPTY": "", "two-words": "2", "N": "12"},
        "matrix": {"os": ["linux", "windows"], "n": [1, 2, 3], "nested": [[1, 2], [3]]},
        "steps": {"build": {"outcome": "success", "outputs": {"Result": "ok"}}},
        "inputs": {},
        "vars": null
    }"#;
    let values: Value = serde_json::from_str(json).unwrap();
    let mut values = values.as_object().unwrap().clone();
    // An object that holds one array twice, as contexts may.
    let shared = Value::Array(Arc::new(vec![1.0.into()]));
    values.insert(
        "same",
        Object::from_iter([("a", shared.clone()), ("b", shared)]),
    );
    Contexts {
        values,
        status: JobStatus::Success,
    }
}

/// A value in the language's own notation; collections as compact JSON.
fn shown(value: &Value) -> String {
    match value {
        Value::Null => "null".to_owned(),
        Value::String(text) => format!("'{text}'"),
        Value::Bool(_) | Value::Number(_) => value.to_text(),
        Value::Array(_) | Value::Object(_) => serde_json::to_string(value).unwrap(),
    }
}

fn evaluate(text: &str) -> Result<Value, String> {
    let expression = Expression::parse(text).map_err(|error| error.to_string())?;
    expression
        .evaluate(&scope())
        .map_err(|error| error.to_string())
}

/// Asserts that every expression has its value.
#[track_caller]
fn table(cases: &[(&str, &str)]) {
    for (text, expected) in cases {
        match evaluate(text) {
            Ok(value) => assert_eq!(shown(&value), *expected, "{text}"),
            Err(error) => panic!("{text}: {error}"),
        }
    }
}

/// Asserts that every expression is refused or fails with its message.
#[track_caller]
fn errors(cases: &[(&str, &str)]) {
    for (text, expected) in cases {
        match evaluate(text) {
            Ok(value) => panic!("{text}: is {}", shown(&value)),
            Err(error) => assert_eq!(error, *expected, "{text}"),
        }
    }
}
