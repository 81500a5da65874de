//! What actions do before and after all steps: order, conditions, state.

use dormer::event::{Conclusion, Stage};
use dormer_localguest::lab::Lab;

use super::{printed, put_speaking, run};

#[tokio::test]
async fn pre_runs_in_order_and_post_in_reverse() {
    let lab = Lab::new();
    for name in ["a/one", "a/two"] {
        put_speaking(&lab, name, &["pre", "post"]);
    }
    put_speaking(&lab, "a/plain", &[]);
    let steps = "- uses: a/one@v1\n- run: echo step\n- name: Second\n  uses: a/two@v1\n- uses: a/plain@v1\n";
    let outcome = run(&lab, steps).await;
    let expected = [
        "Pre Run a/one@v1: success",
        "Pre Second: success",
        "Run a/one@v1: success",
        "Run echo step: success",
        "Second: success",
        "Run a/plain@v1: success",
        "Post Second: success",
        "Post Run a/one@v1: success",
    ];
    assert_eq!(outcome.steps(), expected);
    let expected = [
        (1, Stage::Pre),
        (3, Stage::Pre),
        (1, Stage::Main),
        (2, Stage::Main),
        (3, Stage::Main),
        (4, Stage::Main),
        (3, Stage::Post),
        (1, Stage::Post),
    ];
    assert_eq!(outcome.stages(), expected);
    assert_eq!(printed(&outcome)[0], "a/one pre");
    assert_eq!(*printed(&outcome).last().unwrap(), "a/one post");
    assert_eq!(lab.asked(), ["a/one@v1", "a/two@v1", "a/plain@v1"]);
}

#[tokio::test]
async fn post_runs_after_a_failure_and_not_for_what_never_began() {
    let lab = Lab::new();
    put_speaking(&lab, "a/one", &["post"]);
    put_speaking(&lab, "a/two", &["post"]);
    put_speaking(&lab, "a/early", &["pre", "post"]);
    let steps = "- uses: a/one@v1\n- run: exit 1\n- uses: a/two@v1\n- uses: a/early@v1\n";
    let outcome = run(&lab, steps).await;
    let expected = [
        "Pre Run a/early@v1: success",
        "Run a/one@v1: success",
        "Run exit 1: failure",
        "Run a/two@v1: skipped",
        "Run a/early@v1: skipped",
        "Post Run a/one@v1: success",
        // Its first stage ran, so there may be something to clean up.
        "Post Run a/early@v1: success",
    ];
    assert_eq!(outcome.steps(), expected);
    assert_eq!(outcome.conclusion, Conclusion::Failure);
}

#[tokio::test]
async fn the_conditions_of_stages_are_the_actions_own() {
    let cases = [
        ("always()", "success", "success"),
        ("success()", "success", "skipped"),
        ("failure()", "skipped", "success"),
        ("runner.os == 'Windows'", "success", "success"),
        ("cancelled()", "skipped", "skipped"),
        ("env.WANTED == 'yes'", "success", "success"),
    ];
    for (condition, well, ill) in cases {
        for (step, expected) in [("true", well), ("false", ill)] {
            let lab = Lab::new();
            let text = format!(
                "runs:\n  using: node20\n  main: main.js\n  post: post.js\n  post-if: {condition}\n"
            );
            lab.action("a/x", "action.yml", &text);
            lab.action("a/x", "main.js", "")
                .action("a/x", "post.js", "");
            let steps = format!("- uses: a/x@v1\n  env: {{WANTED: 'yes'}}\n- run: {step}\n");
            let outcome = run(&lab, &steps).await;
            let last = outcome.steps().pop().unwrap();
            assert_eq!(
                last,
                format!("Post Run a/x@v1: {expected}"),
                "{condition} {step}"
            );
        }
    }
}

