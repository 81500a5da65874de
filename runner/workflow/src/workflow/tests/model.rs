//! Workflows that are right, and what they say.

use super::*;

const FULL: &str = r#"
name: Build
description: All of it
run-name: Build by ${{ github.actor }}
on:
  push:
    branches: [main]
  workflow_dispatch:
env: &env
  CI: true
  VERSION: 3.10
  NOTHING:
defaults:
  run:
    shell: cmd
    working-directory: src
permissions: read-all
cache-mode: read
concurrency: ${{ github.workflow }}
jobs:
  prepare:
    runs-on: [self-hosted, windows]
    outputs:
      tag: ${{ steps.tag.outputs.tag }}
    steps:
      - id: tag
        run: echo tag=1>> %GITHUB_OUTPUT%
  build:
    name: Build ${{ github.ref_name }}
    needs: prepare
    if: github.event_name == 'push'
    runs-on:
      group: big
      labels: windows-${{ inputs.version }}
    timeout-minutes: 30
    cancel-timeout-minutes: ${{ fromJSON(vars.CANCEL) }}
    continue-on-error: ${{ inputs.experimental }}
    env: *env
    defaults:
      run:
        shell: ${{ vars.SHELL }}
    environment: {name: production, url: "https://example.com/${{ steps.x.outputs.url }}"}
    concurrency: {group: a, cancel-in-progress: true}
    permissions: {contents: read}
    cache-mode: write-only
    steps:
      - uses: actions/checkout@v4
        with:
          fetch-depth: 0
          token: ${{ secrets.TOKEN }}
      - name: Test
        id: test
        if: ${{ !cancelled() && hashFiles('**/*.rs') != '' }}
        env:
          A: ${{ needs.prepare.outputs.tag }}
        run: |
          echo one
          echo ${{ env.A }}
        shell: bash
        working-directory: ${{ github.workspace }}
        timeout-minutes: 0.5
        continue-on-error: true
  call:
    needs: [prepare, BUILD]
    uses: ./.github/workflows/other.yml
    with: {a: 1}
    secrets: inherit
"#;

#[test]
fn a_full_workflow_is_read() {
    let workflow = read(FULL);
    assert_eq!(
        workflow.name.as_ref().map(|name| name.value.as_str()),
        Some("Build")
    );
    assert_eq!(
        workflow.run_name.as_ref().unwrap().text(),
        "Build by ${{ github.actor }}"
    );
    let events: Vec<_> = workflow
        .on
        .events
        .iter()
        .map(|e| e.name.value.as_str())
        .collect();
    assert_eq!(events, ["push", "workflow_dispatch"]);
    assert_eq!(
        workflow.defaults.shell.as_ref().unwrap().as_literal(),
        Some("cmd")
    );
    assert!(workflow.permissions.is_some() && workflow.concurrency.is_some());
    assert_eq!(workflow.cache_mode.as_ref().unwrap().value, "read");
    assert!(workflow.warnings.is_empty());
    let ids: Vec<_> = workflow
        .jobs
        .iter()
        .map(|job| job.id.value.as_str())
        .collect();
    assert_eq!(ids, ["prepare", "build", "call"]);
    let env: Vec<_> = workflow
        .env
        .entries
        .iter()
        .map(|e| (&*e.name.value, e.value.text()))
        .collect();
    assert_eq!(env, [("CI", "true"), ("VERSION", "3.1"), ("NOTHING", "")]);
}

#[test]
fn a_job_has_all_its_parts() {
    let workflow = read(FULL);
    let job = workflow.job("Build").unwrap();
    assert_eq!(job.needs[0].value, "prepare");
    assert_eq!(
        job.condition.as_ref().unwrap().text(),
        "github.event_name == 'push'"
    );
    assert!(
        matches!(&job.runs_on, Some(RunsOn::Group { group: Some(_), labels }) if labels.len() == 1)
    );
    assert_eq!(job.timeout_minutes, Some(Setting::Literal(30.0)));
    assert!(matches!(
        job.cancel_timeout_minutes,
        Some(Setting::Template(_))
    ));
    assert!(matches!(job.continue_on_error, Some(Setting::Template(_))));
    assert_eq!(job.env.get("version").unwrap().text(), "3.1");
    assert!(job.environment.is_some() && job.concurrency.is_some() && job.permissions.is_some());
    let call = workflow.job("call").unwrap();
    assert_eq!(
        call.uses.as_ref().unwrap().value,
        "./.github/workflows/other.yml"
    );
    assert!(call.runs_on.is_none() && call.steps.is_empty());
    assert!(workflow.job("nope").is_none());
}

