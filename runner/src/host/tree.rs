//! Removing a directory that somebody hostile may have filled: with directories that nobody may enter,
//! with more levels than a process may open files or a path may have letters, with links.
//!
//! ```text
//!   top/a/b/c ──> b is moved up ──> top/a, top/0/c ──> a goes, c is moved up ──> top/0, top/1 ──> …
//! ```
//!
//! Each directory is emptied as a child of the top, what is below it being moved up first. So there
//! are never more than a few open files, no path longer than a name, and nothing to recurse into.

use std::ffi::CString;
use std::fs;
use std::io;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::path::Path;

use rustix::fs::{
    AtFlags, CWD, Dir, Mode, OFlags, ResolveFlags, Stat, chmod, fstat, openat, openat2, renameat,
    unlinkat,
};
use rustix::io::Errno;

/// How many names of a directory are held at a time.
const BATCH: usize = 1024;

/// Removes a directory and all that is in it; one that is not there is removed already. Links are
/// removed, never followed, and what is mounted inside is an error.
pub fn remove_tree(path: &Path) -> io::Result<()> {
    match remove(path) {
        Err(Errno::NOENT) => Ok(()),
        result => Ok(result?),
    }
}

/// Removes what begins with `prefix` in a directory: what a killed process left. Only for whoever holds
/// the directory's lock.
pub fn remove_leftovers(directory: &Path, prefix: &str) -> io::Result<()> {
    for entry in fs::read_dir(directory)? {
        let entry = entry?;
        if entry.file_name().to_string_lossy().starts_with(prefix) {
            remove_tree(&entry.path())?;
        }
    }
    Ok(())
}

fn remove(path: &Path) -> Result<(), Errno> {
    if !is_left(unlinkat(CWD, path, AtFlags::empty()))? {
        return Ok(());
    }
    let mut tree = Tree::at(path)?;
    tree.clear()?;
    unlinkat(CWD, path, AtFlags::REMOVEDIR)
}

/// The directory that goes, while its contents do.
struct Tree {
    top: OwnedFd,
    /// The file system that all of it has to be on.
    device: u64,
    /// The name that the next directory is moved up to.
    next: u64,
}

impl Tree {
    fn at(path: &Path) -> Result<Self, Errno> {
        let (top, found) = enter(openat(CWD, path, TO_LOOK, Mode::empty())?)?;
        Ok(Self {
            top,
            device: found.st_dev,
            next: 0,
        })
    }

    fn clear(&mut self) -> Result<(), Errno> {
        loop {
            let names = some_names(&self.top)?;
            if names.is_empty() {
                return Ok(());
            }
            for name in names {
                if is_left(unlinkat(&self.top, &name, AtFlags::empty()))? {
                    self.remove_child(&name)?;
                }
            }
        }
    }

    /// Removes a directory of the top, after what it holds was removed or moved up.
    fn remove_child(&mut self, name: &CString) -> Result<(), Errno> {
        let child = self.enter_below(&self.top, name)?;
        loop {
            let names = some_names(&child)?;
            if names.is_empty() {
                break;
            }
            for name in names {
                if is_left(unlinkat(&child, &name, AtFlags::empty()))? {
                    self.move_up(&child, &name)?;
                }
            }
        }
        unlinkat(&self.top, name, AtFlags::REMOVEDIR)
    }

    fn move_up(&mut self, parent: &OwnedFd, name: &CString) -> Result<(), Errno> {
        // A directory that may not be written to may not be moved either: its `..` changes.
        drop(self.enter_below(parent, name)?);
        loop {
            let above = self.next.to_string();
            self.next += 1;
            match renameat(parent, name, &self.top, &above) {
                // The name is taken, perhaps on purpose. There are more.
                Err(Errno::EXIST | Errno::NOTEMPTY | Errno::NOTDIR) => {}
                result => return result,
            }
        }
    }

    /// Opens a directory inside the tree, unless something else is mounted there.
    fn enter_below(&self, parent: impl AsFd, name: &CString) -> Result<OwnedFd, Errno> {
        let opened = openat2(&parent, name, TO_LOOK, Mode::empty(), ResolveFlags::NO_XDEV);
        let handle = match opened {
            // Kernels before 5.6, and filters that do not know the call.
            Err(Errno::NOSYS | Errno::PERM) => openat(&parent, name, TO_LOOK, Mode::empty())?,
            opened => opened?,
        };
        if fstat(&handle)?.st_dev != self.device {
            return Err(Errno::XDEV);
        }
        Ok(enter(handle)?.0)
    }
}

