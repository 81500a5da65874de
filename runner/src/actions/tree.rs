//! Looking through what a stranger's repository left on this host, before it gets its name.

use std::fs::{self, Permissions};
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use crate::actions::error::FetchError;
use crate::workspace::scan::{self, Entry};

/// How much a repository may hold, and how many there may be.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// The bytes of its files, and of what is fetched for them. Default: 1 GiB.
    pub bytes: u64,
    /// Its files, links and directories. Default: 100,000.
    pub entries: usize,
    /// How many repositories one run may use, each ref of one counted for itself. Default: 100.
    pub repositories: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            bytes: 1 << 30,
            entries: 100_000,
            repositories: 100,
        }
    }
}

/// Refuses a tree with links that lead out of it, with names that Windows takes for something else, or
/// that is too large; takes from its files the permission to be written to.
pub(super) fn seal(root: &Path, limits: Limits) -> Result<(), FetchError> {
    let found = scan::everything(root).map_err(|error| FetchError::Unfit(error.message))?;
    if found.entries.len() > limits.entries {
        let why = format!("it has more than {} files", limits.entries);
        return Err(FetchError::Unfit(why));
    }
    if found.bytes() > limits.bytes {
        return Err(FetchError::Large(limits.bytes));
    }
    for (path, entry) in &found.entries {
        if let Some(name) = path.file_name().filter(|name| is_odd(name.as_bytes())) {
            let why = format!("`{}` is no name of a file on Windows", name.display());
            return Err(FetchError::Unfit(why));
        }
        if matches!(entry, Entry::File(_)) {
            close(&root.join(path))?;
        }
    }
    Ok(())
}

/// Whether a name has what makes it a path, a drive or a stream on Windows.
fn is_odd(name: &[u8]) -> bool {
    name.iter()
        .any(|byte| byte.is_ascii_control() || matches!(byte, b'\\' | b':'))
}

fn close(file: &Path) -> io::Result<()> {
    let mode = fs::symlink_metadata(file)?.permissions().mode();
    fs::set_permissions(file, Permissions::from_mode(mode & 0o555))
}

/// The bytes of all files below a directory that somebody writes to, as far as they can be seen.
pub(super) fn size(directory: &Path) -> u64 {
    let mut total = 0;
    let mut open = vec![directory.to_owned()];
    while let Some(next) = open.pop() {
        for entry in fs::read_dir(next).into_iter().flatten().flatten() {
            let Ok(found) = entry.metadata() else {
                continue;
            };
            if found.is_dir() {
                open.push(entry.path());
            } else {
                total += found.len();
            }
        }
    }
    total
}
