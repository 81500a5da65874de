//! The problem matchers of a job. A step adds them by naming a file in the guest, and they stay for the
//! steps after it.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use dormer_workflow::annotation::Annotation;
use dormer_workflow::command_file::parse_text;
use dormer_workflow::matcher::{Budget, FILE_LIMIT, Matchers, parse_matchers, parse_owners};

use crate::guest::channel::GuestChannel;
use crate::steps::guest_file;

/// The matchers that are at work in a job. Clones are of the same ones.
#[derive(Debug, Clone, Default)]
pub struct JobMatchers(Arc<Mutex<Matchers>>);

/// What the matchers make of a line.
#[derive(Debug, Default)]
pub struct Matched {
    /// What they found.
    pub found: Option<Annotation>,
    /// What has to be said of them.
    pub warnings: Vec<String>,
}

impl JobMatchers {
    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.lock().is_empty()
    }

    /// A step begins, and nothing of the step before it is continued.
    pub fn begin_step(&self) {
        self.lock().reset();
    }

    /// Looks at a line that is no command.
    pub fn look_at(&self, line: &str) -> Matched {
        let mut matchers = self.lock();
        let start = Instant::now();
        Matched {
            found: matchers.process(line, &|| start.elapsed()),
            warnings: matchers.take_warnings(),
        }
    }

    /// Adds the matchers of a file in the guest, given by an absolute path in Windows form. An error tells
    /// all that is wrong with it.
    pub async fn add(&self, channel: &dyn GuestChannel, path: &str) -> Result<Vec<String>, String> {
        let text = read(channel, path).await?;
        let found = parse_matchers(&text, &Budget::default())
            .map_err(|problems| format!("`{path}`: {problems}"))?;
        let mut matchers = self.lock();
        found.into_iter().for_each(|matcher| matchers.add(matcher));
        Ok(matchers.take_warnings())
    }

    /// Removes the matcher of an owner.
    pub fn remove(&self, owner: &str) {
        self.lock().remove(owner);
    }

    /// Removes the matchers that a file in the guest names.
    pub async fn remove_those_of(
        &self,
        channel: &dyn GuestChannel,
        path: &str,
    ) -> Result<(), String> {
        let text = read(channel, path).await?;
        let owners = parse_owners(&text).map_err(|problems| format!("`{path}`: {problems}"))?;
        owners.iter().for_each(|owner| self.remove(owner));
        Ok(())
    }

    fn lock(&self) -> MutexGuard<'_, Matchers> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn read(channel: &dyn GuestChannel, path: &str) -> Result<String, String> {
    let bytes = guest_file::read(channel, path, FILE_LIMIT as u64).await;
    let bytes = bytes.map_err(|why| format!("cannot read `{path}` in the guest: {why}"))?;
    parse_text(&bytes).map_err(|error| format!("`{path}`: {error}"))
}
