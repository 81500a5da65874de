//! A case, from its file to what became of it: what `dormer run` does, with local guests for machines.

use std::io::{self, BufWriter, Stderr, Stdout};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use dormer::actions::cache::ActionCache;
use dormer::actions::git::Git;
use dormer::actions::server::Server;
use dormer::actions::stand_ins::StandIns;
use dormer::artifact::rules::Rules;
use dormer::artifact::shelf::Shelf;
use dormer::event::{JobEvent, RunEvents, Stamped};
use dormer::failure::InputError;
use dormer::host::signals::Cancel;
use dormer::instance::accelerator::Wish;
use dormer::instance::allowance::Allowance;
use dormer::job::concurrency::Groups;
use dormer::job::graph::cut::Cut;
use dormer::job::graph::run::{Graph, Scene};
use dormer::job::graph::whole::whole;
use dormer::job::outcome::of_failure;
use dormer::job::plan::{JobSettings, Keep};
use dormer::mask::Masker;
use dormer::progress::Silent;
use dormer::report::events_file::EventsFile;
use dormer::report::github::Github;
use dormer::report::github_many::GithubMany;
use dormer::report::human::Human;
use dormer::report::many::Many;
use dormer::report::{self, Reporter};
use dormer::source::called::{Library, Sources, follow};
use dormer::source::file;
use dormer::source::planned::{Asked, Prepared, prepare};
use dormer::source::tree::Tree;
use dormer::vmm::machine::Network;
use dormer_testkit::corpus::case::Case;
use dormer_testkit::corpus::seen::Seen;
use dormer_testkit::events::Events;
use dormer_workflow::Problems;
use dormer_workflow::expr::Value;
use dormer_workflow::trigger::Changes;
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
    let actions = served(&workspace.join("repositories"), directory.path());
    match prepared(case, &workspace, &actions).await {
        Ok(prepared) => Ended::Ran(begin(case, prepared, directory.path(), actions).await),
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
async fn prepared(
    case: &Case,
    workspace: &Path,
    actions: &ActionCache,
) -> Result<Prepared, InputError> {
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
    let library = Library {
        mapped: &StandIns::default(),
        cache: actions,
        fetches: true,
        progress: &Silent,
    };
    let wrong = |problems: Problems| file::wrong("run", &problems);
    let own = Tree::of(workspace)?;
    let called = follow(&workflow, run.job.as_deref(), &own, &library).await;
    let called = called.map_err(wrong)?;
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
        changes: Changes::Unknown,
    };
    let mut prepared = prepare(&workflow, Sources { own, called }, asked).map_err(wrong)?;
    if let Some(id) = &run.job {
        prepared.only(id, "workflow.yml")?;
    }
    prepared.refuse_unsupported()?;
    prepared.refuse_failing()?;
    Ok(prepared)
}

async fn begin(
    case: &Case,
    prepared: Prepared,
    directory: &Path,
    actions: Arc<ActionCache>,
) -> Seen {
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
    let is_single = prepared.is_single();
    let mut reporters: Vec<Box<dyn Reporter>> = vec![Box::new(file), Box::new(watch)];
    reporters.extend(shown(is_single));
    let _reporting = report::spawn(queue, reporters, masker.clone());
    let legs = Arc::new(LocalLegs {
        masker,
        settings: settings(&directory.join(&case.name), directory, actions),
        outputs: Mutex::default(),
    });
    let graph = Graph {
        runner: legs.clone(),
        files: Arc::new(prepared.files),
        events,
        groups: Groups::new(directory.join("groups"), &prepared.facts.repository),
        slots: Arc::new(Semaphore::new(run.parallel.unwrap_or(SLOTS))),
        deadline: None,
        alone: prepared.alone,
        skip_unmatched: run.skip_unmatched,
        cut: Cut::default(),
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

/// The reporter to look at, if one is asked for.
fn shown(is_single: bool) -> Option<Box<dyn Reporter>> {
    let (out, token) = ("out".to_owned(), "word".to_owned());
    Some(match (std::env::var("SHOW").ok()?.as_str(), is_single) {
        ("github", true) => Box::new(Github::to_stdout(token)),
        ("github", false) => Box::new(GithubMany::to_stdout(token)),
        (_, true) => Box::new(Human::<BufWriter<Stdout>, BufWriter<Stderr>>::to_terminal(
            out, false,
        )),
        (_, false) => Box::new(Many::<BufWriter<Stdout>, BufWriter<Stderr>>::to_terminal(
            out,
        )),
    })
}

/// The repositories that a case brings along as `repositories/OWNER/NAME`, each with its files at the tag
/// `v1`. There is no server but that.
fn served(repositories: &Path, directory: &Path) -> Arc<ActionCache> {
    for owner in entries(repositories) {
        for repository in entries(&owner) {
            for arguments in [
                "init --quiet --initial-branch=main .",
                "add --all",
                "-c user.name=t -c user.email=t@example.org commit --quiet --message=x",
                "tag v1",
            ] {
                #[expect(clippy::disallowed_methods, reason = "the server's side of a test")]
                let status = std::process::Command::new("git")
                    .args(arguments.split(' '))
                    .current_dir(&repository)
                    .status();
                assert!(status.expect("git").success(), "git {arguments}");
            }
        }
    }
    let server = format!("file://{}", repositories.display());
    let server = Server::parse(&server).expect("a server");
    Arc::new(ActionCache::at(directory.join("actions"), Git::at(server)))
}

/// What is in a directory, if that is there.
fn entries(directory: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(directory).into_iter().flatten();
    entries
        .map(|entry| entry.expect("an entry").path())
        .collect()
}

fn settings(workspace: &Path, directory: &Path, actions: Arc<ActionCache>) -> JobSettings {
    JobSettings {
        workspace: Some(workspace.to_owned()),
        artifacts: Arc::new(Rules::parse(&[]).expect("no rules")),
        stays_behind: Vec::new(),
        out: directory.join("out"),
        environment: Vec::new(),
        mapped_actions: StandIns::default(),
        shelf: Arc::new(Shelf::below(&directory.join("out"))),
        real_actions: false,
        actions,
        cpus: 1,
        memory: None,
        network: Network::None,
        opened: Vec::new(),
        start: dormer::job::plan::Start::Auto,
        allowance: Allowance::default(),
        accelerator: Wish::Auto,
        prepare: None,
        warm_after: false,
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
