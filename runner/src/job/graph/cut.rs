//! Whether the jobs of a run came to ends of their own. Only then does what they did not do say anything.

use std::sync::atomic::{AtomicBool, Ordering};

use crate::exit_code;

/// Whether something was cut short: a job that was cancelled, out of time, or not to be run. Called
/// workflows and failures that are forgiven count too. Nothing was, by default.
#[derive(Debug, Default)]
pub struct Cut(AtomicBool);

impl Cut {
    /// A job, or the run, ended with this code.
    pub(super) fn ended(&self, exit_code: u8) {
        if !matches!(exit_code, exit_code::SUCCESS | exit_code::STEP_FAILED) {
            self.0.store(true, Ordering::Relaxed);
        }
    }

    /// Whether something was cut short so far.
    pub fn is_short(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}
