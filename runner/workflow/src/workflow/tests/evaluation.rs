//! What the values of a workflow give when they are evaluated.

use crate::expr::{Contexts, Object, Value};

use super::*;

fn scope() -> Contexts {
    let json = r#"{
        "github": {"actor": "Mona", "event": {"x": 1}},
        "vars": {"LABELS": "[\"self-hosted\", \"windows\"]", "OBJECT": "{\"A\": 1, \"b\": null}",
                 "GROUP": "{\"group\": \"g\", \"labels\": [\"a\", 1]}", "MINUTES": "2.5"},
        "inputs": {"flag": true, "text": "true"}
    }"#;
    let values: Value = serde_json::from_str(json).unwrap();
    Contexts {
        values: values.as_object().unwrap().clone(),
        ..Contexts::default()
    }
}

fn job(lines: &str) -> Workflow {
    read(&with_job(lines))
}

#[test]
fn maps_are_rendered_in_order() {
    let workflow = job("env: {B: 'x ${{ github.actor }}', A: 1.50, C: }");
    let env = workflow.jobs[0].env.render(&scope()).unwrap();
    let expected = [("B", "x Mona"), ("A", "1.5"), ("C", "")];
    assert_eq!(
        env,
        expected.map(|(name, value)| (name.to_owned(), value.to_owned()))
    );
}

#[test]
fn a_map_can_be_one_expression() {
    let workflow = job("env: ${{ fromJSON(vars.OBJECT) }}");
    let env = &workflow.jobs[0].env;
    assert!(!env.is_empty() && env.entries.is_empty());
    let expected = [
        ("A".to_owned(), "1".to_owned()),
        ("b".to_owned(), String::new()),
    ];
    assert_eq!(env.render(&scope()).unwrap(), expected);
    let rendered = |lines| {
        job(lines).jobs[0]
            .env
            .render(&scope())
            .unwrap_err()
            .to_string()
    };
    assert_eq!(
        rendered("env: ${{ github.actor }}"),
        "expected an object, found a string"
    );
    assert_eq!(
        rendered("env: ${{ github }}"),
        "expected a string as `event`, found an object"
    );
}

#[test]
fn labels_can_be_computed() {
    let labels = |text: &str| {
        let yaml = format!("on: push\njobs:\n  a:\n    runs-on: {text}\n    steps: [run: x]\n");
        let RunnerSelector { group, labels } = match read(&yaml).jobs[0]
            .runs_on
            .as_ref()
            .unwrap()
            .evaluate(&scope())
        {
            Ok(selector) => selector,
            Err(error) => return error.to_string(),
        };
        format!(
            "{}{}",
            group.map(|group| format!("{group}: ")).unwrap_or_default(),
            labels.join(" ")
        )
    };
    assert_eq!(labels("windows-${{ github.actor }}"), "windows-Mona");
    assert_eq!(labels("[a, '${{ github.actor }}']"), "a Mona");
    assert_eq!(
        labels("${{ fromJSON(vars.LABELS) }}"),
        "self-hosted windows"
    );
    assert_eq!(labels("${{ fromJSON(vars.GROUP) }}"), "g: a 1");
    assert_eq!(
        labels("{group: '${{ github.actor }}', labels: [x, y]}"),
        "Mona: x y"
    );
    assert_eq!(labels("{group: g}"), "g: ");
    assert_eq!(
        labels("${{ github.missing }}"),
        "expected a label, found null"
    );
    for (text, expected) in [
        ("[a, '${{ github.missing }}']", "a label, found a string"),
        ("{labels: '${{ vars.NONE }}'}", "a label, found a string"),
        ("${{ fromJSON('[\"\"]') }}", "a label, found a string"),
        (
            "${{ fromJSON('[]') }}",
            "at least one label, found an array",
        ),
    ] {
        assert_eq!(labels(text), format!("expected {expected}"), "{text}");
    }
    assert_eq!(
        labels("${{ fromJSON('[[]]') }}"),
        "expected a label, found an array"
    );
}

#[test]
fn settings_want_their_type() {
    let switch = |text: &str| {
        let workflow = job(&format!("continue-on-error: {text}"));
        let setting = workflow.jobs[0].continue_on_error.clone().unwrap();
        setting
            .evaluate(&scope())
            .map_err(|error| error.to_string())
    };
    assert_eq!(switch("true"), Ok(true));
    assert_eq!(switch("${{ inputs.flag }}"), Ok(true));
    assert_eq!(
        switch("${{ inputs.text }}"),
        Err("expected a boolean, found a string".to_owned())
    );
    assert_eq!(
        switch("x${{ 1 }}"),
        Err("expected a boolean, found a string".to_owned())
    );
    let number = |text: &str| {
        let workflow = job(&format!("timeout-minutes: {text}"));
        let setting = workflow.jobs[0].timeout_minutes.clone().unwrap();
        setting
            .evaluate(&scope())
            .map_err(|error| error.to_string())
    };
    assert_eq!(number("1.5"), Ok(1.5));
    assert_eq!(number("${{ fromJSON(vars.MINUTES) }}"), Ok(2.5));
    assert_eq!(
        number("${{ 0 }}"),
        Err("expected a positive number, found a number".to_owned())
    );
    assert_eq!(
        number("${{ vars.MINUTES }}"),
        Err("expected a positive number, found a string".to_owned())
    );
}

#[test]
fn minutes_become_durations() {
    assert_eq!(minutes(1.5).as_secs(), 90);
    assert_eq!(minutes(f64::MAX), std::time::Duration::MAX);
    assert_eq!(minutes(-1.0).as_secs(), 0);
    assert_eq!(minutes(f64::NAN).as_secs(), 0);
}

#[test]
fn failures_lead_back_to_the_file() {
    let workflow = read(&with_step(
        "run: |\n  echo one\n  echo ${{ fromJSON(github.actor) }}",
    ));
    let StepAction::Run { script, .. } = &workflow.jobs[0].steps[0].action else {
        panic!()
    };
    let error = script.render(&scope()).unwrap_err();
    insta::assert_snapshot!(workflow.problem(&error).unwrap().render(), @"
    ci.yml:9:29: `fromJSON` got a string that is not JSON: expected value at line 1 column 1
      |
    9 |           echo ${{ fromJSON(github.actor) }}
      |                             ^^^^^^^^^^^^
    ");

    let workflow = read(&with_step(
        "if: >-\n  github.actor ==\n  fromJSON(github.actor)\nrun: x",
    ));
    let condition = workflow.jobs[0].steps[0].condition.as_ref().unwrap();
    let error = condition.evaluate(&scope()).unwrap_err();
    insta::assert_snapshot!(workflow.problem(&error).unwrap().render(), @"
    ci.yml:9:20: `fromJSON` got a string that is not JSON: expected value at line 1 column 1
      |
    9 |           fromJSON(github.actor)
      |                    ^^^^^^^^^^^^
    ");

    let workflow = job("env: {A: '${{ github.event }}'}");
    let error = workflow.jobs[0].env.render(&scope()).unwrap_err();
    insta::assert_snapshot!(workflow.problem(&error).unwrap().render(), @"
    ci.yml:6:19: expected a string, found an object
      |
    6 |     env: {A: '${{ github.event }}'}
      |                   ^^^^^^^^^^^^
      = help: `toJSON()` turns anything into a string
    ");
}

#[test]
fn values_of_a_workflow_can_go_to_other_threads() {
    fn is_shared<T: Send + Sync + 'static>() {}
    is_shared::<Workflow>();
    is_shared::<Value>();
    is_shared::<Object>();
    is_shared::<crate::expr::EvalError>();
}
