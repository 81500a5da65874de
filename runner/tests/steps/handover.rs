//! Whole workflows whose jobs hand artifacts to each other, each job in a local guest of its own.

use std::sync::Arc;

use async_trait::async_trait;
use dormer::artifact::shelf::Shelf;
use dormer::event::{Conclusion, JobEvent, RunEvents};
use dormer::failure::InputError;
use dormer::host::signals::Cancel;
use dormer::job::concurrency::Groups;
use dormer::job::graph::cut::Cut;
use dormer::job::graph::leg::{LegOrder, LegRunner};
use dormer::job::graph::run::{Graph, Scene, run};
use dormer::job::outcome::JobEnd;
use dormer::steps::context::RunFacts;
use dormer::steps::gate::Open;
use dormer_localguest::lab::Lab;
use dormer_workflow::files::NoFiles;
use dormer_workflow::parse_workflow;
use dormer_workflow::plan::{Request, plan};
use dormer_workflow::source::SourceFile;
use dormer_workflow::workflow::RunnerSelector;
use tokio::sync::{Mutex, Semaphore};

use super::soon;

/// Gives each leg a guest; all have the artifacts of one run.
struct Guests {
    shelf: Arc<Shelf>,
    printed: Mutex<Vec<String>>,
}

#[async_trait]
impl LegRunner for Guests {
    fn serves(&self, _: &RunnerSelector) -> Result<(), InputError> {
        Ok(())
    }

    async fn run(&self, order: LegOrder) -> JobEnd {
        let mut lab = Lab::new();
        lab.shelf = Arc::clone(&self.shelf);
        let mut gate = Open;
        let running = lab.run_job(&order.workflow, &order.job, None, &mut gate, |_, _| {});
        let outcome = running.await;
        let mut printed = self.printed.lock().await;
        printed.extend(outcome.log().into_iter().map(str::to_owned));
        printed.extend(outcome.notices());
        let exit_code = u8::from(outcome.conclusion != Conclusion::Success);
        order.events.emit(JobEvent::JobCompleted {
            conclusion: outcome.conclusion,
            exit_code,
            infra: None,
        });
        JobEnd {
            conclusion: outcome.conclusion,
            exit_code,
            outputs: Vec::new(),
        }
    }
}

const WORKFLOW: &str = r"
on: push
jobs:
  one:
    runs-on: windows-latest
    steps:
      - run: mkdir out; echo one > out/1.txt
      - uses: actions/upload-artifact@v4
        with: {name: one, path: out}
  two:
    runs-on: windows-latest
    steps:
      - run: mkdir out; echo two > out/2.txt
      - uses: actions/upload-artifact@v4
        with: {name: two, path: out}
  last:
    needs: [one, two]
    runs-on: windows-latest
    steps:
      - uses: actions/download-artifact@v4
        with: {path: all}
      - run: cat all/one/1.txt all/two/2.txt
      - uses: actions/download-artifact@v4
        with: {name: two}
      - run: ls
";

#[tokio::test]
async fn jobs_that_run_at_once_upload_and_a_later_one_has_it_all() {
    let out = tempfile::tempdir().unwrap();
    let workflow = parse_workflow(&SourceFile::new("w.yml", WORKFLOW.trim_start())).unwrap();
    let planned = plan(&Arc::new(workflow), &Request::default(), &NoFiles).unwrap();
    let guests = Arc::new(Guests {
        shelf: Arc::new(Shelf::below(out.path())),
        printed: Mutex::default(),
    });
    let (events, _queue) = RunEvents::open();
    let graph = Graph {
        runner: Arc::clone(&guests) as Arc<dyn LegRunner>,
        files: Arc::new(NoFiles),
        events,
        groups: Groups::new(out.path().join("groups"), "me/it"),
        slots: Arc::new(Semaphore::new(2)),
        deadline: None,
        alone: false,
        skip_unmatched: false,
        cut: Cut::default(),
    };
    let scene = Scene {
        plan: Arc::new(planned),
        run: Arc::new(RunFacts::default()),
        secrets: Arc::default(),
        cancel: Cancel::default(),
        callers: String::new(),
        key: String::new(),
        in_leg: false,
        held: Vec::new(),
    };
    let finished = soon(run(Arc::new(graph), scene)).await;
    let printed = guests.printed.lock().await;
    let ends = finished.ends.iter().map(|end| end.conclusion);
    assert!(ends.eq([Conclusion::Success; 3]), "{printed:?}");
    for line in ["one", "two", "2.txt"] {
        assert!(printed.iter().any(|other| other == line), "{printed:?}");
    }
    let there = |path: &str| out.path().join("artifacts").join(path).exists();
    assert!(there("one/1.txt") && there("two/2.txt") && there("manifest.json"));
}
