//! The user's wish to stop: once gracefully, twice at once.

use std::fs;
use std::io;

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio_util::sync::CancellationToken;

/// Two tokens: the first asks to stop in order, the second to stop now.
#[derive(Debug, Clone, Default)]
pub struct Cancel {
    graceful: CancellationToken,
    immediate: CancellationToken,
}

impl Cancel {
    /// Listens to Ctrl-C, Ctrl-\, SIGTERM and the terminal's end from now on: each of them would
    /// otherwise end this process and leave a machine running. Needs a tokio runtime.
    pub fn on_signals() -> io::Result<Self> {
        let cancel = Self::default();
        for kind in [
            SignalKind::interrupt(),
            SignalKind::terminate(),
            SignalKind::quit(),
        ] {
            cancel.hear(signal(kind)?, Self::request);
        }
        // `nohup` has it ignored, and means that.
        if !is_ignored(SignalKind::hangup()) {
            // The kernel and the shell both tell of a terminal that is gone; that is one request.
            cancel.hear(signal(SignalKind::hangup())?, Self::request_once);
        }
        Ok(cancel)
    }

    fn hear(&self, mut signal: Signal, react: impl Fn(&Self) + Send + 'static) {
        let notified = self.clone();
        tokio::spawn(async move {
            while signal.recv().await.is_some() {
                react(&notified);
            }
        });
    }

    /// Asks to stop; asked again, to stop at once.
    pub fn request(&self) {
        if self.graceful.is_cancelled() {
            self.immediate.cancel();
        }
        self.graceful.cancel();
    }

    /// A part of what is to be stopped: whoever stops the whole stops it, and it can be stopped alone.
    #[must_use]
    pub fn part(&self) -> Self {
        Self {
            graceful: self.graceful.child_token(),
            immediate: self.immediate.child_token(),
        }
    }

    /// Asks to stop, unless somebody has.
    pub fn request_once(&self) {
        self.graceful.cancel();
    }

    /// Whether somebody asked to stop.
    pub fn is_requested(&self) -> bool {
        self.graceful.is_cancelled()
    }

    /// Whether somebody asked to stop at once.
    pub fn is_immediate(&self) -> bool {
        self.immediate.is_cancelled()
    }

    /// Returns when somebody asks to stop.
    pub async fn requested(&self) {
        self.graceful.cancelled().await;
    }

    /// Returns when somebody asks to stop at once.
    pub async fn immediate(&self) {
        self.immediate.cancelled().await;
    }
}

/// Whether whoever started this process had it ignore a signal.
fn is_ignored(kind: SignalKind) -> bool {
    fs::read_to_string("/proc/self/status").is_ok_and(|status| ignores(&status, kind))
}

/// The kernel tells the ignored signals as bits, the first signal's being the lowest.
fn ignores(status: &str, kind: SignalKind) -> bool {
    let line = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let bits = line.and_then(|bits| u64::from_str_radix(bits.trim(), 16).ok());
    bits.unwrap_or(0) >> (kind.as_raw_value() - 1) & 1 == 1
}

#[cfg(test)]
mod tests {
    use rustix::process::{Signal, getpid, kill_process};

    use super::*;

    #[test]
    fn what_nohup_ignores_is_seen() {
        let status = "SigBlk:\t0000000000000000\nSigIgn:\t0000000000001001\nSigCgt:\t0\n";
        assert!(ignores(status, SignalKind::hangup()));
        assert!(!ignores(status, SignalKind::quit()));
        assert!(!ignores("", SignalKind::hangup()));
    }

    #[tokio::test]
    async fn a_terminal_that_is_gone_is_one_request_however_often_it_is_told() {
        if is_ignored(SignalKind::hangup()) {
            return;
        }
        let cancel = Cancel::on_signals().unwrap();
        kill_process(getpid(), Signal::HUP).unwrap();
        cancel.requested().await;
        cancel.request_once();
        assert!(!cancel.is_immediate());
    }

    #[test]
    fn a_part_is_stopped_with_the_whole_or_alone() {
        let whole = Cancel::default();
        let (one, other) = (whole.part(), whole.part());
        one.request_once();
        assert!(one.is_requested() && !whole.is_requested() && !other.is_requested());
        whole.request();
        // It was asked by two, each for the first time.
        assert!(other.is_requested() && !one.is_immediate());
        whole.request();
        assert!(one.is_immediate() && other.is_immediate());
    }

    #[test]
    fn the_second_request_is_immediate() {
        let cancel = Cancel::default();
        cancel.request();
        assert!(cancel.is_requested() && !cancel.is_immediate());
        cancel.request();
        assert!(cancel.is_immediate());
    }
}
