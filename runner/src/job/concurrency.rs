//! Concurrency groups: of all jobs and runs of a group, in whatever process of this home, one has its
//! turn and one waits. Whoever comes next takes the place of the one that waits, and may ask the one
//! that has its turn to stop.
//!
//! ```text
//!   come ──> a ticket ──> first of the living? ── yes ─> the lock of the turn ──> Turn
//!                │             └── no ─> look again           └── held ─> look again
//!                └── it was taken away: a later one is here ──> Replaced
//! ```
//!
//! A group is a directory, and so is a ticket (`host::tickets`). Their owners hold locks on them, which the
//! kernel lets go of however a process ends. A group that nobody is in is removed by its last one, or by the next who comes to any group. Whoever comes
//! or removes has the lock of all groups meanwhile.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use dormer_workflow::workflow::{ConcurrencyGroup, Queue};
use sha2::{Digest, Sha256};

use crate::host::clock::{self, Deadline};
use crate::host::fs::create_private_directory;
use crate::host::lock::{DirectoryLock, exclusive_within, try_exclusive};
use crate::host::tickets::{Ticket, is_alive, names_in, remove};

/// How often whoever waits looks again.
const LOOK: Duration = Duration::from_millis(200);
/// Longer than others may take to come to their groups.
const OTHERS: Deadline = Deadline::seconds("other processes' coming to concurrency groups", 60);
/// How many may wait in a group that keeps them all: as many as GitHub keeps.
const LONGEST_QUEUE: usize = 100;
/// The parts of a group's directory.
const TURN: &str = "turn";
const WAITING: &str = "waiting";
/// What the name of a ticket ends with whose owner asks the one before to stop.
const STOPS: &str = "-stops";

/// The groups of one home and one repository.
#[derive(Debug, Clone)]
pub struct Groups {
    directory: PathBuf,
    repository: String,
}

/// How coming to a group ended.
#[derive(Debug)]
pub enum Entered {
    /// It is our turn.
    Turn(Turn),
    /// Somebody else waits in our place.
    Replaced,
    /// As many wait as the group keeps.
    Full,
}

/// What is said to who comes to a group that keeps no more.
pub fn full(name: &str) -> String {
    format!(
        "cancelled: {LONGEST_QUEUE} wait in the concurrency group `{name}` already, and it keeps no more"
    )
}

/// The turn of a group; dropping it lets the next one have its.
#[derive(Debug)]
pub struct Turn {
    groups: PathBuf,
    place: PathBuf,
    waiting: PathBuf,
    _lock: DirectoryLock,
}

impl Groups {
    /// The groups that are kept below `directory`, which is made when one is needed.
    pub fn new(directory: PathBuf, repository: &str) -> Self {
        Self {
            directory,
            repository: repository.to_owned(),
        }
    }

    /// Waits for the turn in a group. `waits` is told once if it does not come at once.
    pub async fn enter(
        &self,
        group: &ConcurrencyGroup,
        waits: impl FnOnce() + Send,
    ) -> io::Result<Entered> {
        let place = self.place(&group.name);
        let (turn, waiting) = (place.join(TURN), place.join(WAITING));
        create_private_directory(&self.directory)?;
        // One comes after the other: of two who come at once to a group that nobody is in, one has its
        // turn before the other looks for somebody to replace. And nobody removes a group meanwhile.
        let coming = exclusive_within(&self.directory, OTHERS).await?;
        self.remove_abandoned();
        create_private_directory(&turn)?;
        create_private_directory(&waiting)?;
        let end = if group.cancel_in_progress { STOPS } else { "" };
        let ticket = Ticket::take(&place, &waiting, end)?;
        if let Some(lock) = turn_of(&ticket, &turn)? {
            return Ok(self.exchange(ticket, &place, lock));
        }
        match group.queue {
            Queue::Single => ticket.replace_earlier()?,
            Queue::Max if ticket.others()?.len() >= LONGEST_QUEUE => return Ok(Entered::Full),
            Queue::Max => {}
        }
        drop(coming);
        let mut waits = Some(waits);
        loop {
            if !ticket.is_there() {
                return Ok(Entered::Replaced);
            }
            if let Some(lock) = turn_of(&ticket, &turn)? {
                return Ok(self.exchange(ticket, &place, lock));
            }
            if let Some(waits) = waits.take() {
                waits();
            }
            clock::pause(LOOK).await;
        }
    }

    /// Gives a ticket back for the turn, unless somebody has taken it away in between.
    fn exchange(&self, ticket: Ticket, place: &Path, lock: DirectoryLock) -> Entered {
        if !ticket.give_back() {
            return Entered::Replaced;
        }
        Entered::Turn(Turn {
            groups: self.directory.clone(),
            place: place.to_owned(),
            waiting: place.join(WAITING),
            _lock: lock,
        })
    }

