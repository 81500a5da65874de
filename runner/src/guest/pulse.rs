//! Whether a guest goes on with a program, as the program's connection sees it.
//!
//! A pulse beats when a byte of the program moves, in either direction, and for as long as the host is the one
//! that has to do something: to write what the program reads, or to read what it prints. Without a beat the
//! guest is the one that everybody waits for.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use tokio::time::Instant;

use crate::guest::command::ChannelError;
use crate::host::clock::{milliseconds, pause};

/// How long a guest may keep a transfer waiting without a byte in either direction. An emulated machine on a
/// busy host, or one whose disk is flushed, stands still for tens of seconds and goes on; a listing may look
/// through a large directory before it has its first name. One that is silent for longer does not come back.
pub const PATIENCE: Duration = Duration::from_secs(120);

/// The last sign of life of a program in a guest.
#[derive(Debug)]
pub struct Pulse {
    begun: Instant,
    /// Milliseconds since it began.
    last: AtomicU64,
    /// Whether the guest has been sent all that the program reads.
    taken: AtomicBool,
    ended: AtomicBool,
}

impl Pulse {
    /// Of a program that begins now.
    pub fn new() -> Arc<Self> {
        Arc::new(Self {
            begun: Instant::now(),
            last: AtomicU64::new(0),
            taken: AtomicBool::new(false),
            ended: AtomicBool::new(false),
        })
    }

    /// Of a program that nobody can see stand still, and that is waited for for ever.
    pub fn unseen() -> Arc<Self> {
        let pulse = Self::new();
        pulse.end();
        pulse
    }

    /// Something moved, or it is not the guest's turn.
    pub fn beat(&self) {
        let since = milliseconds(self.begun.elapsed());
        self.last.store(since, Ordering::Relaxed);
    }

    /// The guest was sent all that the program reads.
    pub fn take(&self) {
        self.taken.store(true, Ordering::Relaxed);
    }

    /// Whether the guest was sent all that the program reads. Its silence may be the program's from then on.
    pub fn is_taken(&self) -> bool {
        self.taken.load(Ordering::Relaxed)
    }

    /// There is nothing more to come from the guest.
    pub fn end(&self) {
        self.ended.store(true, Ordering::Relaxed);
    }

    /// Waits until the guest has done nothing for so long; for ever, once there is nothing for it to do.
    async fn stops(&self, patience: Duration) {
        loop {
            let last = Duration::from_millis(self.last.load(Ordering::Relaxed));
            let silent = self.begun.elapsed().saturating_sub(last);
            let is_over = self.ended.load(Ordering::Relaxed);
            match patience.checked_sub(silent).filter(|left| !left.is_zero()) {
                Some(left) => pause(left).await,
                None if is_over => std::future::pending().await,
                None => return,
            }
        }
    }
}

/// Waits for a program no longer than the guest goes on with it.
#[derive(Debug, Clone)]
pub struct Watch {
    pulse: Arc<Pulse>,
    patience: Duration,
}

impl Watch {
    /// Watches a pulse with so much patience.
    pub fn new(pulse: Arc<Pulse>, patience: Duration) -> Self {
        Self { pulse, patience }
    }

    /// The result of `work`, unless the guest stalls meanwhile. `stalled` puts that for people, as in "taken
    /// nothing" and "files were sent to it".
    pub async fn over<T>(
        &self,
        stalled: (&'static str, &'static str),
        work: impl Future<Output = Result<T, ChannelError>>,
    ) -> Result<T, ChannelError> {
        tokio::select! {
            biased;
            result = work => result,
            () = self.pulse.stops(self.patience) => Err(self.stalled(stalled)),
        }
    }

    /// As [`Watch::over`], as long as the guest was not sent all that the program reads; then without end.
    pub async fn until_taken<T>(
        &self,
        stalled: (&'static str, &'static str),
        work: impl Future<Output = Result<T, ChannelError>>,
    ) -> Result<T, ChannelError> {
        let not_taken = async {
            self.pulse.stops(self.patience).await;
            if self.pulse.is_taken() {
                std::future::pending().await
            }
        };
        tokio::select! {
            biased;
            result = work => result,
            () = not_taken => Err(self.stalled(stalled)),
        }
    }

    fn stalled(&self, (done, meanwhile): (&'static str, &'static str)) -> ChannelError {
        ChannelError::Stalled {
            done,
            meanwhile,
            seconds: self.patience.as_secs(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHORT: Duration = Duration::from_secs(10);
    const WORDS: (&str, &str) = ("sent nothing", "files were fetched from it");

    async fn over(pulse: &Arc<Pulse>, seconds: u64) -> Result<(), ChannelError> {
        let work = async {
            pause(Duration::from_secs(seconds)).await;
            Ok(())
        };
        Watch::new(Arc::clone(pulse), SHORT).over(WORDS, work).await
    }

    #[tokio::test(start_paused = true)]
    async fn a_guest_that_does_nothing_is_given_up_and_one_that_goes_on_is_not() {
        let pulse = Pulse::new();
        let beating = Arc::clone(&pulse);
        let beats = tokio::spawn(async move {
            for _ in 0..10 {
                pause(SHORT * 9 / 10).await;
                beating.beat();
            }
        });
        over(&pulse, 90).await.unwrap();
        beats.await.unwrap();
        let error = over(&pulse, 11).await.unwrap_err().to_string();
        let told = "the guest has sent nothing for 10 s while files were fetched from it";
        assert_eq!(error, told);
    }

    #[tokio::test(start_paused = true)]
    async fn a_program_that_has_all_that_it_reads_may_be_silent() {
        let pulse = Pulse::new();
        let watch = Watch::new(Arc::clone(&pulse), SHORT);
        let long = || async {
            pause(SHORT * 3).await;
            Ok(())
        };
        let error = watch.until_taken(WORDS, long()).await.unwrap_err();
        assert!(matches!(error, ChannelError::Stalled { .. }));
        pulse.beat();
        let taking = async {
            pause(SHORT / 2).await;
            pulse.take();
            long().await
        };
        watch.until_taken(WORDS, taking).await.unwrap();
    }

    #[tokio::test(start_paused = true)]
    async fn a_program_that_has_ended_does_not_stall() {
        over(&Pulse::unseen(), 100).await.unwrap();
    }
}
