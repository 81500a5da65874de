//! Jobs that call local workflows.

use super::*;

const CALLED: &str = "\
on:
  workflow_call:
    inputs:
      Tag: {type: string, required: true}
      dry: {type: boolean}
      count: {type: number, required: true, default: 3}
    secrets:
      token: {required: true}
      key:
    outputs:
      url: {value: '${{ jobs.a.outputs.url }}'}
jobs:
  a: {runs-on: x, outputs: {url: x}, steps: [run: x]}
";

/// What is said of a job with these keys that calls that workflow.
#[track_caller]
fn call(keys: &str) -> String {
    let text = workflow(&format!(
        "{{a: {{uses: ./.github/workflows/called.yml, {keys}}}}}"
    ));
    let repository = Repository::default()
        .with(MAIN, text)
        .with(".github/workflows/called.yml", CALLED);
    said(&repository, MAIN)
}

#[test]
fn what_a_call_hands_over_is_what_is_taken() {
    for (keys, expected) in [
        ("with: {tag: v1, count: 1}, secrets: inherit", ""),
        (
            "with: {TAG: 5, count: 1.5, DRY: true}, secrets: {TOKEN: x, key: y}",
            "",
        ),
        (
            "with: {tag: , count: '${{ fromJSON(1) }}', dry: '${{ 1 }}'}, secrets: inherit",
            "",
        ),
        (
            "with: {tag: x, count: 1}, secrets: {key: y}",
            "the secret `token` is required by the workflow",
        ),
        (
            "with: {tag: x, count: 1}",
            "the secret `token` is required by the workflow",
        ),
        (
            "secrets: inherit",
            "the input `Tag` is required by the workflow\nthe input `count` is required by the workflow",
        ),
        (
            "with: {tag: x, count: 1, tga: x}, secrets: inherit",
            "the workflow `./.github/workflows/called.yml` has no input `tga`",
        ),
        (
            "with: {tag: x, count: 1}, secrets: {token: x, tokn: y}",
            "the workflow `./.github/workflows/called.yml` has no secret `tokn`",
        ),
        (
            "with: {tag: x, count: '1'}, secrets: inherit",
            "expected a number for the input `count`, found a string",
        ),
        (
            "with: {tag: x, count: true}, secrets: inherit",
            "expected a number for the input `count`, found a boolean",
        ),
        (
            "with: {tag: x, count: 1, dry: 'true'}, secrets: inherit",
            "expected `true` or `false` for the input `dry`, found a string",
        ),
        (
            "with: {tag: x, count: 1, dry: }, secrets: inherit",
            "expected `true` or `false` for the input `dry`, found nothing",
        ),
        (
            "with: {tag: x, count: 1, dry: 0}, secrets: inherit",
            "expected `true` or `false` for the input `dry`, found a number",
        ),
        (
            "with: {tag: x, count: 'n${{ 1 }}'}, secrets: inherit",
            "expected a number for the input `count`, found text with an expression in it",
        ),
        // What is missing may just not have been understood.
        (
            "with: {tag: [x], coun: 1}, secrets: inherit",
            "expected a string, a boolean or a number, found a sequence\nthe workflow `./.github/workflows/called.yml` has no input `coun`",
        ),
    ] {
        assert_eq!(call(keys), expected, "{keys}");
    }
}