#[tokio::test]
async fn a_stage_that_fails_fails_the_job() {
    for stage in ["pre", "post"] {
        let lab = Lab::new();
        put_speaking(&lab, "a/x", &["pre", "post"]);
        lab.action("a/x", &format!("{stage}.js"), "exit 4\n");
        let outcome = run(&lab, "- uses: a/x@v1\n- run: echo step\n").await;
        assert_eq!(outcome.conclusion, Conclusion::Failure, "{stage}");
        let expected = if stage == "pre" { "skipped" } else { "success" };
        assert_eq!(outcome.steps()[2], format!("Run echo step: {expected}"));
    }
    let lab = Lab::new();
    put_speaking(&lab, "a/x", &["post"]);
    lab.action("a/x", "post.js", "exit 4\n");
    let outcome = run(&lab, "- uses: a/x@v1\n  continue-on-error: true\n").await;
    assert_eq!(outcome.conclusion, Conclusion::Success);
    assert_eq!(outcome.steps()[1], "Post Run a/x@v1: failure/success");
}

#[tokio::test]
async fn an_action_finds_what_it_saved_and_no_other_does() {
    let lab = Lab::new();
    put_speaking(&lab, "a/x", &["pre", "post"]);
    let save = |text: &str| format!("echo \"{text}\" >>\"$GITHUB_STATE\"\n");
    lab.action("a/x", "pre.js", &save("early=$INPUT_NAME"));
    let main = format!(
        "echo \"main: $STATE_early $STATE_late\"\n{}",
        save("late=$INPUT_NAME!")
    );
    lab.action("a/x", "main.js", &main);
    lab.action(
        "a/x",
        "post.js",
        "echo \"post: $STATE_early $STATE_late $INPUT_NAME\"\n",
    );
    let inputs = "inputs:\n  name:\n    default: nobody\n";
    let text = format!("{inputs}{}", super::speaking(&["pre", "post"]));
    lab.action("a/x", "action.yml", &text);
    let steps =
        "- uses: a/x@v1\n  with: {name: Ada}\n- run: echo run $STATE_early\n- uses: a/x@v1\n";
    let outcome = run(&lab, steps).await;
    let expected = [
        "main: Ada ",
        "run",
        "main: nobody ",
        "post: nobody nobody! nobody",
        "post: Ada Ada! Ada",
    ];
    assert_eq!(printed(&outcome), expected);
}

#[tokio::test]
async fn actions_inside_of_actions_have_their_stages_too() {
    let lab = Lab::new();
    for name in ["a/one", "a/two"] {
        put_speaking(&lab, name, &["pre", "post"]);
    }
    let inner = "runs:\n  using: composite\n  steps:\n    - uses: a/two@v1\n";
    lab.action("b/inner", "action.yml", inner);
    let outer =
        "runs:\n  using: composite\n  steps:\n    - uses: a/one@v1\n    - uses: b/inner@v1\n";
    lab.action("b/outer", "action.yml", outer);
    let outcome = run(&lab, "- uses: b/outer@v1\n- run: echo step\n").await;
    let expected = [
        "a/one pre",
        "a/two pre",
        "a/one main",
        "a/two main",
        "step",
        "a/two post",
        "a/one post",
    ];
    assert_eq!(printed(&outcome), expected);
    let expected = [
        "Pre Run b/outer@v1: success",
        "Run b/outer@v1: success",
        "Run echo step: success",
        "Post Run b/outer@v1: success",
    ];
    assert_eq!(outcome.steps(), expected);
}

#[tokio::test]
async fn an_action_of_the_workspace_has_a_post_stage_and_no_pre() {
    let lab = Lab::new();
    lab.file("act/action.yml", &super::speaking(&["pre", "post"]));
    lab.file("act/main.js", "echo main\n");
    lab.file("act/post.js", "echo post\n");
    let outcome = run(&lab, "- uses: ./act\n- run: rm act/action.yml\n").await;
    assert_eq!(printed(&outcome), ["main", "post"]);
    assert!(outcome.notices()[0].contains("`pre` of the action `./act`"));
    assert_eq!(outcome.conclusion, Conclusion::Success);
}
