//! A living process's claim to a name: a directory below `instances/` that it holds locked. Whatever
//! is labelled with the name on the engine, or kept under it on disk, belongs to that process while
//! the lock is held, and to nobody afterwards. That is how strays are known without asking anyone.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::host::fs::{create_private_directory, remove_tree};
use crate::host::lock::{DirectoryLock, try_exclusive};

/// A name, its directory and the lock on it. Dropping it gives up the claim and leaves the directory
/// to whoever cleans up; [`Reservation::remove`] takes both away.
#[derive(Debug)]
pub struct Reservation {
    id: String,
    directory: PathBuf,
    _lock: DirectoryLock,
}

impl Reservation {
    /// Claims a new name below `instances`.
    pub fn new(instances: &Path) -> io::Result<Self> {
        loop {
            let id = random_id();
            let directory = instances.join(&id);
            if directory.exists() {
                continue;
            }
            create_private_directory(&directory)?;
            // Between these two steps somebody who cleans up may take it for abandoned; then we try
            // another name.
            if let Some(claimed) = claim(id, directory)? {
                return Ok(claimed);
            }
        }
    }

    /// Takes over a name that nobody holds; none if somebody does, or if there is no such name.
    pub fn adopt(instances: &Path, id: &str) -> io::Result<Option<Self>> {
        claim(id.to_owned(), instances.join(id))
    }

    /// Every name below `instances`, held or not; none if that is not there.
    pub fn list(instances: &Path) -> io::Result<Vec<String>> {
        let mut ids = Vec::new();
        let entries = match fs::read_dir(instances) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(ids),
            entries => entries?,
        };
        for entry in entries {
            ids.extend(
                entry?
                    .file_name()
                    .into_string()
                    .ok()
                    .filter(|name| is_id(name)),
            );
        }
        ids.sort();
        Ok(ids)
    }

    /// The name.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The directory.
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// Removes the directory with all that is in it, and with it the claim.
    pub fn remove(&self) -> io::Result<()> {
        remove_tree(&self.directory)
    }
}

fn claim(id: String, directory: PathBuf) -> io::Result<Option<Reservation>> {
    let lock = match try_exclusive(&directory) {
        Ok(Some(lock)) => lock,
        Ok(None) => return Ok(None),
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    // The lock is on the directory that we opened; its name may be gone by now.
    Ok(directory.is_dir().then_some(Reservation {
        id,
        directory,
        _lock: lock,
    }))
}

/// Whether a directory's name is one of ours.
fn is_id(name: &str) -> bool {
    name.len() == ID_LENGTH && name.bytes().all(|byte| ALPHABET.contains(&byte))
}

const ID_LENGTH: usize = 10;
/// Letters and digits that are not mistaken for each other.
const ALPHABET: &[u8; 32] = b"abcdefghijkmnpqrstuvwxyz23456789";

fn random_id() -> String {
    let mut bytes = [0_u8; ID_LENGTH];
    fill_with_randomness(&mut bytes);
    bytes
        .iter()
        .map(|byte| char::from(ALPHABET[usize::from(byte % 32)]))
        .collect()
}

/// Fills a buffer with what nobody can guess.
pub fn fill_with_randomness(buffer: &mut [u8]) {
    let mut filled = 0;
    while filled < buffer.len() {
        let rest = &mut buffer[filled..];
        // The kernel's generator only fails when it is interrupted; then it is asked again.
        filled += rustix::rand::getrandom(rest, rustix::rand::GetRandomFlags::empty()).unwrap_or(0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_belongs_to_one_holder_until_it_is_given_up() {
        let home = tempfile::tempdir().unwrap();
        let held = Reservation::new(home.path()).unwrap();
        let id = held.id().to_owned();
        assert!(is_id(&id));
        assert!(Reservation::adopt(home.path(), &id).unwrap().is_none());
        drop(held);
        let adopted = Reservation::adopt(home.path(), &id).unwrap().unwrap();
        assert_eq!(
            Reservation::list(home.path()).unwrap(),
            std::slice::from_ref(&id)
        );
        adopted.remove().unwrap();
        assert!(Reservation::adopt(home.path(), &id).unwrap().is_none());
        assert!(Reservation::list(home.path()).unwrap().is_empty());
    }
}
