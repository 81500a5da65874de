//! Where machines wait for room, in order, those of all processes of a home in one queue.
//!
//! ```text
//!   come ──> would it ever fit? ── no ─> failure
//!                │ yes
//!            a ticket ──> first of the living? ── yes ─> the gate's lock ──> does it fit? ── yes ─> Permit
//!                              └── no ─> look again                              └── no ─> look again
//! ```
//!
//! What machines claim is in their records, so a process that dies leaves nothing behind but those, and
//! they count until they are removed. A permit holds the gate's lock until the claim is in a record, so no
//! two are admitted on the same room. Whoever is first also removes what dead processes left, since nobody
//! else may come along to do it.

use std::io;
use std::path::PathBuf;
use std::time::Duration;

use jiff::Timestamp;
use tokio::time::Instant;

use crate::failure::{Failure, InfraFailure};
use crate::host::clock::pause;
use crate::host::fs::{HostileDirectory, create_private_directory, free_space};
use crate::host::home::Home;
use crate::host::lock::{DirectoryLock, try_exclusive};
use crate::host::processors;
use crate::host::tickets::Ticket;
use crate::image::store::Store;
use crate::instance::admission::{House, Need, Shortage, Tenant, Verdict};
use crate::instance::allowance::{Claim, Overcommit};
use crate::instance::kept::{self, Listed, is_expired};
use crate::instance::provision::vm_directory;
use crate::instance::reaper::Reaper;
use crate::vmm::engine::{Engine, EngineFacts};

/// How often whoever waits looks again.
const LOOK: Duration = Duration::from_millis(250);
/// The same at first: of several who come at once each waits only until the one before is let in.
const FIRST_LOOKS: Duration = Duration::from_millis(20);
/// How long that is.
const AT_FIRST: Duration = Duration::from_secs(2);
/// How often it says again what it waits for.
const REMIND: Duration = Duration::from_secs(300);
/// How often what dead processes left is looked for.
const SWEEP: Duration = Duration::from_secs(10);

/// The one gate of a home.
#[derive(Debug, Clone)]
pub struct Gate {
    engine: Engine,
    home: Home,
    store: Store,
    /// What the engine has.
    facts: EngineFacts,
    overcommit: Overcommit,
}

/// The right to make one machine. Until it is dropped nobody else gets one, so it is held no longer than
/// until the claim is in the machine's record.
#[derive(Debug)]
pub struct Permit {
    /// What the machine may take.
    pub claim: Claim,
    _alone: DirectoryLock,
}

/// What the first in the queue finds at the gate.
enum Entry {
    Granted(Permit),
    /// Too little of something.
    Short(Shortage),
    /// The one before has not made its machine yet.
    Busy,
}

impl Gate {
    /// The gate of a home on an engine.
    pub fn new(
        engine: &Engine,
        home: &Home,
        store: &Store,
        facts: EngineFacts,
        overcommit: Overcommit,
    ) -> Self {
        Self {
            engine: engine.clone(),
            home: home.clone(),
            store: store.clone(),
            facts,
            overcommit,
        }
    }

    /// Waits until a machine fits. `told` hears what for, when the wait begins and seldom after that.
    /// Dropping this gives up the place.
    pub async fn enter(
        &self,
        need: &Need,
        mut told: impl FnMut(String),
    ) -> Result<Permit, Failure> {
        let failed = |error: io::Error| self.failed(error);
        let waiting = self.directory().join("waiting");
        create_private_directory(&waiting).map_err(failed)?;
        if let Verdict::Never(short) = self.look()?.judge(need) {
            return Err(never(short).into());
        }
        let ticket = Ticket::take(&self.directory(), &waiting, "").map_err(failed)?;
        let mut patience = Patience::default();
        loop {
            if ticket.is_first().map_err(failed)? {
                match self.try_to_enter(need)? {
                    Entry::Granted(permit) => return Ok(permit),
                    Entry::Short(short) => patience.first(&short).into_iter().for_each(&mut told),
                    Entry::Busy => {}
                }
                self.sweep(&mut patience).await?;
            } else {
                patience.behind_others().into_iter().for_each(&mut told);
            }
            pause(patience.until_next_look()).await;
        }
    }

    /// What is found by who is first.
    fn try_to_enter(&self, need: &Need) -> Result<Entry, Failure> {
        let locked = try_exclusive(&self.directory());
        let Some(alone) = locked.map_err(|error| self.failed(error))? else {
            return Ok(Entry::Busy);
        };
        match self.look()?.judge(need) {
            Verdict::Never(short) => Err(never(short).into()),
            Verdict::Waits(short) => Ok(Entry::Short(short)),
            Verdict::Admitted(claim) => Ok(Entry::Granted(Permit {
                claim,
                _alone: alone,
            })),
        }
    }

