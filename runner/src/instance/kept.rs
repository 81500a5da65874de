//! Instances as others see them: those of other processes, and those that were kept. Listing them,
//! getting a connection to one, ending one.

use std::path::Path;
use std::time::Duration;

use jiff::Timestamp;
use rustix::process::{Pid, Signal, kill_process};

use crate::failure::{Failure, InfraFailure, InputError};
use crate::guest::ssh::{Login, SshTransport};
use crate::host::clock::{Deadline, pause, within};
use crate::host::home::Home;
use crate::host::reservation::Reservation;
use crate::instance::provision::{read_key, vm_directory};
use crate::instance::record::{Journal, Record, State};
use crate::instance::teardown;
use crate::vmm::engine::Engine;
use crate::vmm::vm::{Port, Vm};

/// A running job that is told to stop has five minutes for its `always()` steps, as many for its
/// artifacts and two for the machine's removal; with a minute to spare.
const OWNER_ENDS: Deadline = Deadline::seconds("the end of the job that holds the machine", 780);
/// How often that is looked for.
const LOOK: Duration = Duration::from_millis(100);
const CONNECTS: Deadline = Deadline::seconds("a connection to the guest", 30);

/// An instance, with who holds it.
#[derive(Debug, Clone)]
pub struct Listed {
    /// What is written down of it.
    pub record: Record,
    /// Whether a living process holds it.
    pub held: bool,
}

/// Every instance of a home that has a record.
pub fn list(home: &Home) -> Result<Vec<Listed>, InfraFailure> {
    let failed = |error: std::io::Error| {
        InfraFailure::new(format!("cannot read `{}`", home.instances().display())).because(error)
    };
    let mut listed = Vec::new();
    for id in Reservation::list(&home.instances()).map_err(failed)? {
        let directory = home.instances().join(&id);
        // One that is being removed, or a record that is unreadable: the reaper deals with both.
        let Ok(Some(journal)) = Journal::read(&directory) else {
            continue;
        };
        let record = journal.record().clone();
        let held = record.process.is_alive() && !record.state.outlives_its_process();
        listed.push(Listed { record, held });
    }
    listed.sort_by_key(|one| one.record.created);
    Ok(listed)
}

/// The instance of this id, or an error that names those that there are.
pub fn find(home: &Home, id: &str) -> Result<Listed, Failure> {
    let all = list(home)?;
    if let Some(found) = all.iter().find(|one| one.record.id == id) {
        return Ok(found.clone());
    }
    let ids: Vec<&str> = all.iter().map(|one| one.record.id.as_str()).collect();
    let help = if ids.is_empty() {
        "nothing runs and nothing was kept (`dormer run --keep always` keeps a machine)".to_owned()
    } else {
        format!("the machines are: {}", ids.join(", "))
    };
    Err(InputError::usage(format!("there is no machine `{id}`"))
        .help(help)
        .into())
}

/// Connects to an instance's guest, beside whoever holds it.
pub async fn connect(
    engine: &Engine,
    home: &Home,
    found: &Listed,
) -> Result<(Vm, SshTransport), Failure> {
    let record = &found.record;
    let directory = home.instances().join(&record.id);
    let cannot = |why: String| {
        InfraFailure::new(format!("cannot connect to the machine `{}`", record.id)).because(why)
    };
    if !matches!(record.state, State::Ready | State::Kept) {
        return Err(cannot(format!("it is {}", record.state.as_str())).into());
    }
    let login = login(record, &directory).map_err(cannot)?;
    let vm = Vm::attach(engine, &record.id, &vm_directory(&directory))?;
    let connected = async {
        let stream = vm
            .dial_now(Port::Ssh)
            .await
            .map_err(|error| error.to_string())?;
        SshTransport::connect(stream, &login)
            .await
            .map_err(|error| error.to_string())
    };
    let transport = vm.alive(CONNECTS, connected).await?.map_err(cannot)?;
    Ok((vm, transport))
}

