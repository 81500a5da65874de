//! What people and programs see of a job: consumers of `event`, and of nothing else. A thread of their
//! own writes, so that a terminal or a pipe that takes nothing holds up no timer; the queue to it is
//! bounded for log lines.

pub mod events_file;
pub mod github;
pub mod human;
pub mod json;
pub mod progress;
pub mod style;
pub mod tail;

use std::io;
use std::thread::JoinHandle;

use tokio::sync::mpsc::UnboundedReceiver;

use crate::event::{Message, Stamped};

/// Takes a job's events, in order.
pub trait Reporter: Send {
    /// Takes one event. After an error it is not called again.
    fn report(&mut self, event: &Stamped) -> io::Result<()>;
    /// Everything so far has to be where its readers can see it.
    fn flush(&mut self) -> io::Result<()>;
    /// What it is, for a message about its failure.
    fn name(&self) -> String;
}

/// Hands every event to every reporter, in a thread of its own, until there are no more. The thread's
/// result names the reporters that failed, and why.
pub fn spawn(
    mut queue: UnboundedReceiver<Message>,
    reporters: Vec<Box<dyn Reporter>>,
) -> JoinHandle<Vec<String>> {
    std::thread::spawn(move || {
        let mut desk = Desk {
            reporters,
            failures: Vec::new(),
        };
        while let Some(message) = queue.blocking_recv() {
            match message {
                Message::Events(events, _permit) => {
                    for event in &events {
                        desk.each(|reporter| reporter.report(event));
                    }
                    desk.each(|reporter| reporter.flush());
                }
                Message::Flush(done) => {
                    desk.each(|reporter| reporter.flush());
                    // Whoever asked may have stopped waiting.
                    let _ = done.send(());
                }
            }
        }
        desk.failures
    })
}

struct Desk {
    reporters: Vec<Box<dyn Reporter>>,
    failures: Vec<String>,
}

impl Desk {
    /// Does something with each reporter; one that fails is left out from then on.
    fn each(&mut self, mut act: impl FnMut(&mut dyn Reporter) -> io::Result<()>) {
        let failures = &mut self.failures;
        self.reporters
            .retain_mut(|reporter| match act(reporter.as_mut()) {
                Ok(()) => true,
                Err(error) => {
                    // A reader who went away has seen enough.
                    if error.kind() != io::ErrorKind::BrokenPipe {
                        failures.push(format!("{} failed: {error}", reporter.name()));
                    }
                    false
                }
            });
    }
}
