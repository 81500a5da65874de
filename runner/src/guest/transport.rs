//! How text and bytes get into a guest and back. One transport serves many programs at a time.

use std::sync::Arc;

use async_trait::async_trait;

use crate::guest::command::{ChannelError, Exit, Input, Output};
use crate::guest::pipe::Reader;
use crate::guest::pulse::Pulse;

/// A program started over a transport.
#[derive(Debug)]
pub struct Started {
    /// What it prints. Dropping this lets go of the program: its connection is closed, and what it
    /// does then is its own affair.
    pub output: Reader<Output>,
    /// Its end.
    pub exit: tokio::sync::oneshot::Receiver<Result<Exit, ChannelError>>,
    /// Whether the guest goes on with it.
    pub pulse: Arc<Pulse>,
}

/// A connection to a guest.
#[async_trait]
pub trait Transport: Send + Sync + std::fmt::Debug {
    /// Hands a line to the guest's login shell.
    async fn start(&self, line: &str, input: Input) -> Result<Started, ChannelError>;
}
