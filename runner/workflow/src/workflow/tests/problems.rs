//! Workflows that are wrong, and what is said about them.

use super::*;

#[test]
fn all_problems_of_a_file_are_found_at_once() {
    let text = "\
nam: x
on: [push, pul_request]
env: [a]
jobs:
  1st:
    runs-on: x
    steps: []
  build:
    need: 1st
    steps:
      - run: echo ${{ github.sha
      - run: x
        uses: actions/checkout@v4
      - name: nothing
      - run: x
        with: {a: b}
        timeout-minutes: 0
      - uses: actions/checkout
        shell: bash
        if: github.ref = 'x'
      - run: echo ${{ nope() }} ${{ contains('a') }} ${{ secret.X }}
        id: a
        continue-on-error: maybe
      - {run: y, id: A}
  last:
    runs-on: []
    needs: [build, nope, last]
    timeout-minutes: '5'
    name: ${{ steps.a }}
    steps: run
    uses: x
";
    insta::assert_snapshot!(problems(text), @"
    ci.yml:1:1: unknown key `nam` in a workflow
    ci.yml:2:12: unknown event `pul_request`
    ci.yml:3:6: expected a mapping of names and strings, found a sequence
    ci.yml:5:3: `1st` can't be an id: ids begin with a letter or `_` and go on with letters, digits, `-` and `_`
    ci.yml:7:12: expected at least one step, found none
    ci.yml:8:3: the job `build` has no `runs-on`
    ci.yml:9:5: unknown key `need` in a job
    ci.yml:11:19: this `${{` is not closed with `}}`
    ci.yml:13:9: a step can't have both `run` and `uses`
    ci.yml:14:9: the step has neither `run` nor `uses`
    ci.yml:16:9: `with` can't be used in a step with `run`
    ci.yml:17:26: expected a positive number of minutes, found 0
    ci.yml:18:15: `actions/checkout` is not the reference of an action
    ci.yml:19:9: `shell` can't be used in a step with `uses`
    ci.yml:20:24: unexpected symbol `=`
    ci.yml:21:23: unknown function `nope`
    ci.yml:21:37: `contains` takes 2 arguments, found 1
    ci.yml:21:58: unknown context `secret`
    ci.yml:23:28: expected a boolean or an expression, found a string
    ci.yml:24:22: the id `A` is already used on line 22
    ci.yml:26:5: `runs-on` can't be used in a job that calls a workflow with `uses`
    ci.yml:26:14: expected at least one label, found none
    ci.yml:27:13: the job `last` needs itself
    ci.yml:27:20: the job `last` needs `nope`, which does not exist
    ci.yml:28:5: `timeout-minutes` can't be used in a job that calls a workflow with `uses`
    ci.yml:28:22: expected a positive number of minutes or an expression, found a string
    ci.yml:29:15: the context `steps` is not available in `jobs.*.name`
    ci.yml:30:5: `steps` can't be used in a job that calls a workflow with `uses`
    ci.yml:30:12: expected a sequence of steps, found a string
    ci.yml:31:11: the workflow `x` has no version, and does not begin with `./`
    ");
}

#[test]
fn problems_show_their_place() {
    let rendered = |text: &str| {
        parse_workflow(&SourceFile::new("ci.yml", text))
            .unwrap_err()
            .render()
    };
    insta::assert_snapshot!(rendered("on: push\njobs:\n  build:\n    runs_on: x\n    steps: [run: x]\n"), @"
    ci.yml:3:3: the job `build` has no `runs-on`
      |
    3 |   build:
      |   ^^^^^

    ci.yml:4:5: unknown key `runs_on` in a job
      |
    4 |     runs_on: x
      |     ^^^^^^^
      = help: did you mean `runs-on`?
    ");
    insta::assert_snapshot!(
        rendered(&with_step("run: |\n  echo one\n    echo ${{ github.actor == gihtub.x }} two\n  echo three")),
        @"
    ci.yml:9:38: unknown context `gihtub`
      |
    9 |             echo ${{ github.actor == gihtub.x }} two
      |                                      ^^^^^^
      = help: did you mean `github`?
    "
    );
    insta::assert_snapshot!(rendered(&with_step("if: \"github.ref == \\\"x\\\"\"\nrun: x")), @r#"
    ci.yml:7:28: unexpected symbol `"x"`
      |
    7 |         if: "github.ref == \"x\""
      |                            ^^^^
      = help: strings are written in single quotes
    "#);
    insta::assert_snapshot!(rendered(&with_step("if: 'startsWith(github.ref, ''a'') && hashfile(''b'')'\nrun: x")), @"
    ci.yml:7:47: unknown function `hashfile`
      |
    7 |         if: 'startsWith(github.ref, ''a'') && hashfile(''b'')'
      |                                               ^^^^^^^^
      = help: did you mean `hashFiles`?
    ");
}

#[test]
fn the_top_level_is_checked() {
    insta::assert_snapshot!(problems("name: x\n"), @"
    ci.yml:1:1: the workflow has no `on`: nothing would start it
    ci.yml:1:1: the workflow has no `jobs`
    ");
    insta::assert_snapshot!(problems("[on, jobs]\n"), @"ci.yml:1:1: expected a mapping of the keys of a workflow, found a sequence");
    insta::assert_snapshot!(problems("on: push\njobs: {}\n"), @"ci.yml:2:7: expected at least one job, found none");
    insta::assert_snapshot!(problems("on: push\njobs: [build]\n"), @"ci.yml:2:7: expected a mapping of job ids and jobs, found a sequence");
    insta::assert_snapshot!(problems("on:\njobs: {a: }\n"), @"
    ci.yml:1:3: expected the name of an event, found nothing
    ci.yml:2:9: expected a mapping of the keys of a job, found nothing
    ");
    insta::assert_snapshot!(problems("on: {push: , pushh: }\njobs: {a: x}\n"), @"
    ci.yml:1:14: unknown event `pushh`
    ci.yml:2:11: expected a mapping of the keys of a job, found a string
    ");
    insta::assert_snapshot!(problems("on: []\nname: ${{ github.x }}\nrun-name: ${{ env.x }}\njobs: {a: []}\n"), @"
    ci.yml:1:5: expected at least one event, found none
    ci.yml:2:11: expressions are not allowed here
    ci.yml:3:15: the context `env` is not available in `run-name`
    ci.yml:4:11: expected a mapping of the keys of a job, found a sequence
    ");
    insta::assert_snapshot!(problems("On: push\nOFF: x\nfrobnicate: 1\njobs: {a: {runs-on: x, steps: [run: x]}}\n"), @"
    ci.yml:1:1: the workflow has no `on`: nothing would start it
    ci.yml:1:1: unknown key `On` in a workflow
    ci.yml:2:1: unknown key `OFF` in a workflow
    ci.yml:3:1: unknown key `frobnicate` in a workflow
    ");
}

#[test]
fn jobs_are_checked() {
    let job = |lines: &str| problems(&with_job(lines));
    insta::assert_snapshot!(job("name: [x]"), @"ci.yml:6:11: expected a string, found a sequence");
    insta::assert_snapshot!(job("env: {A: [1], B: {c: d}, '': e, '${{ x }}': f}"), @"
    ci.yml:6:14: expected a string, found a sequence
    ci.yml:6:22: expected a string, found a mapping
    ci.yml:6:30: expected a name, found nothing
    ci.yml:6:42: unknown context `x`
    ");
    insta::assert_snapshot!(job("env: text"), @"ci.yml:6:10: expected a mapping of names and strings, found a string");
    insta::assert_snapshot!(job("env: {Path: a, PATH: b}"), @"ci.yml:6:20: `PATH` is already defined on line 6");
    insta::assert_snapshot!(job("env: {A: '${{ runner.os }}'}\noutputs: {a: '${{ hashFiles(1) }}'}"), @"
    ci.yml:6:19: the context `runner` is not available in `jobs.*.env`
    ci.yml:7:23: the function `hashFiles` is not available in `jobs.*.outputs`
    ");
    insta::assert_snapshot!(job("outputs: ${{ fromJSON('{}') }}"), @"ci.yml:6:14: expected a mapping of names and strings, found a string");
    insta::assert_snapshot!(job("defaults: {run: {shel: x, shell: }, walk: x}"), @"
    ci.yml:6:22: unknown key `shel` in `defaults.run`
    ci.yml:6:36: expected the name of a shell, found nothing
    ci.yml:6:41: unknown key `walk` in `defaults`
    ");
    insta::assert_snapshot!(job("timeout-minutes: -1\ncancel-timeout-minutes: .inf\ncontinue-on-error: 'true'"), @"
    ci.yml:6:22: expected a positive number of minutes, found -1
    ci.yml:7:29: expected a positive number of minutes, found Infinity
    ci.yml:8:24: expected a boolean or an expression, found a string
    ");
    insta::assert_snapshot!(job("timeout-minutes: [1]\ncontinue-on-error: 1"), @"
    ci.yml:6:22: expected a positive number of minutes or an expression, found a sequence
    ci.yml:7:24: expected a boolean or an expression, found a number
    ");
    insta::assert_snapshot!(job("if: steps.x.outcome == 'success' && hashFiles('x')"), @"
    ci.yml:6:9: the context `steps` is not available in `jobs.*.if`
    ci.yml:6:41: the function `hashFiles` is not available in `jobs.*.if`
    ");
    insta::assert_snapshot!(job("if: [a]"), @"ci.yml:6:9: expected a condition, found a sequence");
    insta::assert_snapshot!(job("cache-mode: reed"), @"ci.yml:6:17: expected `read`, `write`, `write-only` or `none`, found `reed`");
    insta::assert_snapshot!(job("needs: {a: b}"), @"ci.yml:6:12: expected the id of a job or a sequence of them, found a mapping");
    insta::assert_snapshot!(job("strategy: {matrix: {a: '${{ matrix.b }}'}}\nenvironment: {url: '${{ secrets.X }}'}"), @"
    ci.yml:6:33: the context `matrix` is not available in `jobs.*.strategy`
    ci.yml:7:5: `environment` has no `name`
    ci.yml:7:29: the context `secrets` is not available in `jobs.*.environment.url`
    ");
    insta::assert_snapshot!(job("container: {image: '${{ secrets.X }}', credentials: {password: '${{ secrets.X }}'}, env: {a: '${{ steps.x }}', b: '${{ ='}}"), @"
    ci.yml:6:29: the context `secrets` is not available in `jobs.*.container`
    ci.yml:6:120: this `${{` is not closed with `}}`
    ");
    insta::assert_snapshot!(job("strategy: x\nconcurrency: [a]\npermissions: \nservices: [x]\nsnapshot: []\ncontainer: [x]\nenvironment: [x]"), @"
    ci.yml:6:15: expected a mapping of the keys of `strategy`, found a string
    ci.yml:7:18: expected a string or a mapping, found a sequence
    ci.yml:8:16: expected a mapping of scopes, `read-all` or `write-all`, found nothing
    ci.yml:9:15: expected a mapping of names and containers, found a sequence
    ci.yml:10:15: expected a string or a mapping, found a sequence
    ci.yml:11:16: expected an image or a mapping, found a sequence
    ci.yml:12:18: expected a string or a mapping, found a sequence
    ");
    insta::assert_snapshot!(problems("on: push\njobs:\n  a: {uses: ./.github/workflows/x.yml, with: [x], secrets: all}\n  b: {uses: ./.github/workflows/x.yml, with: '${{ x', secrets: []}\n"), @"
    ci.yml:3:46: expected a mapping of inputs and values, found a sequence
    ci.yml:3:60: expected a mapping of secrets or `inherit`, found a string
    ci.yml:4:46: expected a mapping of inputs and values, found a string
    ci.yml:4:64: expected a mapping of secrets or `inherit`, found a sequence
    ");
    insta::assert_snapshot!(job("uses: ./.github/workflows/x.yml\nsecrets: inherit"), @"
    ci.yml:4:5: `runs-on` can't be used in a job that calls a workflow with `uses`
    ci.yml:5:5: `steps` can't be used in a job that calls a workflow with `uses`
    ");
    insta::assert_snapshot!(job("secrets: inherit"), @"ci.yml:6:5: `secrets` can't be used in a job");
    insta::assert_snapshot!(problems("on: push\njobs:\n  a:\n    runs-on: {grup: x, labels: {}}\n    steps: [run: x]\n"), @"
    ci.yml:4:15: unknown key `grup` in `runs-on`
    ci.yml:4:32: expected a label, found a mapping
    ");
    insta::assert_snapshot!(problems("on: push\njobs:\n  a: {runs-on: '', steps: [run: x]}\n  A: {runs-on: x, steps: [run: x]}\n"), @"
    ci.yml:3:16: expected a label, found nothing
    ci.yml:4:3: `A` is already defined on line 3
    ");
}

#[test]
fn ids_follow_githubs_rule() {
    let refused = |id: &str| {
        let text = format!("on: push\njobs:\n  {id}: {{runs-on: x, steps: [run: x]}}\n");
        parse_workflow(&SourceFile::new("f", text)).is_err()
    };
    for id in ["a", "_", "_a", "a-b_c9", "A", &"x".repeat(99)] {
        assert!(!refused(id), "{id}");
    }
    for id in [
        "1",
        "-a",
        "a.b",
        "a b",
        "é",
        "''",
        "__a",
        "'a/b'",
        "${{ a }}",
        &"x".repeat(100),
    ] {
        assert!(refused(id), "{id}");
    }
}

#[test]
fn needs_form_no_cycle() {
    let graph = |jobs: &str| {
        let jobs: String = jobs
            .split(' ')
            .map(|job| {
                let (id, needs) = job.split_once(':').unwrap();
                format!("  {id}: {{runs-on: x, needs: [{needs}], steps: [run: x]}}\n")
            })
            .collect();
        format!("on: push\njobs:\n{jobs}")
    };
    read(&graph("a: b:a c:a,b d:C"));
    insta::assert_snapshot!(problems(&graph("a:a")), @"ci.yml:3:27: the job `a` needs itself");
    insta::assert_snapshot!(problems(&graph("a: b:c c:d d:b e:b f:e")), @"ci.yml:4:27: these jobs need one another, so none can start: `b` → `c` → `d` → `b`");
    insta::assert_snapshot!(problems(&graph("a:b b:a c:d,a d:c")), @"
    ci.yml:3:27: these jobs need one another, so none can start: `a` → `b` → `a`
    ci.yml:5:27: these jobs need one another, so none can start: `c` → `d` → `c`
    ");
    insta::assert_snapshot!(problems(&graph("build: test:biuld deploy:nothing")), @"
    ci.yml:4:30: the job `test` needs `biuld`, which does not exist
    ci.yml:5:32: the job `deploy` needs `nothing`, which does not exist
    ");
}

#[test]
fn steps_are_checked() {
    let step = |lines: &str| problems(&with_step(lines));
    insta::assert_snapshot!(step("name: x"), @"ci.yml:7:9: the step has neither `run` nor `uses`");
    insta::assert_snapshot!(step("rnu: x"), @"
    ci.yml:7:9: the step has neither `run` nor `uses`
    ci.yml:7:9: unknown key `rnu` in a step
    ");
    insta::assert_snapshot!(step("run: [x]"), @"ci.yml:7:14: expected a script, found a sequence");
    insta::assert_snapshot!(step("run: x\nuses: a/b@c\nwait: y"), @"
    ci.yml:8:9: a step can't have both `run` and `uses`
    ci.yml:9:9: a step can't have both `run` and `wait`
    ");
    insta::assert_snapshot!(step("run: x\nshell: ${{ matrix.shell }}\nworking-directory: ''"), @"
    ci.yml:8:20: expressions are not allowed here
    ci.yml:9:28: expected a directory, found nothing
    ");
    insta::assert_snapshot!(step("run: ${{ github.x }} ${{ always() }}"), @"ci.yml:7:34: the function `always` is not available in `jobs.*.steps.*`");
    insta::assert_snapshot!(step("uses: ${{ github.x }}"), @"ci.yml:7:19: expressions are not allowed here");
    insta::assert_snapshot!(step("uses: checkout@v4\nwith: x"), @"
    ci.yml:7:15: `checkout@v4` is not the reference of an action
    ci.yml:8:15: expected a mapping of names and strings, found a string
    ");
    insta::assert_snapshot!(step("run: x\nif: success('a') || secrets.X"), @"
    ci.yml:8:13: `success` takes no arguments here, found 1
    ci.yml:8:29: the context `secrets` is not available in `jobs.*.steps.*.if`
    ");
    insta::assert_snapshot!(step("run: x\nbackground: 1\nid: 5"), @"
    ci.yml:8:21: expected `true` or `false`, found a number
    ci.yml:9:13: `5` can't be an id: ids begin with a letter or `_` and go on with letters, digits, `-` and `_`
    ");
    insta::assert_snapshot!(step("wait-all: false\nif: always()"), @"
    ci.yml:7:19: `wait-all` can't be `false`
    ci.yml:8:9: `if` can't be used in a step that controls other steps
    ");
    insta::assert_snapshot!(step("parallel: [{wait: a}, {run: x}]\nenv: {}"), @"
    ci.yml:7:21: `wait` can't be used within `parallel`
    ci.yml:8:9: `env` can't be used in a step that controls other steps
    ");
    insta::assert_snapshot!(problems("on: push\njobs: {a: {runs-on: x, steps: [text, [], {}]}}\n"), @"
    ci.yml:2:32: expected a mapping of the keys of a step, found a string
    ci.yml:2:38: expected a mapping of the keys of a step, found a sequence
    ci.yml:2:42: the step has neither `run` nor `uses`
    ");
    insta::assert_snapshot!(problems("on: push\njobs: {a: {runs-on: x, steps: }}\n"), @"ci.yml:2:29: expected a sequence of steps, found nothing");
}

#[test]
fn expressions_in_aliases_are_placed_where_they_are_written() {
    let text = "on: push\nenv: &e {A: '${{ runner.os }}'}\njobs:\n  a: {runs-on: x, env: *e, steps: [run: x]}\n";
    insta::assert_snapshot!(problems(text), @"
    ci.yml:2:18: the context `runner` is not available in `env`
    ci.yml:2:18: the context `runner` is not available in `jobs.*.env`
    ");
}

#[test]
fn long_scripts_with_expressions_are_refused_as_github_refuses_them() {
    let text = with_step(&format!("run: ${{{{ 1 }}}} {}", "x".repeat(21_000)));
    assert!(
        problems(&text).contains("text with expressions can't be longer than 21000 characters")
    );
    read(&with_step(&format!("run: {}", "x".repeat(21_000))));
}
