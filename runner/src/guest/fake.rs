//! A guest for tests that answers what it is told to.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use tokio::sync::{Notify, oneshot};

use crate::guest::channel::DialectChannel;
use crate::guest::command::{ChannelError, Exit, Input, Output};
use crate::guest::dialect;
use crate::guest::pipe;
use crate::guest::profile::DialectKind;
use crate::guest::pulse::Pulse;
use crate::guest::transport::{Started, Transport};

/// What a program prints on its two streams, and its code.
pub(crate) type Answer = (Vec<u8>, &'static str, u32);

/// Answers a login shell's line and what comes on standard input.
pub(crate) struct Fake<F>(F);

impl<F> std::fmt::Debug for Fake<F> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Fake")
    }
}

/// A channel to a guest that answers with this function.
pub(crate) fn channel(
    answer: impl Fn(&str, &str) -> Answer + Send + Sync + 'static,
) -> DialectChannel {
    let dialect = dialect::of(DialectKind::Posix);
    DialectChannel::new(Arc::new(Fake(answer)), dialect)
}

/// A channel to a guest that takes nothing and sends nothing, with hardly any patience.
pub(crate) fn silent() -> DialectChannel {
    let dialect = dialect::of(DialectKind::Posix);
    DialectChannel::new(Arc::new(Silent), dialect).patience(Duration::from_millis(20))
}

#[derive(Debug)]
struct Silent;

#[async_trait]
impl Transport for Silent {
    async fn start(&self, _: &str, _: Input) -> Result<Started, ChannelError> {
        let (sender, output) = pipe::read_side(Arc::new(Notify::new()));
        let (exit, ended) = oneshot::channel();
        tokio::spawn(async move {
            sender.closed().await;
            drop(exit);
        });
        Ok(Started {
            output,
            exit: ended,
            pulse: Pulse::new(),
        })
    }
}

/// A channel to a guest that takes what a bundle brings, begins to answer with this, made of the bundle's mark,
/// and goes on no further.
pub(crate) fn halting(answer: impl Fn(&str) -> Vec<u8> + Send + Sync + 'static) -> DialectChannel {
    let dialect = dialect::of(DialectKind::Posix);
    DialectChannel::new(Arc::new(Halting(answer)), dialect)
}

struct Halting<F>(F);

impl<F> std::fmt::Debug for Halting<F> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Halting")
    }
}

#[async_trait]
impl<F: Fn(&str) -> Vec<u8> + Send + Sync> Transport for Halting<F> {
    async fn start(&self, _: &str, input: Input) -> Result<Started, ChannelError> {
        let answer = Bytes::from((self.0)(mark_in(&text_of(input))));
        let pulse = Pulse::new();
        pulse.take();
        let (sender, output) = pipe::read_side(Arc::new(Notify::new()));
        let (exit, ended) = oneshot::channel();
        tokio::spawn(async move {
            let _ = sender.send(Output::Stdout(answer)).await;
            sender.closed().await;
            drop(exit);
        });
        Ok(Started {
            output,
            exit: ended,
            pulse,
        })
    }
}

/// The mark of a bundle, by the words that a guest is given.
pub(crate) fn mark_in(text: &str) -> &str {
    let mark = text.split("printf '\\036").nth(1).unwrap_or_default();
    mark.split(' ').next().unwrap_or_default()
}

fn text_of(input: Input) -> String {
    match input {
        Input::Bytes(bytes) => String::from_utf8_lossy(&bytes).into_owned(),
        Input::Nothing | Input::Pipe(_) => String::new(),
    }
}

#[async_trait]
impl<F: Fn(&str, &str) -> Answer + Send + Sync> Transport for Fake<F> {
    async fn start(&self, line: &str, input: Input) -> Result<Started, ChannelError> {
        let (stdout, stderr, code) = (self.0)(line, &text_of(input));
        let (sender, output) = pipe::read_side(Arc::new(Notify::new()));
        let (exit, ended) = oneshot::channel();
        tokio::spawn(async move {
            let _ = sender.send(Output::Stderr(Bytes::from(stderr))).await;
            let stdout = Bytes::from(stdout);
            for start in (0..stdout.len()).step_by(64 << 10) {
                let piece = stdout.slice(start..stdout.len().min(start + (64 << 10)));
                let _ = sender.send(Output::Stdout(piece)).await;
            }
            let _ = exit.send(Ok(Exit::Code(code)));
        });
        Ok(Started {
            output,
            exit: ended,
            pulse: Pulse::new(),
        })
    }
}