#[test]
fn a_step_has_all_its_parts() {
    let workflow = read(FULL);
    let [checkout, test] = &workflow.job("build").unwrap().steps[..] else {
        panic!()
    };
    let StepAction::Uses { reference, with } = &checkout.action else {
        panic!()
    };
    assert_eq!(reference.value, "actions/checkout@v4");
    assert_eq!(with.get("fetch-depth").unwrap().as_literal(), Some("0"));
    assert_eq!((checkout.number, test.number), (1, 2));
    assert_eq!(test.id.as_ref().unwrap().value, "test");
    assert_eq!(test.timeout_minutes, Some(Setting::Literal(0.5)));
    assert_eq!(test.continue_on_error, Some(Setting::Literal(true)));
    assert!(!test.condition.as_ref().unwrap().implies_success());
    let StepAction::Run {
        script,
        shell,
        working_directory,
    } = &test.action
    else {
        panic!()
    };
    assert_eq!(script.text(), "echo one\necho ${{ env.A }}\n");
    assert_eq!(shell.as_ref().unwrap().as_literal(), Some("bash"));
    assert!(working_directory.is_some());
}

#[test]
fn spans_lead_back_to_the_file() {
    let workflow = read(FULL);
    let at = |span| workflow.source.slice(span).to_owned();
    let job = workflow.job("build").unwrap();
    assert_eq!(at(job.id.span), "build");
    assert_eq!(at(job.needs[0].span), "prepare");
    assert_eq!(at(job.env.span), "*env");
    assert_eq!(at(job.steps[1].id.as_ref().unwrap().span), "test");
    assert!(at(job.steps[0].span).starts_with("uses: actions/checkout@v4"));
    assert_eq!(at(job.environment.as_ref().unwrap().key), "environment");
}

#[test]
fn events_come_in_three_forms() {
    let names = |on: &str| -> Vec<String> {
        let workflow = read(&format!(
            "on: {on}\njobs: {{a: {{runs-on: x, steps: [run: x]}}}}\n"
        ));
        workflow
            .on
            .events
            .into_iter()
            .map(|event| event.name.value)
            .collect()
    };
    assert_eq!(names("push"), ["push"]);
    assert_eq!(names("[push, pull_request]"), ["push", "pull_request"]);
    assert_eq!(
        names("{push: , schedule: [{cron: '0 0 * * *'}]}"),
        ["push", "schedule"]
    );
}

#[test]
fn labels_come_in_three_forms() {
    let runs_on = |text: &str| {
        let yaml = format!("on: push\njobs: {{a: {{runs-on: {text}, steps: [run: x]}}}}\n");
        read(&yaml).jobs[0].runs_on.clone().unwrap()
    };
    assert!(matches!(runs_on("windows"), RunsOn::Label(_)));
    assert!(matches!(runs_on("2022"), RunsOn::Label(label) if label.as_literal() == Some("2022")));
    assert!(matches!(runs_on("[a, b]"), RunsOn::Labels(labels) if labels.len() == 2));
    assert!(
        matches!(runs_on("{group: g}"), RunsOn::Group { group: Some(_), labels } if labels.is_empty())
    );
    assert_eq!(runs_on("{group: g, labels: [a, b]}").templates().len(), 3);
}

#[test]
fn conditions_are_strings_whatever_their_type() {
    let condition = |text: &str| {
        let workflow = read(&with_step(&format!("run: x\nif: {text}")));
        workflow.jobs[0].steps[0].condition.clone().unwrap()
    };
    assert_eq!(condition("true").text(), "true");
    assert_eq!(condition("'1'").text(), "1");
    assert_eq!(condition("").text(), "success()");
    assert!(
        condition("${{ always() }}")
            .check(&super::places::STEP_IF)
            .is_empty()
    );
}

