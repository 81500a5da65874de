//! What can be typed of commands that need no engine. The comments are the help texts.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use crate::cli::args::{ListFormat, parse_mapping, parse_variable};

/// What to check.
#[derive(Debug, Args)]
pub struct CheckArguments {
    /// Workflow and action files [default: those of the repository around you]
    #[arg(value_name = "FILE")]
    pub files: Vec<PathBuf>,

    /// How to print problems
    #[arg(long, value_enum, default_value_t = CheckFormat::Human)]
    pub format: CheckFormat,

    /// Show the line of each problem and what to do about it, as on a terminal
    #[arg(short, long)]
    pub verbose: bool,
}

/// How problems are printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum CheckFormat {
    /// A line each, on a terminal with the source below it.
    Human,
    /// As GitHub's workflow commands, for annotations in a pull request.
    Github,
    /// JSON for programs.
    Json,
}

/// What to plan.
#[derive(Debug, Args)]
pub struct PlanArguments {
    /// The workflow file
    #[arg(value_name = "WORKFLOW")]
    pub workflow: PathBuf,

    /// What starts the run, and with what
    #[command(flatten)]
    pub event: EventArguments,

    /// A directory that stands in for a repository, as `owner/repo@ref=DIR`; may be given several times
    ///
    /// Workflows of other repositories are planned too where they are in one, or were fetched by a run.
    #[arg(long = "action", value_name = "ACTION=DIR", value_parser = parse_mapping)]
    pub actions: Vec<(String, PathBuf)>,

    /// How to print the plan
    #[arg(long, value_enum, default_value_t = ListFormat::Human)]
    pub format: ListFormat,
}

/// How a run of a workflow starts.
#[derive(Debug, Default, Args)]
pub struct EventArguments {
    /// The event [default: workflow_dispatch, else push, else the workflow's first]
    #[arg(long = "on", value_name = "EVENT")]
    pub event: Option<String>,

    /// What the event tells, a JSON object as GitHub's webhooks send it: `github.event`
    #[arg(long, value_name = "FILE")]
    pub payload: Option<PathBuf>,

    /// An input, for `workflow_dispatch` and `workflow_call`; may be given several times
    #[arg(long = "input", value_name = "K=V", value_parser = parse_variable)]
    pub inputs: Vec<(String, String)>,

    /// A configuration variable, for `vars`; may be given several times
    #[arg(long = "var", value_name = "K=V", value_parser = parse_variable)]
    pub variables: Vec<(String, String)>,
}

/// What to evaluate.
#[derive(Debug, Args)]
pub struct ExprArguments {
    /// The expression, without `${{ }}`
    #[arg(value_name = "EXPRESSION", allow_hyphen_values = true)]
    pub expression: String,

    /// A JSON object of contexts; `-` is standard input
    #[arg(long, value_name = "FILE.json")]
    pub context: Option<PathBuf>,

    /// How to print the value
    #[arg(long, value_enum, default_value_t = ValueFormat::Human)]
    pub format: ValueFormat,
}

/// How a value is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ValueFormat {
    /// The text that `${{ }}` inserts.
    Human,
    /// JSON for programs: the value, its kind and that text.
    Json,
}
