//! Whole workflows against a runner that needs no machines.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use dormer_workflow::plan::{Files, Plan, Request, plan};
use dormer_workflow::workflow::{RunnerSelector, WorkflowReference};
use dormer_workflow::{SourceFile, parse_workflow};
use secrecy::{ExposeSecret, SecretString};
use tokio::sync::Semaphore;
use tokio::time::Instant;

use super::leg::{LegOrder, LegRunner};
use super::run::{Finished, Graph, Scene, run};
use super::verdict::verdict;
use crate::event::{Conclusion, JobEvent, Message, RunEvents, Stamped};
use crate::failure::InputError;
use crate::host::clock::{self, Deadline, within};
use crate::host::signals::Cancel;
use crate::job::concurrency::Groups;
use crate::job::outcome::JobEnd;
use crate::steps::context::RunFacts;

const WHOLE_RUN: Deadline = Deadline::seconds("a run without machines", 30);

/// What a leg of a test does.
#[derive(Debug, Clone, Copy)]
enum Act {
    Succeed,
    Fail,
    /// Until somebody stops it.
    Hang,
    /// For so many milliseconds.
    Last(u64),
}

#[derive(Default)]
struct Fake {
    acts: HashMap<&'static str, Act>,
    outputs: HashMap<&'static str, Vec<(&'static str, &'static str)>>,
    /// The legs in the order in which they began, with what they saw.
    began: Mutex<Vec<(String, String)>>,
    running: AtomicUsize,
    most: AtomicUsize,
}

#[async_trait]
impl LegRunner for Fake {
    fn serves(&self, runs_on: &RunnerSelector) -> Result<(), InputError> {
        match runs_on
            .labels
            .iter()
            .find(|label| !label.starts_with("windows"))
        {
            Some(label) => Err(InputError::configuration(format!(
                "nothing serves `{label}`"
            ))),
            None => Ok(()),
        }
    }

    async fn run(&self, order: LegOrder) -> JobEnd {
        let secrets = order.secrets.iter();
        let secrets = secrets.map(|(name, value)| format!("{name}={}", value.expose_secret()));
        let seen = format!(
            "needs={} inputs={} secrets={}",
            dormer_workflow::expr::Value::from(order.facts.needs.clone()).to_json(),
            dormer_workflow::expr::Value::from(order.run.inputs.clone()).to_json(),
            secrets.collect::<Vec<_>>().join(","),
        );
        let seen = seen.replace(['\n', ' '], "");
        self.began.lock().unwrap().push((order.name.clone(), seen));
        let now = self.running.fetch_add(1, Ordering::SeqCst) + 1;
        self.most.fetch_max(now, Ordering::SeqCst);
        let act = self.acts.get(order.name.as_str());
        let conclusion = match act.copied().unwrap_or(Act::Succeed) {
            Act::Succeed => Conclusion::Success,
            Act::Fail => {
                // Long enough for the others to begin.
                clock::pause(Duration::from_millis(20)).await;
                Conclusion::Failure
            }
            Act::Hang => {
                order.cancel.requested().await;
                Conclusion::Cancelled
            }
            Act::Last(ms) => {
                clock::pause(Duration::from_millis(ms)).await;
                Conclusion::Success
            }
        };
        self.running.fetch_sub(1, Ordering::SeqCst);
        let exit_code = match conclusion {
            Conclusion::Success | Conclusion::Skipped => 0,
            Conclusion::Failure => 1,
            Conclusion::Cancelled => 130,
        };
        order.events.emit(JobEvent::JobCompleted {
            conclusion,
            exit_code,
            infra: None,
        });
        let outputs = self.outputs.get(order.name.as_str()).into_iter().flatten();
        JobEnd {
            conclusion,
            exit_code,
            outputs: outputs
                .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
                .collect(),
        }
    }
}

