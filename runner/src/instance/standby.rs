//! Machines that stand by: their container runs, their network is closed, QEMU has the template mapped and
//! waits to be told to load it. They take next to no memory, and what took most of the time to wake is
//! behind them.
//!
//! ```text
//!   made ─> Standby ─┬─> Adopted ─> Booting ─> …   a job has taken it, and its machine wakes
//!                    └─> TearingDown               nobody did in time, or nobody could any more
//! ```
//!
//! No process holds one; who made it may be long gone. Whoever wants one takes it under the lock of its
//! directory, and it is theirs from then on: two never take the same. What depends on a job is decided
//! when it is taken (the job's name, its log) or part of what it fits.

use std::collections::BTreeSet;
use std::path::PathBuf;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::event::{Events, Rung};
use crate::failure::{Bug, Failure, InfraFailure};
use crate::host::home::Home;
use crate::host::memory::Memory;
use crate::host::reservation::Reservation;
use crate::image::manifest::Digest;
use crate::image::store::Store;
use crate::instance::allowance::Claim;
use crate::instance::gate::Permit;
use crate::instance::kept::{self, adopt, is_expired, login};
use crate::instance::ladder::Ladder;
use crate::instance::provision::{Instance, Order, files, surroundings};
use crate::instance::record::{Journal, Process, Record, State};
use crate::instance::teardown;
use crate::instance::templates::Templates;
use crate::mask::Masker;
use crate::vmm::engine::Engine;
use crate::vmm::listing;
use crate::vmm::machine::Bounds;
use crate::vmm::making::{self, Files, Surroundings};
use crate::vmm::vm::Vm;

/// Machines stand by only while at least this part of the host's memory is available: each may grow to
/// what its guest has as soon as it is woken.
const SHORT: u64 = 10;

/// What a machine that stands by is good for: a job whose own would be made from the very same.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fit {
    /// The key of its template.
    pub template: Digest,
    /// Which template of that key: another one has another memory.
    pub edition: Digest,
    /// Everything that its container and its network were made from: limits, user, files, closed and
    /// opened addresses.
    pub container: Digest,
}

impl Fit {
    /// That of a machine of this order; none if it does not wake.
    pub(super) fn of(order: &Order, files: &Files, around: &Surroundings) -> Option<Self> {
        let template = order.template.as_ref()?;
        let likeness = making::likeness(&order.machine, files, around);
        Some(Self {
            template: template.key(),
            edition: template.edition(),
            container: Digest::of(likeness.as_bytes()),
        })
    }

    /// That of a machine which somebody is looking for.
    pub fn wanted(home: &Home, store: &Store, order: &Order) -> Result<Option<Self>, Bug> {
        let files = files(order, store, PathBuf::new())?;
        let around = surroundings(order, home.owner(), None, bounds(order));
        Ok(Self::of(order, &files, &around))
    }
}

/// What bounds a machine while it stands by: as little as can be, since the job that takes it has a disk limit
/// of its own, which is put into force then.
fn bounds(order: &Order) -> Bounds {
    Bounds {
        disk: order.image.manifest.description.disk_size,
        pinned: Vec::new(),
        rates: order.allowance.rates,
    }
}

/// What a machine claims that stands by: QEMU without a guest. Whoever takes it claims the rest.
pub fn claim() -> Claim {
    Claim {
        memory: 64 << 20,
        cpus: 0,
        disk: 16 << 20,
        pinned: Vec::new(),
    }
}

/// Whether the host has too little memory for machines to stand by.
pub fn is_host_short() -> bool {
    // Where that can't be told, they stand by.
    Memory::now().is_some_and(is_short)
}

fn is_short(memory: Memory) -> bool {
    memory.available < memory.total / SHORT
}

/// The records of the machines that stand by, the oldest first.
pub fn list(home: &Home) -> Result<Vec<Record>, InfraFailure> {
    let records = kept::list(home)?.into_iter().map(|one| one.record);
    Ok(records
        .filter(|record| record.state == State::Standby)
        .collect())
}

/// The ids of those that a job of this fit can take, the oldest first.
pub fn fitting(home: &Home, fit: &Fit) -> Result<Vec<String>, InfraFailure> {
    let now = Timestamp::now();
    let fitting = list(home)?.into_iter();
    let fitting = fitting.filter(|record| can_be_taken(record, fit, now));
    Ok(fitting.map(|record| record.id).collect())
}

fn can_be_taken(record: &Record, fit: &Fit, now: Timestamp) -> bool {
    record.state == State::Standby
        && record.standby.as_ref() == Some(fit)
        && !is_expired(record, now)
}

