//! `dormer check`: what is wrong with workflow and action files, in forms for people, programs and
//! GitHub's log.

use std::io::IsTerminal;
use std::path::Path;

use dormer_workflow::check::{self, Kind, Report};
use dormer_workflow::command::{Place, escape};
use dormer_workflow::{Location, Problem};
use serde::Serialize;

use crate::cli::args::{CheckArguments, CheckFormat};
use crate::cli::output;
use crate::exit_code;
use crate::failure::{Failure, InputError};
use crate::report::plain::{harmless, harmless_name};
use crate::report::style::{Palette, Tone};
use crate::source::tree::{Tree, did_you_mean};

/// The version of the form for programs.
const VERSION: u32 = 1;

pub(super) fn check(arguments: &CheckArguments) -> Result<u8, Failure> {
    let files = if arguments.files.is_empty() {
        files_around()?
    } else {
        let typed = arguments.files.iter();
        typed.map(|path| check_named(path)).collect()
    };
    let printed = match arguments.format {
        CheckFormat::Human => human(&files, arguments.verbose),
        CheckFormat::Json => output::json(&document(&files)),
        CheckFormat::Github => {
            problems(&files).try_for_each(|found| output::line(&annotation(&found)))
        }
    };
    for error in files.iter().filter_map(|file| file.outcome.as_ref().err()) {
        output::error(error);
    }
    printed?;
    Ok(code(&files))
}

/// A file and what became of it.
struct Checked {
    /// As it was typed, or from the current directory.
    shown: String,
    /// What was found, or why it can't be read.
    outcome: Result<Report, String>,
}

/// One problem, with its weight.
struct Found<'c> {
    problem: &'c Problem,
    is_error: bool,
}

fn check_named(path: &Path) -> Checked {
    let outcome = match Tree::around(path) {
        Ok((tree, path)) => check_in(&tree, &path),
        Err(error) => Err(error.message),
    };
    Checked {
        shown: path.display().to_string(),
        outcome: outcome.map_err(|why| match did_you_mean(path) {
            Some(question) => format!("{why}; {question}"),
            None => why,
        }),
    }
}

fn check_in(tree: &Tree, path: &str) -> Result<Report, String> {
    check::check(tree, path).map_err(|why| format!("cannot read `{}`: {why}", tree.shown(path)))
}

/// All that the repository around the current directory has.
fn files_around() -> Result<Vec<Checked>, InputError> {
    let tree = Tree::of(Path::new("."))?;
    let paths = tree.workflows_and_actions();
    if paths.is_empty() {
        let root = tree.root().display();
        let message = format!("there are no workflows and no action in `{root}`");
        return Err(InputError::usage(message).help("name the files to check"));
    }
    let checked = paths.iter().map(|path| Checked {
        shown: tree.shown(path),
        outcome: check_in(&tree, path),
    });
    Ok(checked.collect())
}

/// A file that can't be read stands above problems: nobody knows what is in it.
fn code(files: &[Checked]) -> u8 {
    if files.iter().any(|file| file.outcome.is_err()) {
        exit_code::USAGE
    } else if problems(files).any(|found| found.is_error) {
        exit_code::PROBLEMS
    } else {
        exit_code::SUCCESS
    }
}

/// File by file, and in each in the order of its lines.
fn problems(files: &[Checked]) -> impl Iterator<Item = Found<'_>> {
    let reports = files.iter().filter_map(|file| file.outcome.as_ref().ok());
    reports.flat_map(|report| {
        let found = |is_error| move |problem| Found { problem, is_error };
        let errors = report.errors.iter().map(found(true));
        let mut all: Vec<_> = errors
            .chain(report.warnings.iter().map(found(false)))
            .collect();
        all.sort_by_key(|found| (found.problem.span, !found.is_error));
        all
    })
}

