//! Commands for a guest, in the shape of `std::process::Command`, and what becomes of them.

use bytes::Bytes;
use thiserror::Error;

use crate::failure::InfraFailure;
use crate::guest::pipe::{PipeReader, Reader};
use crate::guest::pulse::Watch;

/// A program to run inside.
#[derive(Debug)]
pub struct GuestCommand {
    /// The program and its arguments, each as it should arrive.
    pub arguments: Vec<String>,
    /// Variables on top of the guest's own. Values may be secrets: they are never put on a command
    /// line, not even inside.
    pub environment: Vec<(String, String)>,
    /// The working directory, as the dialect writes paths; the user's home if none.
    pub directory: Option<String>,
    /// What it reads.
    pub input: Input,
}

impl GuestCommand {
    /// A program with arguments, no further variables, and nothing to read.
    pub fn new<I: Into<String>>(arguments: impl IntoIterator<Item = I>) -> Self {
        Self {
            arguments: arguments.into_iter().map(Into::into).collect(),
            environment: Vec::new(),
            directory: None,
            input: Input::Nothing,
        }
    }

    /// Sets what it reads.
    #[must_use]
    pub fn input(mut self, input: Input) -> Self {
        self.input = input;
        self
    }
}

/// What a program reads on its standard input.
#[derive(Debug)]
pub enum Input {
    /// Nothing: it is at its end at once.
    Nothing,
    /// These bytes.
    Bytes(Bytes),
    /// Whatever somebody puts in at the other end, until that is dropped.
    Pipe(PipeReader),
}

/// A piece of a program's output. Pieces of one stream keep their order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Output {
    /// Printed on standard output.
    Stdout(Bytes),
    /// Printed on standard error.
    Stderr(Bytes),
}

/// How a program ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Exit {
    /// With a code, all 32 bits of it.
    Code(u32),
    /// By a signal of this name, as `TERM`.
    Signal(String),
}

impl Exit {
    /// Whether it is the code 0.
    pub fn is_success(&self) -> bool {
        *self == Self::Code(0)
    }
}

/// What to tell a tree of processes, from asking to forcing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Signal {
    /// As Ctrl-C does.
    Interrupt,
    /// As Ctrl-Break does.
    Terminate,
    /// There is no answer to this one.
    Kill,
}

/// Why a channel did not do as it was told. A command that ran and failed is not among these.
#[derive(Debug, Error)]
pub enum ChannelError {
    /// The connection is gone, and what ran over it with it.
    #[error("the connection to the guest was lost: {0}")]
    Lost(String),
    /// The guest refused, or did something that no guest should.
    #[error("the guest did not do as it was told: {0}")]
    Refused(String),
    /// The guest could not enter the working directory.
    #[error("there is no directory `{0}` in the guest")]
    NoDirectory(String),
    /// The guest had something to do, and nothing has moved for so long.
    #[error("the guest has {done} for {seconds} s while {meanwhile}")]
    Stalled {
        /// What it has done, as in "taken nothing".
        done: &'static str,
        /// What was going on, as in "files were sent to it".
        meanwhile: &'static str,
        /// How long it was waited for.
        seconds: u64,
    },
}

impl ChannelError {
    /// Whether it is the machine that stands still or is gone: nothing else can be done in it, and another
    /// one may well do.
    pub fn is_transient(&self) -> bool {
        matches!(self, Self::Lost(_) | Self::Stalled { .. })
    }

    /// The failure of what was attempted.
    pub fn fails(self, attempted: impl Into<String>) -> InfraFailure {
        if !self.is_transient() {
            return InfraFailure::new(attempted).because(self);
        }
        InfraFailure::transient(attempted)
            .because(self)
            .help("the evidence tells more; another try may well succeed")
    }
}

/// A running program.
#[derive(Debug)]
pub struct GuestProcess {
    output: Reader<Output>,
    exit: tokio::sync::oneshot::Receiver<Result<Exit, ChannelError>>,
    watch: Watch,
    tag: String,
}

impl GuestProcess {
    /// A process whose output and end arrive here, and what tells whether the guest goes on with it; `tag` is
    /// what [`Signal`]s name it by.
    pub fn new(
        output: Reader<Output>,
        exit: tokio::sync::oneshot::Receiver<Result<Exit, ChannelError>>,
        watch: Watch,
        tag: String,
    ) -> Self {
        Self {
            output,
            exit,
            watch,
            tag,
        }
    }

    /// Tells whether the guest goes on with it, also while somebody else waits for it.
    pub fn watch(&self) -> Watch {
        self.watch.clone()
    }

    /// The next piece of its output; none when it has no more.
    pub async fn next(&mut self) -> Option<Output> {
        self.output.next().await
    }

    /// What names its tree of processes.
    pub fn tag(&self) -> &str {
        &self.tag
    }

    /// Waits for its end and drops what it still prints.
    pub async fn wait(mut self) -> Result<Exit, ChannelError> {
        while self.next().await.is_some() {}
        self.exit
            .await
            .unwrap_or_else(|_| Err(ChannelError::Lost("it was closed".to_owned())))
    }

    /// Waits for its end and returns the first `limit` bytes of either stream.
    pub async fn output(mut self, limit: usize) -> Result<(Exit, Vec<u8>, Vec<u8>), ChannelError> {
        let (mut stdout, mut stderr) = (Vec::new(), Vec::new());
        while let Some(piece) = self.next().await {
            let (kept, bytes) = match piece {
                Output::Stdout(bytes) => (&mut stdout, bytes),
                Output::Stderr(bytes) => (&mut stderr, bytes),
            };
            let room = limit.saturating_sub(kept.len());
            kept.extend_from_slice(&bytes[..bytes.len().min(room)]);
        }
        Ok((self.wait().await?, stdout, stderr))
    }
}