#[test]
fn wrong_calls_come_with_help() {
    let text =
        workflow("{a: {uses: ./.github/workflows/called.yml, with: {tga: x, dry: yes, count: 1}}}");
    let repository = Repository::default()
        .with(MAIN, text)
        .with(".github/workflows/called.yml", CALLED);
    let report = check(&repository, MAIN).unwrap();
    insta::assert_snapshot!(Problems::from(report.errors).render(), @"
    .github/workflows/ci.yml:2:18: the input `Tag` is required by the workflow
      |
    2 | jobs: {a: {uses: ./.github/workflows/called.yml, with: {tga: x, dry: yes, count: 1}}}
      |                  ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
      = help: add `Tag` to `with`

    .github/workflows/ci.yml:2:18: the secret `token` is required by the workflow
      |
    2 | jobs: {a: {uses: ./.github/workflows/called.yml, with: {tga: x, dry: yes, count: 1}}}
      |                  ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
      = help: add `token` to `secrets`, or write `secrets: inherit`

    .github/workflows/ci.yml:2:57: the workflow `./.github/workflows/called.yml` has no input `tga`
      |
    2 | jobs: {a: {uses: ./.github/workflows/called.yml, with: {tga: x, dry: yes, count: 1}}}
      |                                                         ^^^
      = help: did you mean `Tag`?

    .github/workflows/ci.yml:2:70: expected `true` or `false` for the input `dry`, found a string
      |
    2 | jobs: {a: {uses: ./.github/workflows/called.yml, with: {tga: x, dry: yes, count: 1}}}
      |                                                                      ^^^
    ");
}

#[test]
fn the_called_file_must_be_there_and_right_and_can_be_called() {
    let call =
        |reference: &str| workflow(&format!("{{a: {{uses: ./.github/workflows/{reference}}}}}"));
    let repository = Repository::default()
        .with(".github/workflows/push.yml", steps("run: x"))
        .with(
            ".github/workflows/wrong.yml",
            "on: workflow_call\njobs: {a: {}}\n",
        )
        .with(".github/workflows/binary.yml", "\0")
        .with(
            ".github/workflows/all.yml",
            "on: [push, workflow_call]\njobs: {a: {runs-on: x, steps: [run: x]}}\n",
        );
    for (name, expected) in [
        ("all.yml", ""),
        (
            "none.yml",
            "there is no workflow `.github/workflows/none.yml`",
        ),
        (
            "push.yml",
            "the workflow `./.github/workflows/push.yml` can't be called",
        ),
        (
            "binary.yml",
            "`.github/workflows/binary.yml` can't be read: it is no text",
        ),
        (
            "wrong.yml",
            "the workflow is not valid: .github/workflows/wrong.yml:2:8: the job `a` has no `runs-on` (and one more)",
        ),
    ] {
        let repository = Repository(repository.0.clone()).with(MAIN, call(name));
        assert_eq!(said(&repository, MAIN), expected, "{name}");
    }
    let remote = workflow("{a: {uses: o/r/.github/workflows/x.yml@v1, with: {any: thing}}}");
    assert_eq!(said(&Repository::default().with(MAIN, remote), MAIN), "");
}

/// Workflows that call one another: `a>b,c b>c`.
fn chain(calls: &str) -> Repository {
    calls
        .split(' ')
        .fold(Repository::default(), |repository, call| {
            let (name, called) = call.split_once('>').unwrap();
            let jobs: String = called
                .split(',')
                .enumerate()
                .filter(|(_, called)| !called.is_empty())
                .map(|(i, called)| format!("  j{i}: {{uses: ./.github/workflows/{called}.yml}}\n"))
                .collect();
            let text =
                format!("on: workflow_call\njobs:\n{jobs}  own: {{runs-on: x, steps: [run: x]}}\n");
            repository.with(&format!(".github/workflows/{name}.yml"), text)
        })
}

#[test]
fn calls_end() {
    let said = |calls: &str| said(&chain(calls), ".github/workflows/a.yml");
    assert_eq!(said("a>b,c b>c c>"), "");
    assert_eq!(
        said("a>a"),
        "this never ends: `.github/workflows/a.yml` → `.github/workflows/a.yml`"
    );
    assert_eq!(
        said("a>b b>c c>b"),
        "this never ends: `.github/workflows/b.yml` → `.github/workflows/c.yml` → `.github/workflows/b.yml`"
    );
    assert_eq!(
        said("a>b b>c"),
        "`.github/workflows/c.yml` can't be read: there is no such file"
    );
}

#[test]
fn ten_workflows_may_call_one_another_in_a_row() {
    let row = |count: usize| {
        let names: Vec<char> = ('a'..='z').take(count).collect();
        let calls = names
            .windows(2)
            .map(|pair| format!("{}>{} ", pair[0], pair[1]));
        let calls: String = calls.collect();
        chain(&format!("{calls}{}>", names[count - 1]))
    };
    assert_eq!(said(&row(10), ".github/workflows/a.yml"), "");
    assert_eq!(
        said(&row(11), ".github/workflows/a.yml"),
        "more than 10 workflows would call one another in a row"
    );
    // The long way is found, though the short one was seen first.
    let mut long = row(10);
    long.0.extend(chain("x>c,a").0);
    assert_eq!(
        said(&long, ".github/workflows/x.yml"),
        "more than 10 workflows would call one another in a row"
    );
}

#[test]
fn a_workflow_that_calls_itself_is_told_so_once() {
    for (on, more) in [
        ("push", ""),
        ("workflow_call", ""),
        (
            "{workflow_call: {inputs: {must: {type: string, required: true}}}}",
            "",
        ),
        ("push", ", bogus: 1"),
    ] {
        let text = format!("on: {on}\njobs: {{a: {{uses: ./{MAIN}{more}}}}}\n");
        let said = said(&Repository::default().with(MAIN, text), MAIN);
        assert_eq!(said.matches(MAIN).count(), 2, "{said}");
        assert_eq!(said.matches("never ends").count(), 1, "{said}");
        assert!(
            !said.contains("not valid") && !said.contains("can't be called"),
            "{said}"
        );
    }
}
