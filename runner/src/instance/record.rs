//! What is written down of an instance, and which changes of its state are legal. One function writes
//! the state: [`Journal::advance`].

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::failure::{Bug, Failure, InfraFailure};
use crate::host::crash;
use crate::host::fs::write_atomically_past;
use crate::image::manifest::Digest;
use crate::instance::allowance::Claim;
use crate::instance::standby::Fit;

const BEFORE: &str = "before";
const AT: &str = "at";

/// Where an instance is in its life. See the diagram in `instance`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// It has a name and a directory.
    Reserved,
    /// Its keys and disk are being made.
    CreatingOverlay,
    /// Its container is being created.
    CreatingContainer,
    /// Its container is being started, and its network closed.
    StartingContainer,
    /// Nobody holds it: its container runs, and QEMU waits for a template's state.
    Standby,
    /// Somebody has taken it from standby, and has QEMU load the state.
    Adopted,
    /// Its virtual CPUs run: it boots, or has just woken.
    Booting,
    /// It answers commands.
    Ready,
    /// It is being frozen into a template.
    Freezing,
    /// Its job is over, and somebody wants to look at it.
    Kept,
    /// It is being removed.
    TearingDown,
}

impl State {
    /// The states that this one may follow.
    fn predecessors(self) -> &'static [Self] {
        use State::{
            Adopted, Booting, CreatingContainer, CreatingOverlay, Freezing, Kept, Ready, Reserved,
            Standby, StartingContainer, TearingDown,
        };
        match self {
            Reserved => &[],
            CreatingOverlay => &[Reserved],
            CreatingContainer => &[CreatingOverlay],
            StartingContainer => &[CreatingContainer],
            Standby => &[StartingContainer],
            Adopted => &[Standby],
            Booting => &[StartingContainer, Adopted],
            Ready => &[Booting],
            Freezing | Kept => &[Ready],
            TearingDown => &[
                Reserved,
                CreatingOverlay,
                CreatingContainer,
                StartingContainer,
                Standby,
                Adopted,
                Booting,
                Ready,
                Freezing,
                Kept,
            ],
        }
    }

    /// Every state: each can be torn down, and that is one itself.
    pub fn all() -> Vec<Self> {
        let before = Self::TearingDown.predecessors().iter().copied();
        before.chain([Self::TearingDown]).collect()
    }

    /// Where a test has the process end (see `host::crash`): when the state is written and not in its
    /// place yet, and when it is.
    pub fn crash_points(self) -> [String; 2] {
        [BEFORE, AT].map(|when| self.crash_point(when))
    }

    fn crash_point(self, when: &str) -> String {
        format!("{when} {}", self.as_str())
    }

    /// Whether one that no process holds is left alone until its time is over.
    pub fn outlives_its_process(self) -> bool {
        matches!(self, Self::Standby | Self::Kept)
    }

    /// The word for people.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Reserved => "reserved",
            Self::CreatingOverlay => "creating overlay",
            Self::CreatingContainer => "creating container",
            Self::StartingContainer => "starting container",
            Self::Standby => "standby",
            Self::Adopted => "adopted",
            Self::Booting => "booting",
            Self::Ready => "ready",
            Self::Freezing => "freezing",
            Self::Kept => "kept",
            Self::TearingDown => "tearing down",
        }
    }
}

/// What is written down of an instance.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    /// The form of this record.
    pub v: u32,
    /// The instance.
    pub id: String,
    /// Where it is in its life.
    pub state: State,
    /// The job that it was made for.
    pub job: String,
    /// The name of its image.
    pub image_name: String,
    /// The image itself.
    pub image: Digest,
    /// When it was made.
    pub created: Timestamp,
    /// The process that owns it, and the clock tick at which that started: numbers are used again.
    pub process: Process,
    /// When one is removed that is kept or stands by.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expires: Option<Timestamp>,
    /// What it may come to take of the host. Nothing in records of versions that did not count it.
    #[serde(default)]
    pub claim: Claim,
    /// Who logs in.
    pub user: String,
    /// What the guest proves itself with, in hexadecimal.
    #[serde(default)]
    pub host_key: String,
    /// What one that stands by is good for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub standby: Option<Fit>,
}

