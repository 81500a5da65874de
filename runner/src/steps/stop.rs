//! How a running step is stopped: first asked, then told, then ended, with the pauses of the official
//! runner in between. What does not end even then is let go of; its machine is removed anyway.

use std::future::Future;
use std::time::Duration;

use crate::guest::channel::GuestChannel;
use crate::guest::command::Signal;
use crate::host::clock::{Deadline, within};

/// What is sent, and how long it may take to have its effect.
const CHAIN: [(Signal, Deadline); 3] = [
    (
        Signal::Interrupt,
        Deadline {
            what: "the step's end",
            after: Duration::from_millis(7500),
        },
    ),
    (
        Signal::Terminate,
        Deadline {
            what: "the step's end",
            after: Duration::from_millis(2500),
        },
    ),
    (
        Signal::Kill,
        Deadline {
            what: "the step's end",
            after: Duration::from_secs(5),
        },
    ),
];
/// A guest that floods or hangs may not even take a signal.
const SIGNALLED: Deadline = Deadline::seconds("a signal's delivery", 10);

/// Signals a tree of processes until `ended` is done; none if it never is. `at_once` goes straight to
/// the last signal.
pub async fn stop<T>(
    channel: &dyn GuestChannel,
    tag: &str,
    at_once: bool,
    ended: &mut (impl Future<Output = T> + Unpin),
) -> Option<T> {
    let first = if at_once { CHAIN.len() - 1 } else { 0 };
    for (signal, grace) in &CHAIN[first..] {
        // Both at once: the step may end while the signal is still on its way.
        let signalled = within(SIGNALLED, channel.signal(tag, *signal));
        tokio::pin!(signalled);
        tokio::select! {
            done = &mut *ended => return Some(done),
            _ = &mut signalled => {}
        }
        if let Ok(done) = within(*grace, &mut *ended).await {
            return Some(done);
        }
    }
    None
}
