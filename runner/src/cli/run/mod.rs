//! `dormer run`: from what was typed to a plan, then its jobs.

mod actions;
mod images;
pub(super) mod reporters;
mod settings;
mod variables;
mod warm_after;

pub(super) use actions::{actions_server, mapped};
pub(super) use images::default_image;
pub(super) use settings::{DEFAULT_CPUS, allowance, network, wish};

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use dormer_workflow::plan::Plan;
use dormer_workflow::trigger::Changes;
use dormer_workflow::workflow::Workflow;
use jiff::Timestamp;
use secrecy::{ExposeSecret, SecretString};
use tokio::sync::Semaphore;

use crate::cli::args::RunArguments;
use crate::cli::run::images::{Chooser, images};
use crate::cli::secrets::{come_along, secrets};
use crate::cli::workshop::{self, Base, Equipped};
use crate::cli::{gc, output, pool, trigger};
use crate::config;
use crate::event::{Level, RunEvents};
use crate::exit_code;
use crate::failure::{Failure, InputError};
use crate::host::clock::Written;
use crate::host::signals::Cancel;
use crate::image::recipe::Recipe;
use crate::image::{build, vm_container};
use crate::job::concurrency::Groups;
use crate::job::graph::cut::Cut;
use crate::job::graph::machines::{Directories, Machines};
use crate::job::graph::run::{Graph, Scene};
use crate::job::graph::whole::whole;
use crate::job::ledger::Ledger;
use crate::job::limits::{Due, TimeLimit};
use crate::job::plan::JobSettings;
use crate::job::standby::Pool;
use crate::job::told::Told;
use crate::mask::Masker;
use crate::progress::{Progress, Silent};
use crate::report::plain::harmless_name;
use crate::report::progress::TerminalProgress;
use crate::report::{self, Reporter, ReporterFailure};
use crate::source::planned::{Asked, Prepared, prepare};
use crate::source::{command, file, payload};
use crate::workspace::scan::scan;
use crate::workspace::tracked::find_repository;

/// Everything about a run that was typed, read and checked, before there is an engine.
struct Wanted {
    prepared: Prepared,
    settings: JobSettings,
    secrets: Vec<(String, SecretString)>,
    masker: Masker,
    chooser: Chooser,
    /// The images that jobs are known to need.
    images: BTreeSet<String>,
    parallel: Option<usize>,
    gc_every: Duration,
    timeout: Option<Written>,
    skip_unmatched: bool,
    pool: Option<Pool>,
}

pub(super) async fn run(arguments: RunArguments) -> Result<u8, Failure> {
    let workflow = Arc::new(read_workflow(&arguments)?);
    let mapped = actions::mapped(&arguments.actions)?;
    let workspace = workspace(&arguments)?;
    let loaded = config::load(workspace.as_deref())?;
    let secrets = secrets(&arguments)?;
    let base = Base::open()?;
    let config = Arc::new(loaded.config);
    let actions = actions::cache(&arguments, &config, base.home.actions(), &secrets)?;
    let mut asked = asked(&arguments, workspace.as_deref())?;
    trigger::look_for_changes(&workflow, &mut asked).await;
    let files = actions::sources(
        &workflow,
        &arguments,
        workspace.as_deref(),
        &mapped,
        &actions,
    )
    .await?;
    let mut prepared =
        prepare(&workflow, files, asked).map_err(|problems| file::wrong("run", &problems))?;
    let mut alone = Vec::new();
    if let (Some(id), Some(path)) = (&arguments.job, &arguments.workflow) {
        alone = prepared.only(id, &path.display().to_string())?;
    }
    prepared.refuse_unsupported()?;
    prepared.refuse_failing()?;
    let warnings = prepared.plan.all_warnings();
    for text in warnings.iter().chain(&alone).chain(&loaded.warnings) {
        output::warning(text);
    }
    if arguments.on.is_some() {
        tell_of_filters(&prepared.plan);
    }
    let masker = Masker::default();
    masker.add_all(secrets.iter().map(|(_, value)| value.expose_secret()));
    if let Some(name) = &prepared.plan.run_name {
        output::note(&format!(
            "name of the run: {}",
            masker.mask(&harmless_name(name))
        ));
    }

    let chooser = Chooser::new(arguments.image.as_deref(), &config, &base)?;
    let images = images(&prepared, &chooser, arguments.skip_unmatched)?;
    let shelf = settings::shelf(&arguments, &base.home).await?;
    let settings = settings::settings(&arguments, workspace, &config, actions, mapped, shelf)?;
    check(&arguments, &settings)?;
    let reporters = reporters::reporters(&arguments, prepared.is_single())?;
    let wanted = Wanted {
        prepared,
        settings,
        secrets,
        masker,
        chooser,
        images,
        parallel: arguments.parallel,
        timeout: arguments.timeout,
        gc_every: config.gc_every,
        skip_unmatched: arguments.skip_unmatched,
        pool: pool::wanted(arguments.standby, &config)?,
    };

    let cancel = workshop::cancel_on_signals()?;
    let equipped = base.with_engine(&config).await?;
    let making = make_ready(&equipped, &wanted.images);
    if equipped.unless_stopped(&cancel, making).await?.is_none() {
        return Ok(exit_code::CANCELLED);
    }
    accept(wanted, &equipped, cancel, reporters).await
}

