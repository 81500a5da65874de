//! Removing the repositories that nothing has used for long.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use crate::actions::cache::INCOMING;
use crate::actions::is_commit;
use crate::actions::pins::Pins;
use crate::host::fs::{remove_leftovers, remove_tree};
use crate::host::lock;

/// How long a repository is kept that nothing uses.
pub const UNUSED: Duration = Duration::from_secs(30 * 86_400);

/// Removes commits that were last used longer ago than `age`, with the refs that meant them, and returns
/// those as `owner/repo@commit`; with `dry_run` it only returns them. What is being fetched or used is
/// passed over.
///
/// # Errors
///
/// What can't be looked at or removed.
pub fn prune(root: &Path, age: Duration, dry_run: bool) -> io::Result<Vec<String>> {
    let mut gone = Vec::new();
    for owner in directories(root)? {
        for repository in directories(&owner)? {
            let _lock = match lock::try_exclusive(&repository) {
                Ok(Some(lock)) => lock,
                Ok(None) => continue,
                // A fetch that came to nothing.
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                Err(error) => return Err(error),
            };
            if !dry_run {
                remove_leftovers(&repository, INCOMING)?;
            }
            for commit in old_commits(&repository, age)? {
                if !dry_run && !remove(&repository, &commit)? {
                    continue;
                }
                let name = repository.strip_prefix(root).unwrap_or(&repository);
                gone.push(format!("{}@{commit}", name.display()));
            }
        }
    }
    Ok(gone)
}

fn old_commits(repository: &Path, age: Duration) -> io::Result<Vec<String>> {
    let mut old = Vec::new();
    for path in directories(repository)? {
        let used = fs::metadata(&path)?.modified()?;
        let is_old = SystemTime::now()
            .duration_since(used)
            .is_ok_and(|unused| unused > age);
        let name = path.file_name().and_then(|name| name.to_str());
        old.extend(
            name.filter(|name| is_old && is_commit(name))
                .map(str::to_owned),
        );
    }
    old.sort();
    Ok(old)
}

/// Removes a commit unless somebody uses it. Nobody can begin to: the repository is locked.
fn remove(repository: &Path, commit: &str) -> io::Result<bool> {
    let path = repository.join(commit);
    let Some(_lock) = lock::try_exclusive(&path)? else {
        return Ok(false);
    };
    Pins::read(repository)?.forget(commit)?;
    // First the name, so that there is never half of a commit under it.
    let going = repository.join(format!("{INCOMING}{commit}"));
    fs::rename(&path, &going)?;
    remove_tree(&going)?;
    Ok(true)
}

/// The directories in a directory; none if there is no such directory.
fn directories(path: &Path) -> io::Result<Vec<PathBuf>> {
    let entries = match fs::read_dir(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries?,
    };
    let mut found = Vec::new();
    for entry in entries {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            found.push(entry.path());
        }
    }
    Ok(found)
}
