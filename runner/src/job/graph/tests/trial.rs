//! A runner that needs no machines, and runs on it.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use dormer_workflow::files::{Files, Unreadable};
use dormer_workflow::plan::{Plan, Request, plan};
use dormer_workflow::workflow::RunnerSelector;
use dormer_workflow::{SourceFile, parse_workflow};
use secrecy::{ExposeSecret, SecretString};
use tokio::sync::Semaphore;
use tokio::sync::mpsc::UnboundedReceiver;

use crate::event::{Conclusion, JobEvent, Message, RunEvents, Stamped};
use crate::failure::InputError;
use crate::host::clock::{self, Deadline, within};
use crate::host::signals::Cancel;
use crate::job::concurrency::Groups;
use crate::job::graph::cut::Cut;
use crate::job::graph::leg::{LegOrder, LegRunner};
use crate::job::graph::run::{Finished, Graph, Scene, run};
use crate::job::graph::verdict::verdict;
use crate::job::graph::whole::whole;
use crate::job::limits::Due;
use crate::job::outcome::JobEnd;
use crate::steps::context::RunFacts;

const WHOLE_RUN: Deadline = Deadline::seconds("a run without machines", 30);

/// What a leg of a test does.
#[derive(Debug, Clone, Copy)]
pub(super) enum Act {
    Succeed,
    Fail,
    /// Until somebody stops it.
    Hang,
    /// For so many milliseconds.
    Last(u64),
}

#[derive(Default)]
pub(super) struct Fake {
    pub(super) acts: HashMap<&'static str, Act>,
    pub(super) outputs: HashMap<&'static str, Vec<(&'static str, &'static str)>>,
    /// The legs in the order in which they began, with what they saw.
    pub(super) began: Mutex<Vec<(String, String)>>,
    pub(super) running: AtomicUsize,
    pub(super) most: AtomicUsize,
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
    fn read(&self, _: &str) -> Result<SourceFile, Unreadable> {
        Ok(SourceFile::new("called.yml", self.0))
    }
}

/// A run to be.
pub(super) struct Trial {
    pub(super) text: &'static str,
    pub(super) called: &'static str,
    pub(super) fake: Fake,
    pub(super) slots: usize,
    pub(super) cancel: Cancel,
    pub(super) alone: bool,
    pub(super) skip_unmatched: bool,
    pub(super) deadline: Option<Due>,
    pub(super) home: tempfile::TempDir,
}

/// What came of it.
pub(super) struct Outcome {
    pub(super) finished: Finished,
    /// Whether something was cut short.
    pub(super) is_short: bool,
    pub(super) events: Vec<Stamped>,
    pub(super) fake: Arc<Fake>,
}

impl Trial {
    pub(super) fn new(text: &'static str) -> Self {
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

    pub(super) fn act(mut self, leg: &'static str, act: Act) -> Self {
        self.fake.acts.insert(leg, act);
        self
    }

    pub(super) fn output(
        mut self,
        leg: &'static str,
        name: &'static str,
        value: &'static str,
    ) -> Self {
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

    pub(super) async fn run(self) -> Outcome {
        let Begun {
            graph,
            scene,
            fake,
            mut queue,
            _home,
        } = self.begin();
        let finished = run(Arc::clone(&graph), scene);
        let finished = within(WHOLE_RUN, finished).await.unwrap();
        Outcome {
            is_short: graph.cut.is_short(),
            finished,
            events: told(&mut queue),
            fake,
        }
    }

    /// Runs it as a whole; the exit code, and the events without those of jobs.
    pub(super) async fn run_whole(self) -> (u8, Vec<JobEvent>) {
        let Begun {
            graph,
            scene,
            mut queue,
            _home,
            ..
        } = self.begin();
        // Whoever reports has to answer, or the run would wait for that.
        let reporting = tokio::spawn(async move {
            let mut own = Vec::new();
            while let Some(message) = queue.recv().await {
                match message {
                    Message::Events(stamped, _) => own.extend(stamped),
                    Message::Flush(done) => drop(done.send(())),
                }
            }
            own
        });
        let code = within(WHOLE_RUN, whole(graph, scene, false)).await.unwrap();
        let stamped = reporting.await.unwrap().into_iter();
        let own = stamped.filter(|stamped| stamped.job.is_empty());
        (code.unwrap(), own.map(|stamped| stamped.event).collect())
    }

    fn begin(self) -> Begun {
        let plan = Arc::new(self.planned());
        let (events, queue) = RunEvents::open();
        let fake = Arc::new(self.fake);
        let graph = Arc::new(Graph {
            runner: Arc::clone(&fake) as Arc<dyn LegRunner>,
            files: Arc::new(Called(self.called)),
            events,
            groups: Groups::new(self.home.path().join("groups"), "me/it"),
            slots: Arc::new(Semaphore::new(self.slots)),
            deadline: self.deadline.clone(),
            alone: self.alone,
            skip_unmatched: self.skip_unmatched,
            cut: Cut::default(),
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
            key: String::new(),
            in_leg: false,
            held: Vec::new(),
        };
        Begun {
            graph,
            scene,
            fake,
            queue,
            _home: self.home,
        }
    }
}

/// A run that is ready to be run.
struct Begun {
    graph: Arc<Graph>,
    scene: Scene,
    fake: Arc<Fake>,
    queue: UnboundedReceiver<Message>,
    _home: tempfile::TempDir,
}

fn told(queue: &mut UnboundedReceiver<Message>) -> Vec<Stamped> {
    let mut told = Vec::new();
    while let Ok(Message::Events(stamped, _)) = queue.try_recv() {
        told.extend(stamped);
    }
    told
}

impl Outcome {
    pub(super) fn began(&self) -> Vec<String> {
        let began = self.fake.began.lock().unwrap();
        began.iter().map(|(name, _)| name.clone()).collect()
    }

    pub(super) fn seen_by(&self, leg: &str) -> String {
        let began = self.fake.began.lock().unwrap();
        let found = began.iter().find(|(name, _)| name == leg);
        found.map(|(_, seen)| seen.clone()).unwrap()
    }

    /// How jobs or legs ended, as events tell it.
    pub(super) fn ends(&self) -> Vec<(String, &'static str)> {
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

    /// The jobs or legs that are told to have ended for want of time.
    pub(super) fn late(&self) -> Vec<String> {
        let is_late =
            |event: &&Stamped| matches!(event.event, JobEvent::JobCompleted { exit_code: 124, .. });
        let late = self.events.iter().filter(is_late);
        late.map(|event| event.whose().to_string()).collect()
    }

    pub(super) fn notices(&self) -> String {
        let texts = self.events.iter().filter_map(|event| match &event.event {
            JobEvent::Notice { text, .. } => Some(format!("{}: {text}\n", event.whose())),
            JobEvent::JobCompleted { infra, .. } => infra
                .as_ref()
                .map(|infra| format!("{}: {}\n", event.whose(), infra.message)),
            _ => None,
        });
        texts.collect()
    }

    pub(super) fn verdict(&self) -> (Conclusion, u8) {
        verdict(&self.finished.ends, None)
    }
}

pub(super) fn ends(pairs: &[(&str, &'static str)]) -> Vec<(String, &'static str)> {
    pairs
        .iter()
        .map(|(name, end)| ((*name).to_owned(), *end))
        .collect()
}
