//! Programs that Dormer starts on the host: few, without a shell, bounded in time.

use std::io;
use std::process::{Output, Stdio};

use crate::host::clock::{Deadline, within};

/// Whether a program of this name is on the path.
pub fn is_on_path(program: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|directory| directory.join(program).is_file())
}

/// Runs a program to its end with nothing on its standard input, and returns what it printed. It is
/// killed when the deadline passes.
pub async fn run(program: &str, arguments: &[&str], deadline: Deadline) -> io::Result<Output> {
    let output = command(program, arguments).output();
    match within(deadline, output).await {
        Ok(output) => output,
        Err(passed) => Err(io::Error::new(io::ErrorKind::TimedOut, passed)),
    }
}

/// Starts a program whose standard output the caller reads, to be used as a stream.
pub fn spawn_reader(program: &str, arguments: &[&str]) -> io::Result<tokio::process::Child> {
    let mut command = command(program, arguments);
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    command.spawn()
}

/// A program that reads nothing and does not outlive the one who waits for it.
fn command(program: &str, arguments: &[&str]) -> tokio::process::Command {
    #[expect(
        clippy::disallowed_methods,
        reason = "the one place that starts processes"
    )]
    let mut command = tokio::process::Command::new(program);
    command
        .args(arguments)
        .stdin(Stdio::null())
        .kill_on_drop(true);
    command
}
