//! Locks between processes. A lock is held on a directory itself, so that no lock file is ever left
//! behind, and the kernel releases it when its holder dies, however it dies.

use std::fs::{File, TryLockError};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::time::Duration;

use crate::host::clock::{self, Deadline};
use crate::host::fs::create_private_directory;

/// How often a lock that somebody else holds is asked for again. The kernel would wake us at once,
/// but a blocked thread could not be cancelled.
const RETRY: Duration = Duration::from_millis(50);

/// A held lock; dropping it releases it.
#[derive(Debug)]
pub struct DirectoryLock {
    file: File,
}

impl DirectoryLock {
    /// Whether what is locked is what has this path by now: it may have been removed, and made anew.
    pub fn is_of(&self, directory: &Path) -> bool {
        let ours = self.file.metadata();
        let there = std::fs::symlink_metadata(directory);
        ours.is_ok_and(|ours| {
            there.is_ok_and(|there| (ours.dev(), ours.ino()) == (there.dev(), there.ino()))
        })
    }
}

/// Takes the lock of `directory` for one holder alone, if nobody has it.
pub fn try_exclusive(directory: &Path) -> io::Result<Option<DirectoryLock>> {
    attempt(directory, File::try_lock)
}

/// Takes the lock of `directory` beside other shared holders, unless somebody has it alone.
pub fn try_shared(directory: &Path) -> io::Result<Option<DirectoryLock>> {
    attempt(directory, File::try_lock_shared)
}

/// Waits for the lock of `directory`, for one holder alone.
pub async fn exclusive(directory: &Path) -> io::Result<DirectoryLock> {
    wait(directory, try_exclusive).await
}

/// As [`exclusive`], until a deadline passes. Then the error is one of the kind `TimedOut`.
pub async fn exclusive_within(directory: &Path, deadline: Deadline) -> io::Result<DirectoryLock> {
    let waiting = clock::within(deadline, exclusive(directory)).await;
    waiting.map_err(|passed| io::Error::new(io::ErrorKind::TimedOut, passed))?
}

/// Waits for the lock of `directory`, beside other shared holders.
pub async fn shared(directory: &Path) -> io::Result<DirectoryLock> {
    wait(directory, try_shared).await
}

/// As [`exclusive`], of a directory that is made if it is not there. Whoever holds the lock of an empty one may
/// remove it: then it is made anew.
pub async fn exclusive_made(directory: &Path) -> io::Result<DirectoryLock> {
    loop {
        match make_and_lock(directory).await {
            Ok(Some(lock)) => return Ok(lock),
            Ok(None) => {}
            // Between the making of the one and the looking at the other, somebody removed it.
            Err(error) if error.kind() == io::ErrorKind::NotFound => clock::pause(RETRY).await,
            Err(error) => return Err(error),
        }
    }
}

/// None if what was locked is no longer what is there.
async fn make_and_lock(directory: &Path) -> io::Result<Option<DirectoryLock>> {
    create_private_directory(directory)?;
    let lock = exclusive(directory).await?;
    Ok(lock.is_of(directory).then_some(lock))
}

fn attempt(
    directory: &Path,
    lock: impl Fn(&File) -> Result<(), TryLockError>,
) -> io::Result<Option<DirectoryLock>> {
    let file = File::open(directory)?;
    match lock(&file) {
        Ok(()) => Ok(Some(DirectoryLock { file })),
        Err(TryLockError::WouldBlock) => Ok(None),
        Err(TryLockError::Error(error)) => Err(error),
    }
}

async fn wait(
    directory: &Path,
    attempt: impl Fn(&Path) -> io::Result<Option<DirectoryLock>>,
) -> io::Result<DirectoryLock> {
    loop {
        if let Some(lock) = attempt(directory)? {
            return Ok(lock);
        }
        clock::pause(RETRY).await;
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn a_lock_is_held_until_it_is_dropped() {
        let directory = tempfile::tempdir().unwrap();
        let held = try_exclusive(directory.path()).unwrap().unwrap();
        assert!(try_exclusive(directory.path()).unwrap().is_none());
        assert!(try_shared(directory.path()).unwrap().is_none());
        drop(held);
        let shared = try_shared(directory.path()).unwrap().unwrap();
        assert!(try_shared(directory.path()).unwrap().is_some());
        drop(shared);
        assert!(try_exclusive(directory.path()).unwrap().is_some());
    }

    #[test]
    fn a_lock_is_no_lock_of_what_took_its_place() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("locked");
        fs::create_dir(&path).unwrap();
        let held = try_exclusive(&path).unwrap().unwrap();
        assert!(held.is_of(&path));
        fs::remove_dir(&path).unwrap();
        assert!(!held.is_of(&path));
        fs::create_dir(&path).unwrap();
        assert!(!held.is_of(&path));
    }

    #[tokio::test]
    async fn what_its_holder_removed_is_made_anew() {
        let parent = tempfile::tempdir().unwrap();
        let directory = parent.path().join("a/b");
        let held = exclusive_made(&directory).await.unwrap();
        let removing = async {
            clock::pause(RETRY * 2).await;
            fs::remove_dir(&directory).unwrap();
            fs::remove_dir(directory.parent().unwrap()).unwrap();
            drop(held);
        };
        let (lock, ()) = tokio::join!(exclusive_made(&directory), removing);
        assert!(try_exclusive(&directory).unwrap().is_none(), "{lock:?}");
    }

    #[tokio::test]
    async fn a_wait_for_a_lock_has_an_end() {
        let directory = tempfile::tempdir().unwrap();
        let held = try_exclusive(directory.path()).unwrap().unwrap();
        let soon = Deadline::seconds("another's end", 0);
        let error = exclusive_within(directory.path(), soon).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
        assert!(error.to_string().contains("another's end"), "{error}");
        drop(held);
        let soon = Deadline::seconds("nobody's end", 5);
        exclusive_within(directory.path(), soon).await.unwrap();
    }
}
