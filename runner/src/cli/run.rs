//! `dormer run`: from what was typed to a job request, then the job.

use std::io::{BufWriter, Stderr, Stdout};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use dormer_workflow::expr::Object;
use jiff::Timestamp;
use secrecy::{ExposeSecret, SecretString};

use crate::artifact::rules::Rules;
use crate::artifact::shelf::Shelf;
use crate::cli::args::{AcceleratorWish, Format, KeepWhen, NetworkMode, RunArguments};
use crate::cli::gc;
use crate::cli::output;
use crate::cli::secrets::{come_along, secrets};
use crate::cli::workshop::{self, Base, Equipped};
use crate::config::labels::{self, Choice};
use crate::config::{self, Config};
use crate::event::{Events, Level};
use crate::exit_code;
use crate::failure::{Failure, InfraFailure, InputError, InputPlace};
use crate::guest::channel::random_word;
use crate::host::passing::PassingDirectory;
use crate::host::signals::Cancel;
use crate::image::recipe::{COMPAT_NAME, Recipe};
use crate::image::{build, vm_container};
use crate::instance::accelerator::Wish;
use crate::job::driver::{self, Surroundings};
use crate::job::mapped::Mapping;
use crate::job::plan::{JobRequest, Keep, LegFacts};
use crate::mask::Masker;
use crate::report::events_file::EventsFile;
use crate::report::findings::files::FindingsFiles;
use crate::report::github::Github;
use crate::report::human::Human;
use crate::report::json::Json;
use crate::report::progress::TerminalProgress;
use crate::report::{self, Reporter, ReporterFailure};
use crate::source::checkout::checked_out;
use crate::source::file::Selected;
use crate::source::run_facts::{Given, run_facts};
use crate::source::{command, file};
use crate::steps::context::{JobFacts, RunFacts, StepScope};
use crate::steps::state::{ExecutorState, Variables};
use crate::vmm::machine::{Accelerator, Network};
use crate::workspace::scan::scan;
use crate::workspace::tracked::find_repository;

/// Machines get this many CPUs when nobody says.
const DEFAULT_CPUS: u32 = 2;

pub(super) async fn run(arguments: RunArguments) -> Result<u8, Failure> {
    let selected = select(&arguments)?;
    let workspace = workspace(&arguments)?;
    let loaded = config::load(workspace.as_deref())?;
    for text in selected.warnings.iter().chain(&loaded.warnings) {
        output::warning(text);
    }
    let secrets = secrets(&arguments)?;
    let masker = Masker::default();
    masker.add_all(secrets.iter().map(|(_, value)| value.expose_secret()));

    let base = Base::open()?;
    let image = choose_image(&arguments, &selected, &loaded.config, &base)?;
    let request = request(
        &arguments,
        selected,
        workspace,
        &loaded.config,
        image.name.clone(),
        secrets,
        shelf(&arguments, &base).await?,
    )?;
    // Before anything is built: what can't be sent or written is better known at once. The workspace is
    // looked through again when it is sent, since much can change in it until then.
    if let Some(root) = &request.workspace {
        scan(root, &request.stays_behind)?;
    }
    if let (Some(file), Some(root)) = (&arguments.secret_file, &request.workspace)
        && let Some(text) = come_along(file, root)
    {
        output::warning(&text);
    }
    request.check_out()?;
    let reporters = reporters(&arguments)?;

    let cancel = workshop::cancel_on_signals()?;
    let equipped = base.with_engine(&loaded.config).await?;
    let preparing = prepare(&equipped, &request.image);
    if equipped.unless_stopped(&cancel, preparing).await?.is_none() {
        return Ok(exit_code::CANCELLED);
    }
    accept(request, &equipped, cancel, masker, reporters, image.remark).await
}

/// Cleans up after others and builds what is missing.
async fn prepare(equipped: &Equipped, image: &str) -> Result<(), Failure> {
    for finding in gc::on_the_way(equipped).await {
        output::note(&format!("removed {}: {}", finding.what, finding.why));
    }
    let progress = TerminalProgress::new(true);
    if let Some(recipe) = Recipe::guest(image) {
        build::ensure(equipped.workshop(), &recipe, &progress).await?;
    }
    let (engine, home, store) = (&equipped.engine, &equipped.home, &equipped.store);
    vm_container::ensure(engine, home, store, &equipped.handed, &progress).await?;
    Ok(())
}

/// Runs the job, with its reporters in a thread of their own.
async fn accept(
    request: JobRequest,
    equipped: &Equipped,
    cancel: Cancel,
    masker: Masker,
    reporters: Vec<Box<dyn Reporter>>,
    remark: Option<String>,
) -> Result<u8, Failure> {
    let (events, queue) = Events::accept(&request.job.id.value);
    let reporting = report::spawn(queue, reporters, masker.clone());
    if let Some(remark) = remark {
        events.notice(Level::Notice, remark);
    }
    let around = Surroundings {
        engine: equipped.engine.clone(),
        home: equipped.home.clone(),
        store: equipped.store.clone(),
        events,
        cancel,
        masker,
        progress: Arc::new(TerminalProgress::new(false)),
    };
    let code = driver::run(&request, &around).await.exit_code;
    // The driver has waited for the reporters; one that hangs is not waited for again.
    let failures = reporting.failures();
    for failure in &failures {
        output::warning(&failure.message);
    }
    Ok(code_with(code, &failures))
}