/// Takes the oldest machine that stands by and fits this order, if there is one. It is to be woken, or
/// torn down.
pub fn take(
    engine: &Engine,
    home: &Home,
    store: &Store,
    masker: &Masker,
    order: &Order,
) -> Result<Option<Instance>, Failure> {
    // One that has processors of its own had to be made with them.
    if order.allowance.pin {
        return Ok(None);
    }
    let Some(fit) = Fit::wanted(home, store, order)? else {
        return Ok(None);
    };
    let held = hold(home, &fit)?;
    let taken = held.map(|(reservation, journal)| {
        let order = order.clone();
        Instance::held(reservation, journal, engine, home, store, masker, order)
    });
    Ok(taken)
}

/// Locks the oldest one of this fit that nobody else has.
fn hold(home: &Home, fit: &Fit) -> Result<Option<(Reservation, Journal)>, InfraFailure> {
    for id in fitting(home, fit)? {
        // Else another takes it, or removes it.
        let Some(reservation) = adopt(home, &id)? else {
            continue;
        };
        let Ok(Some(journal)) = Journal::read(reservation.directory()) else {
            continue;
        };
        // Another may have had it before we did.
        if can_be_taken(journal.record(), fit, Timestamp::now()) {
            return Ok(Some((reservation, journal)));
        }
    }
    Ok(None)
}

/// Removes a machine that stands by; false if somebody holds it or it does so no more.
pub async fn retire(engine: &Engine, home: &Home, id: &str) -> Result<bool, InfraFailure> {
    let Some(reservation) = adopt(home, id)? else {
        return Ok(false);
    };
    let Ok(Some(mut journal)) = Journal::read(reservation.directory()) else {
        return Ok(false);
    };
    if journal.record().state != State::Standby {
        return Ok(false);
    }
    // A disk that is too full for a record must not keep the machine on it.
    let _ = journal.advance(State::TearingDown);
    teardown::tear_down(engine, home.owner(), &reservation).await?;
    Ok(true)
}

/// What is looked at to tell whether a machine goes on standing by.
#[derive(Debug)]
pub struct Outlook<'a> {
    store: &'a Store,
    templates: Templates,
    running: BTreeSet<String>,
    is_short: bool,
}

impl<'a> Outlook<'a> {
    /// As things are now.
    pub async fn look(
        engine: &Engine,
        home: &Home,
        store: &'a Store,
    ) -> Result<Self, InfraFailure> {
        Ok(Self {
            store,
            templates: Templates::of(home),
            running: listing::running(engine, home.owner()).await?,
            is_short: is_host_short(),
        })
    }

    /// Why a machine is to stand by no longer; none if it goes on.
    pub fn why_over(&self, record: &Record, now: Timestamp) -> Option<String> {
        let why = if is_expired(record, now) {
            "its time is over"
        } else if self.has_lost_its_image(record) {
            "its image is gone or replaced"
        } else if !self.has_its_template(record) {
            "its template is gone or replaced"
        } else if !self.running.contains(&record.id) {
            "its container does not run"
        } else if self.is_short {
            "the host is short of memory"
        } else {
            return None;
        };
        Some(why.to_owned())
    }

    fn has_lost_its_image(&self, record: &Record) -> bool {
        // What can't be looked up is nobody's to judge.
        let current = self.store.find_digest(&record.image_name);
        current.is_ok_and(|current| current.as_ref() != Some(&record.image))
    }

    fn has_its_template(&self, record: &Record) -> bool {
        let fit = record.standby.as_ref();
        fit.is_some_and(|fit| {
            let found = self.templates.find(&fit.template);
            found.is_some_and(|template| template.edition() == fit.edition)
        })
    }
}

impl Instance {
    /// Creates and starts the container of a machine that is to stand by, and waits for QEMU's answer.
    pub async fn get_set(&mut self) -> Result<(), Failure> {
        // Nobody follows how it comes up; what fails is told.
        let (events, _unread) = Events::accept("standby");
        // QEMU's monitor talks to one at a time, and the next is whoever takes the machine.
        let bounds = bounds(&self.order);
        drop(self.launch(&mut Ladder::new(&events), bounds).await?);
        Ok(())
    }

    /// Puts down that it stands by until `expires`. As soon as this process lets go of it, anybody may take
    /// it.
    pub fn stand_by(&mut self, expires: Timestamp) -> Result<(), Failure> {
        let fit = self.fit.take().ok_or_else(|| Bug {
            message: "a machine is to stand by that does not wake".to_owned(),
        })?;
        self.journal.change(State::Standby, |record| {
            record.expires = Some(expires);
            record.standby = Some(fit);
        })
    }

