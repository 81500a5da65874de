//! What can be typed. The comments are the help texts.

mod bounds;
mod hardware;
mod looking;
mod prepare;
mod standby;

use std::path::{Path, PathBuf};

use clap::builder::NonEmptyStringValueParser;
use clap::{Args, Parser, Subcommand, ValueEnum};

pub use bounds::BoundsArguments;
pub use hardware::HardwareArguments;
pub use looking::{
    CheckArguments, CheckFormat, EventArguments, ExprArguments, PlanArguments, ValueFormat,
};
pub use standby::StandbyArguments;

use crate::host::clock::Written;

pub use prepare::PrepareArguments;

/// GitHub-Actions-style jobs in disposable Windows VMs, on Linux
///
/// Each job gets a virtual machine of its own, made from a copy-on-write overlay of a cached image and
/// thrown away afterwards. Docker is all that the host needs; images are built when they are first used.
/// The guest that exists today, `compat`, is Debian with Wine and not Windows.
#[derive(Debug, Parser)]
#[command(name = "dormer", version, max_term_width = 100, after_help = EXIT_CODES)]
pub struct Arguments {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// Where artifacts go when nobody says.
const DEFAULT_OUT: &str = "dormer-out";

const EXIT_CODES: &str = "\
Exit codes:
  0    all jobs succeeded
  1    a step failed; `check` found errors; the expression of `expr` is wrong
  2    the command line or the workflow file is wrong
  69   the infrastructure failed (engine, machine, disk)
  70   a bug in Dormer
  75   the infrastructure failed, and another try may succeed
  78   the configuration is wrong (dormer.toml, labels, DOCKER_HOST)
  124  the time was over
  130  the run or a job was cancelled";

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run the jobs of a workflow file, or one command, in fresh machines
    Run(Box<RunArguments>),
    /// Check workflow and action files as GitHub would, and how they use one another
    ///
    /// Prints a line for each problem, `path:line:col: message`, those of a warning with `warning:` before
    /// the message. Local workflows and actions that a file uses are followed: their inputs, secrets and
    /// outputs. Without files it checks .github/workflows, the action of the repository around you, and
    /// those below .github/actions. Needs no engine.
    ///
    ///   dormer check .github/workflows/ci.yml
    ///
    /// Ends with 0 if there are no errors, 1 if there are, and 2 if a file can't be read.
    #[command(verbatim_doc_comment)]
    Check(CheckArguments),
    /// Show which jobs a workflow would have, in their order, without running any
    ///
    /// One line for each leg of a matrix: what it runs on, the image that it would get, what it needs and
    /// whether it runs. What depends on the outputs of jobs is known only after those, and says so. Called
    /// workflows of the same repository are planned too. If the filters of the event named with `--on` keep
    /// GitHub from starting the workflow, it says why. Needs no engine.
    ///
    ///   dormer plan .github/workflows/ci.yml --on workflow_dispatch --input deep=true
    #[command(verbatim_doc_comment)]
    Plan(PlanArguments),
    /// Evaluate one expression, as it would stand within `${{ }}`
    ///
    /// Prints what `${{ }}` would insert into a text. Each top-level key of the file of contexts is a
    /// context, whatever its name; any other name is unknown. Needs no engine.
    ///
    ///   echo '{"github": {"ref": "refs/heads/main"}}' > contexts.json
    ///   dormer expr "startsWith(github.ref, 'refs/heads/') && 'branch' || 'tag'" --context contexts.json
    ///
    /// Ends with 1 if the expression is wrong, which is said on standard error.
    #[command(verbatim_doc_comment)]
    Expr(ExprArguments),
    /// List, build, inspect, verify and remove images; make and remove their templates
    Image {
        /// What to do with images.
        #[command(subcommand)]
        command: ImageCommand,
    },
    /// List machines that run, were kept or stand by, with what they take of the host
    Ps {
        /// How to print them.
        #[arg(long, value_enum, default_value_t = ListFormat::Human)]
        format: ListFormat,
        /// Go on until Ctrl-C: anew on a terminal, else one list after the other, as JSON one a line
        #[arg(long)]
        watch: bool,
    },
    /// Open a shell inside a machine that runs or was kept
    ///
    /// On a terminal it is the guest's command prompt; otherwise it reads commands from standard input.
    Shell {
        /// The machine, as `dormer ps` shows it.
        id: String,
    },
    /// End a machine that runs, was kept or stands by
    Stop {
        /// The machine, as `dormer ps` shows it.
        id: String,
    },
    /// Remove what belongs to nobody any more
    ///
    /// Machines whose process died, those that were kept or stand by and whose time is over, interrupted
    /// builds, images that a newer one replaced, actions and prepared templates that nothing used for 30
    /// days. Only what belongs to this DORMER_HOME. Every `dormer run` does the same first.
    Gc {
        /// Only tell what would go, and why.
        #[arg(long)]
        dry_run: bool,
    },
    /// Check what Dormer needs from this host, and tell what to do about what is missing
    Doctor {
        /// How to print it.
        #[arg(long, value_enum, default_value_t = ListFormat::Human)]
        format: ListFormat,
    },
    /// Print a completion script, as in `dormer completions bash > /etc/bash_completion.d/dormer`
    Completions {
        /// The shell.
        shell: clap_complete::Shell,
    },
}