#[test]
fn what_is_legal_but_not_meant_is_a_warning() {
    let workflow = read(&with_step("run: x\nif: ${{ github.ref == 'x' }} && true"));
    insta::assert_snapshot!(workflow.warnings[0].render(), @"
    ci.yml:8:13: this condition always holds, since there is text around its `${{ }}`
      |
    8 |         if: ${{ github.ref == 'x' }} && true
      |             ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
      = help: put all of it into one `${{ }}`, or leave `${{ }}` out
    ");
}

#[test]
fn an_event_that_is_not_known_may_be_new() {
    let workflow = read("on: [push, moon_phase]\njobs: {a: {runs-on: x, steps: [run: x]}}\n");
    assert_eq!(workflow.on.events.len(), 2);
    assert_eq!(
        workflow.warnings[0].to_string(),
        "ci.yml:1:12: unknown event `moon_phase`"
    );
}

#[test]
fn background_steps_are_read() {
    let workflow = read(
        "on: push\njobs:\n  a:\n    runs-on: x\n    steps:\n      - {id: s, run: x, background: true}\n      \
         - {uses: ./a, background: false}\n      - wait: s\n      - wait: [s]\n      - wait-all:\n      \
         - cancel: s\n      - parallel: [run: a, {run: b, id: b}]\n      - run: last\n",
    );
    let steps = &workflow.jobs[0].steps;
    assert_eq!(
        steps.iter().map(|step| step.number).collect::<Vec<_>>(),
        [1, 2, 3, 4, 5, 6, 7, 10]
    );
    let rendered: Vec<_> = workflow
        .unsupported_in("A")
        .iter()
        .map(ToString::to_string)
        .collect();
    insta::assert_snapshot!(rendered.join("\n"), @"
    ci.yml:6:37: steps in the `background` can't be run by Dormer yet
    ci.yml:8:9: steps that `wait` for others can't be run by Dormer yet
    ci.yml:9:9: steps that `wait` for others can't be run by Dormer yet
    ci.yml:10:9: steps that `wait-all` can't be run by Dormer yet
    ci.yml:11:9: steps that `cancel` others can't be run by Dormer yet
    ci.yml:12:9: steps in `parallel` can't be run by Dormer yet
    ");
}

#[test]
fn what_cannot_run_yet_is_named() {
    let workflow = read(
        "on: push\njobs:\n  a:\n    runs-on: x\n    strategy: {matrix: {os: [a, b]}}\n    container: c\n    \
         services: {db: {image: x}}\n    snapshot: s\n    needs: b\n    outputs: {}\n    \
         concurrency: c\n    environment: e\n    permissions: {}\n    steps: [run: x]\n  b:\n    \
         uses: ./.github/workflows/x.yml\n  c:\n    runs-on: x\n    steps: [run: x]\n",
    );
    let named = |job| {
        workflow
            .unsupported_in(job)
            .iter()
            .map(ToString::to_string)
            .collect::<Vec<_>>()
            .join("\n")
    };
    insta::assert_snapshot!(named("a"), @"
    ci.yml:6:5: jobs in a `container` can't be run by Dormer yet
    ci.yml:7:5: jobs with `services` can't be run by Dormer yet
    ci.yml:8:5: jobs with a `snapshot` can't be run by Dormer yet
    ");
    // What it calls is another file's affair.
    assert_eq!(named("b"), "");
    assert_eq!(named("c"), "");
    assert_eq!(named("nope"), "");
    let none = read(&with_job("container: ''\nenvironment: "));
    assert!(none.jobs[0].container.is_none() && none.jobs[0].environment.is_none());
}

#[test]
fn references_of_actions_have_several_forms() {
    for reference in [
        "actions/checkout@v4",
        "actions/cache/save@0123456789abcdef",
        "owner/repo/a/b/c@feature/x",
        "./",
        "./.github/actions/x",
        ".\\action",
        "$/.github/actions/x",
        "docker://alpine:3.20",
    ] {
        read(&with_step(&format!("uses: {reference}")));
    }
}
