//! How long an expression takes: 20 µs are promised.

mod support;

use std::time::Duration;

use dormer_workflow::expr::{Contexts, Expression, Value};

const LIMIT: Duration = Duration::from_micros(20);

const CONTEXTS: &str = r#"{
    "github": {"ref": "refs/heads/main", "event_name": "push", "actor": "Mona",
               "event": {"commits": [{"id": "a", "tags": ["x"]}, {"id": "b"}, {"id": "c"}]}},
    "matrix": {"os": "windows", "node": 20},
    "needs": {"a": {"result": "success", "outputs": {"json": "{\"list\": [1, 2, 3]}"}}},
    "vars": {"FLAG": "true"}
}"#;

const EXPRESSIONS: [(&str, &str); 5] = [
    ("a property", "github.event_name"),
    (
        "a condition",
        "github.ref == 'refs/heads/main' && (matrix.os == 'Windows' || matrix.node >= 20) && !cancelled()",
    ),
    ("a filter", "contains(github.event.commits.*.id, 'c')"),
    (
        "a text",
        "format('{0}-{1} on {2}', matrix.os, matrix.node, github.actor)",
    ),
    (
        "a value from JSON",
        "join(fromJSON(needs.a.outputs.json).list, ', ')",
    ),
];

fn main() {
    let values: Value = serde_json::from_str(CONTEXTS).expect("the contexts are JSON");
    let scope = Contexts {
        values: values.as_object().cloned().unwrap_or_default(),
        ..Contexts::default()
    };
    for (what, text) in EXPRESSIONS {
        let expression = Expression::parse(text).expect("the expression is right");
        support::measure(&format!("evaluating {what}"), LIMIT, || {
            expression.evaluate(&scope)
        });
        support::measure(&format!("parsing and evaluating {what}"), LIMIT, || {
            Expression::parse(text).map(|expression| expression.evaluate(&scope))
        });
    }
}