/// What to do with images.
#[derive(Debug, Subcommand)]
pub enum ImageCommand {
    /// List images, built and buildable, with their templates
    List {
        /// How to print them.
        #[arg(long, value_enum, default_value_t = ListFormat::Human)]
        format: ListFormat,
    },
    /// Build an image from its recipe, unless it is there already
    Build {
        /// The image.
        name: String,
    },
    /// Boot a machine, freeze it when it is ready, and keep it as a template that jobs wake from
    ///
    /// A machine wakes only from a template of the same image, memory, CPUs and accelerator; `dormer run`
    /// wakes one that fits by itself. Prints the template's key and its size. With `--prepare` a script runs
    /// in the machine before it is frozen; such a template serves `dormer run --prepare` of the same script.
    Warm(WarmArguments),
    /// Remove the templates of an image, and those that were found damaged
    ///
    /// Machines that woke from one go on; those that stand by are removed.
    Cool {
        /// The image.
        name: String,
    },
    /// Print an image's manifest
    Inspect {
        /// The image.
        name: String,
    },
    /// Check every byte of an image and of its templates against their digests
    Verify {
        /// The image.
        name: String,
    },
    /// Remove an image that no machine uses, with its templates and the machines that stand by
    Remove {
        /// The image.
        name: String,
    },
}

/// Which template to make.
#[derive(Debug, Args)]
pub struct WarmArguments {
    /// The image; built if it is not there.
    pub name: String,
    /// The machine itself
    #[command(flatten)]
    pub hardware: HardwareArguments,
    /// What the prepare script and machines that stand by can reach [default: full]
    ///
    /// A job takes only a machine with its own network.
    #[arg(long, value_enum)]
    pub network: Option<NetworkMode>,
    /// What prepares it
    #[command(flatten)]
    pub prepare: PrepareArguments,
    /// How many machines stand by
    #[command(flatten)]
    pub standby: StandbyArguments,
}

/// How a list is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ListFormat {
    /// A table for people.
    Human,
    /// JSON for programs.
    Json,
}

/// How a job is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For people.
    Human,
    /// With GitHub's workflow commands.
    Github,
    /// One JSON event a line.
    Json,
}

/// What a guest can reach.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum NetworkMode {
    /// Nothing.
    None,
    /// The outside; never this host, other machines or private networks.
    Full,
}

/// What runs the virtual CPUs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum AcceleratorWish {
    /// KVM where it is proved to work, else emulation.
    Auto,
    /// KVM, or no job.
    Kvm,
    /// Emulation.
    Tcg,
}

/// How a machine comes to run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum StartMode {
    /// Wake where a template fits (`dormer image warm`), else boot.
    Auto,
    /// Boot.
    Cold,
    /// Wake; make the template first where there is none.
    Warm,
}

/// When a machine outlives its job.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum KeepWhen {
    /// Never.
    Never,
    /// When the job did not succeed.
    OnFailure,
    /// Always.
    Always,
}

/// Which job, and how.
#[derive(Debug, Args)]
#[command(
    override_usage = "dormer run [OPTIONS] <WORKFLOW.yml>\n       dormer run [OPTIONS] -c <COMMAND>"
)]
pub struct RunArguments {
    /// The workflow file
    #[arg(value_name = "WORKFLOW.yml", required_unless_present = "command")]
    pub workflow: Option<PathBuf>,

