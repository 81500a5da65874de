//! What is right for GitHub but can't be had in a Windows VM.

use crate::workflow::Job;

use super::Checker;

impl Checker<'_> {
    pub(super) fn containers_of(&mut self, job: &Job) {
        for (key, message) in job.beyond_windows() {
            self.warn(key, message, None);
        }
    }
}
