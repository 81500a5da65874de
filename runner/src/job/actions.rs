//! Brings the actions of other repositories into the guest of one job: from a directory of this host, where
//! the user named one, else from the host's store, which fetches what it lacks.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use async_trait::async_trait;

use crate::actions::cache::{ActionCache, Cached};
use crate::actions::stand_ins::StandIns;
use crate::actions::{Wanted, is_absence};
use crate::failure::InputError;
use crate::guest::channel::GuestChannel;
use crate::host::fs::HostileDirectory;
use crate::progress::Progress;
use crate::steps::action::source::{ActionFiles, ActionSource, Placed};
use crate::workspace::scan::{self, Scan};
use crate::workspace::upload;

/// The actions of one job.
pub struct JobActions<'a> {
    /// The directories that the user named.
    pub mapped: &'a StandIns,
    /// Where all others come from.
    pub cache: &'a ActionCache,
    /// The guest.
    pub channel: &'a dyn GuestChannel,
    /// Shows transfers.
    pub progress: Arc<dyn Progress>,
}

impl JobActions<'_> {
    async fn place_mapped(&self, from: &Path, directory: &str) -> Result<Placed, String> {
        let found = looked_through(from, |root| scan::scan(root, &[])).await?;
        self.send(from, found, directory).await?;
        Ok(Placed {
            commit: None,
            files: Box::new(HostFiles(from.to_owned())),
        })
    }

    async fn place_cached(&self, cached: Cached, directory: &str) -> Result<Placed, String> {
        let found = looked_through(&cached.root, scan::everything).await?;
        self.send(&cached.root, found, directory).await?;
        Ok(Placed {
            commit: Some(cached.commit.clone()),
            files: Box::new(cached),
        })
    }

    async fn send(&self, from: &Path, mut found: Scan, directory: &str) -> Result<(), String> {
        found.entries.retain(|path, _| !path.starts_with(".git"));
        let directory = self.channel.dialect().paths().write(directory);
        let progress = Arc::clone(&self.progress);
        let sent = upload::send(self.channel, from, Arc::new(found), &directory, progress).await;
        self.progress.finish();
        sent.map_err(|failure| failure.message())
    }
}

/// Looks through a directory in a thread of its own.
async fn looked_through(
    root: &Path,
    look: impl FnOnce(&Path) -> Result<Scan, InputError> + Send + 'static,
) -> Result<Scan, String> {
    let root = root.to_owned();
    let looking = tokio::task::spawn_blocking(move || look(&root));
    let found = looking.await.map_err(|error| error.to_string())?;
    found.map_err(|error| error.message)
}

#[async_trait]
impl ActionSource for JobActions<'_> {
    async fn place(
        &self,
        repository: &str,
        git_ref: &str,
        directory: &str,
    ) -> Result<Placed, String> {
        let wanted = Wanted {
            repository,
            git_ref,
        };
        if let Some(from) = self.mapped.take(wanted) {
            return self.place_mapped(from, directory).await;
        }
        let cached = self.cache.get(wanted, self.progress.as_ref()).await;
        let cached = cached.map_err(|error| error.told(wanted))?;
        self.place_cached(cached, directory).await
    }
}

/// An action's file is text that people write; more bytes than this are something else.
const LARGEST_FILE: u64 = 4 << 20;

/// The files of a directory of this host.
#[derive(Debug)]
struct HostFiles(PathBuf);

impl ActionFiles for HostFiles {
    fn read(&self, path: &str) -> Result<Option<String>, String> {
        // What the user names may be a stranger's all the same.
        let read = HostileDirectory::open(&self.0).and_then(|it| it.read(path, LARGEST_FILE));
        let failed = |why: String| format!("`{}`: {why}", self.0.join(path).display());
        match read {
            Ok(bytes) => String::from_utf8(bytes)
                .map(Some)
                .map_err(|_| failed("it is not UTF-8".to_owned())),
            Err(error) if is_absence(&error) => Ok(None),
            Err(error) => Err(failed(error.to_string())),
        }
    }
}

impl ActionFiles for Cached {
    fn read(&self, path: &str) -> Result<Option<String>, String> {
        Cached::read(self, path).map_err(|error| format!("`{path}`: {error}"))
    }
}
