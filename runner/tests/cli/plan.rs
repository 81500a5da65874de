//! `dormer plan`: the jobs of a workflow as a table and as JSON, and how a run may start.

use std::fs;
use std::time::Duration;

use serde_json::Value;

use super::{Host, USAGE, assert_orderly, assert_says};

const WORKFLOW: &str = "\
name: CI
on:
  push:
  workflow_dispatch:
    inputs:
      deep: {type: boolean, default: false}
jobs:
  report:
    needs: [build, test]
    if: always()
    timeout-minutes: 5
    runs-on: ${{ vars.LABEL || 'windows-latest' }}
    steps: [{run: echo}]
  build:
    strategy: {matrix: {os: [windows-2022, ubuntu-latest]}}
    runs-on: ${{ matrix.os }}
    outputs: {list: '${{ steps.a.outputs.list }}'}
    steps: [{id: a, run: echo}]
  test:
    needs: build
    if: inputs.deep
    strategy: {matrix: {x: '${{ fromJSON(needs.build.outputs.list) }}'}}
    runs-on: windows-latest
    steps: [{run: echo}]
";

/// A host with that workflow.
fn host() -> Host {
    let host = Host::new();
    fs::create_dir(host.path().join(".git")).expect("a directory");
    host.write("ci.yml", WORKFLOW);
    host
}

#[track_caller]
fn planned(host: &Host, arguments: &[&str]) -> String {
    let finished = host
        .dormer(["plan", "ci.yml"])
        .args(arguments)
        .run()
        .expect(0);
    assert_orderly(&finished);
    finished.stdout
}

#[track_caller]
fn document(host: &Host, arguments: &[&str]) -> Value {
    let text = planned(host, &[arguments, &["--format", "json"]].concat());
    serde_json::from_str(&text).expect("JSON")
}

#[track_caller]
fn refused(host: &Host, arguments: &[&str]) -> String {
    let finished = host
        .dormer(["plan", "ci.yml"])
        .args(arguments)
        .run()
        .expect(USAGE);
    assert_orderly(&finished);
    assert_eq!(finished.stdout, "");
    finished.stderr
}

