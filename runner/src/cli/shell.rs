//! `dormer shell`: a terminal inside a machine, or commands from a pipe.

use std::io::{IsTerminal, Read, Write};
use std::os::fd::AsFd;

use bytes::Bytes;
use rustix::termios::{OptionalActions, Termios, tcgetattr, tcgetwinsize, tcsetattr};

use crate::cli::workshop::Base;
use crate::config;
use crate::exit_code;
use crate::failure::{Failure, InfraFailure};
use crate::guest::channel::piped_input;
use crate::guest::command::{Exit, Output};
use crate::guest::pipe::PipeWriter;
use crate::guest::ssh::Terminal;
use crate::guest::transport::Started;
use crate::instance::kept;

pub(super) async fn shell(id: &str) -> Result<u8, Failure> {
    let base = Base::open()?;
    let found = kept::find(&base.home, id)?;
    let config = config::load(None)?.config;
    let equipped = base.with_engine(&config).await?;
    let (_vm, transport) = kept::connect(&equipped.engine, &equipped.home, &found).await?;
    let (writer, input) = piped_input();
    let terminal = RawTerminal::enter();
    let described = terminal.as_ref().map(RawTerminal::describe);
    let started = transport.shell(described, input).map_err(refused)?;
    talk(started, writer).await
}

/// Hands on what is typed and what is printed, until the shell ends.
async fn talk(mut started: Started, writer: PipeWriter) -> Result<u8, Failure> {
    // A thread that blocks on standard input and is left behind when the shell ends first.
    std::thread::spawn(move || forward_input(writer));
    while let Some(piece) = started.output.next().await {
        let written = match piece {
            Output::Stdout(bytes) => print(&mut std::io::stdout(), &bytes),
            Output::Stderr(bytes) => print(&mut std::io::stderr(), &bytes),
        };
        if written.is_err() {
            break;
        }
    }
    match started.exit.await {
        Ok(Ok(Exit::Code(0))) => Ok(exit_code::SUCCESS),
        Ok(Ok(_)) => Ok(exit_code::STEP_FAILED),
        Ok(Err(error)) => Err(refused(error)),
        Err(_) => Ok(exit_code::SUCCESS),
    }
}

fn forward_input(mut writer: PipeWriter) {
    let mut buffer = [0; 4096];
    while let Ok(length) = std::io::stdin().read(&mut buffer) {
        let sent = length > 0
            && writer
                .write_all(&Bytes::copy_from_slice(&buffer[..length]))
                .is_ok();
        if !(sent && writer.flush().is_ok()) {
            break;
        }
    }
}

fn print(out: &mut dyn Write, bytes: &[u8]) -> std::io::Result<()> {
    out.write_all(bytes)?;
    out.flush()
}

fn refused(error: impl std::error::Error + Send + Sync + 'static) -> Failure {
    InfraFailure::transient("the shell in the guest ended")
        .because(error)
        .into()
}

/// The user's terminal without its own line editing, until this is dropped.
struct RawTerminal {
    before: Termios,
}

impl RawTerminal {
    /// None where standard input or output is no terminal.
    fn enter() -> Option<Self> {
        if !(std::io::stdin().is_terminal() && std::io::stdout().is_terminal()) {
            return None;
        }
        let before = tcgetattr(std::io::stdin().as_fd()).ok()?;
        let mut raw = before.clone();
        raw.make_raw();
        tcsetattr(std::io::stdin().as_fd(), OptionalActions::Now, &raw).ok()?;
        Some(Self { before })
    }

    fn describe(&self) -> Terminal {
        let size = tcgetwinsize(std::io::stdout().as_fd()).ok();
        Terminal {
            kind: std::env::var("TERM").unwrap_or_else(|_| "xterm".to_owned()),
            columns: size.map_or(80, |size| u32::from(size.ws_col)),
            rows: size.map_or(24, |size| u32::from(size.ws_row)),
        }
    }
}

impl Drop for RawTerminal {
    fn drop(&mut self) {
        let _ = tcsetattr(
            std::io::stdin().as_fd(),
            OptionalActions::Flush,
            &self.before,
        );
    }
}
