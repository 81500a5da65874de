//! Programs that Dormer starts on the host: few, without a shell, bounded in time.

use std::ffi::OsString;
use std::io;
use std::path::Path;
use std::process::{Output, Stdio};

use rustix::process::{Pid, Signal, kill_process_group};
use tokio::io::{AsyncRead, AsyncReadExt};

use crate::host::clock::{Deadline, DeadlinePassed, within};

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

/// A program that gets nothing of this process's surroundings but what is named here.
#[derive(Debug)]
pub struct Sealed<'a> {
    /// Its name, looked for on the path, or its path.
    pub program: &'a Path,
    /// Its arguments.
    pub arguments: &'a [&'a str],
    /// All of its variables.
    pub environment: Vec<(String, OsString)>,
    /// Where it runs.
    pub directory: &'a Path,
}

/// Why a sealed program has no result.
#[derive(Debug)]
pub enum SealedError {
    /// It could not be started, or not be read from.
    Start(io::Error),
    /// It did not come to an end.
    Late(DeadlinePassed),
    /// Whoever watches had seen enough.
    Stopped,
}

/// How much of an output is taken.
const MOST: u64 = 1 << 20;

/// Runs such a program to its end, with all that it starts in turn. When the deadline passes, or nobody
/// waits any more, all of them are killed. Of each output a mebibyte is taken.
pub async fn run_sealed(sealed: Sealed<'_>, deadline: Deadline) -> Result<Output, SealedError> {
    let mut stdout = Vec::new();
    let take = |piece: &[u8]| {
        let room = usize::try_from(MOST).unwrap_or(usize::MAX) - stdout.len();
        stdout.extend_from_slice(&piece[..piece.len().min(room)]);
        true
    };
    let mut output = watch_sealed(sealed, deadline, take).await?;
    output.stdout = stdout;
    Ok(output)
}

/// Runs such a program while `look` takes what it prints, piece by piece, and gives true. When it does not
/// all that runs is killed, as it is when the deadline passes or nobody waits any more.
pub async fn watch_sealed(
    sealed: Sealed<'_>,
    deadline: Deadline,
    look: impl FnMut(&[u8]) -> bool,
) -> Result<Output, SealedError> {
    #[expect(
        clippy::disallowed_methods,
        reason = "the one place that starts processes"
    )]
    let mut command = tokio::process::Command::new(sealed.program);
    command
        .args(sealed.arguments)
        .env_clear()
        .envs(sealed.environment)
        .current_dir(sealed.directory)
        .process_group(0)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true);
    let mut child = command.spawn().map_err(SealedError::Start)?;
    let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
    let group = child.id().and_then(|id| Pid::from_raw(id.cast_signed()));
    let work = async {
        tokio::try_join!(
            async { child.wait().await.map_err(SealedError::Start) },
            looked_at(stdout, look),
            async { taken(stderr).await.map_err(SealedError::Start) },
        )
    };
    let work = std::pin::pin!(work);
    // Goes before the child does, and so before its number can be another's.
    let guard = Group(group);
    let ended = within(deadline, work).await.map_err(SealedError::Late)?;
    let (status, (), stderr) = ended?;
    guard.has_ended();
    Ok(Output {
        status,
        stdout: Vec::new(),
        stderr,
    })
}

/// Hands on everything, until it is enough.
async fn looked_at(
    from: Option<impl AsyncRead + Unpin>,
    mut look: impl FnMut(&[u8]) -> bool,
) -> Result<(), SealedError> {
    let Some(mut from) = from else { return Ok(()) };
    let mut piece = vec![0; 1 << 16];
    loop {
        let count = from.read(&mut piece).await.map_err(SealedError::Start)?;
        if count == 0 {
            return Ok(());
        }
        if !look(&piece[..count]) {
            return Err(SealedError::Stopped);
        }
    }
}

async fn taken(from: Option<impl AsyncRead + Unpin>) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    if let Some(from) = from {
        from.take(MOST).read_to_end(&mut bytes).await?;
    }
    Ok(bytes)
}

/// A program and what it started, which end with this.
struct Group(Option<Pid>);

impl Group {
    fn has_ended(mut self) {
        self.0 = None;
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        if let Some(leader) = self.0 {
            // One that is gone already is what is wanted.
            let _ = kill_process_group(leader, Signal::KILL);
        }
    }
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

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::*;

    fn shell<'a>(arguments: &'a [&'a str]) -> Sealed<'a> {
        Sealed {
            program: Path::new("/bin/sh"),
            arguments,
            environment: vec![("ONLY".to_owned(), OsString::from("this"))],
            directory: Path::new("/"),
        }
    }

    #[tokio::test]
    async fn a_sealed_program_sees_what_it_is_given() {
        let arguments = ["-c", "echo $ONLY ${HOME-none}; pwd; exit 3"];
        let deadline = Deadline::seconds("the end", 30);
        let output = run_sealed(shell(&arguments), deadline).await.unwrap();
        assert_eq!(output.stdout, b"this none\n/\n");
        assert_eq!(output.status.code(), Some(3));
    }

    /// The child of the child holds the output; only its end is the end of the whole.
    #[tokio::test]
    async fn what_a_program_started_ends_with_it() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("pid");
        let script = format!("sleep 300 & echo $! >{}; wait", file.display());
        let arguments = ["-c", script.as_str()];
        let deadline = Deadline {
            what: "the end",
            after: Duration::from_secs(1),
        };
        let mut sealed = shell(&arguments);
        let path = std::env::var_os("PATH").unwrap();
        sealed.environment.push(("PATH".to_owned(), path));
        let ended = run_sealed(sealed, deadline).await;
        assert!(matches!(ended, Err(SealedError::Late(_))));
        let pid = std::fs::read_to_string(file).unwrap();
        let status = format!("/proc/{}/status", pid.trim());
        let begun = Instant::now();
        let is_alive =
            || std::fs::read_to_string(&status).is_ok_and(|text| !text.contains("State:\tZ"));
        while is_alive() {
            assert!(begun.elapsed() < Duration::from_secs(10), "it lives on");
            std::thread::yield_now();
        }
    }
}