    /// Removes the groups that nobody is in any more: those of processes that were killed among them. Whoever
    /// calls has the lock of all groups.
    fn remove_abandoned(&self) {
        // What can't be seen or removed now is in nobody's way; the next who comes tries again.
        let names = names_in(&self.directory).unwrap_or_default();
        for place in names.iter().map(|name| self.directory.join(name)) {
            let Ok(Some(_free)) = try_exclusive(&place.join(TURN)) else {
                continue;
            };
            let waiting = place.join(WAITING);
            let tickets = names_in(&waiting).unwrap_or_default();
            let tickets = tickets.iter().map(|name| waiting.join(name));
            for dead in tickets.filter(|ticket| !is_alive(ticket)) {
                let _ = remove(&dead);
            }
            remove_group(&place);
        }
    }

    /// The directory of a group. GitHub's groups are those of a repository, and the same in any case.
    fn place(&self, name: &str) -> PathBuf {
        let text = format!("{}\n{}", self.repository, name.to_lowercase());
        let digest = Sha256::digest(text.as_bytes());
        self.directory.join(hex::encode(&digest[..16]))
    }
}

impl Turn {
    /// Returns when somebody asks whoever has the turn to stop.
    pub async fn asked_to_stop(&self) {
        let asks = |name: &String| name.ends_with(STOPS) && is_alive(&self.waiting.join(name));
        loop {
            // A directory that can't be read tells nothing; the next look may.
            let names = names_in(&self.waiting).unwrap_or_default();
            if names.iter().any(asks) {
                return;
            }
            clock::pause(LOOK).await;
        }
    }
}

impl Drop for Turn {
    /// The group is left with the turn still held. One that somebody comes to at this moment, or waits in,
    /// stays; whoever comes next to any group looks again.
    fn drop(&mut self) {
        if let Ok(Some(_nobody_comes)) = try_exclusive(&self.groups) {
            remove_group(&self.place);
        }
    }
}

/// Removes a group in which nobody waits. Whoever calls has its turn, and the lock of all groups.
fn remove_group(place: &Path) {
    // In this order: a directory that is not empty is not removed.
    if fs::remove_dir(place.join(WAITING)).is_ok() {
        let _ = fs::remove_dir(place.join(TURN));
        let _ = fs::remove_dir(place);
    }
}