    /// Removes machines whose process died, now and then.
    async fn sweep(&self, patience: &mut Patience) -> Result<(), InfraFailure> {
        let now = Timestamp::now();
        let left = |one: &Listed| !one.held && is_expired(&one.record, now);
        if patience.may_sweep() && kept::list(&self.home)?.iter().any(left) {
            let reaper = Reaper {
                engine: &self.engine,
                home: &self.home,
                store: &self.store,
                dry_run: false,
            };
            // What can't be removed is told by `gc`; here it only goes on to count.
            let _ = reaper.sweep().await;
        }
        Ok(())
    }

    /// The host as it is, with all machines of the home.
    fn look(&self) -> Result<House, InfraFailure> {
        let tenants = kept::list(&self.home)?
            .into_iter()
            .map(|one| Tenant {
                disk_used: disk_used(&self.home, &one.record.id),
                claim: one.record.claim,
            })
            .collect();
        Ok(House::new(
            self.facts.memory,
            processors::online(self.facts.cpus),
            free_space(self.home.root()).ok(),
            self.overcommit,
            tenants,
        ))
    }

    fn directory(&self) -> PathBuf {
        self.home.root().join("admission")
    }

    fn failed(&self, error: io::Error) -> InfraFailure {
        let place = self.directory();
        InfraFailure::new(format!("cannot wait for room in `{}`", place.display())).because(error)
    }
}

/// What the files of an instance's machine take on the disk; nothing where that can't be seen.
pub fn disk_used(home: &Home, id: &str) -> u64 {
    let directory = vm_directory(&home.instances().join(id));
    let opened = HostileDirectory::open(&directory);
    opened.and_then(|opened| opened.size_on_disk()).unwrap_or(0)
}

fn never(short: Shortage) -> InfraFailure {
    InfraFailure::new(format!("the machine can never start, for want of {short}"))
        .help(short.what.remedy())
}

/// What was said of a wait, and when.
#[derive(Debug)]
struct Patience {
    begun: Instant,
    said_behind: bool,
    said: Option<Instant>,
    swept: Option<Instant>,
}

impl Default for Patience {
    fn default() -> Self {
        Self {
            begun: Instant::now(),
            said_behind: false,
            said: None,
            swept: None,
        }
    }
}

impl Patience {
    /// What is to be said by who waits behind others: one thing, once.
    fn behind_others(&mut self) -> Option<String> {
        if self.begun.elapsed() < AT_FIRST {
            return None;
        }
        let said = std::mem::replace(&mut self.said_behind, true);
        (!said).then(|| "waits for room: others wait for it too, and came before".to_owned())
    }

    /// What is to be said by who is first and finds too little of something.
    fn first(&mut self, short: &Shortage) -> Option<String> {
        let again = self.said.is_some();
        if !due(&mut self.said, REMIND) {
            return None;
        }
        Some(if again {
            let minutes = self.begun.elapsed().as_secs() / 60;
            format!("still waits, after {minutes} min, for {short}")
        } else {
            format!("waits for {short}")
        })
    }

    fn until_next_look(&self) -> Duration {
        if self.begun.elapsed() < AT_FIRST {
            FIRST_LOOKS
        } else {
            LOOK
        }
    }

    fn may_sweep(&mut self) -> bool {
        due(&mut self.swept, SWEEP)
    }
}

/// Whether so much time has gone by since `last`, which then is now.
fn due(last: &mut Option<Instant>, every: Duration) -> bool {
    let is_due = last.is_none_or(|last| last.elapsed() >= every);
    if is_due {
        *last = Some(Instant::now());
    }
    is_due
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::instance::admission::Resource;

    #[tokio::test(start_paused = true)]
    async fn what_is_waited_for_is_said_at_once_and_then_seldom() {
        let short = Shortage {
            what: Resource::Cpus,
            needed: 2,
            left: 1,
            of: 8,
            machines: 3,
        };
        let mut patience = Patience::default();
        let mut said = Vec::new();
        for _ in 0..4 {
            said.extend(patience.behind_others());
            pause(AT_FIRST).await;
        }
        for _ in 0..(REMIND.as_millis() / LOOK.as_millis() + 2) {
            said.extend(patience.first(&short));
            pause(LOOK).await;
        }
        let cpus = "CPUs: 2 needed, 1 left of 8; there are 3 machines";
        assert_eq!(
            said,
            [
                "waits for room: others wait for it too, and came before".to_owned(),
                format!("waits for {cpus}"),
                format!("still waits, after 5 min, for {cpus}"),
            ]
        );
    }
}