struct Called(&'static str);

impl Files for Called {
    fn workflow(&self, _: &WorkflowReference) -> Option<SourceFile> {
        Some(SourceFile::new("called.yml", self.0))
    }
}

/// A run to be.
struct Trial {
    text: &'static str,
    called: &'static str,
    fake: Fake,
    slots: usize,
    cancel: Cancel,
    alone: bool,
    skip_unmatched: bool,
    deadline: Option<Instant>,
    home: tempfile::TempDir,
}

/// What came of it.
struct Outcome {
    finished: Finished,
    events: Vec<Stamped>,
    fake: Arc<Fake>,
}

impl Trial {
    fn new(text: &'static str) -> Self {
        Self {
            text,
            called: "",
            fake: Fake::default(),
            slots: 8,
            cancel: Cancel::default(),
            alone: false,
            skip_unmatched: false,
            deadline: None,
            home: tempfile::tempdir().unwrap(),
        }
    }

    fn act(mut self, leg: &'static str, act: Act) -> Self {
        self.fake.acts.insert(leg, act);
        self
    }

    fn output(mut self, leg: &'static str, name: &'static str, value: &'static str) -> Self {
        self.fake
            .outputs
            .entry(leg)
            .or_default()
            .push((name, value));
        self
    }

    fn planned(&self) -> Plan {
        let workflow = parse_workflow(&SourceFile::new("w.yml", self.text)).unwrap();
        let files = Called(self.called);
        plan(&Arc::new(workflow), &Request::default(), &files).unwrap()
    }

    async fn run(self) -> Outcome {
        let plan = Arc::new(self.planned());
        let (events, mut queue) = RunEvents::open();
        let fake = Arc::new(self.fake);
        let graph = Arc::new(Graph {
            runner: Arc::clone(&fake) as Arc<dyn LegRunner>,
            files: Arc::new(Called(self.called)),
            events,
            groups: Groups::new(self.home.path().join("groups"), "me/it"),
            slots: Arc::new(Semaphore::new(self.slots)),
            deadline: self.deadline,
            alone: self.alone,
            skip_unmatched: self.skip_unmatched,
        });
        let scene = Scene {
            plan,
            run: Arc::new(RunFacts::default()),
            secrets: Arc::new(vec![
                ("ONE".to_owned(), SecretString::from("1")),
                ("GITHUB_TOKEN".to_owned(), SecretString::from("t")),
            ]),
            cancel: self.cancel,
            callers: String::new(),
            in_leg: false,
            held: Vec::new(),
        };
        let finished = within(WHOLE_RUN, run(graph, scene)).await.unwrap();
        let mut told = Vec::new();
        while let Ok(Message::Events(stamped, _)) = queue.try_recv() {
            told.extend(stamped);
        }
        Outcome {
            finished,
            events: told,
            fake,
        }
    }
}

impl Outcome {
    fn began(&self) -> Vec<String> {
        let began = self.fake.began.lock().unwrap();
        began.iter().map(|(name, _)| name.clone()).collect()
    }

    fn seen_by(&self, leg: &str) -> String {
        let began = self.fake.began.lock().unwrap();
        let found = began.iter().find(|(name, _)| name == leg);
        found.map(|(_, seen)| seen.clone()).unwrap()
    }

    /// How jobs or legs ended, as events tell it.
    fn ends(&self) -> Vec<(String, &'static str)> {
        let mut ends: Vec<(String, &'static str)> = self
            .events
            .iter()
            .filter_map(|event| match &event.event {
                JobEvent::JobCompleted { conclusion, .. } => {
                    Some((event.whose().to_string(), conclusion.as_str()))
                }
                _ => None,
            })
            .collect();
        ends.sort();
        ends
    }

    fn notices(&self) -> String {
        let texts = self.events.iter().filter_map(|event| match &event.event {
            JobEvent::Notice { text, .. } => Some(format!("{}: {text}\n", event.whose())),
            JobEvent::JobCompleted { infra, .. } => infra
                .as_ref()
                .map(|infra| format!("{}: {}\n", event.whose(), infra.message)),
            _ => None,
        });
        texts.collect()
    }

    fn verdict(&self) -> (Conclusion, u8) {
        verdict(&self.finished.ends, None)
    }
}

fn ends(pairs: &[(&str, &'static str)]) -> Vec<(String, &'static str)> {
    pairs
        .iter()
        .map(|(name, end)| ((*name).to_owned(), *end))
        .collect()
}

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
    assert_eq!(outcome.fake.most.load(Ordering::SeqCst), 2);
    assert_eq!(outcome.began(), ["test (1)", "test (2)"]);
    assert_eq!(outcome.verdict(), (Conclusion::Failure, 1));
}

#[tokio::test]
async fn a_leg_that_may_fail_stops_nobody_and_counts_as_a_success() {
    let outcome = Trial::new(MATRIX).act("test (2)", Act::Fail).run().await;
    assert_eq!(outcome.began().len(), 4);
    assert!(outcome.seen_by("after").contains(r#""result":"success""#));
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

#[tokio::test]
async fn when_the_runs_time_is_over_nothing_starts_any_more() {
    let mut trial = Trial::new(MATRIX).act("test (1)", Act::Last(300));
    trial.slots = 1;
    trial.deadline = Some(Instant::now() + Duration::from_millis(100));
    let outcome = trial.run().await;
    assert_eq!(outcome.began(), ["test (1)"]);
    let cut = outcome
        .finished
        .ends
        .iter()
        .filter(|end| end.exit_code == 124);
    assert_eq!(cut.count(), 1, "the one that waited for room");
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