/// A job that succeeded without the record that somebody asked for did not do what it should.
fn code_with(code: u8, failures: &[ReporterFailure]) -> u8 {
    if code == exit_code::SUCCESS && failures.iter().any(|failure| failure.is_record) {
        exit_code::INFRASTRUCTURE
    } else {
        code
    }
}

fn select(arguments: &RunArguments) -> Result<Selected, Failure> {
    match (&arguments.workflow, &arguments.command) {
        (_, Some(text)) => Ok(command::job(text, arguments.shell.as_deref())?),
        (Some(path), None) => Ok(file::select(path, arguments.job.as_deref())?),
        (None, None) => Err(InputError::usage("neither a workflow nor a command is given").into()),
    }
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

/// An image, and what should be said about the choice.
struct ChosenImage {
    name: String,
    remark: Option<String>,
}

fn choose_image(
    arguments: &RunArguments,
    selected: &Selected,
    config: &Config,
    base: &Base,
) -> Result<ChosenImage, Failure> {
    let name = match (&arguments.image, &arguments.command) {
        (Some(name), _) => name.clone(),
        (None, Some(_)) => default_image(config, base)?,
        (None, None) => match labels::choose(&labels_of(selected)?, config)? {
            Choice::Image(name) => name,
            Choice::Default => default_image(config, base)?,
        },
    };
    let built = crate::image::store::check_name(&name).is_ok() && base.store.find(&name)?.is_some();
    if !built && Recipe::guest(&name).is_none() {
        return Err(unknown_image(&name, arguments, base).into());
    }
    let remark = (name == COMPAT_NAME && arguments.image.is_none()).then(|| {
        "the image `compat` is Debian with Wine, not Windows: what passes here can still fail there"
            .to_owned()
    });
    Ok(ChosenImage { name, remark })
}

/// Says who named an image that is not there: the command line, or else a dormer.toml.
fn unknown_image(name: &str, arguments: &RunArguments, base: &Base) -> InputError {
    let unknown = base.store.unknown(name);
    if arguments.image.is_some() {
        return unknown;
    }
    InputError {
        place: InputPlace::Configuration,
        message: format!("{}, which a dormer.toml names", unknown.message),
        ..unknown
    }
}

/// The labels of the job, which may hold expressions.
fn labels_of(selected: &Selected) -> Result<Vec<String>, InputError> {
    let Some(runs_on) = &selected.job.runs_on else {
        return Ok(Vec::new());
    };
    let (facts, secrets) = (JobFacts::default(), Variables::default());
    let state = ExecutorState::new(Variables::default());
    let scope = StepScope::of_job(&facts, &state, &secrets);
    let selector = runs_on.evaluate(&scope).map_err(|error| {
        let problem = selected.workflow.problem(&error);
        InputError::usage(problem.map_or_else(|| error.to_string(), |problem| problem.to_string()))
    })?;
    Ok(selector.labels)
}

/// A Windows image if one was built, else the embedded guest.
fn default_image(config: &Config, base: &Base) -> Result<String, Failure> {
    if let Some(name) = &config.default_image {
        return Ok(name.clone());
    }
    for name in base.store.names()? {
        // One that can't be read is no default; who names it hears why.
        let image = base.store.find(&name).ok().flatten();
        if image.is_some_and(|image| image.manifest.description.guest.windows) {
            return Ok(name);
        }
    }
    Ok(COMPAT_NAME.to_owned())
}

fn request(
    arguments: &RunArguments,
    selected: Selected,
    workspace: Option<PathBuf>,
    config: &Config,
    image: String,
    secrets: Vec<(String, SecretString)>,
    shelf: Shelf,
) -> Result<JobRequest, Failure> {
    let run = facts_of(arguments, &selected, workspace.as_deref());
    Ok(JobRequest {
        workflow: selected.workflow,
        job: selected.job,
        run: Arc::new(run),
        leg: LegFacts::default(),
        image,
        workspace,
        artifacts: Rules::parse(&arguments.artifacts)?,
        shelf: Arc::new(shelf),
        real_actions: arguments.real_actions,
        stays_behind: stays_behind(arguments)?,
        out: on_the_host(arguments.out())?,
        environment: arguments.environment.clone(),
        mapped_actions: mapped_actions(arguments)?,
        secrets,
        cpus: arguments.cpus.or(config.cpus).unwrap_or(DEFAULT_CPUS),
        memory: arguments.memory.or(config.memory),
        network: match arguments.network {
            Some(NetworkMode::None) => Network::None,
            Some(NetworkMode::Full) => Network::Full,
            None => config.network,
        },
        opened: config.open.clone(),
        accelerator: match arguments.accel {
            AcceleratorWish::Auto => Wish::Auto,
            AcceleratorWish::Kvm => Wish::Only(Accelerator::Kvm),
            AcceleratorWish::Tcg => Wish::Only(Accelerator::Tcg),
        },
        keep: match arguments.keep {
            KeepWhen::Never => Keep::Never,
            KeepWhen::OnFailure => Keep::OnFailure,
            KeepWhen::Always => Keep::Always,
        },
        keep_for: config.keep_for,
        timeout: arguments.timeout,
    })
}

/// Where the artifacts that steps upload are kept.
async fn shelf(arguments: &RunArguments, base: &Base) -> Result<Shelf, Failure> {
    if arguments.stores_findings() {
        return Ok(Shelf::below(&on_the_host(arguments.out())?));
    }
    let made = PassingDirectory::new(&base.home.passing()).await;
    let failed = || InfraFailure::new("cannot make a directory for the run's artifacts");
    Ok(Shelf::passing(
        made.map_err(|error| failed().because(error))?,
    ))
}

/// What is known of the run before it begins.
fn facts_of(arguments: &RunArguments, selected: &Selected, workspace: Option<&Path>) -> RunFacts {
    let checkout = workspace.map(checked_out).unwrap_or_default();
    let directory = workspace.and_then(Path::file_name);
    let directory = directory.map(|name| name.to_string_lossy());
    let file = arguments.workflow.as_deref();
    let file = file.and_then(|path| crate::host::fs::real_path(path).ok());
    run_facts(Given {
        name: selected.name.as_deref(),
        file: file.as_deref(),
        checkout: &checkout,
        fallback_name: &directory.unwrap_or_default(),
        event_name: "workflow_dispatch",
        payload: None,
        inputs: Object::new(),
        vars: Object::new(),
        run_id: Timestamp::now().as_second().to_string(),
    })
}

/// What is no part of the workspace though it may be in it: what Dormer writes, and the secrets.
fn stays_behind(arguments: &RunArguments) -> Result<Vec<PathBuf>, InputError> {
    let others = [
        arguments.events.as_deref(),
        arguments.secret_file.as_deref(),
    ];
    let paths = [arguments.out()].into_iter();
    paths
        .chain(others.into_iter().flatten())
        .map(on_the_host)
        .collect()
}

/// Directories that stand in for actions.
fn mapped_actions(arguments: &RunArguments) -> Result<Vec<Mapping>, InputError> {
    let typed = arguments.actions.iter();
    typed
        .map(|(reference, path)| Ok((reference.clone(), on_the_host(path)?)))
        .collect()
}

/// A path that was typed, whether there is something yet or not.
fn on_the_host(path: &Path) -> Result<PathBuf, InputError> {
    std::path::absolute(path)
        .map_err(|error| InputError::usage(format!("cannot use `{}`: {error}", path.display())))
}

fn reporters(arguments: &RunArguments) -> Result<Vec<Box<dyn Reporter>>, InputError> {
    let inside_github = std::env::var_os("GITHUB_ACTIONS").is_some_and(|value| value == "true");
    let default = if inside_github {
        Format::Github
    } else {
        Format::Human
    };
    let mut reporters: Vec<Box<dyn Reporter>> = Vec::new();
    if let Some(path) = &arguments.events {
        let file = EventsFile::create(path).map_err(|error| {
            InputError::usage(format!(
                "cannot write events to `{}`: {error}",
                path.display()
            ))
        })?;
        reporters.push(Box::new(file));
    }
    if arguments.stores_findings() {
        reporters.push(Box::new(FindingsFiles::below(&on_the_host(
            arguments.out(),
        )?)));
    }
    reporters.push(match arguments.format.unwrap_or(default) {
        Format::Human => {
            let out = arguments.out().display().to_string();
            let terse = arguments.command.is_some();
            Box::new(Human::<BufWriter<Stdout>, BufWriter<Stderr>>::to_terminal(
                out, terse,
            ))
        }
        Format::Github => Box::new(Github::to_stdout(random_word())),
        Format::Json => Box::new(Json::to_stdout().map_err(|error| {
            InputError::usage(format!("cannot write to standard output: {error}"))
        })?),
    });
    Ok(reporters)
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::cli::args::{Arguments, Command};

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

    #[test]
    fn what_is_written_and_the_secrets_stay_behind() {
        let typed = "dormer run job.yml --out o --events e.jsonl --secret-file s";
        let parsed = Arguments::try_parse_from(typed.split(' ')).unwrap();
        let Command::Run(arguments) = parsed.command else {
            panic!("it is a run");
        };
        let expected = ["o", "e.jsonl", "s"].map(|name| std::path::absolute(name).unwrap());
        assert_eq!(stays_behind(&arguments).unwrap(), expected);
    }
}
