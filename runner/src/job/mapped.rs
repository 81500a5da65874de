//! Actions of other repositories for which the user named a directory of this host.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use async_trait::async_trait;

use crate::guest::channel::GuestChannel;
use crate::progress::Progress;
use crate::steps::action::source::{ActionFiles, ActionSource, Placed};
use crate::workspace::scan::scan;
use crate::workspace::upload;

/// A reference, as `owner/repo@ref`, and the directory that stands in for it.
pub type Mapping = (String, PathBuf);

/// The directories that the user named, and nothing else.
pub struct MappedActions<'a> {
    /// Those directories.
    pub mapped: &'a [Mapping],
    /// The guest.
    pub channel: &'a dyn GuestChannel,
    /// Shows transfers.
    pub progress: Arc<dyn Progress>,
}

impl MappedActions<'_> {
    fn directory(&self, repository: &str, git_ref: &str) -> Option<&Path> {
        let is_it = |(reference, _): &&Mapping| {
            reference
                .split_once('@')
                .is_some_and(|(name, at)| name.eq_ignore_ascii_case(repository) && at == git_ref)
        };
        let found = self.mapped.iter().find(is_it);
        found.map(|(_, directory)| directory.as_path())
    }

    async fn send(&self, from: &Path, directory: &str) -> Result<(), String> {
        let root = from.to_owned();
        let scanning = tokio::task::spawn_blocking(move || scan(&root, &[]));
        let scanned = scanning.await.map_err(|error| error.to_string())?;
        let mut found = scanned.map_err(|error| error.message)?;
        found.entries.retain(|path, _| !path.starts_with(".git"));
        let directory = self.channel.dialect().paths().write(directory);
        let progress = Arc::clone(&self.progress);
        let sent = upload::send(self.channel, from, Arc::new(found), &directory, progress).await;
        self.progress.finish();
        sent.map_err(|failure| failure.message())
    }
}

#[async_trait]
impl ActionSource for MappedActions<'_> {
    async fn place(
        &self,
        repository: &str,
        git_ref: &str,
        directory: &str,
    ) -> Result<Placed, String> {
        let Some(from) = self.directory(repository, git_ref) else {
            return Err(format!(
                "actions of other repositories are not fetched yet; name a directory that holds this \
                 one with `--action {repository}@{git_ref}=DIR`"
            ));
        };
        self.send(from, directory).await?;
        Ok(Placed {
            commit: None,
            files: Box::new(HostFiles(from.to_owned())),
        })
    }
}

/// The files of a directory of this host.
#[derive(Debug)]
struct HostFiles(PathBuf);

impl ActionFiles for HostFiles {
    fn read(&self, path: &str) -> Result<Option<String>, String> {
        let path = self.0.join(path);
        match fs::read_to_string(&path) {
            Ok(text) => Ok(Some(text)),
            Err(error) if is_absence(&error) => Ok(None),
            Err(error) => Err(format!("`{}`: {error}", path.display())),
        }
    }
}

fn is_absence(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
    )
}