/// Opens a directory without reading it, which needs no permission on it.
const TO_LOOK: OFlags = OFlags::PATH
    .union(OFlags::DIRECTORY)
    .union(OFlags::NOFOLLOW)
    .union(OFlags::CLOEXEC);

/// Makes a directory that was found one that can be read and emptied, as far as it is ours.
fn enter(handle: OwnedFd) -> Result<(OwnedFd, Stat), Errno> {
    let found = fstat(&handle)?;
    if !Mode::from_raw_mode(found.st_mode).contains(Mode::RWXU) {
        // By way of the handle, since the name may be another's by now. If it is not ours, what is
        // tried next says why it fails.
        let _ = chmod(format!("/proc/self/fd/{}", handle.as_raw_fd()), Mode::RWXU);
    }
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    Ok((openat(&handle, ".", flags, Mode::empty())?, found))
}

/// Names in a directory, none if it is empty.
fn some_names(directory: &OwnedFd) -> Result<Vec<CString>, Errno> {
    let mut names = Vec::new();
    for entry in Dir::read_from(directory)? {
        let entry = entry?;
        let name = entry.file_name();
        if !matches!(name.to_bytes(), b"." | b"..") {
            names.push(name.to_owned());
        }
        if names.len() == BATCH {
            break;
        }
    }
    Ok(names)
}

/// Whether what was to be unlinked is a directory, and so still there.
fn is_left(unlinked: Result<(), Errno>) -> Result<bool, Errno> {
    match unlinked {
        Ok(()) | Err(Errno::NOENT) => Ok(false),
        Err(Errno::ISDIR) => Ok(true),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use std::fs::{File, Permissions};
    use std::os::unix::fs::{PermissionsExt, symlink};

    use rustix::process::{Resource, Rlimit, getrlimit};

    use super::*;

    #[test]
    fn a_tree_goes_and_what_its_links_name_stays() {
        let directory = tempfile::tempdir().unwrap();
        let outside = directory.path().join("outside");
        fs::create_dir(&outside).unwrap();
        File::create(outside.join("kept")).unwrap();
        let top = directory.path().join("top");
        for below in ["a/b/c", "0/0/0", "1/2"] {
            fs::create_dir_all(top.join(below)).unwrap();
        }
        File::create(top.join("a/2")).unwrap();
        for link in ["link", "a/b/link"] {
            symlink(&outside, top.join(link)).unwrap();
        }
        remove_tree(&top).unwrap();
        assert!(!top.exists());
        remove_tree(&top).unwrap();
        symlink(&outside, &top).unwrap();
        remove_tree(&top).unwrap();
        assert!(fs::symlink_metadata(&top).is_err());
        assert!(outside.join("kept").is_file());
    }

    /// As root this proves nothing, since root may enter everything.
    #[test]
    fn directories_that_nobody_may_enter_go_too() {
        let directory = tempfile::tempdir().unwrap();
        let top = directory.path().join("top");
        fs::create_dir_all(top.join("x/y/z")).unwrap();
        for closed in ["x/y/z", "x/y", "x", ""] {
            fs::set_permissions(top.join(closed), Permissions::from_mode(0o000)).unwrap();
        }
        remove_tree(&top).unwrap();
        assert!(!top.exists());
    }

    #[test]
    fn more_levels_than_there_are_open_files_or_letters_in_a_path() {
        let directory = tempfile::tempdir().unwrap();
        let top = directory.path().join("top");
        fs::create_dir(&top).unwrap();
        let Rlimit { current, .. } = getrlimit(Resource::Nofile);
        let levels = current.unwrap_or(0).clamp(5_000, 20_000);
        let mut handle = rustix::fs::open(&top, TO_LOOK, Mode::empty()).unwrap();
        for _ in 0..levels {
            rustix::fs::mkdirat(&handle, "deeper", Mode::RWXU).unwrap();
            handle = openat(&handle, "deeper", TO_LOOK, Mode::empty()).unwrap();
        }
        remove_tree(&top).unwrap();
        assert!(!top.exists());
    }

    #[test]
    fn many_files_go_in_batches() {
        let directory = tempfile::tempdir().unwrap();
        let top = directory.path().join("top");
        fs::create_dir_all(top.join("in")).unwrap();
        for number in 0..BATCH + 10 {
            File::create(top.join(format!("in/{number}"))).unwrap();
        }
        remove_tree(&top).unwrap();
        assert!(!top.exists());
    }
}
