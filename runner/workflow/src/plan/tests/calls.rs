//! Workflows that call others.

use super::*;

const CALLEE: &str = "on:\n  workflow_call:\n    inputs:\n      os: {type: string, required: true}\n      \
    n: {type: number, default: 1}\n      flag: {type: boolean}\n    secrets:\n      key: {required: true}\n      \
    other: {}\njobs:\n  build: {runs-on: '${{ inputs.os }}', strategy: {matrix: {a: [x, y]}}, steps: [run: x]}\n  \
    test: {needs: build, if: inputs.flag, name: 'test ${{ inputs.n }}', runs-on: x, steps: [run: x]}\n";

fn texts() -> Texts {
    Texts(HashMap::from([
        ("callee.yml", CALLEE),
        (
            "push.yml",
            "on: push\njobs:\n  a: {runs-on: x, steps: [run: x]}\n",
        ),
        ("broken.yml", "on: push\njobs: 1\n"),
        ("binary.yml", "\0"),
        (
            "self.yml",
            "on: workflow_call\njobs:\n  a: {uses: ./.github/workflows/self.yml}\n",
        ),
        (
            "outer.yml",
            "on: workflow_call\njobs:\n  inner: {uses: ./.github/workflows/callee.yml, with: {os: deep}, secrets: inherit}\n",
        ),
        (
            "remote",
            "on: workflow_call\njobs:\n  r: {uses: ./.github/workflows/x.yml}\n  l: {runs-on: x, steps: [run: x]}\n",
        ),
    ]))
}

fn called(lines: &str) -> Result<Plan, Problems> {
    plan(
        &read(&jobs(&lines.replace("$/", "./.github/workflows/"))),
        &request(),
        &texts(),
    )
}