    /// Run this one command instead of a workflow
    #[arg(
        short = 'c',
        value_name = "COMMAND",
        value_parser = NonEmptyStringValueParser::new(),
        conflicts_with_all = ["workflow", "job"]
    )]
    pub command: Option<String>,

    /// The shell for `-c` [default: the guest's own]
    #[arg(
        long,
        value_name = "SHELL",
        requires = "command",
        conflicts_with = "workflow"
    )]
    pub shell: Option<String>,

    /// The one job to run, by itself [default: all of them]
    ///
    /// What it says of its place among others (`needs`, `if`, `concurrency`) then has no effect; its
    /// matrix has.
    #[arg(long, value_name = "ID")]
    pub job: Option<String>,

    /// The event that the run is for [default: workflow_dispatch, else push, else the file's first]
    ///
    /// Where its filters (`branches`, `paths`, `types`, …) would not let it through, a warning says so.
    #[arg(long, value_name = "EVENT", conflicts_with = "command")]
    pub on: Option<String>,

    /// A file with the event's payload, a JSON object as GitHub sends it
    #[arg(long, value_name = "FILE", conflicts_with = "command")]
    pub payload: Option<PathBuf>,

    /// An input of the workflow; may be given several times
    #[arg(long = "input", value_name = "K=V", value_parser = parse_variable, conflicts_with = "command")]
    pub inputs: Vec<(String, String)>,

    /// A configuration variable, for the `vars` context; may be given several times
    #[arg(long = "var", value_name = "K=V", value_parser = parse_variable)]
    pub vars: Vec<(String, String)>,

    /// A file of configuration variables, one `NAME=value` a line
    #[arg(long, value_name = "FILE")]
    pub var_file: Option<PathBuf>,

    /// How many machines of this run there are at once [default: as many as there is room for]
    ///
    /// Machines of all runs wait for room in order: for memory, processors and disk.
    #[arg(long, value_name = "N", allow_negative_numbers = true, value_parser = parse_parallel)]
    pub parallel: Option<usize>,

    /// Skip jobs that no image serves, and those that need them, instead of refusing the run
    #[arg(long)]
    pub skip_unmatched: bool,

    /// The image to run it in [default: by the job's `runs-on`]
    #[arg(long, value_name = "NAME")]
    pub image: Option<String>,

    /// The directory to copy into the guest [default: the git root of the current directory]
    ///
    /// What `.gitignore` names stays behind; `.git` and tracked files always come along.
    #[arg(long, value_name = "DIR")]
    pub workspace: Option<PathBuf>,

    /// Files to bring back, as `build\**\*.exe`; may be given several times
    ///
    /// Below the workspace, or anywhere with a drive (`C:\logs\*`). `/` and `\` are the same, and so are
    /// upper and lower case. `!PATTERN` takes away. They come back from a failed job too.
    #[arg(long = "artifact", value_name = "GLOB")]
    pub artifacts: Vec<String>,

    /// Where artifacts go, with a manifest.json [default: dormer-out]
    ///
    /// Those that steps upload with `actions/upload-artifact` go to `artifacts/NAME` in it; they live as
    /// long as the run if neither this nor `--artifact` is given.
    ///
    /// Beside them come `summary.md` if steps wrote summaries, and `annotations.json` and
    /// `annotations.sarif` if they have annotations. Without `--artifact` these come only if `--out` is
    /// given.
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,

    /// A variable for every step; stands above the file's
    #[arg(long = "env", value_name = "K=V", value_parser = parse_variable)]
    pub environment: Vec<(String, String)>,

    /// A secret, its value taken from the environment variable of the same name
    #[arg(long = "secret", value_name = "NAME")]
    pub secrets: Vec<String>,

    /// A file of secrets, one `NAME=value` a line
    #[arg(long, value_name = "FILE")]
    pub secret_file: Option<PathBuf>,

    /// A directory that stands in for an action, as `owner/repo@ref=DIR`; may be given several times
    ///
    /// The whole repository of the action, or what there is of it: what `.gitignore` names there stays
    /// behind.
    #[arg(long = "action", value_name = "ACTION=DIR", value_parser = parse_mapping)]
    pub actions: Vec<(String, PathBuf)>,

    /// Look up what branches and tags of actions mean now, though they were used before
    ///
    /// Without it an action stays at the commit that its branch or tag meant when it was first used.
    #[arg(long)]
    pub refresh_actions: bool,

    /// Run `actions/upload-artifact` and `actions/download-artifact` as they are, instead of serving them
    ///
    /// They are fetched like other actions then, and need GitHub's service for artifacts.
    #[arg(long)]
    pub real_actions: bool,

    /// The machine itself
    #[command(flatten)]
    pub hardware: HardwareArguments,

    /// What the guest can reach [default: full]
    #[arg(long, value_enum)]
    pub network: Option<NetworkMode>,

    /// What the machine may take of the host.
    #[command(flatten)]
    pub bounds: BoundsArguments,

    /// How the machine comes to run: it boots, or wakes from a template
    ///
    /// Making a template takes some of the job's time.
    #[arg(long, value_enum, default_value_t = StartMode::Auto)]
    pub start: StartMode,

    /// What prepares the machine
    #[command(flatten)]
    pub prepare: PrepareArguments,

    /// After a run whose machine booted for want of a template, make that template
    ///
    /// From a fresh boot, once for all jobs. The result is told first; then the process stays until the
    /// template is made, and ends with the run's exit code whatever comes of it. Ctrl-C leaves it out.
    #[arg(long)]
    pub warm_after: bool,

    /// How many machines stand by
    #[command(flatten)]
    pub standby: StandbyArguments,

    /// Write events to this file, one JSON object a line
    #[arg(long, value_name = "FILE")]
    pub events: Option<PathBuf>,

    /// How to show the job [default: human, or github inside GitHub Actions]
    #[arg(long, value_enum)]
    pub format: Option<Format>,

    /// Whether the machine outlives its job, to look inside with `dormer shell`
    #[arg(long, value_enum, default_value_t = KeepWhen::Never)]
    pub keep: KeepWhen,

    /// How long the run may take, as 90s, 30m or 1h30m; image builds are not counted
    #[arg(long, value_name = "D", allow_negative_numbers = true, value_parser = parse_timeout)]
    pub timeout: Option<Written>,
}

