//! Whole workflows against a runner that needs no machines.

mod trial;

use std::sync::atomic::Ordering;
use std::time::Duration;

use crate::event::{Conclusion, JobEvent};
use crate::host::clock;
use crate::job::limits::{Due, TimeLimit};
use trial::{Act, Trial, ends};

const CHAIN: &str = "
on: push
jobs:
  build:
    runs-on: windows-latest
    outputs: {version: x}
    steps: [{run: a}]
  test:
    needs: build
    runs-on: windows-latest
    steps: [{run: a}]
  report:
    needs: [build, test]
    if: failure()
    runs-on: windows-latest
    steps: [{run: a}]
  always:
    needs: test
    if: ${{ !cancelled() && needs.test.result == 'failure' }}
    runs-on: windows-latest
    steps: [{run: a}]
  after:
    needs: always
    runs-on: windows-latest
    steps: [{run: a}]
";

#[tokio::test]
async fn results_and_outputs_reach_the_jobs_that_need_them() {
    let trial = Trial::new(CHAIN).output("build", "version", "1.2");
    let outcome = trial.run().await;
    assert_eq!(outcome.began(), ["build", "test"]);
    let seen = outcome.seen_by("test");
    assert!(
        seen.contains(r#"{"build":{"result":"success","outputs":{"version":"1.2"}}}"#),
        "{seen}"
    );
    // What nobody asked for is skipped, and what needs that too.
    let expected = [
        ("after", "skipped"),
        ("always", "skipped"),
        ("build", "success"),
        ("report", "skipped"),
        ("test", "success"),
    ];
    assert_eq!(outcome.ends(), ends(&expected));
    assert_eq!(outcome.verdict(), (Conclusion::Success, 0));
}

#[tokio::test]
async fn a_failure_reaches_everybody_below_it() {
    let outcome = Trial::new(CHAIN).act("test", Act::Fail).run().await;
    assert!(!outcome.is_short, "a failure is an end of its own");
    let expected = [
        // `always` ran and succeeded, but further up something failed.
        ("after", "skipped"),
        ("always", "success"),
        ("build", "success"),
        ("report", "success"),
        ("test", "failure"),
    ];
    assert_eq!(outcome.ends(), ends(&expected));
    assert_eq!(outcome.verdict(), (Conclusion::Failure, 1));
}

const MATRIX: &str = "
on: push
jobs:
  test:
    strategy:
      max-parallel: 2
      matrix: {n: [1, 2, 3]}
    runs-on: windows-latest
    continue-on-error: ${{ matrix.n == 2 }}
    steps: [{run: a}]
  after:
    needs: test
    runs-on: windows-latest
    steps: [{run: a}]
";

#[tokio::test]
async fn a_leg_that_fails_stops_the_others_and_no_more_than_may_run_at_once() {
    let trial = Trial::new(MATRIX)
        .act("test (1)", Act::Fail)
        .act("test (2)", Act::Hang);
    let outcome = trial.run().await;
    let expected = [
        ("after", "skipped"),
        ("test (1)", "failure"),
        ("test (2)", "cancelled"),
        ("test (3)", "cancelled"),
    ];
    assert_eq!(outcome.ends(), ends(&expected));
    assert!(outcome.is_short);
    assert_eq!(outcome.fake.most.load(Ordering::SeqCst), 2);
    assert_eq!(outcome.began(), ["test (1)", "test (2)"]);
    assert_eq!(outcome.verdict(), (Conclusion::Failure, 1));
}

#[tokio::test]
async fn a_leg_that_may_fail_stops_nobody_and_counts_as_a_success() {
    let outcome = Trial::new(MATRIX).act("test (2)", Act::Fail).run().await;
    assert_eq!(outcome.began().len(), 4);
    assert!(outcome.seen_by("after").contains(r#""result":"success""#));
    assert!(!outcome.is_short);
    assert_eq!(outcome.verdict(), (Conclusion::Success, 0));
}

#[tokio::test]
async fn a_matrix_may_come_from_the_outputs_of_a_job() {
    let trial = Trial::new(
        "
on: push
jobs:
  list:
    runs-on: windows-latest
    outputs: {all: x}
    steps: [{run: a}]
  each:
    needs: list
    strategy:
      matrix: {name: \"${{ fromJSON(needs.list.outputs.all) }}\"}
    runs-on: windows-latest
    steps: [{run: a}]
  none:
    needs: list
    strategy:
      matrix: {name: \"${{ fromJSON(needs.list.outputs.none) }}\"}
    runs-on: windows-latest
    steps: [{run: a}]
",
    );
    let outcome = trial
        .output("list", "all", r#"["a", "b"]"#)
        .output("list", "none", "nonsense")
        .run()
        .await;
    let expected = [
        ("each (a)", "success"),
        ("each (b)", "success"),
        ("list", "success"),
        ("none", "failure"),
    ];
    assert_eq!(outcome.ends(), ends(&expected));
    assert!(
        outcome.notices().contains("none: w.yml:"),
        "{}",
        outcome.notices()
    );
    assert_eq!(outcome.verdict(), (Conclusion::Failure, 2));
}

const CALLER: &str = "
on: push
jobs:
  call:
    strategy: {matrix: {n: [1, 2]}}
    uses: ./.github/workflows/called.yml
    with: {who: \"${{ matrix.n }}\"}
    secrets: {two: \"${{ secrets.ONE }}\"}
  after:
    needs: call
    runs-on: windows-latest
    steps: [{run: a}]
";

const CALLED: &str = "
on:
  workflow_call:
    inputs: {who: {type: string}}
    secrets: {two: {required: true}}
    outputs: {made: {value: \"${{ jobs.inner.outputs.what }}\"}}
jobs:
  inner:
    runs-on: windows-latest
    outputs: {what: x}
    steps: [{run: a}]
  second:
    needs: inner
    runs-on: windows-latest
    steps: [{run: a}]
";

#[tokio::test]
async fn a_called_workflow_gets_inputs_and_secrets_and_gives_outputs() {
    let mut trial = Trial::new(CALLER).output("call (2) / inner", "what", "thing");
    trial.called = CALLED;
    let outcome = trial.run().await;
    let seen = outcome.seen_by("call (1) / inner");
    assert!(seen.contains(r#"inputs={"who":"1"}"#), "{seen}");
    assert!(seen.ends_with("secrets=GITHUB_TOKEN=t,two=1"), "{seen}");
    assert!(
        outcome
            .seen_by("after")
            .contains(r#""outputs":{"made":"thing"}"#)
    );
    let expected = [
        ("after", "success"),
        ("call (1)", "success"),
        ("call (1) / inner", "success"),
        ("call (1) / second", "success"),
        ("call (2)", "success"),
        ("call (2) / inner", "success"),
        ("call (2) / second", "success"),
    ];
    assert_eq!(outcome.ends(), ends(&expected));
    let inner = outcome
        .events
        .iter()
        .find(|event| event.leg.as_deref() == Some("call (1) / inner"));
    assert_eq!(&*inner.unwrap().job, "call / inner");
}

#[tokio::test]
async fn a_called_workflow_that_fails_fails_its_caller() {
    let mut trial = Trial::new(CALLER).act("call (1) / inner", Act::Fail);
    trial.called = CALLED;
    let outcome = trial.act("call (2) / inner", Act::Hang).run().await;
    let expected = [
        ("after", "skipped"),
        ("call (1)", "failure"),
        ("call (1) / inner", "failure"),
        ("call (1) / second", "skipped"),
        ("call (2)", "cancelled"),
        ("call (2) / inner", "cancelled"),
        ("call (2) / second", "cancelled"),
    ];
    assert_eq!(outcome.ends(), ends(&expected));
    assert!(outcome.is_short);
}

#[tokio::test]
async fn no_more_machines_run_than_there_is_room_for() {
    let mut trial = Trial::new(MATRIX);
    trial.slots = 1;
    for leg in ["test (1)", "test (2)", "test (3)"] {
        trial = trial.act(leg, Act::Last(20));
    }
    let outcome = trial.run().await;
    assert_eq!(outcome.fake.most.load(Ordering::SeqCst), 1);
    assert_eq!(outcome.verdict(), (Conclusion::Success, 0));
}

#[tokio::test]
async fn who_cancels_a_run_ends_what_runs_and_keeps_the_rest_from_starting() {
    let mut trial = Trial::new(MATRIX).act("test (1)", Act::Hang);
    trial.slots = 1;
    let cancel = trial.cancel.clone();
    tokio::spawn(async move {
        clock::pause(Duration::from_millis(100)).await;
        cancel.request();
    });
    let outcome = trial.run().await;
    assert_eq!(outcome.began(), ["test (1)"]);
    assert!(outcome.ends().iter().all(|(_, end)| *end == "cancelled"));
    assert_eq!(outcome.ends().len(), 4);
    assert_eq!(outcome.verdict(), (Conclusion::Cancelled, 130));
}

fn of_run(text: &str) -> Option<Due> {
    Due::from_now(TimeLimit::Run(text.parse().unwrap()))
}

#[tokio::test]
async fn when_the_runs_time_is_over_nothing_starts_any_more() {
    let mut trial = Trial::new(MATRIX).act("test (1)", Act::Last(300));
    trial.slots = 1;
    trial.deadline = of_run("100ms");
    let outcome = trial.run().await;
    assert_eq!(outcome.began(), ["test (1)"]);
    let late = outcome.late();
    assert_eq!(
        late.len(),
        3,
        "the one that waited for room, and those behind it: {late:?}"
    );
    let notices = outcome.notices();
    assert_eq!(notices.matches(LATE).count(), 3, "{notices}");
}

const LATE: &str = "did not start: the time of the run (`--timeout 100ms`) was over";

#[tokio::test]
async fn a_job_that_needs_one_which_took_all_the_time_did_not_start() {
    let text = "
on: push
jobs:
  first:
    runs-on: windows-latest
    steps: [{run: a}]
  second:
    needs: first
    runs-on: windows-latest
    steps: [{run: a}]
";
    for (is_cancelled, told) in [(false, 1), (true, 0)] {
        let mut trial = Trial::new(text).act("first", Act::Last(300));
        trial.deadline = of_run("100ms");
        if is_cancelled {
            trial.cancel.request();
        }
        let outcome = trial.run().await;
        assert_eq!(outcome.late().contains(&"second".to_owned()), !is_cancelled);
        assert_eq!(outcome.notices().matches(LATE).count(), told);
    }
}

const UNMATCHED: &str = "
on: push
jobs:
  linux:
    runs-on: ubuntu-latest
    steps: [{run: a}]
  after:
    needs: linux
    if: always()
    runs-on: windows-latest
    steps: [{run: a}]
  mixed:
    strategy: {matrix: {os: [ubuntu, windows]}}
    runs-on: ${{ matrix.os }}
    steps: [{run: a}]
  last:
    needs: mixed
    runs-on: windows-latest
    steps: [{run: a}]
";

#[tokio::test]
async fn what_nothing_serves_is_skipped_with_what_needs_it_when_asked_to() {
    let mut trial = Trial::new(UNMATCHED);
    trial.skip_unmatched = true;
    let outcome = trial.run().await;
    let expected = [
        ("after", "skipped"),
        ("last", "success"),
        ("linux", "skipped"),
        ("mixed (ubuntu)", "skipped"),
        ("mixed (windows)", "success"),
    ];
    assert_eq!(outcome.ends(), ends(&expected));
    let notices = outcome.notices();
    assert!(
        notices.contains("linux: skipped: nothing serves `ubuntu-latest`"),
        "{notices}"
    );
    assert!(
        notices.contains("after: skipped, since it needs `linux`"),
        "{notices}"
    );
    assert_eq!(outcome.verdict(), (Conclusion::Success, 0));
}

const GROUPS: &str = "
on: push
jobs:
  one:
    concurrency: {group: deploy, queue: max}
    runs-on: windows-latest
    steps: [{run: a}]
  two:
    concurrency: {group: Deploy, queue: max}
    runs-on: windows-latest
    steps: [{run: a}]
";

#[tokio::test]
async fn jobs_of_a_group_run_one_after_the_other() {
    let trial = Trial::new(GROUPS)
        .act("one", Act::Last(100))
        .act("two", Act::Last(100));
    let outcome = trial.run().await;
    assert_eq!(outcome.fake.most.load(Ordering::SeqCst), 1);
    assert_eq!(outcome.began().len(), 2);
    assert!(
        outcome
            .notices()
            .contains("waits for the concurrency group")
    );
}

#[tokio::test]
async fn a_job_for_which_the_next_does_not_wait_is_stopped() {
    let trial = Trial::new(
        "
on: push
jobs:
  first:
    concurrency: {group: g}
    runs-on: windows-latest
    steps: [{run: a}]
  second:
    needs: quick
    concurrency: {group: g, cancel-in-progress: true}
    runs-on: windows-latest
    steps: [{run: a}]
  quick:
    runs-on: windows-latest
    steps: [{run: a}]
",
    );
    let trial = trial.act("first", Act::Hang).act("quick", Act::Last(300));
    let outcome = trial.run().await;
    let expected = [
        ("first", "cancelled"),
        ("quick", "success"),
        ("second", "success"),
    ];
    assert_eq!(outcome.ends(), ends(&expected));
    assert_eq!(outcome.verdict(), (Conclusion::Cancelled, 130));
}

#[tokio::test]
async fn a_job_by_itself_heeds_nothing_that_is_about_others() {
    let mut trial = Trial::new(
        "
on: push
jobs:
  only:
    if: false
    continue-on-error: true
    runs-on: windows-latest
    steps: [{run: a}]
",
    );
    trial.alone = true;
    let outcome = trial.act("only", Act::Fail).run().await;
    assert_eq!(outcome.verdict(), (Conclusion::Failure, 1));
}

const TWO_IN_A_GROUP: &str = "
on: push
concurrency: {group: run}
jobs:
  one:
    runs-on: windows-latest
    steps: [{run: a}]
  two:
    concurrency: {group: RUN}
    runs-on: windows-latest
    steps: [{run: a}]
";

#[tokio::test]
async fn a_run_states_its_jobs_and_its_end() {
    let (code, own) = Trial::new(TWO_IN_A_GROUP).run_whole().await;
    let jobs = vec!["one".to_owned(), "two".to_owned()];
    assert_eq!(own.first(), Some(&JobEvent::RunStarted { jobs }));
    // The second job waits for the run that it is part of.
    let end = JobEvent::RunCompleted {
        conclusion: Conclusion::Failure,
        exit_code: 2,
    };
    assert_eq!((code, own.last()), (2, Some(&end)));
}

#[tokio::test]
async fn a_run_whose_turn_does_not_come_is_cancelled_with_no_job_begun() {
    let trial = Trial::new(TWO_IN_A_GROUP);
    trial.cancel.request();
    let (code, own) = trial.run_whole().await;
    let end = JobEvent::RunCompleted {
        conclusion: Conclusion::Cancelled,
        exit_code: 130,
    };
    assert_eq!((code, own.last()), (130, Some(&end)));
}

#[tokio::test]
async fn what_cannot_be_run_fails_its_job_at_the_latest_when_that_is_due() {
    let trial = Trial::new(
        "
on: push
jobs:
  boxed:
    container: x
    runs-on: windows-latest
    steps: [{run: a}]
",
    );
    let outcome = trial.run().await;
    assert_eq!(outcome.began(), Vec::<String>::new());
    assert!(
        outcome.notices().contains("w.yml:5:5"),
        "{}",
        outcome.notices()
    );
    assert_eq!(outcome.verdict(), (Conclusion::Failure, 2));
}

#[tokio::test]
async fn legs_that_are_called_the_same_are_told_apart() {
    let text = "
on: push
jobs:
  one:
    name: same
    strategy: {matrix: {n: [1, 2]}}
    runs-on: windows-latest
    steps: [{run: a}]
  two:
    name: same
    strategy: {matrix: {n: [1, 2]}}
    runs-on: windows-latest
    steps: [{run: a}]
";
    let outcome = Trial::new(text).run().await;
    let of_jobs = outcome.events.iter().filter(|event| !event.job.is_empty());
    let keys: std::collections::BTreeSet<&str> = of_jobs.map(|event| &*event.key).collect();
    assert_eq!(
        keys.into_iter().collect::<Vec<_>>(),
        ["one#0", "one#1", "two#0", "two#1"]
    );
}