#[test]
fn a_called_workflow_has_a_plan_of_its_own() {
    let plan = called("a: {uses: $/callee.yml, with: {os: '${{ vars.LABEL }}', n: 2}, secrets: {KEY: '${{ secrets.K }}'}}\nb: {needs: a, uses: $/outer.yml, strategy: {matrix: {x: [1, 2]}}}").unwrap();
    insta::assert_snapshot!(shown(&plan), @"
    a runs: a
      - a
        build runs: a / build
          - a / build (x) on windows
          - a / build (y) on windows
        test is skipped: a / test 2
    b may run: b
      - b (1)
        inner runs: b (1) / inner
          - b (1) / inner
            build runs: b (1) / inner / build
              - b (1) / inner / build (x) on deep
              - b (1) / inner / build (y) on deep
            test is skipped: b (1) / inner / test 1
      - b (2)
        inner runs: b (2) / inner
          - b (2) / inner
            build runs: b (2) / inner / build
              - b (2) / inner / build (x) on deep
              - b (2) / inner / build (y) on deep
            test is skipped: b (2) / inner / test 1
    ");
    let called = plan.jobs[0].legs.known().unwrap().items[0]
        .calls
        .as_ref()
        .unwrap();
    assert_eq!(
        serde_json::to_string(&called.inputs).unwrap(),
        r#"{"os":"windows","n":2,"flag":false}"#
    );
    assert_eq!(called.secrets, PlannedSecrets::Only(vec!["KEY".to_owned()]));
    assert!(
        plan.jobs[0].legs.known().unwrap().items[0]
            .runs_on
            .is_none()
    );
}

#[test]
fn inputs_that_need_jobs_are_waited_for() {
    let plan = called("a: {}\nb: {needs: a, uses: $/callee.yml, with: {os: '${{ needs.a.outputs.os }}'}, secrets: inherit}").unwrap();
    insta::assert_snapshot!(shown(&plan), @"
    a runs: a
      - a on x
    b may run: b
      - b
        build runs: b / build
          - b / build (x) on ? after a
          - b / build (y) on ? after a
        test may run: b / test ${{ inputs.n }}
          - b / test ${{ inputs.n }} on x
    ");
    let needs = object(r#"{"a": {"result": "success", "outputs": {"os": "w"}}}"#);
    let legs = plan
        .expand(plan.job("b").unwrap(), needs, &texts())
        .unwrap();
    let nested = legs.items[0].calls.as_ref().unwrap().plan.as_ref().unwrap();
    insta::assert_snapshot!(shown(nested), @"
    build runs: b / build
      - b / build (x) on w
      - b / build (y) on w
    test is skipped: b / test 1
    ");
    let build = nested
        .expand(nested.job("build").unwrap(), Object::new(), &texts())
        .unwrap();
    assert_eq!(build.items[1].name, "b / build (y)");
}

#[test]
fn workflows_of_other_repositories_are_left_or_followed() {
    let plan = called(
        "a: {uses: o/unknown/.github/workflows/x.yml@v1, with: {n: 1, s: '${{ vars.LABEL }}'}}\nb: {uses: o/remote/.github/workflows/x.yml@v1}",
    );
    // In a workflow of another repository, `./` is that repository: here it calls itself.
    insta::assert_snapshot!(problems(plan), @"remote:3:13: the workflow `./.github/workflows/x.yml` calls itself in the end");
    let plan = called(
        "a: {uses: o/unknown/.github/workflows/x.yml@v1, with: {n: 1, s: '${{ vars.LABEL }}'}}",
    )
    .unwrap();
    let called = plan.jobs[0].legs.known().unwrap().items[0]
        .calls
        .as_ref()
        .unwrap();
    assert!(called.plan.is_none());
    assert_eq!(
        serde_json::to_string(&called.inputs).unwrap(),
        r#"{"n":1,"s":"windows"}"#
    );
}

#[test]
fn wrong_calls_are_named_all_at_once() {
    insta::assert_snapshot!(problems(called("a: {uses: $/none.yml}\nb: {uses: $/push.yml}\nc: {uses: $/self.yml}\nd: {uses: $/broken.yml}")), @"
    broken.yml:2:7: expected a mapping of job ids and jobs, found a number
    ci.yml:3:13: there is no workflow `.github/workflows/none.yml`
    ci.yml:4:13: `./.github/workflows/push.yml` can't be called: its `on` has no `workflow_call`
    self.yml:3:13: the workflow `./.github/workflows/self.yml` calls itself in the end
    ");
    insta::assert_snapshot!(problems(called("a: {uses: $/callee.yml, with: {n: '1', flag: '${{ vars.LABEL }}', oss: 1}, secrets: {kee: x}}")), @"
    ci.yml:3:13: the input `os` is required by the workflow
    ci.yml:3:13: the secret `key` is required by the workflow
    ci.yml:3:55: expected a number for the input `n`, found a string
    ci.yml:3:66: expected `true` or `false` for the input `flag`, found a string
    ci.yml:3:87: the workflow `./.github/workflows/callee.yml` has no input `oss`
    ci.yml:3:106: the workflow `./.github/workflows/callee.yml` has no secret `kee`
    ");
    insta::assert_snapshot!(problems(called("a: {uses: $/callee.yml, with: {os: '${{ github }}', n: , flag: 1}}")), @"
    ci.yml:3:13: the secret `key` is required by the workflow
    ci.yml:3:56: expected a string for the input `os`, found an object
    ci.yml:3:74: expected a number for the input `n`, found null
    ci.yml:3:84: expected `true` or `false` for the input `flag`, found a number
    ");
}

#[test]
fn a_workflow_that_cannot_be_read_is_told_apart_from_one_that_is_not_there() {
    let plan = called("a: {uses: $/binary.yml}");
    insta::assert_snapshot!(problems(plan), @"ci.yml:3:13: `./.github/workflows/binary.yml` can't be read: it is no text");
}

#[test]
fn chains_of_calls_end() {
    struct Endless;
    impl Files for Endless {
        fn read(&self, path: &str) -> Result<SourceFile, Unreadable> {
            let next = path.replace("x.yml", "xx.yml");
            let text = format!(
                "on: workflow_call\njobs:\n  a: {{uses: ./{next}, strategy: {{matrix: {{a: [1, 2, 3]}}}}}}\n"
            );
            Ok(SourceFile::new(path, text))
        }
    }
    let text = jobs("a: {uses: ./.github/workflows/x.yml}");
    let problems = plan(&read(&text), &request(), &Endless)
        .unwrap_err()
        .to_string();
    assert!(
        problems.contains("workflows can't call one another more than 10 deep"),
        "{problems}"
    );
}

#[test]
fn a_run_calls_so_many_different_workflows_and_no_more() {
    let jobs = |count: usize| -> String {
        let jobs = (0..count).map(|index| {
            format!("j{index}: {{uses: o/unknown{index}/.github/workflows/x.yml@v1}}\n")
        });
        jobs.collect()
    };
    assert!(called(&jobs(MAX_CALLED)).is_ok());
    let why = problems(called(&jobs(MAX_CALLED + 1)));
    let expected = "can't be read: a run can't call more than 50 different workflows";
    assert!(why.contains(expected), "{why}");
}
