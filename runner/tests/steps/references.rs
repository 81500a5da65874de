//! What a `uses` means, and what is said where it means nothing.

use dormer::event::{Conclusion, JobEvent};
use dormer_localguest::lab::Lab;

use super::{printed, put_speaking, run};

#[tokio::test]
async fn every_commit_is_pinned_before_the_first_step() {
    let lab = Lab::new();
    put_speaking(&lab, "a/x", &[]);
    lab.action(
        "b/y",
        "action.yml",
        "runs: {using: composite, steps: [{uses: a/x@v2}]}",
    );
    let outcome = run(&lab, "- run: echo first\n- uses: b/y@v1\n").await;
    let pinned: Vec<&JobEvent> = outcome
        .events
        .iter()
        .skip_while(|event| !matches!(event, JobEvent::ActionPinned { .. }))
        .take(2)
        .collect();
    let pin = |uses: &str, commit: &str| JobEvent::ActionPinned {
        uses: uses.to_owned(),
        commit: Some(commit.to_owned()),
    };
    let expected = [
        &pin("b/y@v1", "commit-of-v1"),
        &pin("a/x@v2", "commit-of-v2"),
    ];
    assert_eq!(pinned, expected);
}

#[tokio::test]
async fn a_job_whose_actions_cannot_be_had_does_not_begin() {
    let lab = Lab::new();
    lab.action("a/bad", "action.yml", "runs: {using: node20}");
    for (uses, expected) in [
        (
            "a/none@v1",
            "cannot get the action `a/none@v1`: there is no repository",
        ),
        ("a/bad@v1", "the action `a/bad@v1` cannot be used: "),
    ] {
        let steps = format!("- run: echo no\n- uses: {uses}\n- run: echo no\n  if: always()\n");
        let outcome = run(&lab, &steps).await;
        assert_eq!(outcome.conclusion, Conclusion::Failure);
        assert_eq!(outcome.steps(), Vec::<String>::new());
        assert!(
            outcome.notices()[0].contains(expected),
            "{:?}",
            outcome.notices()
        );
    }
}

#[tokio::test]
async fn what_cannot_be_used_fails_its_step_with_a_reason() {
    for (uses, expected) in [
        ("docker://alpine:3", "needs a container"),
        (
            "./none",
            "there is no `action.yml`, `action.yaml` or `dockerfile`",
        ),
        ("./docker", "needs a container"),
        ("./dockerfile", "needs a container"),
        ("./bad", "./bad/action.yml:1:"),
        ("./empty", "./empty/action.yml"),
    ] {
        let lab = Lab::new();
        lab.file(
            "docker/action.yml",
            "runs: {using: docker, image: Dockerfile}",
        );
        lab.file("dockerfile/Dockerfile", "FROM x");
        lab.file("bad/action.yml", "runs: {using: nothing}");
        lab.file("empty/action.yml", "");
        let steps = format!("- uses: {uses}\n- run: echo after\n  if: failure()\n");
        let outcome = run(&lab, &steps).await;
        assert!(
            outcome.notices()[0].contains(expected),
            "{:?}",
            outcome.notices()
        );
        assert_eq!(printed(&outcome), ["after"]);
        // One that is never reached is no problem.
        let steps = format!("- uses: {uses}\n  if: false\n");
        assert_eq!(run(&lab, &steps).await.conclusion, Conclusion::Success);
    }
}

#[tokio::test]
async fn a_local_action_is_what_it_is_when_its_step_runs() {
    let lab = Lab::new();
    let make = "mkdir -p act; printf 'runs: {using: composite, steps: [{run: echo made, shell: bash}]}' >act/action.yml";
    let steps = format!("- run: \"{make}\"\n- uses: ./act\n- uses: .\\act\\\n");
    let outcome = run(&lab, &steps).await;
    assert_eq!(
        printed(&outcome),
        ["made", "made"],
        "{:?}",
        outcome.notices()
    );
}

#[tokio::test]
async fn the_current_repository_is_checked_out_from_the_workspace() {
    let lab = Lab::new();
    lab.file("file", "x");
    let steps = "- uses: actions/checkout@v4\n- uses: actions/checkout@v4\n  with: {path: copy, ref: main}\n\
                 - run: cat copy/file\n- uses: actions/checkout@v4\n  with: {repository: other/one}\n";
    let outcome = run(&lab, steps).await;
    assert_eq!(printed(&outcome), ["x"]);
    assert_eq!(outcome.conclusion, Conclusion::Failure);
    let notices = outcome.notices();
    assert!(notices[0].contains("`ref` has no effect"), "{notices:?}");
    assert!(notices[1].contains("`other/one`"), "{notices:?}");
}
