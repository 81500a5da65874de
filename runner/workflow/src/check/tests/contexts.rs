//! What expressions ask for that is not there.

use super::*;

#[track_caller]
fn jobs(text: &str) -> String {
    let repository = Repository::default()
        .with(MAIN, workflow(text))
        .with(
            ".github/workflows/called.yml",
            "on:\n  workflow_call: {outputs: {url: {value: x}}}\njobs: {a: {runs-on: x, steps: [run: x]}}\n",
        )
        .with("act/action.yml", "outputs: {path: {value: x}}\nruns: {using: composite, steps: []}\n");
    said(&repository, MAIN)
}

/// A job `b` with these keys, after a job `a` that has the output `x`.
#[track_caller]
fn after(keys: &str) -> String {
    jobs(&format!(
        "{{a: {{runs-on: x, outputs: {{x: y}}, steps: [run: x]}}, call: {{uses: ./.github/workflows/called.yml}}, \
         remote: {{uses: o/r/.github/workflows/x.yml@v1}}, b: {{runs-on: x, steps: [run: x], {keys}}}}}"
    ))
}

#[test]
fn a_job_sees_the_jobs_it_needs() {
    for (keys, expected) in [
        (
            "needs: a, if: needs.a.result == 'success' && needs.A.outputs.X",
            "",
        ),
        (
            "needs: a, if: 'needs.*.result && needs[vars.x].foo && toJSON(needs)'",
            "",
        ),
        (
            "needs: [a, call, remote], name: '${{ needs.call.outputs.URL }} ${{ needs.remote.outputs.any }}'",
            "",
        ),
        ("if: needs.a.result", "~ the job `b` does not need `a`"),
        (
            "needs: a, if: needs.nope.result",
            "~ the job `b` does not need `nope`",
        ),
        (
            "needs: a, env: {A: '${{ needs.a.output.x }}'}",
            "~ `needs.a` has no `output`",
        ),
        (
            "needs: a, timeout-minutes: '${{ needs.a.outputs.y }}'",
            "~ the job `a` has no output `y`",
        ),
        (
            "needs: call, strategy: {matrix: {v: '${{ fromJSON(needs.call.outputs.urls) }}'}}",
            "~ the job `call` has no output `urls`",
        ),
        (
            "needs: call, concurrency: 'x-${{ needs.call.outputs.a }}'",
            "~ the job `call` has no output `a`",
        ),
        (
            "needs: a, environment: {name: x, url: '${{ needs.a.outputs.z }}'}",
            "~ the job `a` has no output `z`",
        ),
    ] {
        assert_eq!(after(keys), expected, "{keys}");
    }
}

#[test]
fn a_step_sees_the_steps_before_it() {
    let steps = |steps: &str| jobs(&format!("{{a: {{runs-on: x, steps: [{steps}]}}}}"));
    for (text, expected) in [
        (
            "{id: s, run: x}, {run: '${{ steps.S.outputs.any }} ${{ steps.s.conclusion }}'}",
            "",
        ),
        (
            "{id: s, run: x}, {run: '${{ steps.*.outcome }} ${{ steps[vars.x].outputs }}'}",
            "",
        ),
        (
            "{run: x, if: steps.s.outcome}",
            "~ there is no step with the id `s`",
        ),
        (
            "{run: '${{ steps.s.outcome }}'}, {id: s, run: x}",
            "~ the step `s` is not over when this is asked for",
        ),
        (
            "{id: s, run: '${{ steps.s.outcome }}'}",
            "~ the step `s` is not over when this is asked for",
        ),
        (
            "{id: s, run: x}, {run: x, env: {A: '${{ steps.s.output.x }}'}}",
            "~ `steps.s` has no `output`",
        ),
        (
            "{id: s, uses: ./act}, {run: '${{ steps.s.outputs.path }}'}",
            "",
        ),
        (
            "{id: s, uses: ./act}, {run: '${{ steps.s.outputs.pat }}'}",
            "~ the step `s` has no output `pat`",
        ),
        (
            "{id: s, uses: o/r@v1}, {run: '${{ steps.s.outputs.any }}'}",
            "",
        ),
        (
            "{parallel: [{id: p, run: x}]}, {run: '${{ steps.p.outputs.x }}'}",
            "",
        ),
    ] {
        assert_eq!(steps(text), expected, "{text}");
    }
    let outputs = |output: &str| {
        jobs(&format!(
            "{{a: {{runs-on: x, outputs: {{o: '${{{{ {output} }}}}'}}, steps: [{{id: s, run: x}}]}}}}"
        ))
    };
    assert_eq!(outputs("steps.s.outputs.x"), "");
    assert_eq!(
        outputs("steps.t.outputs.x"),
        "~ there is no step with the id `t`"
    );
}

#[test]
fn inputs_are_those_of_whoever_gives_them() {
    let with = |on: &str, asked: &str| {
        let text =
            format!("on: {on}\njobs: {{a: {{runs-on: x, steps: [run: '${{{{ {asked} }}}}']}}}}\n");
        said(&Repository::default().with(MAIN, text), MAIN)
    };
    let both = "{workflow_dispatch: {inputs: {a: }}, workflow_call: {inputs: {B: {type: string}}}}";
    assert_eq!(with(both, "inputs.A && inputs.b"), "");
    assert_eq!(with(both, "inputs.c"), "~ the workflow has no input `c`");
    assert_eq!(with("push", "inputs.c"), "~ the workflow has no input `c`");
    assert_eq!(with("push", "toJSON(inputs) && github.event.inputs.c"), "");
}

