//! What is right for GitHub but can't be had in a Windows VM.

use crate::workflow::Job;

use super::Checker;

impl Checker<'_> {
    /// Containers are Linux's, on GitHub too.
    pub(super) fn containers_of(&mut self, job: &Job) {
        let container = job.container.as_ref().map(|container| container.key);
        let services = job.services.as_ref().map(|services| services.key);
        for (key, what) in [(container, "`container`"), (services, "`services`")] {
            let Some(key) = key else {
                continue;
            };
            let message = format!("{what} can't be had in a Windows VM: Dormer won't run this job");
            self.warn(key, message, None);
        }
    }
}