/// The lock of the turn, if it is free and nobody came before.
fn turn_of(ticket: &Ticket, turn: &Path) -> io::Result<Option<DirectoryLock>> {
    if ticket.is_first()? {
        try_exclusive(turn)
    } else {
        Ok(None)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use tokio::task::JoinHandle;

    use super::*;
    use crate::host::clock::{Deadline, within};

    const SOON: Deadline = Deadline::seconds("a turn", 10);

    fn group(name: &str, cancel_in_progress: bool, queue: Queue) -> ConcurrencyGroup {
        ConcurrencyGroup {
            name: name.to_owned(),
            cancel_in_progress,
            queue,
        }
    }

    struct Room {
        _directory: tempfile::TempDir,
        groups: Groups,
        waiting: Arc<AtomicUsize>,
    }

    impl Room {
        fn new() -> Self {
            let directory = tempfile::tempdir().unwrap();
            let groups = Groups::new(directory.path().join("groups"), "me/it");
            Self {
                _directory: directory,
                groups,
                waiting: Arc::default(),
            }
        }

        async fn turn(&self, group: &ConcurrencyGroup) -> Turn {
            match within(SOON, self.groups.enter(group, || ()))
                .await
                .unwrap()
                .unwrap()
            {
                Entered::Turn(turn) => turn,
                Entered::Replaced | Entered::Full => panic!("nobody else is here"),
            }
        }

        /// Comes to a group and waits there; returns when that is known.
        async fn wait_in(&self, group: ConcurrencyGroup) -> JoinHandle<Entered> {
            let (groups, waiting) = (self.groups.clone(), Arc::clone(&self.waiting));
            let before = waiting.load(Ordering::SeqCst);
            let told = Arc::clone(&waiting);
            let task = tokio::spawn(async move {
                let waits = move || {
                    waiting.fetch_add(1, Ordering::SeqCst);
                };
                groups.enter(&group, waits).await.unwrap()
            });
            let told = || async { (told.load(Ordering::SeqCst) > before).then_some(()) };
            within(SOON, clock::poll(LOOK / 10, told)).await.unwrap();
            task
        }
    }

    #[tokio::test]
    async fn one_has_its_turn_one_waits_and_the_next_takes_its_place() {
        let room = Room::new();
        let deploy = group("Deploy", false, Queue::Single);
        let turn = room.turn(&deploy).await;
        // Another group is another matter; another case is not.
        drop(room.turn(&group("test", false, Queue::Single)).await);
        let second = room.wait_in(group("dePLOY", false, Queue::Single)).await;
        let third = room.wait_in(deploy).await;
        assert!(matches!(second.await.unwrap(), Entered::Replaced));
        drop(turn);
        let third = within(SOON, third).await.unwrap().unwrap();
        assert!(matches!(third, Entered::Turn(_)));
    }

    #[tokio::test]
    async fn who_has_its_turn_is_asked_to_stop_only_by_who_says_so() {
        let room = Room::new();
        let turn = room.turn(&group("a", false, Queue::Single)).await;
        let polite = room.wait_in(group("a", false, Queue::Single)).await;
        let asked = within(Deadline::seconds("nothing", 1), turn.asked_to_stop()).await;
        assert!(asked.is_err());
        let urgent = room.wait_in(group("a", true, Queue::Single)).await;
        within(SOON, turn.asked_to_stop()).await.unwrap();
        drop(turn);
        assert!(matches!(polite.await.unwrap(), Entered::Replaced));
        let Entered::Turn(turn) = within(SOON, urgent).await.unwrap().unwrap() else {
            panic!("it was next");
        };
        // Its own wish is over.
        let asked = within(Deadline::seconds("nothing", 1), turn.asked_to_stop()).await;
        assert!(asked.is_err());
    }

    #[tokio::test]
    async fn a_group_may_keep_all_that_wait_and_they_come_in_order() {
        let room = Room::new();
        let all = group("a", false, Queue::Max);
        let turn = room.turn(&all).await;
        let second = room.wait_in(all.clone()).await;
        let third = room.wait_in(all).await;
        drop(turn);
        let Entered::Turn(turn) = within(SOON, second).await.unwrap().unwrap() else {
            panic!("nobody took its place");
        };
        assert!(!third.is_finished());
        drop(turn);
        assert!(matches!(third.await.unwrap(), Entered::Turn(_)));
    }

    #[tokio::test]
    async fn who_gives_up_or_dies_while_waiting_is_in_nobodys_way() {
        let room = Room::new();
        let all = group("a", true, Queue::Max);
        let turn = room.turn(&all).await;
        let gone = room.wait_in(all.clone()).await;
        gone.abort();
        assert!(gone.await.is_err());
        // Nobody holds this one: its process was killed.
        let dead = room.groups.place("a").join("waiting/000-dead-stops");
        fs::create_dir(&dead).unwrap();
        let asked = within(Deadline::seconds("nothing", 1), turn.asked_to_stop()).await;
        assert!(asked.is_err());
        drop(turn);
        drop(room.turn(&all).await);
        assert!(!dead.exists());
    }

    #[tokio::test]
    async fn a_group_that_nobody_is_in_is_removed() {
        let room = Room::new();
        let left = |room: &Room| names_in(&room.groups.directory).unwrap().len();
        let all = group("a", false, Queue::Max);
        let turn = room.turn(&all).await;
        let second = room.wait_in(all.clone()).await;
        drop(turn);
        assert_eq!(left(&room), 1, "somebody waits in it");
        drop(within(SOON, second).await.unwrap().unwrap());
        assert_eq!(left(&room), 0);
        // A process that was killed leaves its group, with a ticket.
        let dead = room.groups.place("dead");
        fs::create_dir_all(dead.join(TURN)).unwrap();
        fs::create_dir_all(dead.join(WAITING).join("000-dead")).unwrap();
        let turn = room.turn(&all).await;
        assert!(!dead.exists());
        // Others come to it while it is removed again and again.
        drop(turn);
        for _ in 0..20 {
            let (one, two) = (all.clone(), all.clone());
            let enter = |group: ConcurrencyGroup| {
                let groups = room.groups.clone();
                tokio::spawn(async move { groups.enter(&group, || ()).await.unwrap() })
            };
            for entered in [enter(one), enter(two)] {
                let entered = within(SOON, entered).await.unwrap().unwrap();
                assert!(matches!(entered, Entered::Turn(_)));
            }
        }
        assert_eq!(left(&room), 0);
    }

    #[tokio::test]
    async fn a_group_that_is_full_says_so() {
        let room = Room::new();
        let all = group("a", false, Queue::Max);
        let _turn = room.turn(&all).await;
        let place = room.groups.place("a");
        let waiting = place.join(WAITING);
        let tickets = (0..LONGEST_QUEUE).map(|_| Ticket::take(&place, &waiting, ""));
        let _tickets: Vec<Ticket> = tickets.map(Result::unwrap).collect();
        let entered = within(SOON, room.groups.enter(&all, || ())).await;
        assert!(matches!(entered.unwrap().unwrap(), Entered::Full));
    }
}
