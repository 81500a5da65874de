//! The documented examples, and what they leave open, as tables.

mod examples;
mod filters;
mod limits;
mod names;
mod properties;

use crate::expr::{Contexts, Object, Value};
use crate::workflow::{ResolvedStrategy, parse_workflow};
use crate::{Problems, SourceFile};

/// What `${{ }}` sees.
fn scope() -> Contexts {
    let json = r#"{
        "github": {"actor": "Mona"}, "inputs": {"one": 1, "yes": true}, "vars": {},
        "needs": {"a": {"outputs": {
            "list": "[1, \"two\", {\"three\": 3}]", "none": "[]", "text": "x",
            "matrix": "{\"os\": [\"w\", \"l\"], \"exclude\": [{\"os\": \"L\"}], \"include\": [{\"os\": \"m\"}]}"
        }}}
    }"#;
    let values: Value = serde_json::from_str(json).unwrap();
    Contexts {
        values: values.as_object().unwrap().clone(),
        ..Contexts::default()
    }
}

/// The strategy of a job, from its YAML.
fn resolve(strategy: &str) -> Result<ResolvedStrategy, Problems> {
    let lines: String = strategy
        .lines()
        .map(|line| format!("      {line}\n"))
        .collect();
    let text = format!(
        "on: push\njobs:\n  j:\n    runs-on: x\n    steps: [run: x]\n    strategy:\n{lines}"
    );
    let workflow = parse_workflow(&SourceFile::new("ci.yml", text))?;
    let strategy = workflow.jobs[0].strategy.as_ref().unwrap();
    strategy.resolve(&scope(), &workflow.source)
}

fn expand(matrix: &str) -> Result<Vec<super::Combination>, Problems> {
    let lines: String = matrix.lines().map(|line| format!("  {line}\n")).collect();
    let resolved = resolve(&format!("matrix:\n{lines}"))?;
    Ok(resolved.legs.unwrap())
}

/// The legs of a matrix, one a line: `os: windows, node: 12`.
fn legs(matrix: &str) -> Vec<String> {
    match expand(matrix) {
        Ok(legs) => legs.iter().map(|leg| shown(&leg.values)).collect(),
        Err(problems) => panic!("{}", problems.render()),
    }
}

fn shown(values: &Object) -> String {
    let pair = |(name, value): (&str, &Value)| match value {
        Value::String(text) => format!("{name}: {text}"),
        value => format!("{name}: {}", serde_json::to_string(value).unwrap()),
    };
    values.iter().map(pair).collect::<Vec<_>>().join(", ")
}

/// Expands each matrix and compares all its legs.
#[track_caller]
fn check(cases: &[(&str, &str, &[&str])]) {
    for (what, matrix, expected) in cases {
        assert_eq!(legs(matrix), *expected, "{what}");
    }
}

/// The problems of a strategy, one a line.
#[track_caller]
fn problems(strategy: &str) -> String {
    match resolve(strategy) {
        Ok(resolved) => panic!("accepted as {resolved:?}"),
        Err(problems) => problems.to_string(),
    }
}
