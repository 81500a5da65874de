//! A directory that lives as long as its holder. It is locked meanwhile, so that what a holder left who was
//! killed is told from what is in use.

use std::fs;
use std::io;
use std::path::Path;

use tempfile::TempDir;

use crate::host::clock::Deadline;
use crate::host::fs::create_private_directory;
use crate::host::lock::{self, DirectoryLock};

/// Longer than another process may take to make such a directory, and to remove what was left.
const OTHERS: Deadline = Deadline::seconds(
    "another process's end of making a directory that passes",
    300,
);

/// A locked directory, which is removed when it is dropped.
#[derive(Debug)]
pub struct PassingDirectory {
    directory: TempDir,
    _lock: Option<DirectoryLock>,
}

impl PassingDirectory {
    /// Makes one in `parent`, which is made if it is not there, and removes those that nobody holds.
    pub async fn new(parent: &Path) -> io::Result<Self> {
        create_private_directory(parent)?;
        // Between its making and its lock a directory looks abandoned.
        let _alone = lock::exclusive_within(parent, OTHERS).await?;
        sweep(parent, false)?;
        let directory = tempfile::tempdir_in(parent)?;
        let lock = lock::try_exclusive(directory.path())?;
        Ok(Self {
            directory,
            _lock: lock,
        })
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        self.directory.path()
    }
}

/// Removes the directories in `parent` that nobody holds, or with `dry_run` only counts them. None if
/// somebody is making one, or if `parent` is not there.
pub fn abandoned(parent: &Path, dry_run: bool) -> io::Result<usize> {
    match lock::try_exclusive(parent) {
        Ok(Some(_alone)) => sweep(parent, dry_run),
        Ok(None) => Ok(0),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(0),
        Err(error) => Err(error),
    }
}

/// The same, for who holds `parent` alone.
fn sweep(parent: &Path, dry_run: bool) -> io::Result<usize> {
    let mut found = 0;
    for left in fs::read_dir(parent)?.flatten() {
        if let Ok(Some(_lock)) = lock::try_exclusive(&left.path()) {
            found += 1;
            if !dry_run {
                // What can't be removed is tried again the next time.
                let _ = fs::remove_dir_all(left.path());
            }
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_is_held_stays_and_what_a_killed_holder_left_goes() {
        let directory = tempfile::tempdir().unwrap();
        let parent = directory.path().join("passing");
        let held = PassingDirectory::new(&parent).await.unwrap();
        fs::create_dir(parent.join("left")).unwrap();
        fs::write(parent.join("left/x"), "x").unwrap();
        assert_eq!(abandoned(&parent, true).unwrap(), 1);
        assert_eq!(abandoned(&parent, false).unwrap(), 1);
        assert_eq!(abandoned(&parent, false).unwrap(), 0);
        fs::create_dir(parent.join("left")).unwrap();
        let other = PassingDirectory::new(&parent).await.unwrap();
        assert!(held.path().exists() && other.path().exists());
        assert!(!parent.join("left").exists());
        drop((held, other));
        assert_eq!(fs::read_dir(&parent).unwrap().count(), 0);
    }
}
