//! The user's wish to stop: once gracefully, twice at once.

use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

/// Two tokens: the first asks to stop in order, the second to stop now.
#[derive(Debug, Clone, Default)]
pub struct Cancel {
    graceful: CancellationToken,
    immediate: CancellationToken,
}

impl Cancel {
    /// Listens to Ctrl-C and SIGTERM from now on. Needs a tokio runtime.
    pub fn on_signals() -> std::io::Result<Self> {
        let cancel = Self::default();
        let mut interrupt = signal(SignalKind::interrupt())?;
        let mut terminate = signal(SignalKind::terminate())?;
        let notified = cancel.clone();
        tokio::spawn(async move {
            loop {
                tokio::select! {
                    Some(()) = interrupt.recv() => notified.request(),
                    Some(()) = terminate.recv() => notified.request(),
                    else => break,
                }
            }
        });
        Ok(cancel)
    }

    /// Asks to stop; asked again, to stop at once.
    pub fn request(&self) {
        if self.graceful.is_cancelled() {
            self.immediate.cancel();
        }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_second_request_is_immediate() {
        let cancel = Cancel::default();
        cancel.request();
        assert!(cancel.is_requested() && !cancel.is_immediate());
        cancel.request();
        assert!(cancel.is_immediate());
    }
}