    /// Has a machine wake that stood by and was taken, and that may be by this permit.
    pub async fn wake(&mut self, events: &Events, permit: Permit) -> Result<(), Failure> {
        let mut ladder = Ladder::new(events);
        let vm = Vm::attach(&self.engine, self.id(), &self.vm_directory())?;
        // Nothing has happened to it yet: if this process dies here, it goes on standing by.
        let monitor = self.vm.insert(vm).monitor_now().await?;
        let (job, claim) = (self.order.job.clone(), permit.claim.clone());
        self.journal.change(State::Adopted, |record| {
            record.job = job;
            record.claim = claim;
            record.process = Process::this();
            record.expires = None;
            record.standby = None;
        })?;
        drop(permit);
        ladder.reached(Rung::Qmp);
        self.login = Some(
            login(self.journal.record(), self.directory()).map_err(|why| {
                InfraFailure::new("cannot log in to the machine that stood by").because(why)
            })?,
        );
        self.set_going(monitor, ladder, true).await
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::host::fs::create_private_directory;
    use crate::instance::record::tests::record;

    fn fit(name: &str) -> Fit {
        Fit {
            template: Digest::of(b"template"),
            edition: Digest::of(b"edition"),
            container: Digest::of(name.as_bytes()),
        }
    }

    fn standby(id: &str, name: &str, age: u64) -> Record {
        let now = Timestamp::now();
        Record {
            created: now - Duration::from_secs(age),
            expires: Some(now + Duration::from_secs(60)),
            standby: Some(fit(name)),
            ..record(id, State::Standby)
        }
    }

    /// A home in which these stand by, as their makers left them.
    fn home(records: &[Record]) -> (tempfile::TempDir, Home) {
        let directory = tempfile::tempdir().unwrap();
        let home = Home::at(directory.path()).unwrap();
        for record in records {
            let own = home.instances().join(&record.id);
            create_private_directory(&own.join("host")).unwrap();
            Journal::begin(&own, record.clone()).unwrap();
        }
        (directory, home)
    }

    #[test]
    fn two_never_take_the_same_and_the_oldest_goes_first() {
        let ids = ["aaaaaaaaaa", "bbbbbbbbbb", "cccccccccc"];
        let (_directory, home) = home(&[
            standby(ids[0], "this", 10),
            standby(ids[1], "this", 20),
            standby(ids[2], "other", 30),
        ]);
        let held = |home: &Home| hold(home, &fit("this")).unwrap();
        let first = held(&home).unwrap();
        let second = held(&home).unwrap();
        assert_eq!([first.0.id(), second.0.id()], [ids[1], ids[0]]);
        assert!(held(&home).is_none());
        // One that was only looked at goes on standing by; one that was adopted is gone.
        drop(first);
        let mut first = held(&home).unwrap();
        assert_eq!(first.0.id(), ids[1]);
        first.1.advance(State::Adopted).unwrap();
        drop(first);
        assert!(held(&home).is_none());
    }

    #[test]
    fn only_what_stands_by_in_its_time_and_fits_is_taken() {
        let now = Timestamp::now();
        let good = standby("a", "this", 0);
        assert!(can_be_taken(&good, &fit("this"), now));
        assert!(!can_be_taken(&good, &fit("other"), now));
        let late = now + Duration::from_secs(61);
        assert!(!can_be_taken(&good, &fit("this"), late));
        let kept = Record {
            state: State::Kept,
            ..good
        };
        assert!(!can_be_taken(&kept, &fit("this"), now));
    }

    #[test]
    fn a_machine_stands_by_no_longer_than_it_is_of_use() {
        let (_directory, home) = home(&[]);
        let store = Store::open(&home.images()).unwrap();
        let mut outlook = Outlook {
            store: &store,
            templates: Templates::of(&home),
            running: BTreeSet::new(),
            is_short: false,
        };
        let (now, mut machine) = (Timestamp::now(), standby("a", "this", 0));
        let why = |outlook: &Outlook<'_>, machine: &Record| outlook.why_over(machine, now).unwrap();
        assert!(why(&outlook, &machine).contains("image"));
        outlook.running.insert("a".to_owned());
        assert!(why(&outlook, &machine).contains("image"));
        assert!(!outlook.has_its_template(&machine));
        machine.expires = Some(now);
        assert!(why(&outlook, &machine).contains("time"));
    }

    #[test]
    fn a_host_is_short_of_memory_when_a_tenth_is_left() {
        let memory = |available| Memory {
            total: 1000,
            available,
        };
        assert!(is_short(memory(99)));
        assert!(!is_short(memory(100)));
    }
}
