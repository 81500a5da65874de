//! Whole workflows, up to where an engine is needed: what starts them, what they are given, what they call
//! and what nothing serves.

use super::{CONFIGURATION, Host, USAGE, asks_for_the_engine, assert_says, refused};

const DISPATCHED: &str = "\
on:
  push:
  workflow_dispatch:
    inputs:
      level: {type: choice, options: [low, high], default: low}
      count: {type: number}
jobs:
  build:
    runs-on: windows-latest
    steps: [{run: echo}]
";

#[test]
fn an_event_that_starts_nothing_is_refused_with_those_that_do() {
    let host = Host::new();
    host.write("w.yml", DISPATCHED);
    let said = refused(host.dormer(["run", "w.yml", "--on", "issues"]), USAGE);
    assert_says(&said, &["`issues`", "`push` and `workflow_dispatch`"]);
    asks_for_the_engine(host.dormer(["run", "w.yml", "--on", "push"]));
}

#[test]
fn inputs_are_checked_before_anything_starts() {
    let host = Host::new();
    host.write("w.yml", DISPATCHED);
    let run = |input: &str| host.dormer(["run", "w.yml", "--input", input]);
    assert_says(
        &refused(run("levle=low"), USAGE),
        &["`levle`", "did you mean `level`?"],
    );
    assert_says(
        &refused(run("level=mid"), USAGE),
        &["`low` or `high`", "`mid`"],
    );
    assert_says(&refused(run("count=many"), USAGE), &["a number", "`many`"]);
    asks_for_the_engine(run("level=high"));
    let pushed = host.dormer(["run", "w.yml", "--on", "push", "--input", "level=low"]);
    assert_says(&refused(pushed, USAGE), &["takes no inputs"]);
}

#[test]
fn a_payload_and_a_file_of_variables_are_read_and_checked() {
    let host = Host::new();
    host.write("w.yml", DISPATCHED);
    let run = |flag: &str, file: &str| host.dormer(["run", "w.yml", flag, file]);
    assert_says(
        &refused(run("--payload", "none.json"), USAGE),
        &["`none.json`"],
    );
    host.write("list.json", "[]");
    assert_says(
        &refused(run("--payload", "list.json"), USAGE),
        &["no JSON object"],
    );
    host.write("event.json", "{\"ref\": \"refs/heads/x\"}");
    asks_for_the_engine(run("--payload", "event.json"));
    host.write("vars", "# no secrets\nA=1\nnonsense\n");
    assert_says(
        &refused(run("--var-file", "vars"), USAGE),
        &["vars:3:1: expected NAME=value"],
    );
    host.write("vars", "A=1\n");
    asks_for_the_engine(run("--var-file", "vars").args(["--var", "B=2", "--parallel", "2"]));
}

const MIXED: &str = "\
on: push
jobs:
  build:
    runs-on: windows-latest
    steps: [{run: echo}]
  linux:
    runs-on: ubuntu-latest
    steps: [{run: echo}]
  test:
    strategy: {matrix: {os: [windows-latest, macos-latest]}}
    runs-on: ${{ matrix.os }}
    steps: [{run: echo}]
";

#[test]
fn jobs_that_nothing_serves_are_named_all_at_once_and_can_be_left_out() {
    let host = Host::new();
    host.write("w.yml", MIXED);
    let said = refused(host.dormer(["run", "w.yml"]), CONFIGURATION);
    assert_says(
        &said,
        &[
            "nothing can run these jobs:",
            "`linux`: no image serves `runs-on` with `ubuntu-latest`",
            "`test (macos-latest)`",
            "`--skip-unmatched`",
        ],
    );
    assert!(!said.contains("`build`"), "{said}");
    asks_for_the_engine(host.dormer(["run", "w.yml", "--skip-unmatched"]));
    asks_for_the_engine(host.dormer(["run", "w.yml", "--image", "compat"]));
    asks_for_the_engine(host.dormer(["run", "w.yml", "--job", "build"]));
}

#[test]
fn a_called_workflow_is_looked_up_in_the_repository_and_checked() {
    let host = Host::new();
    host.write(".git/HEAD", "ref: refs/heads/main\n");
    let caller = "on: push\njobs:\n  call:\n    uses: ./.github/workflows/called.yml\n    \
                  with: {who: me}\n";
    host.write("w.yml", caller);
    let said = refused(host.dormer(["run", "w.yml"]), USAGE);
    assert_says(&said, &["w.yml:4:11", ".github/workflows/called.yml"]);
    let called = "on:\n  workflow_call:\n    inputs: {who: {type: string}}\njobs:\n  inner:\n    \
                  runs-on: windows-latest\n    container: image\n    steps: [{run: echo}]\n";
    host.write(".github/workflows/called.yml", called);
    let said = refused(host.dormer(["run", "w.yml"]), USAGE);
    assert_says(&said, &[".github/workflows/called.yml:7:5", "`container`"]);
    host.write(
        ".github/workflows/called.yml",
        called.replace("    container: image\n", ""),
    );
    asks_for_the_engine(host.dormer(["run", "w.yml"]));
    host.write(
        "w.yml",
        caller
            .replace("./.github", "you/other/.github")
            .replace(".yml\n    with", ".yml@v1\n    with"),
    );
    let nobody = host.dormer(["run", "w.yml"]);
    let nobody = nobody.env("DORMER_ACTIONS_SERVER", "file:///no/such/server");
    let said = nobody.run().expect(USAGE).stderr;
    assert_says(&said, &["w.yml:4:11", "cannot fetch `you/other@v1`"]);
    let mapped = ["run", "w.yml", "--action", "you/other@v1=."];
    asks_for_the_engine(host.dormer(mapped));
}

#[test]
fn filters_that_an_event_does_not_fit_are_a_warning_and_no_more() {
    let host = Host::new();
    host.write(".git/HEAD", "ref: refs/heads/topic\n");
    let filters = "{push: {branches: [main], paths: [x]}}";
    host.write(
        "w.yml",
        super::GOOD.replace("on: push", &format!("on: {filters}")),
    );
    let said = asks_for_the_engine(host.dormer(["run", "w.yml", "--on", "push"]));
    assert_says(
        &said,
        &[
            "warning: GitHub would not start this workflow on this event: the branch `topic` does not fit `branches`",
            "note: the filter `paths` was not judged: ",
        ],
    );
    assert_eq!(asks_for_the_engine(host.dormer(["run", "w.yml"])), "");
}