impl RunArguments {
    /// Where artifacts go.
    pub fn out(&self) -> &Path {
        self.out.as_deref().unwrap_or(Path::new(DEFAULT_OUT))
    }

    /// Whether findings are to be stored beside the artifacts: nobody gets a directory unasked.
    pub fn stores_findings(&self) -> bool {
        self.out.is_some() || !self.artifacts.is_empty()
    }
}

fn parse_variable(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if is_variable_name(name) => Ok((name.to_owned(), value.to_owned())),
        _ => Err(format!("`{text}` is no variable: write NAME=value")),
    }
}

/// `owner/repo@ref=DIR`; a ref has no `=`.
fn parse_mapping(text: &str) -> Result<(String, PathBuf), String> {
    let parts = text.split_once('=').filter(|(_, path)| !path.is_empty());
    let complaint = || format!("`{text}` maps no action: write owner/repo@ref=DIR");
    let (reference, path) = parts.ok_or_else(complaint)?;
    let (name, git_ref) = reference.split_once('@').ok_or_else(complaint)?;
    let names: Vec<&str> = name.split('/').collect();
    let is_whole = names.len() == 2 && names.iter().all(|part| !part.is_empty());
    if !is_whole || git_ref.is_empty() {
        return Err(complaint());
    }
    Ok((reference.to_owned(), PathBuf::from(path)))
}

fn parse_parallel(text: &str) -> Result<usize, String> {
    const MOST: usize = 1024;
    match text.parse() {
        Ok(number @ 1..=MOST) => Ok(number),
        _ => Err(format!("`{text}` is not a number from 1 to {MOST}")),
    }
}

/// What has no time at all would only be made and removed.
fn parse_timeout(text: &str) -> Result<Written, String> {
    let timeout: Written = text.parse()?;
    if timeout.length.is_zero() {
        return Err(format!("`{text}` leaves no time"));
    }
    Ok(timeout)
}

/// Whether a variable can have this name.
pub fn is_variable_name(name: &str) -> bool {
    !name.is_empty() && !name.contains(['=', '\0', '\n', '\r'])
}

#[cfg(test)]
mod tests;
