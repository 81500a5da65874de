//! A case, from its file to what became of it: what `dormer run` does, with local guests for machines.

use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use dormer::actions::cache::ActionCache;
use dormer::actions::git::Git;
use dormer::actions::server::Server;
use dormer::artifact::rules::Rules;
use dormer::artifact::shelf::Shelf;
use dormer::event::{JobEvent, RunEvents, Stamped};
use dormer::failure::InputError;
use dormer::host::signals::Cancel;
use dormer::instance::accelerator::Wish;
use dormer::job::concurrency::Groups;
use dormer::job::graph::run::{Graph, Scene};
use dormer::job::graph::whole::whole;
use dormer::job::outcome::of_failure;
use dormer::job::plan::{JobSettings, Keep};
use dormer::mask::Masker;
use dormer::report::events_file::EventsFile;
use dormer::report::{self, Reporter};
use dormer::source::file;
use dormer::source::planned::{Asked, Prepared, prepare};
use dormer::vmm::machine::Network;
use dormer_testkit::corpus::case::Case;
use dormer_testkit::corpus::seen::Seen;
use dormer_testkit::events::Events;
use dormer_workflow::expr::Value;
use secrecy::SecretString;
use tokio::sync::Semaphore;

use crate::legs::LocalLegs;

/// As many guests as this at once, unless the case says otherwise.
const SLOTS: usize = 4;

/// How a case ended.
pub(crate) enum Ended {
    /// It ran.
    Ran(Seen),
    /// It was refused before anything began: the exit code, and what was said.
    Refused(i32, String),
}

/// Runs a case to its end.
pub(crate) async fn run(case: &Case) -> Ended {
    let directory = tempfile::tempdir().expect("a directory");
    let workspace = directory.path().join(&case.name);
    case.copy_to(&workspace);
    match prepared(case, &workspace) {
        Ok(prepared) => Ended::Ran(begin(case, prepared, directory.path()).await),
        Err(error) => {
            let said = format!(
                "{}\n{}",
                error.message,
                error.help.clone().unwrap_or_default()
            );
            Ended::Refused(i32::from(of_failure(&error.into())), said)
        }
    }
}

/// Everything before the first job, as `dormer run` does it.
fn prepared(case: &Case, workspace: &Path) -> Result<Prepared, InputError> {
    let run = &case.expected.run;
    let path = workspace.join("workflow.yml");
    let workflow = Arc::new(file::load(&path)?);
    let payload = run.payload.as_ref().map(|name| {
        let text = std::fs::read_to_string(workspace.join(name)).expect("the payload");
        (serde_json::from_str(&text).expect("JSON"), text)
    });
    let pairs = |map: &std::collections::BTreeMap<String, String>| -> Vec<(String, String)> {
        map.clone().into_iter().collect()
    };
    let vars = pairs(&run.vars).into_iter();
    let asked = Asked {
        file: Some(&path),
        workspace: Some(workspace),
        event: run.on.clone(),
        payload,
        inputs: pairs(&run.inputs),
        vars: vars
            .map(|(name, value)| (name, Value::from(value)))
            .collect(),
        run_id: "1".to_owned(),
    };
    let mut prepared = prepare(&workflow, asked)?;
    if let Some(id) = &run.job {
        prepared.only(id, "workflow.yml")?;
    }
    prepared.refuse_unsupported()?;
    Ok(prepared)
}

async fn begin(case: &Case, prepared: Prepared, directory: &Path) -> Seen {
    let run = &case.expected.run;
    let (masker, cancel) = (Masker::default(), Cancel::default());
    masker.add_all(run.secrets.values().map(String::as_str));
    let record = directory.join("events.jsonl");
    let (events, queue) = RunEvents::open();
    let watch = Watch {
        line: run.cancel_at.clone(),
        cancel: cancel.clone(),
    };
    let file = EventsFile::create(&record).expect("a file");
    let _reporting = report::spawn(queue, vec![Box::new(file), Box::new(watch)], masker.clone());
    let legs = Arc::new(LocalLegs {
        masker,
        settings: settings(&directory.join(&case.name), directory),
        outputs: Mutex::default(),
    });
    let is_single = prepared.is_single();
    let graph = Graph {
        runner: legs.clone(),
        files: Arc::new(prepared.files),
        events,
        groups: Groups::new(directory.join("groups"), &prepared.facts.repository),
        slots: Arc::new(Semaphore::new(run.parallel.unwrap_or(SLOTS))),
        deadline: None,
        alone: prepared.alone,
        skip_unmatched: run.skip_unmatched,
    };
    let secrets = run.secrets.clone().into_iter();
    let scene = Scene {
        plan: Arc::new(prepared.plan),
        run: Arc::new(prepared.facts),
        secrets: Arc::new(
            secrets
                .map(|(name, value)| (name, SecretString::from(value)))
                .collect(),
        ),
        cancel,
        callers: String::new(),
        key: String::new(),
        in_leg: false,
        held: Vec::new(),
    };
    let code = whole(Arc::new(graph), scene, is_single).await;
    let code = code.unwrap_or_else(|failure| panic!("{failure:?}"));
    let mut seen = Seen::of(&Events::read(&record), i32::from(code));
    for (names, outputs) in legs.outputs.lock().expect("no panic").iter() {
        let name = names.iter().find(|name| seen.jobs.contains_key(*name));
        if let Some(job) = name.and_then(|name| seen.jobs.get_mut(name)) {
            job.outputs = Some(outputs.clone());
        }
    }
    seen
}

/// The actions of other repositories, of which there are none.
fn nobody_serves(directory: &Path) -> Arc<ActionCache> {
    let server = Server::parse("file:///no/such/server").expect("a server");
    Arc::new(ActionCache::at(directory.join("actions"), Git::at(server)))
}

fn settings(workspace: &Path, directory: &Path) -> JobSettings {
    JobSettings {
        workspace: Some(workspace.to_owned()),
        artifacts: Arc::new(Rules::parse(&[]).expect("no rules")),
        stays_behind: Vec::new(),
        out: directory.join("out"),
        environment: Vec::new(),
        mapped_actions: Vec::new(),
        shelf: Arc::new(Shelf::below(&directory.join("out"))),
        real_actions: false,
        actions: nobody_serves(directory),
        cpus: 1,
        memory: None,
        network: Network::None,
        opened: Vec::new(),
        accelerator: Wish::Auto,
        keep: Keep::Never,
        keep_for: Duration::ZERO,
    }
}

/// Cancels the run when a line is printed.
struct Watch {
    line: Option<String>,
    cancel: Cancel,
}

impl Reporter for Watch {
    fn report(&mut self, event: &Stamped) -> io::Result<()> {
        if let (JobEvent::Log { text, .. }, Some(line)) = (&event.event, &self.line)
            && text == line
        {
            self.cancel.request_once();
        }
        Ok(())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }

    fn name(&self) -> String {
        "watching for a line".to_owned()
    }
}
