//! Time and cancelling, during every stage; and a job that goes on from a stored state.

use std::time::{Duration, Instant};

use async_trait::async_trait;
use dormer::event::{Conclusion, JobEvent, Stage};
use dormer::host::signals::Cancel;
use dormer::steps::gate::{Gate, Passage};
use dormer::steps::state::ExecutorState;
use dormer_localguest::lab::{Lab, Outcome};
use dormer_workflow::workflow::Step;

use super::{printed, put_speaking, run, soon, workflow};

/// Stops the job when this line is printed.
fn stop_at(line: &'static str) -> impl FnMut(&JobEvent, &Cancel) + Send + 'static {
    move |event, cancel| {
        if matches!(event, JobEvent::Log { text, .. } if text == line) {
            cancel.request();
        }
    }
}

async fn run_stopped(lab: &Lab, steps: &str, line: &'static str) -> Outcome {
    soon(lab.run_watched(&workflow(steps), stop_at(line))).await
}

/// Prints `ready`, and ends when it is told to, or says that it went on.
const WAITS: &str = "echo ready; sleep 6; echo went on";

#[tokio::test]
async fn a_step_whose_condition_no_longer_holds_is_stopped() {
    for (condition, goes_on) in [
        ("", false),
        ("if: success()", false),
        ("if: ${{ true }}", false),
        ("if: '!cancelled()'", false),
        ("if: always()", true),
        ("if: success() || cancelled()", true),
    ] {
        let lab = Lab::new();
        let steps = format!(
            "- run: {WAITS}\n  {condition}\n- run: echo no\n- run: echo cleanup\n  if: cancelled()\n"
        );
        let outcome = run_stopped(&lab, &steps, "ready").await;
        let expected: &[&str] = if goes_on {
            &["ready", "went on", "cleanup"]
        } else {
            &["ready", "cleanup"]
        };
        assert_eq!(printed(&outcome), expected, "{condition}");
        assert_eq!(outcome.conclusion, Conclusion::Cancelled, "{condition}");
    }
}

#[tokio::test]
async fn a_stopped_action_cleans_up() {
    for stage in ["pre", "main", "post"] {
        let lab = Lab::new();
        put_speaking(&lab, "a/x", &["pre", "post"]);
        lab.action("a/x", &format!("{stage}.js"), &format!("{WAITS}\n"));
        let outcome = run_stopped(&lab, "- uses: a/x@v1\n", "ready").await;
        let expected: &[&str] = match stage {
            // Stages before and after run always, so they are not interrupted; and a job that is
            // stopped before its main stage has still begun something.
            "pre" => &["ready", "went on", "a/x post"],
            "main" => &["a/x pre", "ready", "a/x post"],
            _ => &["a/x pre", "a/x main", "ready", "went on"],
        };
        assert_eq!(printed(&outcome), expected, "{stage}");
        assert_eq!(outcome.conclusion, Conclusion::Cancelled, "{stage}");
    }
}

#[tokio::test]
async fn inside_of_an_action_a_stopped_job_is_a_stopped_job() {
    let lab = Lab::new();
    let step = |script: &str, condition: &str| {
        format!("    - run: {script}\n      shell: bash\n      if: {condition}\n")
    };
    let mut text = "runs:\n  using: composite\n  steps:\n".to_owned();
    text.push_str(&step(WAITS, "success()"));
    text.push_str(&step("echo no", "success()"));
    text.push_str(&step("echo inner", "cancelled()"));
    lab.file("act/action.yml", &text);
    let steps =
        "- uses: ./act\n- run: echo outer\n  if: always()\n- uses: ./act2\n  if: always()\n";
    let again = format!(
        "runs:\n  using: composite\n  steps:\n{}{}",
        step("echo second", "success()"),
        step("echo and cancelled", "cancelled()")
    );
    lab.file("act2/action.yml", &again);
    let outcome = run_stopped(&lab, steps, "ready").await;
    let expected = ["ready", "inner", "outer", "second", "and cancelled"];
    assert_eq!(printed(&outcome), expected);
    assert_eq!(outcome.steps()[0], "Run ./act: cancelled");
}

#[tokio::test]
async fn a_second_request_ends_everything() {
    let lab = Lab::new();
    let watch = move |event: &JobEvent, cancel: &Cancel| {
        if matches!(event, JobEvent::Log { text, .. } if text == "ready" || text == "again") {
            cancel.request();
        }
    };
    let steps = "- run: echo ready; exec sleep 60\n- run: echo again; exec sleep 60\n  if: always()\n- run: echo no\n  if: always()\n";
    let begun = Instant::now();
    let outcome = soon(lab.run_watched(&workflow(steps), watch)).await;
    let mut lines = printed(&outcome);
    // The guest's own shell says so of what was killed.
    lines.retain(|line| *line != "Killed");
    assert_eq!(lines, ["ready", "again"]);
    assert!(begun.elapsed() < Duration::from_secs(30));
    assert_eq!(outcome.conclusion, Conclusion::Cancelled);
}

#[tokio::test]
async fn a_steps_time_covers_whatever_it_does() {
    let lab = Lab::new();
    lab.action(
        "a/slow",
        "action.yml",
        "runs: {using: node20, main: main.js, post: post.js}",
    );
    lab.action("a/slow", "main.js", "echo ready; sleep 60\n");
    lab.action("a/slow", "post.js", "echo post\n");
    lab.file(
        "act/action.yml",
        "runs:\n  using: composite\n  steps:\n    - run: echo one\n      shell: bash\n    \
         - uses: a/slow@v1\n    - run: echo no\n      shell: bash\n      if: always()\n",
    );
    for (step, expected) in [
        ("run: echo ready; sleep 60", &["ready", "after"][..]),
        ("uses: a/slow@v1", &["ready", "after", "post"]),
        ("uses: ./act", &["one", "ready", "after", "post"]),
    ] {
        let steps =
            format!("- {step}\n  timeout-minutes: 0.01\n- run: echo after\n  if: failure()\n");
        let begun = Instant::now();
        let outcome = run(&lab, &steps).await;
        assert_eq!(printed(&outcome), expected, "{step}");
        assert_eq!(outcome.conclusion, Conclusion::Failure);
        let (_, does) = step.split_once(": ").expect("a step");
        let late = format!("error: the action 'run {does}' has timed out after 0.01 minutes.");
        let told = outcome
            .notices()
            .iter()
            .filter(|text| **text == late)
            .count();
        assert_eq!(told, 1, "{:?}", outcome.notices());
        assert!(begun.elapsed() < Duration::from_secs(20));
    }
}

/// Stores the state before the main stage of a step.
struct Storing {
    number: usize,
    stored: Option<ExecutorState>,
}

#[async_trait]
impl Gate for Storing {
    async fn before(&mut self, state: &mut ExecutorState, step: &Step, stage: Stage) -> Passage {
        if step.number == self.number && stage == Stage::Main {
            self.stored = Some(state.clone());
        }
        Passage::Go
    }

    async fn after(&mut self, _: &mut ExecutorState, _: &Step, _: Stage) {}
}

#[tokio::test]
async fn a_job_goes_on_from_a_stored_state() {
    let lab = Lab::new();
    put_speaking(&lab, "a/x", &["pre", "post"]);
    lab.action("a/x", "main.js", "echo saved=kept >>\"$GITHUB_STATE\"\n");
    lab.action("a/x", "post.js", "echo $STATE_saved\n");
    lab.file(
        "act/action.yml",
        "runs: {using: composite, steps: [{uses: a/x@v1}]}",
    );
    let text = workflow(
        "- uses: a/x@v1\n- uses: ./act\n- id: it\n  run: echo o=1 >>\"$GITHUB_OUTPUT\"\n\
         - run: echo ${{ steps.it.outputs.o }}\n- uses: a/x@v1\n",
    );
    let mut gate = Storing {
        number: 4,
        stored: None,
    };
    let first = soon(lab.run_from(&text, None, &mut gate, |_, _| {})).await;
    let stored = serde_json::to_string(&gate.stored.unwrap()).unwrap();
    let stored: ExecutorState = serde_json::from_str(&stored).unwrap();
    let mut open = dormer::steps::gate::Open;
    let second = soon(lab.run_from(&text, Some(stored), &mut open, |_, _| {})).await;
    assert_eq!(
        printed(&first),
        ["a/x pre", "a/x pre", "1", "kept", "kept", "kept"]
    );
    assert_eq!(printed(&second), ["1", "kept", "kept", "kept"]);
    assert_eq!(first.state, second.state);
}
