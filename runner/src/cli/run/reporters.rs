//! Who shows a run, and where it is recorded.

use std::io::{BufWriter, Stderr, Stdout};

use crate::cli::args::{Format, RunArguments};
use crate::cli::run::settings::on_the_host;
use crate::failure::InputError;
use crate::guest::channel::random_word;
use crate::report::Reporter;
use crate::report::events_file::EventsFile;
use crate::report::findings::files::FindingsFiles;
use crate::report::github::Github;
use crate::report::github_many::GithubMany;
use crate::report::human::Human;
use crate::report::json::Json;
use crate::report::many::Many;

/// The reporters that were asked for; of one job alone people see no more than that job.
pub(super) fn reporters(
    arguments: &RunArguments,
    is_single: bool,
) -> Result<Vec<Box<dyn Reporter>>, InputError> {
    let mut reporters: Vec<Box<dyn Reporter>> = Vec::new();
    if let Some(path) = &arguments.events {
        let file = EventsFile::create(path).map_err(|error| {
            let path = path.display();
            InputError::usage(format!("cannot write events to `{path}`: {error}"))
        })?;
        reporters.push(Box::new(file));
    }
    if arguments.stores_findings() {
        let out = on_the_host(arguments.out())?;
        reporters.push(Box::new(FindingsFiles::below(&out)));
    }
    reporters.push(shown(arguments, is_single)?);
    Ok(reporters)
}

/// Who tells what the script of a template prints that is of no job: on standard error, since standard output
/// is for results.
pub(in crate::cli) fn of_a_template() -> Box<dyn Reporter> {
    if is_inside_github() {
        let err = BufWriter::new(std::io::stderr());
        return Box::new(Github::new(err, random_word()));
    }
    let human = Human::<BufWriter<Stdout>, BufWriter<Stderr>>::to_terminal(String::new(), false);
    Box::new(human)
}

fn is_inside_github() -> bool {
    std::env::var_os("GITHUB_ACTIONS").is_some_and(|value| value == "true")
}

fn shown(arguments: &RunArguments, is_single: bool) -> Result<Box<dyn Reporter>, InputError> {
    let default = if is_inside_github() {
        Format::Github
    } else {
        Format::Human
    };
    let out = arguments.out().display().to_string();
    let terse = arguments.command.is_some();
    Ok(match arguments.format.unwrap_or(default) {
        Format::Human if is_single => Box::new(
            Human::<BufWriter<Stdout>, BufWriter<Stderr>>::to_terminal(out, terse),
        ),
        Format::Human => Box::new(Many::<BufWriter<Stdout>, BufWriter<Stderr>>::to_terminal(
            out,
        )),
        Format::Github if is_single => Box::new(Github::to_stdout(random_word())),
        Format::Github => Box::new(GithubMany::to_stdout(random_word())),
        Format::Json => Box::new(Json::to_stdout().map_err(|error| {
            InputError::usage(format!("cannot write to standard output: {error}"))
        })?),
    })
}
