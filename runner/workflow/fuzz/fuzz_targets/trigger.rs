//! Any filters can be compared with any event, whatever its payload holds, and the answer holds together.

#![no_main]

use dormer_workflow::expr::{Object, Value};
use dormer_workflow::trigger::{Changes, judge};
use dormer_workflow::{SourceFile, parse_workflow};
use libfuzzer_sys::fuzz_target;

/// A payload with what filters ask for, made of any text.
fn made_of(text: &str) -> Object {
    let list = || Value::from(text.lines().map(Value::from).collect::<Vec<Value>>());
    let named = |name: &str, value: Value| Object::from_iter([(name, value)]);
    let commit = Object::from_iter([("added", list()), ("modified", list()), ("removed", list())]);
    let base = named("base", named("ref", text.into()).into());
    let run = Object::from_iter([("head_branch", Value::from(text)), ("name", text.into())]);
    let event = Object::from_iter([
        ("action", Value::from(text)),
        ("commits", vec![Value::from(commit)].into()),
        ("pull_request", base.into()),
        ("merge_group", named("base_ref", text.into()).into()),
        ("workflow_run", run.into()),
    ]);
    Object::from_iter([("ref", Value::from(format!("refs/heads/{text}"))), ("event", event.into())])
}

fuzz_target!(|texts: (&str, &str, &str)| {
    let (on, payload, changed) = texts;
    let text = format!("jobs: {{a: {{runs-on: x, steps: [{{run: x}}]}}}}\non:\n{on}\n");
    let Ok(workflow) = parse_workflow(&SourceFile::new("fuzz.yml", text)) else {
        return;
    };
    let given: Option<Value> = serde_json::from_str(payload).ok();
    let given = given.as_ref().and_then(Value::as_object).cloned();
    let files = changed.lines().map(str::to_owned).collect();
    for github in [made_of(payload), given.unwrap_or_default()] {
        for changes in [
            Changes::Unknown,
            Changes::Files(Vec::clone(&files)),
            Changes::Missing(changed.to_owned()),
        ] {
            for event in &workflow.on.events {
                let verdict = judge(event, &github, &changes);
                let expected = match (verdict.misfits.len(), verdict.unjudged.len()) {
                    (0, 0) => Some(true),
                    (0, _) => None,
                    _ => Some(false),
                };
                assert_eq!(verdict.starts, expected);
            }
        }
    }
});