/// A process, told from a later one with the same number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Process {
    /// Its number.
    pub id: u32,
    /// When it started, in clock ticks since the host did.
    pub started: u64,
}

impl Process {
    /// This process.
    pub fn this() -> Self {
        let id = std::process::id();
        Self {
            id,
            started: start_of(id).unwrap_or(0),
        }
    }

    /// Whether it is still the one that wrote the record.
    pub fn is_alive(&self) -> bool {
        start_of(self.id) == Some(self.started)
    }
}

/// The 22nd field of `/proc/PID/stat`; the second, a name in parentheses, may hold anything.
fn start_of(id: u32) -> Option<u64> {
    let stat = fs::read_to_string(format!("/proc/{id}/stat")).ok()?;
    let (_, rest) = stat.rsplit_once(')')?;
    rest.split_whitespace().nth(19)?.parse().ok()
}

/// The form of the record that this version writes.
pub const RECORD_VERSION: u32 = 1;

/// An instance's record on disk.
#[derive(Debug)]
pub struct Journal {
    path: PathBuf,
    record: Record,
}

impl Journal {
    /// Where an instance's record is.
    pub fn path(instance: &Path) -> PathBuf {
        instance.join("host/instance.json")
    }

    /// Writes the first record of an instance. Its `host` directory exists.
    pub fn begin(instance: &Path, record: Record) -> Result<Self, InfraFailure> {
        let journal = Self {
            path: Self::path(instance),
            record,
        };
        journal.write()?;
        Ok(journal)
    }

