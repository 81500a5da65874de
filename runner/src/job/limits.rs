//! What ends a job from outside: somebody's wish, or its deadline. Watched by one value, so that every
//! wait of the job asks the same question.

use std::fmt;
use std::time::Duration;

use dormer_workflow::workflow::minutes;
use tokio::time::Instant;

use crate::host::clock::{self, Written};
use crate::host::signals::Cancel;

/// GitHub's own limit for a job that states none.
const DEFAULT_MINUTES: f64 = 360.0;

/// How long something may take, by whose word. Shown as people know it.
#[derive(Debug, Clone, PartialEq)]
pub enum TimeLimit {
    /// The whole run, by `--timeout`.
    Run(Written),
    /// The job's steps, by its `timeout-minutes`.
    Job(f64),
    /// The steps of a job that says nothing of it.
    Unsaid,
}

impl TimeLimit {
    fn length(&self) -> Duration {
        match self {
            Self::Run(time) => time.length,
            Self::Job(number) => minutes(*number),
            Self::Unsaid => minutes(DEFAULT_MINUTES),
        }
    }
}

impl fmt::Display for TimeLimit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Run(time) => write!(f, "`--timeout {time}`, of the whole run"),
            Self::Job(number) => write!(f, "`timeout-minutes: {number}`"),
            Self::Unsaid => {
                write!(
                    f,
                    "{DEFAULT_MINUTES} minutes, for want of `timeout-minutes`"
                )
            }
        }
    }
}

/// When something has to be over, and what says so.
#[derive(Debug, Clone, PartialEq)]
pub struct Due {
    /// When.
    pub at: Instant,
    /// By which limit.
    pub limit: TimeLimit,
}

impl Due {
    /// What begins now and has so much time. A time too far away to be written down is none.
    pub fn from_now(limit: TimeLimit) -> Option<Self> {
        let at = Instant::now().checked_add(limit.length())?;
        Some(Self { at, limit })
    }

    /// What is said of a job whose turn did not come within the run's time.
    pub(super) fn kept_from_starting(&self) -> String {
        match &self.limit {
            TimeLimit::Run(time) => {
                format!("did not start: the time of the run (`--timeout {time}`) was over")
            }
            limit => format!("did not start: the time was over ({limit})"),
        }
    }

    /// Whether the time is over.
    pub fn is_over(&self) -> bool {
        self.at <= Instant::now()
    }
}

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
    deadline: Option<Due>,
    /// What the steps listen to: the user's requests and the deadline, in one.
    steps: Cancel,
}

impl Limits {
    /// Limits for a job that was accepted now.
    pub fn new(asked: Cancel, deadline: Option<Due>) -> Self {
        let limits = Self {
            asked,
            deadline,
            steps: Cancel::default(),
        };
        limits.forward();
        limits
    }

    /// Brings the deadline forward to that of a limit whose time begins now.
    pub fn at_most(&mut self, limit: TimeLimit) {
        let Some(due) = Due::from_now(limit) else {
            return;
        };
        if self
            .deadline
            .as_ref()
            .is_none_or(|deadline| due.at < deadline.at)
        {
            self.deadline = Some(due);
            self.forward();
        }
    }

    /// The limit that ends the job before any other does, if there is one.
    pub fn time(&self) -> Option<TimeLimit> {
        self.deadline.as_ref().map(|due| due.limit.clone())
    }

    /// Why the job is to stop by now, if it is.
    pub fn stop(&self) -> Option<Stop> {
        if self.asked.is_requested() {
            return Some(Stop::Cancelled);
        }
        self.deadline
            .as_ref()
            .is_some_and(Due::is_over)
            .then_some(Stop::Deadline)
    }

    /// Returns when the job is to stop.
    pub async fn stopped(&self) -> Stop {
        tokio::select! {
            biased;
            () = self.asked.requested() => Stop::Cancelled,
            () = until(self.deadline.as_ref()) => Stop::Deadline,
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
pub(super) async fn until(deadline: Option<&Due>) {
    match deadline {
        Some(due) => clock::pause(due.at.saturating_duration_since(Instant::now())).await,
        None => std::future::pending().await,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_deadline_stops_the_steps_gracefully() {
        let mut limits = Limits::new(Cancel::default(), of_run("60"));
        limits.at_most(TimeLimit::Job(0.1));
        limits.at_most(TimeLimit::Job(0.9));
        assert_eq!(limits.stop(), None);
        assert_eq!(limits.stopped().await, Stop::Deadline);
        limits.steps().requested().await;
        assert!(!limits.steps().is_immediate());
        assert_eq!(limits.stop(), Some(Stop::Deadline));
    }

    fn of_run(text: &str) -> Option<Due> {
        Due::from_now(TimeLimit::Run(text.parse().unwrap()))
    }

    #[tokio::test(start_paused = true)]
    async fn the_limit_that_comes_first_is_the_one_that_is_named() {
        for (of_run, of_job, expected) in [
            (
                of_run("90s"),
                TimeLimit::Job(30.0),
                "`--timeout 90s`, of the whole run",
            ),
            (
                of_run("1200"),
                TimeLimit::Job(30.0),
                "`--timeout 1200`, of the whole run",
            ),
            (of_run("20m"), TimeLimit::Job(1.0), "`timeout-minutes: 1`"),
            (None, TimeLimit::Job(0.5), "`timeout-minutes: 0.5`"),
            (
                None,
                TimeLimit::Unsaid,
                "360 minutes, for want of `timeout-minutes`",
            ),
        ] {
            let mut limits = Limits::new(Cancel::default(), of_run);
            limits.at_most(of_job);
            assert_eq!(limits.time().unwrap().to_string(), expected);
        }
        assert_eq!(Limits::new(Cancel::default(), None).time(), None);
    }

    #[tokio::test]
    async fn a_time_too_long_to_be_written_down_is_no_limit() {
        let longest = "18446744073709551615";
        assert_eq!(of_run(longest), None);
        assert_eq!(Due::from_now(TimeLimit::Job(f64::MAX)), None);
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