/// How to log in to the guest of an instance in `directory`; an error says why that is not known.
pub(super) fn login(record: &Record, directory: &Path) -> Result<Login, String> {
    Ok(Login {
        user: record.user.clone(),
        private_key: read_key(directory).map_err(|error| error.to_string())?,
        host_key: hex::decode(&record.host_key).map_err(|error| error.to_string())?,
    })
}

/// Ends an instance: asks the process that holds it, or removes it if nobody does.
pub async fn stop(engine: &Engine, home: &Home, id: &str) -> Result<(), Failure> {
    let found = find(home, id)?;
    if let Some(reservation) = adopt(home, id)? {
        return Ok(teardown::tear_down(engine, home.owner(), &reservation).await?);
    }
    let process = found.record.process;
    let held = || InfraFailure::transient(format!("another process holds the machine `{id}`"));
    let pid = i32::try_from(process.id)
        .ok()
        .and_then(Pid::from_raw)
        .filter(|_| process.is_alive());
    let pid = pid.ok_or_else(held)?;
    kill_process(pid, Signal::TERM).map_err(|error| held().because(error))?;
    let left = within(OWNER_ENDS, let_go(home, id));
    match left.await.map_err(|late| held().because(late))?? {
        Some(reservation) => Ok(teardown::tear_down(engine, home.owner(), &reservation).await?),
        None => Ok(()),
    }
}

/// Waits until nobody holds an instance. Its job may have removed it, or left it: it keeps the machine
/// when it was told to, also when it was cancelled, and may have been killed.
async fn let_go(home: &Home, id: &str) -> Result<Option<Reservation>, InfraFailure> {
    loop {
        if let Some(reservation) = adopt(home, id)? {
            return Ok(Some(reservation));
        }
        if !home.instances().join(id).exists() {
            return Ok(None);
        }
        pause(LOOK).await;
    }
}

/// Takes over an instance that no process holds.
pub fn adopt(home: &Home, id: &str) -> Result<Option<Reservation>, InfraFailure> {
    Reservation::adopt(&home.instances(), id).map_err(|error| {
        InfraFailure::new(format!("cannot take over the machine `{id}`")).because(error)
    })
}

/// Whether the time is over of an instance that no process holds.
pub fn is_expired(record: &Record, now: Timestamp) -> bool {
    !record.state.outlives_its_process() || record.expires.is_none_or(|expires| expires <= now)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::instance::record::tests::record;

    #[tokio::test(start_paused = true)]
    async fn an_instance_that_its_job_keeps_is_taken_over() {
        let directory = tempfile::tempdir().unwrap();
        let home = Home::at(directory.path()).unwrap();
        let held = Reservation::new(&home.instances()).unwrap();
        let id = held.id().to_owned();
        assert!(within(OWNER_ENDS, let_go(&home, &id)).await.is_err());
        let (taken, ()) = tokio::join!(let_go(&home, &id), async {
            pause(LOOK * 3).await;
            drop(held);
        });
        let taken = taken.unwrap().unwrap();
        let (gone, ()) = tokio::join!(let_go(&home, &id), async {
            pause(LOOK * 3).await;
            taken.remove().unwrap();
        });
        assert!(gone.unwrap().is_none());
    }

    #[test]
    fn only_what_is_kept_or_stands_by_outlives_its_process_and_only_for_a_time() {
        let now = Timestamp::now();
        for state in [State::Kept, State::Standby] {
            let mut alone = record("a", state);
            assert!(is_expired(&alone, now));
            alone.expires = Some(now + Duration::from_secs(60));
            assert!(!is_expired(&alone, now));
            assert!(is_expired(&alone, now + Duration::from_secs(61)));
        }
        assert!(is_expired(&record("a", State::Adopted), now));
        assert!(is_expired(&record("a", State::Ready), now));
    }
}