    /// Reads an instance's record; none if it was never written.
    pub fn read(instance: &Path) -> io::Result<Option<Self>> {
        let path = Self::path(instance);
        let text = match fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error),
        };
        Ok(Some(Self {
            path,
            record: serde_json::from_str(&text)?,
        }))
    }

    /// What is written down.
    pub fn record(&self) -> &Record {
        &self.record
    }

    /// Writes down a new state, before what it names is begun. The state that it already has is no
    /// change and no error.
    pub fn advance(&mut self, state: State) -> Result<(), Failure> {
        self.change(state, |_| {})
    }

    /// As [`Journal::advance`], with a change to the rest of the record.
    pub fn change(
        &mut self,
        state: State,
        change: impl FnOnce(&mut Record),
    ) -> Result<(), Failure> {
        let from = self.record.state;
        if from == state {
            return Ok(());
        }
        if !state.predecessors().contains(&from) {
            let message = format!(
                "an instance cannot go from `{}` to `{}`",
                from.as_str(),
                state.as_str()
            );
            return Err(Bug { message }.into());
        }
        self.record.state = state;
        change(&mut self.record);
        Ok(self.write()?)
    }

    /// Whether the clock stands before the moment at which the instance was made: it was set back.
    pub fn is_from_the_future(&self, now: Timestamp) -> bool {
        self.record.created > now
    }

    /// Has the instance begin now. One that was kept ends as long after that as it would have after its
    /// beginning, since nobody knows how long it has been there.
    pub fn date_anew(&mut self, now: Timestamp) -> Result<(), InfraFailure> {
        let created = self.record.created;
        let due = |expires: Timestamp| {
            let whole = expires.duration_since(created);
            now.checked_add(whole).unwrap_or(expires)
        };
        self.record.expires = self.record.expires.map(due);
        self.record.created = now;
        self.write()
    }

    fn write(&self) -> Result<(), InfraFailure> {
        let failed = |error: io::Error| {
            InfraFailure::new(format!("cannot write `{}`", self.path.display())).because(error)
        };
        let text = serde_json::to_vec_pretty(&self.record).map_err(|e| failed(e.into()))?;
        let passed = |when| crash::point(|| self.record.state.crash_point(when));
        write_atomically_past(&self.path, &text, || passed(BEFORE)).map_err(failed)?;
        passed(AT);
        Ok(())
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use std::time::Duration;

    use super::*;
    use crate::host::fs::create_private_directory;

    pub(crate) fn record(id: &str, state: State) -> Record {
        Record {
            v: RECORD_VERSION,
            id: id.to_owned(),
            state,
            job: "build".to_owned(),
            image_name: "compat".to_owned(),
            image: Digest::of(b"image"),
            created: Timestamp::now(),
            process: Process::this(),
            expires: None,
            claim: Claim::default(),
            user: "runneradmin".to_owned(),
            host_key: String::new(),
            standby: None,
        }
    }

    #[test]
    fn legal_moves_are_written_and_others_refused() {
        let directory = tempfile::tempdir().unwrap();
        create_private_directory(&directory.path().join("host")).unwrap();
        let mut journal = Journal::begin(directory.path(), record("a", State::Reserved)).unwrap();
        journal.advance(State::CreatingOverlay).unwrap();
        journal.advance(State::CreatingOverlay).unwrap();
        assert!(journal.advance(State::Ready).is_err());
        let read = Journal::read(directory.path()).unwrap().unwrap();
        assert_eq!(read.record().state, State::CreatingOverlay);
        assert!(
            Journal::read(&directory.path().join("none"))
                .unwrap()
                .is_none()
        );
    }

    #[test]
    fn everything_may_be_torn_down_and_nothing_comes_back() {
        use State::*;
        for state in [
            Reserved,
            CreatingOverlay,
            CreatingContainer,
            StartingContainer,
            Standby,
            Adopted,
            Booting,
            Ready,
            Freezing,
            Kept,
        ] {
            assert!(TearingDown.predecessors().contains(&state));
            assert!(!state.predecessors().contains(&TearingDown));
        }
    }

    #[test]
    fn a_record_of_before_claims_were_counted_is_read() {
        let mut value = serde_json::to_value(record("a", State::Ready)).unwrap();
        value.as_object_mut().unwrap().remove("claim").unwrap();
        let read: Record = serde_json::from_value(value).unwrap();
        assert_eq!(read.claim, Claim::default());
    }

    #[test]
    fn a_record_from_the_future_ends_as_late_as_it_would_have() {
        let directory = tempfile::tempdir().unwrap();
        create_private_directory(&directory.path().join("host")).unwrap();
        let (now, hour, day) = (
            Timestamp::now(),
            Duration::from_secs(3600),
            Duration::from_secs(86_400),
        );
        let mut ahead = record("a", State::Kept);
        ahead.created = now + day;
        ahead.expires = Some(now + day + hour);
        let mut journal = Journal::begin(directory.path(), ahead).unwrap();
        assert!(journal.is_from_the_future(now));
        journal.date_anew(now).unwrap();
        let read = Journal::read(directory.path()).unwrap().unwrap();
        assert_eq!(read.record().expires, Some(now + hour));
        assert!(!read.is_from_the_future(now));
    }

    #[test]
    fn every_state_is_known_to_those_who_go_through_them() {
        // Whoever reads a record knows them all, and says so of one that is none of them.
        let unknown = serde_json::from_str::<State>("\"x\"")
            .unwrap_err()
            .to_string();
        let names = unknown.split('`').skip(3).step_by(2);
        let known: Vec<String> = names.map(str::to_owned).collect();
        let mut all: Vec<String> = State::all()
            .iter()
            .map(|state| serde_json::to_value(state).unwrap())
            .map(|name| name.as_str().unwrap().to_owned())
            .collect();
        all.sort_by_key(|name| known.iter().position(|one| one == name));
        assert_eq!(all, known);
    }

    #[test]
    fn a_process_is_told_from_its_successor() {
        let this = Process::this();
        assert!(this.is_alive());
        assert!(
            !Process {
                started: this.started + 1,
                ..this
            }
            .is_alive()
        );
    }
}
