//! The files that git tracks, read from its index. Git itself is not run: a checkout's own configuration
//! can make it run programs, and the checkout may be a stranger's.

use std::fs;
use std::path::{Path, PathBuf};

use crate::host::fs::real_path;

/// The repository that a directory belongs to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Repository {
    /// The directory with `.git` in it.
    pub root: PathBuf,
    /// Where git keeps its own files; elsewhere for a worktree or a submodule.
    pub git_directory: PathBuf,
}

/// Finds the repository that `directory` is in, if any. As git does, it looks in no directory that
/// `GIT_CEILING_DIRECTORIES` names, and in none above it; `directory` itself is looked in all the same.
pub fn find_repository(directory: &Path) -> Option<Repository> {
    let ceilings = std::env::var_os("GIT_CEILING_DIRECTORIES").unwrap_or_default();
    let ceilings = std::env::split_paths(&ceilings).filter(|one| one.is_absolute());
    let ceilings: Vec<PathBuf> = ceilings.map(|one| real_path(&one).unwrap_or(one)).collect();
    find_below(directory, &ceilings)
}

fn find_below(directory: &Path, ceilings: &[PathBuf]) -> Option<Repository> {
    let is_ceiling = |root: &Path| root != directory && ceilings.iter().any(|one| one == root);
    let mut within = directory.ancestors().take_while(|root| !is_ceiling(root));
    within.find_map(|root| {
        let git = root.join(".git");
        let found = fs::symlink_metadata(&git).ok()?;
        let git_directory = if found.is_dir() {
            git
        } else {
            linked_directory(root, &git)?
        };
        Some(Repository {
            root: root.to_owned(),
            git_directory,
        })
    })
}

/// A worktree's or submodule's `.git` is a file that says where the directory is.
fn linked_directory(root: &Path, file: &Path) -> Option<PathBuf> {
    const LONGEST: u64 = 8192;
    if fs::metadata(file).ok()?.len() > LONGEST {
        return None;
    }
    let text = fs::read_to_string(file).ok()?;
    let path = text.strip_prefix("gitdir:")?.trim();
    let directory = root.join(path);
    directory.is_dir().then_some(directory)
}

/// The tracked files below `directory`, relative to it. An index that can't be read is no tracked
/// files and a complaint.
pub fn tracked_files(repository: &Repository, directory: &Path) -> Result<Vec<PathBuf>, String> {
    let index = repository.git_directory.join("index");
    if !index.exists() {
        return Ok(Vec::new());
    }
    let options = gix_index::decode::Options::default();
    let file = gix_index::File::at(&index, gix_index::hash::Kind::Sha1, true, options)
        .map_err(|error| format!("cannot read `{}`: {error}", index.display()))?;
    let prefix = directory
        .strip_prefix(&repository.root)
        .unwrap_or(Path::new(""));
    let entries = file.entries().iter().map(|entry| entry.path(&file));
    let paths = entries.map(|path| PathBuf::from(path_from(path)));
    Ok(paths
        .filter_map(|path| path.strip_prefix(prefix).map(Path::to_owned).ok())
        .collect())
}

/// Git's paths are bytes, as the host's are.
fn path_from(bytes: &[u8]) -> std::ffi::OsString {
    use std::os::unix::ffi::OsStringExt;
    std::ffi::OsString::from_vec(bytes.to_vec())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_looked_for_at_a_ceiling_or_above() {
        let directory = tempfile::tempdir().unwrap();
        let root = directory.path();
        fs::create_dir_all(root.join(".git")).unwrap();
        fs::create_dir_all(root.join("a/b")).unwrap();
        let found = |from: &Path, ceilings: &[PathBuf]| {
            find_below(from, ceilings).map(|repository| repository.root)
        };
        let inner = root.join("a/b");
        assert_eq!(found(&inner, &[]), Some(root.to_owned()));
        assert_eq!(found(&inner, &[root.to_owned()]), None);
        assert_eq!(found(&inner, &[root.join("a")]), None);
        // A ceiling elsewhere is none, and neither is where we stand.
        assert_eq!(
            found(&inner, &[inner.clone(), root.join("c")]),
            Some(root.to_owned())
        );
        assert_eq!(found(root, &[root.to_owned()]), Some(root.to_owned()));
    }
}
