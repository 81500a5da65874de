//! Places in a queue between processes. A ticket is a directory whose owner holds a lock on it, which the
//! kernel lets go of however the owner ends: one that nobody holds is a dead one's, and whoever sees it
//! removes it. Tickets are named by the time at which they were taken, so their names are their order.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use crate::host::fs::create_private_directory;
use crate::host::lock::{DirectoryLock, try_exclusive, try_shared};
use crate::host::reservation::fill_with_randomness;

/// A place among those that wait. Dropping it gives it up.
#[derive(Debug)]
pub struct Ticket {
    waiting: PathBuf,
    name: String,
    _lock: DirectoryLock,
}

impl Ticket {
    /// Takes the last place in the directory `waiting`. Its name ends with `end`. Made in `aside`, on the
    /// same file system, and put in place when it is locked: one that is not looks like a dead one's.
    pub fn take(aside: &Path, waiting: &Path, end: &str) -> io::Result<Self> {
        let mut random = [0; 8];
        fill_with_randomness(&mut random);
        let now = SystemTime::now().duration_since(UNIX_EPOCH);
        let now = now.unwrap_or_default().as_nanos();
        let name = format!("{now:039}-{}{end}", hex::encode(random));
        let made = aside.join(&name);
        create_private_directory(&made)?;
        let locked = try_exclusive(&made)?;
        let lock = locked.ok_or_else(|| io::Error::other("a new directory is locked"))?;
        fs::rename(&made, waiting.join(&name))?;
        Ok(Self {
            waiting: waiting.to_owned(),
            name,
            _lock: lock,
        })
    }

    fn path(&self) -> PathBuf {
        self.waiting.join(&self.name)
    }

    /// Whether nobody has taken it away.
    pub fn is_there(&self) -> bool {
        self.path().is_dir()
    }

    /// The names of all others, in their order.
    pub fn others(&self) -> io::Result<Vec<String>> {
        let mut names = names_in(&self.waiting)?;
        names.retain(|name| *name != self.name);
        Ok(names)
    }

    /// Takes away the tickets of those who came before.
    pub fn replace_earlier(&self) -> io::Result<()> {
        for earlier in self.earlier()? {
            remove(&self.waiting.join(earlier))?;
        }
        Ok(())
    }

    /// Whether nobody alive came before. Tickets of the dead are removed on the way.
    pub fn is_first(&self) -> io::Result<bool> {
        for earlier in self.earlier()? {
            let path = self.waiting.join(earlier);
            if is_alive(&path) {
                return Ok(false);
            }
            remove(&path)?;
        }
        Ok(true)
    }

    fn earlier(&self) -> io::Result<Vec<String>> {
        let mut names = self.others()?;
        names.retain(|name| *name < self.name);
        Ok(names)
    }

    /// Gives the ticket back; false if somebody has taken it away before.
    #[must_use]
    pub fn give_back(self) -> bool {
        fs::remove_dir(self.path()).is_ok()
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        // It may be gone already, which is as good.
        let _ = fs::remove_dir(self.path());
    }
}

/// Whether the owner of a ticket holds its lock. Asked for as one of many: two who look at once would each
/// take the other's look for the owner.
pub fn is_alive(ticket: &Path) -> bool {
    matches!(try_shared(ticket), Ok(None))
}

/// Removes a ticket; one that is not there is as good.
pub fn remove(ticket: &Path) -> io::Result<()> {
    match fs::remove_dir(ticket) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// The names in a directory: tickets in the order in which they were taken.
pub fn names_in(directory: &Path) -> io::Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in fs::read_dir(directory)? {
        names.extend(entry?.file_name().into_string());
    }
    names.sort();
    Ok(names)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn take(place: &Path) -> Ticket {
        Ticket::take(place, &place.join("waiting"), "").unwrap()
    }

    #[test]
    fn who_came_first_is_first_and_the_dead_are_in_nobodys_way() {
        let directory = tempfile::tempdir().unwrap();
        let place = directory.path();
        fs::create_dir(place.join("waiting")).unwrap();
        // As a killed process leaves it: nobody holds its lock.
        fs::create_dir(place.join("waiting/000-dead")).unwrap();
        let first = take(place);
        let (second, third) = (take(place), take(place));
        assert!(first.is_first().unwrap() && !second.is_first().unwrap());
        assert!(!place.join("waiting/000-dead").exists());
        drop(first);
        assert!(second.is_first().unwrap() && !third.is_first().unwrap());
        assert!(second.give_back());
        assert!(third.is_first().unwrap());
    }

    #[test]
    fn a_ticket_can_be_taken_away() {
        let directory = tempfile::tempdir().unwrap();
        fs::create_dir(directory.path().join("waiting")).unwrap();
        let (first, second) = (take(directory.path()), take(directory.path()));
        second.replace_earlier().unwrap();
        assert!(!first.is_there() && second.is_there());
        assert!(!first.give_back());
    }

    #[test]
    fn many_may_look_at_once_whether_a_ticket_is_a_dead_ones() {
        let ticket = tempfile::tempdir().unwrap();
        let _somebody_looks = try_shared(ticket.path()).unwrap().unwrap();
        assert!(!is_alive(ticket.path()));
    }
}