/// Whoever runs it by hand wants it to run, whatever the filters of the event say.
fn tell_of_filters(plan: &Plan) {
    if let Some(refusal) = trigger::refusal(plan) {
        output::warning(&format!("{refusal}; it is run all the same"));
    }
    trigger::note_unjudged(plan);
}

/// What can't be sent or written is better known at once, before anything is built. The workspace is
/// looked through again when it is sent, since much can change in it until then.
fn check(arguments: &RunArguments, settings: &JobSettings) -> Result<(), Failure> {
    if let Some(root) = &settings.workspace {
        scan(root, &settings.stays_behind)?;
    }
    if let (Some(file), Some(root)) = (&arguments.secret_file, &settings.workspace)
        && let Some(text) = come_along(file, root)
    {
        output::warning(&text);
    }
    if arguments.stores_findings() {
        settings.check_out()?;
    }
    Ok(())
}

/// Cleans up after others and builds what is missing.
pub(super) async fn make_ready(
    equipped: &Equipped,
    images: &BTreeSet<String>,
) -> Result<(), Failure> {
    for finding in gc::on_the_way(equipped).await {
        output::note(&format!("removed {}: {}", finding.what, finding.why));
    }
    let progress = TerminalProgress::new(true);
    for recipe in images.iter().filter_map(|image| Recipe::guest(image)) {
        build::ensure(equipped.workshop(), &recipe, &progress).await?;
    }
    let (engine, home, store) = (&equipped.engine, &equipped.home, &equipped.store);
    vm_container::ensure(engine, home, store, &equipped.handed, &progress).await?;
    Ok(())
}

