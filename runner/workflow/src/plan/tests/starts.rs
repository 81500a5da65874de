//! Events and inputs.

use super::*;

const DISPATCH: &str = "on:\n  push:\n  workflow_dispatch:\n    inputs:\n      text: {default: d}\n      \
    flag: {type: boolean}\n      number: {type: number, default: 2}\n      \
    level: {type: choice, options: [low, high], default: low}\n      where: {type: environment}\n      \
    must: {required: true}\njobs:\n  a: {runs-on: x, steps: [run: x]}\n";

fn start_with(text: &str, event: Option<&str>, inputs: &[(&str, &str)]) -> Result<Start, Problems> {
    let request = Request {
        event: event.map(str::to_owned),
        inputs: inputs
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect(),
        ..request()
    };
    start(&read(text), &request)
}

#[track_caller]
fn refused(text: &str, event: Option<&str>, inputs: &[(&str, &str)]) -> String {
    start_with(text, event, inputs).unwrap_err().render()
}

fn with_on(on: &str) -> String {
    format!("on: {on}\njobs:\n  a: {{runs-on: x, steps: [run: x]}}\n")
}

#[test]
fn the_event_is_dispatch_or_push_or_the_first() {
    for (on, event) in [
        ("push", "push"),
        ("[pull_request, push]", "push"),
        (
            "[pull_request, push, workflow_dispatch]",
            "workflow_dispatch",
        ),
        ("[release, pull_request]", "release"),
        (
            "{schedule: [{cron: '0 0 * * *'}], pull_request: {}}",
            "schedule",
        ),
    ] {
        let start = start_with(&with_on(on), None, &[]).unwrap();
        assert_eq!(start.event, event, "{on}");
        let github = start
            .contexts
            .values
            .get("github")
            .unwrap()
            .as_object()
            .unwrap();
        assert_eq!(github.get("event_name"), Some(&event.into()));
    }
    assert_eq!(
        start_with(&with_on("[push, release]"), Some("release"), &[])
            .unwrap()
            .event,
        "release"
    );
}

#[test]
fn an_event_that_does_not_start_it_is_refused() {
    insta::assert_snapshot!(refused(&with_on("[push, pull_request]"), Some("pull_requst"), &[]), @"
    ci.yml:1:5: the event `pull_requst` does not start this workflow: it is started by `push` and `pull_request`
      |
    1 | on: [push, pull_request]
      |     ^^^^^^^^^^^^^^^^^^^^
      = help: did you mean `pull_request`?
    ");
    insta::assert_snapshot!(refused(&with_on("push"), Some("schedule"), &[]), @"
    ci.yml:1:5: the event `schedule` does not start this workflow: it is started by `push`
      |
    1 | on: push
      |     ^^^^
    ");
}

#[test]
fn inputs_have_their_types_and_are_strings_in_the_event() {
    let start = start_with(
        DISPATCH,
        None,
        &[
            ("must", "m"),
            ("FLAG", "True"),
            ("number", "1.50"),
            ("level", "high"),
            ("must", "n"),
        ],
    )
    .unwrap();
    assert_eq!(
        serde_json::to_string(&start.inputs).unwrap(),
        r#"{"text":"d","flag":true,"number":1.5,"level":"high","where":"","must":"n"}"#
    );
    let expression = crate::expr::Expression::parse("toJSON(github.event)").unwrap();
    let Value::String(event) = expression.evaluate(&start.contexts).unwrap() else {
        panic!()
    };
    let event: serde_json::Value = serde_json::from_str(&event).unwrap();
    assert_eq!(
        event.to_string(),
        serde_json::json!({"after": "1", "inputs": {"text": "d", "flag": "true", "number": "1.5", "level": "high", "where": "", "must": "n"}}).to_string()
    );
    let start = start_with(DISPATCH, None, &[("must", "")]).unwrap();
    assert_eq!(
        serde_json::to_string(&start.inputs).unwrap(),
        r#"{"text":"d","flag":false,"number":2,"level":"low","where":"","must":""}"#
    );
}

#[test]
fn the_payload_gives_inputs_too() {
    let mut request = request();
    request.github =
        object(r#"{"event": {"inputs": {"must": "p", "flag": "true", "number": null}}}"#);
    request.inputs = vec![("MUST".to_owned(), "typed".to_owned())];
    let start = start(&read(DISPATCH), &request).unwrap();
    assert_eq!(
        serde_json::to_string(&start.inputs).unwrap(),
        r#"{"text":"d","flag":true,"number":2,"level":"low","where":"","must":"typed"}"#
    );
}

#[test]
fn wrong_inputs_are_named_all_at_once() {
    insta::assert_snapshot!(refused(DISPATCH, None, &[("flag", "maybe"), ("number", "x"), ("level", "mid"), ("txt", "1"), ("zzz", "1")]), @"
    ci.yml:3:3: the workflow has no input `txt`
      |
    3 |   workflow_dispatch:
      |   ^^^^^^^^^^^^^^^^^
      = help: did you mean `text`?

    ci.yml:3:3: the workflow has no input `zzz`
      |
    3 |   workflow_dispatch:
      |   ^^^^^^^^^^^^^^^^^
      = help: its inputs are `text`, `flag`, `number`, `level`, `where` and `must`

    ci.yml:6:7: the input `flag`: expected `true` or `false`, found `maybe`
      |
    6 |       flag: {type: boolean}
      |       ^^^^

    ci.yml:7:7: the input `number`: expected a number, found `x`
      |
    7 |       number: {type: number, default: 2}
      |       ^^^^^^

    ci.yml:8:7: the input `level`: expected `low` or `high`, found `mid`
      |
    8 |       level: {type: choice, options: [low, high], default: low}
      |       ^^^^^

    ci.yml:10:7: the input `must` is required, and is not given: a string
       |
    10 |       must: {required: true}
       |       ^^^^
    ");
    insta::assert_snapshot!(refused(&with_on("{workflow_dispatch: {inputs: {c: {type: choice, options: [a, b], required: true}, n: {type: number, required: true}}}}"), None, &[]), @"
    ci.yml:1:35: the input `c` is required, and is not given: `a` or `b`
      |
    1 | on: {workflow_dispatch: {inputs: {c: {type: choice, options: [a, b], required: true}, n: {type: number, required: true}}
      |                                   ^

    ci.yml:1:87: the input `n` is required, and is not given: a number
      |
    1 | ons: [a, b], required: true}, n: {type: number, required: true}}}}
      |                               ^
    ");
    insta::assert_snapshot!(refused(DISPATCH, Some("push"), &[("flag", "true")]), @"
    ci.yml:2:3: the event `push` takes no inputs, but `flag` is given
      |
    2 |   push:
      |   ^^^^^
      = help: only `workflow_dispatch` and `workflow_call` take inputs
    ");
    insta::assert_snapshot!(refused(&with_on("workflow_dispatch"), None, &[("flag", "true")]), @"
    ci.yml:1:5: the workflow has no input `flag`
      |
    1 | on: workflow_dispatch
      |     ^^^^^^^^^^^^^^^^^
      = help: it takes no inputs
    ");
}

#[test]
fn a_workflow_that_is_called_can_be_started_by_itself() {
    let on = "{workflow_call: {inputs: {n: {type: number, default: 3}, t: {type: string, default: '${{ github.actor }}'}}}}";
    let start = start_with(&with_on(on), None, &[("n", "4")]).unwrap();
    assert_eq!(
        serde_json::to_string(&start.inputs).unwrap(),
        r#"{"n":4,"t":"Mona"}"#
    );
}
