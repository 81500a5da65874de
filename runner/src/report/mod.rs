//! What people and programs see of a job: consumers of `event`, and of nothing else. A thread of their
//! own writes, so that a terminal or a pipe that takes nothing holds up no timer; the queue to it is
//! bounded for log lines.

pub mod events_file;
pub mod findings;
pub mod github;
pub mod github_many;
pub mod heading;
pub mod human;
pub mod json;
pub mod many;
pub mod marks;
pub mod outlet;
pub mod plain;
pub mod progress;
pub mod record;
pub mod screen;
pub mod shared;
pub mod style;
pub mod table;
pub mod tail;
mod words;

use std::borrow::Cow;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::mpsc::UnboundedReceiver;

use crate::event::{JobEvent, Message, Stamped};
use crate::mask::Masker;

/// Takes a job's events, in order.
pub trait Reporter: Send {
    /// Takes one event. After an error it is not called again, unless it goes on.
    fn report(&mut self, event: &Stamped) -> io::Result<()>;
    /// Everything so far has to be where its readers can see it.
    fn flush(&mut self) -> io::Result<()>;
    /// What it is, for a message about its failure.
    fn name(&self) -> String;
    /// Whether it has another output left after an error.
    fn goes_on(&self) -> bool {
        false
    }
    /// Whether programs rely on what it writes: a job whose record is lost did not do what was asked.
    fn is_record(&self) -> bool {
        false
    }
}

/// A reporter that could not write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReporterFailure {
    /// Which, and why.
    pub message: String,
    /// Whether programs rely on what it writes.
    pub is_record: bool,
}

/// Reporters at work in a thread of their own.
#[derive(Debug)]
pub struct Reporting {
    failures: Arc<Mutex<Vec<ReporterFailure>>>,
}

impl Reporting {
    /// What failed so far. Complete after [`Events::flush`](crate::event::Events::flush), which waits for
    /// the reporters; nothing is waited for here, since one of them may hang.
    pub fn failures(&self) -> Vec<ReporterFailure> {
        let failures = self.failures.lock();
        failures.unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// Hands every event to every reporter, in a thread of its own, until there are no more.
/// What is a secret to `masker` is seen by none of them.
pub fn spawn(
    mut queue: UnboundedReceiver<Message>,
    reporters: Vec<Box<dyn Reporter>>,
    masker: Masker,
) -> Reporting {
    let failures = Arc::default();
    let mut desk = Desk {
        reporters,
        failures: Arc::clone(&failures),
    };
    std::thread::spawn(move || {
        while let Some(message) = queue.blocking_recv() {
            match message {
                Message::Events(events, _permit) => {
                    for mut event in events {
                        mask(&mut event.event, &masker);
                        desk.each(|reporter| reporter.report(&event));
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
    });
    Reporting { failures }
}

/// The last place that an event passes before anybody sees it. Whoever emits it may know no masker, and
/// a secret may have been named since.
fn mask(event: &mut JobEvent, masker: &Masker) {
    event.each_text(&mut |text| {
        if let Cow::Owned(masked) = masker.mask(text) {
            *text = masked;
        }
    });
}

struct Desk {
    reporters: Vec<Box<dyn Reporter>>,
    failures: Arc<Mutex<Vec<ReporterFailure>>>,
}

impl Desk {
    /// Does something with each reporter; one that fails is left out from then on.
    fn each(&mut self, mut act: impl FnMut(&mut dyn Reporter) -> io::Result<()>) {
        let failures = &self.failures;
        self.reporters
            .retain_mut(|reporter| match act(reporter.as_mut()) {
                Ok(()) => true,
                Err(error) => {
                    // A reader who went away has seen enough.
                    if error.kind() != io::ErrorKind::BrokenPipe {
                        let failure = ReporterFailure {
                            message: format!("{} failed: {error}", reporter.name()),
                            is_record: reporter.is_record(),
                        };
                        let failures = failures.lock();
                        failures
                            .unwrap_or_else(PoisonError::into_inner)
                            .push(failure);
                    }
                    reporter.goes_on()
                }
            });
    }
}

#[cfg(test)]
mod tests {
    mod sinks;

    use std::path::Path;

    use super::*;
    use crate::event::{Events, Level};
    use crate::report::events_file::EventsFile;

    #[tokio::test]
    async fn a_reporter_that_fails_is_known_after_a_flush() {
        let (events, queue) = Events::accept("job");
        let full = EventsFile::create(Path::new("/dev/full")).unwrap();
        let reporting = spawn(queue, vec![Box::new(full)], Masker::default());
        events.notice(Level::Notice, "x");
        events.emit(JobEvent::TornDown { ms: 1 });
        events.flush().await;
        let failures = reporting.failures();
        assert_eq!(failures.len(), 1, "{failures:?}");
        assert!(failures[0].message.contains("`/dev/full`"), "{failures:?}");
        assert!(failures[0].is_record);
    }
}