#[test]
fn jobs_are_shown_in_their_order_with_labels_and_images() {
    let host = host();
    insta::assert_snapshot!(planned(&host, &["--input", "deep=true"]), @"
    CI on workflow_dispatch: 3 jobs, 3 legs
    inputs: deep=true

    JOB     NAME                   RUNS ON            IMAGE     NEEDS        RUNS              ALSO
    build   build (windows-2022)   windows-2022       compat                 yes
    build   build (ubuntu-latest)  ubuntu-latest      no image               yes
    test                           known after build            build        if `inputs.deep`
    report                         windows-latest     compat    build, test  yes               5 min
    ");
}

#[test]
fn a_label_gets_the_image_that_the_configuration_maps_it_to() {
    let host = host();
    host.write("dormer.toml", "[labels]\n\"ubuntu-latest\" = \"mine\"\n");
    assert_says(
        &planned(&host, &["--on", "push"]),
        &["ubuntu-latest   mine  "],
    );
}

#[test]
fn programs_get_the_plan_as_json() {
    let host = host();
    let plan = document(&host, &["--on", "push", "--var", "LABEL=gpu"]);
    assert_eq!(plan["version"], 1);
    assert_eq!(plan["event"], "push");
    let ids: Vec<&str> = plan["jobs"]
        .as_array()
        .expect("jobs")
        .iter()
        .filter_map(|job| job["id"].as_str())
        .collect();
    assert_eq!(ids, ["build", "test", "report"]);
    assert_eq!(
        plan["jobs"][0]["legs"]["items"][0]["matrix"]["os"],
        "windows-2022"
    );
    assert_eq!(plan["jobs"][1]["condition"]["holds"], false);
    let labels = &plan["jobs"][2]["legs"]["items"][0]["runs_on"]["labels"];
    assert_eq!(labels, &serde_json::json!(["gpu"]));
}

#[test]
fn the_payload_and_the_checkout_are_what_expressions_see() {
    let host = host();
    let text = "on: push\nrun-name: ${{ github.event.head_commit.message }} on ${{ github.ref_name }}\n\
                jobs: {a: {runs-on: x, steps: [{run: x}]}}\n";
    host.write("ci.yml", text);
    host.write(".git/HEAD", "ref: refs/heads/topic\n");
    host.write("event.json", r#"{"head_commit": {"message": "Fix it"}}"#);
    let plan = document(&host, &["--payload", "event.json"]);
    assert_eq!(plan["run_name"], "Fix it on topic");
    host.write("event.json", "[1]");
    let said = refused(&host, &["--payload", "event.json"]);
    assert_says(
        &said,
        &["error: the payload `event.json` is no JSON object"],
    );
    let said = refused(&host, &["--payload", "none.json"]);
    assert_says(
        &said,
        &["cannot read the payload `none.json`: there is no such file"],
    );
}

#[test]
fn a_start_that_the_workflow_does_not_take_is_explained() {
    let host = host();
    let said = refused(&host, &["--on", "pusch"]);
    assert_says(
        &said,
        &[
            "error: the workflow cannot be planned:\nci.yml:3:3: the event `pusch` does not start",
            "did you mean `push`?",
        ],
    );
    let said = refused(&host, &["--input", "deep=maybe", "--input", "dep=1"]);
    assert_says(
        &said,
        &["for 2 reasons", "the input `deep`: ", "has no input `dep`"],
    );
    let said = refused(&host, &["--on", "push", "--input", "deep=true"]);
    assert_says(&said, &["the event `push` takes no inputs"]);
}

#[test]
fn called_workflows_are_planned_and_containers_warned_of() {
    let host = host();
    host.write(
        ".github/workflows/called.yml",
        "on: workflow_call\njobs: {inner: {runs-on: windows-2019, steps: [{run: x}]}}\n",
    );
    host.write(
        "ci.yml",
        "on: push\njobs:\n  a:\n    uses: ./.github/workflows/called.yml\n  b:\n    runs-on: x\n    \
         container: node\n    steps: [{run: x}]\n  c:\n    uses: o/r/.github/workflows/x.yml@v1\n",
    );
    let finished = host.dormer(["plan", "ci.yml"]).run().expect(0);
    assert_says(
        &finished.stdout,
        &[
            "3 jobs, 4 legs",
            "\na          calls ./.github/workflows/called.yml",
            "\na / inner  windows-2019",
            "not followed",
        ],
    );
    assert_says(
        &finished.stderr,
        &["warning: ci.yml:7:5: `container` can't be had"],
    );
}

#[test]
fn a_workflow_that_is_wrong_is_refused_with_all_its_problems() {
    let host = host();
    host.write(
        "ci.yml",
        "on: push\njobs:\n  a:\n    step: x\n    runs-on: x\n",
    );
    let said = refused(&host, &[]);
    assert_says(
        &said,
        &[
            "for 2 reasons:\n",
            "ci.yml:3:3: the job `a` has no `steps`",
            "ci.yml:4:5: ",
        ],
    );
    let finished = host.dormer(["plan", "none.yml"]).run().expect(USAGE);
    assert_says(
        &finished.stderr,
        &["error: cannot read the workflow `none.yml`: there is no such file"],
    );
}

#[test]
fn a_workflow_of_256_legs_is_planned_at_once() {
    let host = host();
    let sixteen = (0..16)
        .map(|n| n.to_string())
        .collect::<Vec<_>>()
        .join(", ");
    host.write(
        "ci.yml",
        format!(
            "on: push\njobs:\n  a:\n    strategy: {{matrix: {{x: [{sixteen}], y: [{sixteen}]}}}}\n    \
             runs-on: windows-latest\n    steps: [{{run: x}}]\n"
        ),
    );
    let finished = host.dormer(["plan", "ci.yml"]).run().expect(0);
    assert_says(&finished.stdout, &["1 job, 256 legs", "a (15, 15)"]);
    // The debug build, on a busy host.
    assert!(
        finished.took < Duration::from_secs(3),
        "it took {:?}",
        finished.took
    );
}

#[test]
fn a_job_whose_condition_fails_is_marked_and_the_others_are_planned() {
    let host = host();
    let text = "on: push\npermissions: read-all\njobs:\n  odd:\n    if: fromJSON('{')\n    runs-on: windows-latest\n    \
                environment: prod\n    permissions: {}\n    steps: [{run: x}]\n  fine:\n    \
                runs-on: windows-latest\n    steps: [{run: x}]\n";
    host.write("ci.yml", text);
    let plan = document(&host, &[]);
    let problem = plan["jobs"][0]["problems"][0].as_str().expect("a problem");
    assert!(problem.starts_with("ci.yml:5:"), "{problem}");
    assert_eq!(plan["jobs"][1]["problems"], serde_json::json!([]));
    assert_eq!(plan["jobs"][1]["legs"]["items"][0]["name"], "fine");
    let finished = host.dormer(["plan", "ci.yml"]).run().expect(0);
    assert_says(&finished.stdout, &["fails before its first step"]);
    let told = |text: &str| finished.stderr.matches(text).count();
    assert_eq!(told("the job `odd` fails before its first step"), 1);
    assert_eq!(told("`permissions` has no effect"), 1);
    assert_eq!(told("`environment` has no effect"), 1);
}

#[test]
fn workflows_of_other_repositories_are_planned_where_they_are_on_this_host() {
    let host = host();
    host.write(
        "call.yml",
        "on: push\njobs:\n  a: {uses: o/r/.github/workflows/x.yml@v1}\n",
    );
    let below = host.path().join("there/.github/workflows");
    fs::create_dir_all(&below).expect("a directory");
    let called =
        "on: workflow_call\njobs:\n  far: {runs-on: windows-latest, steps: [{run: echo}]}\n";
    fs::write(below.join("x.yml"), called).expect("a file");
    // Nobody is asked for it.
    let unknown = host.dormer(["plan", "call.yml"]).run().expect(0);
    assert!(!unknown.stdout.contains("a / far"), "{}", unknown.stdout);
    let mapped = ["plan", "call.yml", "--action", "o/r@v1=there"];
    let known = host.dormer(mapped).run().expect(0);
    assert_says(&known.stdout, &["a / far"]);
    fs::remove_file(below.join("x.yml")).expect("a file");
    let missing = host.dormer(mapped).run().expect(USAGE);
    assert_says(
        &missing.stderr,
        &["there is no `.github/workflows/x.yml` in `there`"],
    );
}

const FILTERED: &str = "\
on:
  push: {branches: [main], paths: ['src/**']}
  workflow_dispatch:
  pull_request: {types: [labeled], branches: [main]}
jobs: {a: {name: The job, runs-on: windows-latest, steps: [{run: echo}]}}
";

#[test]
fn an_event_that_the_filters_do_not_let_through_is_told_with_the_reasons() {
    let host = host();
    host.write("ci.yml", FILTERED);
    host.write(".git/HEAD", "ref: refs/heads/topic\n");
    let finished = host
        .dormer(["plan", "ci.yml", "--on", "push"])
        .run()
        .expect(0);
    assert_orderly(&finished);
    assert_says(
        &finished.stdout,
        &[
            "on push: 1 job, 1 leg\nGitHub would not start this workflow on this event: the branch `topic` does not fit `branches`\n\nJOB",
        ],
    );
    assert_says(
        &finished.stderr,
        &["note: the filter `paths` was not judged: the payload does not tell the changed files"],
    );
    let payload = r#"{"ref": "refs/heads/main", "commits": [{"added": ["src/a"], "modified": [], "removed": []}]}"#;
    host.write("event.json", payload);
    let fits = ["plan", "ci.yml", "--on", "push", "--payload", "event.json"];
    let finished = host.dormer(fits).run().expect(0);
    assert!(
        !finished.all().contains("GitHub would"),
        "{}",
        finished.all()
    );
    assert!(!finished.all().contains("judged"), "{}", finished.all());
    let plan = document(&host, &["--on", "push"]);
    assert_eq!(plan["trigger"]["starts"], false);
    assert_eq!(plan["trigger"]["misfits"][0]["filter"], "branches");
    assert_eq!(plan["trigger"]["misfits"][0]["value"], "topic");
    assert_eq!(plan["trigger"]["unjudged"][0]["filter"], "paths");
}

#[test]
fn an_event_that_nobody_named_is_not_judged_for_people() {
    let host = host();
    host.write("ci.yml", FILTERED.replace("  workflow_dispatch:\n", ""));
    host.write(".git/HEAD", "ref: refs/heads/topic\n");
    let finished = host.dormer(["plan", "ci.yml"]).run().expect(0);
    assert!(
        !finished.all().contains("GitHub would"),
        "{}",
        finished.all()
    );
    assert_eq!(finished.stderr, "");
}

#[test]
fn a_job_is_shown_by_its_id_and_where_it_has_another_name_by_that_too() {
    let host = host();
    host.write("ci.yml", FILTERED);
    let said = planned(&host, &[]);
    assert_says(
        &said,
        &["\nJOB  NAME     RUNS ON", "\na    The job  windows-latest"],
    );
    host.write("ci.yml", FILTERED.replace("name: The job, ", ""));
    assert_says(
        &planned(&host, &[]),
        &["\nJOB  RUNS ON", "\na    windows-latest"],
    );
}
