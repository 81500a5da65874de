//! What a step does without a program, within the step's time and until the job is told to stop.

use std::future::Future;

use crate::event::Conclusion;
use crate::host::clock;
use crate::steps::executor::Executor;
use crate::steps::frame::Frame;
use crate::steps::turn::{Here, StepEnd};

/// What became of it.
pub(super) enum InTime<T> {
    /// It was done.
    Done(T),
    /// It was not, and this is how the step ended.
    Stopped(StepEnd),
}

impl Executor<'_> {
    /// Does something that may be dropped half-way.
    pub(super) async fn in_time<T>(
        &self,
        frame: &Frame<'_>,
        here: &Here,
        work: impl Future<Output = T>,
    ) -> InTime<T> {
        tokio::select! {
            biased;
            done = work => InTime::Done(done),
            () = over(frame) => InTime::Stopped(StepEnd::late().unanswered()),
            () = self.told_to_stop(here) => {
                InTime::Stopped(StepEnd::plain(Conclusion::Cancelled).unanswered())
            }
        }
    }

    async fn told_to_stop(&self, here: &Here) {
        if here.goes_on {
            self.cancel.immediate().await;
        } else {
            self.cancel.requested().await;
        }
    }
}

async fn over(frame: &Frame<'_>) {
    match frame.until {
        Some(until) => {
            clock::pause(until.saturating_duration_since(tokio::time::Instant::now())).await;
        }
        None => std::future::pending().await,
    }
}
