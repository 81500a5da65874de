//! The command line: what was typed, what it means, and who does it. Everything that is printed here is
//! printed for the one who typed it.

pub mod args;
mod check;
mod doctor;
mod expr;
mod gc;
mod image;
mod machines;
mod output;
mod plan;
mod pool;
mod prepare;
mod ps;
mod run;
mod secrets;
mod shell;
mod trigger;
mod warm;
mod workshop;

use clap::{CommandFactory, Parser};

use crate::cli::args::{Arguments, Command};
use crate::exit_code;
use crate::failure::{Bug, Failure, InfraFailure};
use crate::job::outcome::of_failure;

/// Reads the command line and does what it says; returns what the process ends with.
pub fn main() -> u8 {
    // A panic is a bug, and has an exit code of its own.
    std::panic::set_hook(Box::new(|panic| {
        output::failure(&Failure::from(bug(panic)))
    }));
    std::panic::catch_unwind(obey).unwrap_or(exit_code::BUG)
}

fn bug(panic: &std::panic::PanicHookInfo<'_>) -> Bug {
    let what = panic.payload_as_str().unwrap_or("it gives no reason");
    let place = panic.location().map(ToString::to_string);
    let place = place.unwrap_or_else(|| "an unknown place".to_owned());
    Bug {
        message: format!("{what}, at {place}"),
    }
}

fn obey() -> u8 {
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => {
            let written = error.print();
            if error.use_stderr() {
                return exit_code::USAGE;
            }
            // Help and version come this way too, and are no error.
            return code_of(output::printed(written).map(|()| exit_code::SUCCESS));
        }
    };
    code_of(dispatch(arguments.command))
}

/// The exit code of a command, which tells its failure.
fn code_of(ended: Result<u8, Failure>) -> u8 {
    ended.unwrap_or_else(|failure| {
        output::failure(&failure);
        of_failure(&failure)
    })
}

fn dispatch(command: Command) -> Result<u8, Failure> {
    if let Command::Completions { shell } = command {
        let mut script = Vec::new();
        clap_complete::generate(shell, &mut Arguments::command(), "dormer", &mut script);
        output::bytes(&script)?;
        return Ok(exit_code::SUCCESS);
    }
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .map_err(|error| InfraFailure::new("cannot start Dormer's own threads").because(error))?;
    let result = runtime.block_on(async {
        match command {
            Command::Run(arguments) => run::run(*arguments).await,
            Command::Check(arguments) => check::check(&arguments),
            Command::Plan(arguments) => plan::plan(&arguments).await,
            Command::Expr(arguments) => expr::expr(&arguments),
            Command::Image { command } => image::image(command).await,
            Command::Ps { format, watch } => ps::list(format, watch).await,
            Command::Shell { id } => shell::shell(&id).await,
            Command::Stop { id } => machines::stop(&id).await,
            Command::Gc { dry_run } => gc::collect(dry_run).await,
            Command::Doctor { format } => doctor::doctor(format).await,
            Command::Completions { .. } => Ok(exit_code::SUCCESS),
        }
    });
    // A thread that still waits for the terminal must not hold up the end.
    runtime.shutdown_background();
    result
}