fn human(files: &[Checked], verbose: bool) -> Result<(), Failure> {
    let shows_lines = verbose || std::io::stdout().is_terminal();
    let palette = Palette::for_stdout();
    for found in problems(files) {
        output::line(&head(&found, palette))?;
        if shows_lines {
            let rendered = found.problem.render();
            let below = rendered.split_once('\n').map_or("", |(_, below)| below);
            output::line(&format!("{}\n", harmless(below)))?;
        }
    }
    if files.iter().any(|file| file.outcome.is_ok()) {
        output::note(&summary(files));
    }
    Ok(())
}

/// The line that scripts look for: `path:line:col: message`.
fn head(found: &Found<'_>, palette: Palette) -> String {
    let Location { line, column } = found.problem.location;
    let file = harmless_name(&found.problem.file);
    let mark = if found.is_error {
        String::new()
    } else {
        palette.paint(Tone::Caution, "warning:") + " "
    };
    let message = harmless_name(&found.problem.message);
    format!("{file}:{line}:{column}: {mark}{message}")
}

fn summary(files: &[Checked]) -> String {
    let count = |is_error| {
        problems(files)
            .filter(|found| found.is_error == is_error)
            .count()
    };
    let counted = |count: usize, what: &str| match count {
        1 => format!("1 {what}"),
        _ => format!("{count} {what}s"),
    };
    let warnings = match count(false) {
        0 => String::new(),
        warnings => format!(", {}", counted(warnings, "warning")),
    };
    let read = files.iter().filter(|file| file.outcome.is_ok()).count();
    let files = counted(read, "file");
    format!(
        "checked {files}: {}{warnings}",
        counted(count(true), "error")
    )
}

/// GitHub shows these beside the line of a pull request.
fn annotation(found: &Found<'_>) -> String {
    let Problem {
        file,
        location,
        message,
        help,
        ..
    } = found.problem;
    let command = if found.is_error { "error" } else { "warning" };
    let message = match help {
        Some(help) => format!("{message}\nhelp: {help}"),
        None => message.clone(),
    };
    format!(
        "::{command} file={},line={},col={}::{}",
        escape(file, Place::Property),
        location.line,
        location.column,
        escape(&message, Place::Message)
    )
}

/// The form for programs. Fields may be added; none changes its meaning while `version` is the same.
#[derive(Serialize)]
struct Document<'c> {
    version: u32,
    files: Vec<CheckedFile<'c>>,
    problems: Vec<CheckedProblem<'c>>,
}

#[derive(Serialize)]
struct CheckedFile<'c> {
    file: &'c str,
    /// `workflow` or `action`; null where it can't be read.
    kind: Option<&'static str>,
    /// Why it can't be read; null where it can.
    unreadable: Option<&'c str>,
}

#[derive(Serialize)]
struct CheckedProblem<'c> {
    file: &'c str,
    /// From 1.
    line: usize,
    /// In characters, from 1.
    column: usize,
    /// `error` or `warning`.
    severity: &'static str,
    message: &'c str,
    /// What to do about it; null where nobody knows.
    help: Option<&'c str>,
}

fn document(files: &[Checked]) -> Document<'_> {
    Document {
        version: VERSION,
        files: files.iter().map(checked_file).collect(),
        problems: problems(files).map(checked_problem).collect(),
    }
}

fn checked_file(file: &Checked) -> CheckedFile<'_> {
    let report = file.outcome.as_ref().ok();
    CheckedFile {
        file: &file.shown,
        kind: report.map(|report| match report.kind {
            Kind::Workflow => "workflow",
            Kind::Action => "action",
        }),
        unreadable: file.outcome.as_ref().err().map(String::as_str),
    }
}

fn checked_problem(found: Found<'_>) -> CheckedProblem<'_> {
    let problem = found.problem;
    CheckedProblem {
        file: &problem.file,
        line: problem.location.line,
        column: problem.location.column,
        severity: if found.is_error { "error" } else { "warning" },
        message: &problem.message,
        help: problem.help.as_deref(),
    }
}