#[test]
fn outputs_of_a_workflow_come_from_its_jobs() {
    let output = |value: &str| {
        let text = format!(
            "on:\n  workflow_call: {{outputs: {{o: {{value: '${{{{ {value} }}}}'}}}}}}\njobs: {{a: {{runs-on: x, outputs: {{x: y}}, steps: [run: x]}}}}\n"
        );
        said(&Repository::default().with(MAIN, text), MAIN)
    };
    assert_eq!(output("jobs.a.outputs.x"), "");
    assert_eq!(output("jobs.A.result"), "");
    assert_eq!(output("jobs.b.outputs.x"), "~ there is no job `b`");
    assert_eq!(
        output("jobs.a.outputs.y"),
        "~ the job `a` has no output `y`"
    );
    assert_eq!(output("jobs.a.outcome"), "~ `jobs.a` has no `outcome`");
}

#[test]
fn an_action_sees_its_own_inputs_and_steps() {
    let action = |step: &str| {
        let text = format!(
            "inputs: {{name: {{}}}}\noutputs: {{o: {{value: '${{{{ steps.s.outputs.x }}}}'}}}}\nruns:\n  using: composite\n  steps: [{{id: s, run: x, shell: sh}}, {{shell: sh, {step}}}]\n"
        );
        said(
            &Repository::default().with("action.yml", text),
            "action.yml",
        )
    };
    assert_eq!(
        action("run: '${{ inputs.NAME }} ${{ steps.s.outputs.x }}'"),
        ""
    );
    assert_eq!(
        action("run: '${{ inputs.nam }}'"),
        "~ the action has no input `nam`"
    );
    assert_eq!(
        action("run: x, if: steps.t.outcome"),
        "~ there is no step with the id `t`"
    );
}

#[test]
fn what_is_absent_is_shown_with_help() {
    let text = "\
on:
  workflow_dispatch: {inputs: {version: }}
jobs:
  build:
    runs-on: x
    outputs: {tag: x}
    steps:
      - {id: one, run: x}
      - run: |
          echo ${{ inputs.verison }}
          echo ${{ steps.On.outputs.x || steps.zwei.outputs.x }}
  test:
    needs: build
    runs-on: x
    steps:
      - run: echo ${{ needs.build.outputs.tags }} ${{ needs.biuld.result }} ${{ needs.test.result }}
        if: needs.build.status == 'success'
";
    let report = check(&Repository::default().with(MAIN, text), MAIN).unwrap();
    assert!(report.errors.is_empty());
    insta::assert_snapshot!(Problems::from(report.warnings).render(), @"
    .github/workflows/ci.yml:10:27: the workflow has no input `verison`
       |
    10 |           echo ${{ inputs.verison }}
       |                           ^^^^^^^
       = help: did you mean `version`?

    .github/workflows/ci.yml:11:26: there is no step with the id `On`
       |
    11 |           echo ${{ steps.On.outputs.x || steps.zwei.outputs.x }}
       |                          ^^
       = help: it is an empty string to GitHub

    .github/workflows/ci.yml:11:48: there is no step with the id `zwei`
       |
    11 |           echo ${{ steps.On.outputs.x || steps.zwei.outputs.x }}
       |                                                ^^^^
       = help: it is an empty string to GitHub

    .github/workflows/ci.yml:16:43: the job `build` has no output `tags`
       |
    16 |       - run: echo ${{ needs.build.outputs.tags }} ${{ needs.biuld.result }} ${{ needs.test.result }}
       |                                           ^^^^
       = help: did you mean `tag`?

    .github/workflows/ci.yml:16:61: the job `test` does not need `biuld`
       |
    16 |       - run: echo ${{ needs.build.outputs.tags }} ${{ needs.biuld.result }} ${{ needs.test.result }}
       |                                                             ^^^^^
       = help: did you mean `build`?

    .github/workflows/ci.yml:16:87: the job `test` does not need `test`
       |
    16 |       - run: echo ${{ needs.build.outputs.tags }} ${{ needs.biuld.result }} ${{ needs.test.result }}
       |                                                                                       ^^^^
       = help: a job knows nothing of itself before it is over

    .github/workflows/ci.yml:17:25: `needs.build` has no `status`
       |
    17 |         if: needs.build.status == 'success'
       |                         ^^^^^^
       = help: it has `outputs` and `result`
    ");
}

#[test]
fn a_file_that_is_wrong_is_not_asked_for_what_may_not_have_been_understood() {
    let text = "on: push\nname: [x]\njobs: {a: {runs-on: x, steps: [{id: 5, run: x}, {run: '${{ steps.s }} ${{ inputs.x }}'}]}}\n";
    let said = said(&Repository::default().with(MAIN, text), MAIN);
    assert!(said.ends_with("~ the workflow has no input `x`"), "{said}");
    assert_eq!(said.matches('~').count(), 1, "{said}");
}