/// Runs the jobs, with their reporters in a thread of their own.
async fn accept(
    wanted: Wanted,
    equipped: &Equipped,
    cancel: Cancel,
    reporters: Vec<Box<dyn Reporter>>,
) -> Result<u8, Failure> {
    let is_single = wanted.prepared.is_single();
    let (events, queue) = RunEvents::open();
    let own = events.own();
    let reporting = report::spawn(queue, reporters, wanted.masker.clone());
    let mut remark = wanted
        .images
        .iter()
        .find_map(|image| wanted.chooser.remark(image));
    if !is_single && let Some(remark) = remark.take() {
        events.own().notice(Level::Notice, remark);
    }
    // Bars of several jobs would write over one another.
    let progress: Arc<dyn Progress> = if is_single {
        Arc::new(TerminalProgress::new(false))
    } else {
        Arc::new(Silent)
    };
    let mapped = wanted.settings.mapped_actions.clone();
    let (ledger, masker, asked) = (Ledger::default(), wanted.masker.clone(), cancel.clone());
    let pool = wanted.pool;
    let machines = Machines {
        engine: equipped.engine.clone(),
        home: equipped.home.clone(),
        store: equipped.store.clone(),
        images: Arc::new(wanted.chooser),
        masker: wanted.masker,
        progress,
        settings: wanted.settings,
        is_single,
        remark,
        directories: Directories::default(),
        told: Told::default(),
        ledger: ledger.clone(),
    };
    let facts = wanted.prepared.facts;
    let groups = equipped.home.root().join("concurrency");
    let graph = Arc::new(Graph {
        runner: Arc::new(machines),
        files: Arc::new(wanted.prepared.files),
        events,
        groups: Groups::new(groups, &facts.repository),
        // Whether there is room for so many is found out at the gate.
        slots: Arc::new(Semaphore::new(
            wanted.parallel.unwrap_or(Semaphore::MAX_PERMITS),
        )),
        deadline: wanted
            .timeout
            .and_then(|time| Due::from_now(TimeLimit::Run(time))),
        alone: wanted.prepared.alone,
        skip_unmatched: wanted.skip_unmatched,
        cut: Cut::default(),
    });
    let scene = Scene {
        plan: Arc::new(wanted.prepared.plan),
        run: Arc::new(facts),
        secrets: Arc::new(wanted.secrets),
        cancel,
        callers: String::new(),
        key: String::new(),
        in_leg: false,
        held: Vec::new(),
    };
    // A run of hours is not the only one on its host.
    let cleaning = gc::now_and_then(equipped, wanted.gc_every, &own);
    let code = tokio::select! {
        code = whole(Arc::clone(&graph), scene, is_single) => code?,
        never = cleaning => match never {},
    };
    drop(own);
    // The reporters were waited for; one that hangs is not waited for again.
    let failures = reporting.failures();
    for failure in &failures {
        output::warning(&failure.message);
    }
    // What was cut short might have used them.
    if !graph.cut.is_short() {
        for text in actions::unused(&mapped) {
            output::warning(&text);
        }
    }
    warm_after::make(equipped, ledger.take_missing(), &asked, &masker).await;
    // Nobody waits for these machines; the result was told.
    if let Some(pool) = pool {
        pool::fill_all(equipped, &ledger, pool, &asked).await;
    }
    Ok(code_with(code, &failures))
}

/// A run that succeeded without the record that somebody asked for did not do what it should.
fn code_with(code: u8, failures: &[ReporterFailure]) -> u8 {
    if code == exit_code::SUCCESS && failures.iter().any(|failure| failure.is_record) {
        exit_code::INFRASTRUCTURE
    } else {
        code
    }
}

fn read_workflow(arguments: &RunArguments) -> Result<Workflow, Failure> {
    match (&arguments.workflow, &arguments.command) {
        (_, Some(text)) => Ok(command::workflow(text, arguments.shell.as_deref())?),
        (Some(path), None) => Ok(file::load(path)?),
        (None, None) => Err(InputError::usage("neither a workflow nor a command is given").into()),
    }
}

fn asked<'a>(
    arguments: &'a RunArguments,
    workspace: Option<&'a Path>,
) -> Result<Asked<'a>, InputError> {
    Ok(Asked {
        file: arguments.workflow.as_deref(),
        workspace,
        event: arguments.on.clone(),
        payload: arguments
            .payload
            .as_deref()
            .map(payload::payload)
            .transpose()?,
        inputs: arguments.inputs.clone(),
        vars: variables::variables(arguments)?,
        run_id: Timestamp::now().as_second().to_string(),
        changes: Changes::Unknown,
    })
}

/// The directory that comes along: the one that is named, else the repository that we are in.
fn workspace(arguments: &RunArguments) -> Result<Option<PathBuf>, InputError> {
    if let Some(path) = &arguments.workspace {
        if path.is_dir() {
            return Ok(Some(absolute(path)?));
        }
        return Err(InputError::usage(format!(
            "the workspace `{}` is not a directory",
            path.display()
        )));
    }
    let current = absolute(Path::new("."))?;
    Ok(find_repository(&current).map(|repository| repository.root))
}

fn absolute(path: &Path) -> Result<PathBuf, InputError> {
    crate::host::fs::real_path(path)
        .map_err(|error| InputError::usage(format!("cannot find `{}`: {error}", path.display())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lost_record_is_a_failure_of_a_job_that_had_none() {
        let lost = |is_record| ReporterFailure {
            message: String::new(),
            is_record,
        };
        assert_eq!(code_with(0, &[]), 0);
        assert_eq!(code_with(0, &[lost(false)]), 0);
        assert_eq!(code_with(0, &[lost(false), lost(true)]), 69);
        assert_eq!(code_with(1, &[lost(true)]), 1);
    }
}
