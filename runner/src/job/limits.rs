//! What ends a job from outside: somebody's wish, or its deadline. Watched by one value, so that every
//! wait of the job asks the same question.

use std::time::Duration;

use tokio::time::Instant;

use crate::host::clock;
use crate::host::signals::Cancel;

/// Why a job is to stop.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stop {
    /// Somebody asked for it.
    Cancelled,
    /// Its time is over.
    Deadline,
}

/// The limits of one job. Its steps see a deadline as a request to stop.
#[derive(Debug, Clone)]
pub struct Limits {
    asked: Cancel,
    deadline: Option<Instant>,
    /// What the steps listen to: the user's requests and the deadline, in one.
    steps: Cancel,
}

impl Limits {
    /// Limits for a job that was accepted now.
    pub fn new(asked: Cancel, timeout: Option<Duration>) -> Self {
        // A time too far away to be written down is none.
        let deadline = timeout.and_then(|timeout| Instant::now().checked_add(timeout));
        let limits = Self {
            asked,
            deadline,
            steps: Cancel::default(),
        };
        limits.forward();
        limits
    }

    /// Brings the deadline forward to so long from now.
    pub fn at_most(&mut self, timeout: Duration) {
        let Some(end) = Instant::now().checked_add(timeout) else {
            return;
        };
        if self.deadline.is_none_or(|deadline| end < deadline) {
            self.deadline = Some(end);
            self.forward();
        }
    }

    /// Why the job is to stop by now, if it is.
    pub fn stop(&self) -> Option<Stop> {
        if self.asked.is_requested() {
            return Some(Stop::Cancelled);
        }
        self.deadline
            .is_some_and(|end| end <= Instant::now())
            .then_some(Stop::Deadline)
    }

    /// Returns when the job is to stop.
    pub async fn stopped(&self) -> Stop {
        tokio::select! {
            biased;
            () = self.asked.requested() => Stop::Cancelled,
            () = until(self.deadline) => Stop::Deadline,
        }
    }

    /// What stops the steps.
    pub fn steps(&self) -> &Cancel {
        &self.steps
    }

    /// What the user asked for.
    pub fn asked(&self) -> &Cancel {
        &self.asked
    }

    /// Hands requests and the deadline on to the steps.
    fn forward(&self) {
        let this = self.clone();
        tokio::spawn(async move {
            this.stopped().await;
            if !this.steps.is_requested() {
                this.steps.request();
            }
            this.asked.immediate().await;
            this.steps.request();
        });
    }
}

/// Returns when a time has come; never, if there is none.
pub(super) async fn until(deadline: Option<Instant>) {
    match deadline {
        Some(end) => clock::pause(end.saturating_duration_since(Instant::now())).await,
        None => std::future::pending().await,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_deadline_stops_the_steps_gracefully() {
        let mut limits = Limits::new(Cancel::default(), Some(Duration::from_secs(60)));
        limits.at_most(Duration::from_secs(5));
        limits.at_most(Duration::from_secs(50));
        assert_eq!(limits.stop(), None);
        assert_eq!(limits.stopped().await, Stop::Deadline);
        limits.steps().requested().await;
        assert!(!limits.steps().is_immediate());
        assert_eq!(limits.stop(), Some(Stop::Deadline));
    }

    #[tokio::test]
    async fn a_users_second_request_reaches_the_steps() {
        let asked = Cancel::default();
        let limits = Limits::new(asked.clone(), None);
        asked.request();
        assert_eq!(limits.stopped().await, Stop::Cancelled);
        limits.steps().requested().await;
        asked.request();
        limits.steps().immediate().await;
    }
}
