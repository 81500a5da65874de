//! The repositories that were fetched, and how one that is not there comes to be.

use std::collections::{HashMap, HashSet};
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Component, Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use crate::actions::error::FetchError;
use crate::actions::git::Git;
use crate::actions::pins::Pins;
pub use crate::actions::tree::Limits;
use crate::actions::{Wanted, is_absence, is_commit, tree};
use crate::host::clock::{Deadline, pause, within};
use crate::host::fs::{create_private_directory, remove_leftovers, sync_directory};
use crate::host::lock::{self, DirectoryLock};
use crate::progress::Progress;

/// What a directory for something that is fetched begins with; whoever holds the lock may remove one.
pub(super) const INCOMING: &str = ".incoming-";
/// Longer than a fetch by another process may take.
const OTHERS: Deadline = Deadline::seconds("the end of another process's fetch", 900);
/// How often it is looked how much was fetched so far.
const LOOK: Duration = Duration::from_millis(200);
/// Action and workflow files are text that people write.
const LARGEST_TEXT: u64 = 4 << 20;

/// Repositories of actions on this host. One of these serves a whole run, so that a ref means the same
/// commit in all of it.
#[derive(Debug)]
pub struct ActionCache {
    /// `$DORMER_HOME/actions`.
    pub root: PathBuf,
    /// How they are fetched, and from where.
    pub git: Git,
    /// Whether each branch and tag is looked up again, once, though it was used before. Default: no.
    pub refresh: bool,
    /// How much a repository may hold, and how many a run may use.
    pub limits: Limits,
    refreshed: Mutex<HashMap<String, String>>,
    /// Those that were asked for.
    used: Mutex<HashSet<String>>,
}

/// A repository at a commit, on this host. It stays there for as long as this is held.
#[derive(Debug)]
pub struct Cached {
    /// The commit, in hexadecimal.
    pub commit: String,
    /// Where its files are: all of them, and no `.git`. Nobody writes there.
    pub root: PathBuf,
    _lock: DirectoryLock,
}

impl ActionCache {
    /// A cache that looks up nothing it knows.
    pub fn at(root: PathBuf, git: Git) -> Self {
        Self {
            root,
            git,
            refresh: false,
            limits: Limits::default(),
            refreshed: Mutex::default(),
            used: Mutex::default(),
        }
    }

    /// The repository at the commit that the ref means: without any network where that is known and there.
    ///
    /// # Errors
    ///
    /// Why it can't be had; [`FetchError::told`] puts that for people.
    pub async fn get(
        &self,
        wanted: Wanted<'_>,
        progress: &dyn Progress,
    ) -> Result<Cached, FetchError> {
        let directory = self.directory(wanted)?;
        self.count(wanted)?;
        let _room = Room::enter(&directory).await?;
        let mut pins = Pins::read(&directory)?;
        let known = self.known(&pins, wanted);
        let commit = match known {
            Some(commit) if directory.join(&commit).is_dir() => commit,
            known => {
                progress.stage(&format!(
                    "fetching {}@{}",
                    wanted.repository, wanted.git_ref
                ));
                let fetched = self.bring(&directory, wanted, known).await;
                progress.finish();
                fetched?
            }
        };
        if !is_commit(wanted.git_ref) {
            pins.set(&self.git.server.to_string(), wanted.git_ref, &commit)?;
            self.remember(wanted, &commit);
        }
        hold(&directory, commit).await
    }

    /// The same as far as it is kept here already: no server is asked, and a ref that was never looked up
    /// gives none.
    ///
    /// # Errors
    ///
    /// It is here and can't be used.
    pub async fn kept(&self, wanted: Wanted<'_>) -> Result<Option<Cached>, FetchError> {
        let directory = self.directory(wanted)?;
        let pins = Pins::read(&directory)?;
        let known = self.known(&pins, wanted);
        let Some(commit) = known.filter(|commit| directory.join(commit).is_dir()) else {
            return Ok(None);
        };
        match hold(&directory, commit).await {
            // Somebody cleaned up in the meantime.
            Err(FetchError::Disk(error)) if is_absence(&error) => Ok(None),
            held => held.map(Some),
        }
    }

    /// The directory of a repository. Owners and repositories have no case.
    fn directory(&self, wanted: Wanted<'_>) -> Result<PathBuf, FetchError> {
        let names = wanted.repository.split_once('/');
        let (owner, repo) = names.ok_or(FetchError::Names)?;
        let are_right = is_name(owner) && is_name(repo) && is_ref(wanted.git_ref);
        if !are_right {
            return Err(FetchError::Names);
        }
        let below = self.root.join(owner.to_lowercase());
        Ok(below.join(repo.to_lowercase()))
    }

    /// Actions use others, which use others: somebody has to say when that is enough.
    fn count(&self, wanted: Wanted<'_>) -> Result<(), FetchError> {
        let used = self.used.lock();
        let mut used = used.unwrap_or_else(PoisonError::into_inner);
        let key = key(wanted);
        if !used.contains(&key) && used.len() >= self.limits.repositories {
            return Err(FetchError::Many(self.limits.repositories));
        }
        used.insert(key);
        Ok(())
    }

    /// The commit that a ref means, if nobody has to be asked.
    fn known(&self, pins: &Pins, wanted: Wanted<'_>) -> Option<String> {
        if is_commit(wanted.git_ref) {
            return Some(wanted.git_ref.to_lowercase());
        }
        if self.refresh {
            let refreshed = self.refreshed.lock();
            let refreshed = refreshed.unwrap_or_else(PoisonError::into_inner);
            return refreshed.get(&key(wanted)).cloned();
        }
        let pinned = pins.commit(&self.git.server.to_string(), wanted.git_ref);
        pinned.map(str::to_owned)
    }

    fn remember(&self, wanted: Wanted<'_>, commit: &str) {
        let refreshed = self.refreshed.lock();
        let mut refreshed = refreshed.unwrap_or_else(PoisonError::into_inner);
        refreshed.insert(key(wanted), commit.to_owned());
    }

    /// Finds out the commit if it is not known, and fetches it if it is not there.
    async fn bring(
        &self,
        directory: &Path,
        wanted: Wanted<'_>,
        known: Option<String>,
    ) -> Result<String, FetchError> {
        remove_leftovers(directory, INCOMING)?;
        let incoming = tempfile::Builder::new()
            .prefix(INCOMING)
            .tempdir_in(directory)?;
        let (git, files) = (incoming.path().join("git"), incoming.path().join("files"));
        create_private_directory(&git)?;
        create_private_directory(&files)?;
        self.git.begin(&git).await?;
        let commit = match known {
            Some(commit) => commit,
            None => self.git.resolve(&git, wanted).await?,
        };
        let place = directory.join(&commit);
        if place.is_dir() {
            return Ok(commit);
        }
        let filling = async {
            self.git.fetch(&git, wanted.repository, &commit).await?;
            self.git.measure(&git, &commit, self.limits).await?;
            self.git.check_out(&git, &commit, &files).await
        };
        tokio::select! {
            filled = filling => filled?,
            () = self.grows_too_large(incoming.path()) => {
                return Err(FetchError::Large(self.limits.bytes));
            }
        }
        let limits = self.limits;
        let placing = tokio::task::spawn_blocking(move || {
            tree::seal(&files, limits)?;
            // What is there after a power cut has to be all of it.
            rustix::fs::syncfs(File::open(&files)?).map_err(io::Error::from)?;
            fs::rename(&files, &place)?;
            // Not before: until here somebody who gave up would remove what is still written to.
            drop(incoming);
            sync_directory(place.parent().unwrap_or(&place)).map_err(FetchError::from)
        });
        placing.await.map_err(io::Error::other)??;
        Ok(commit)
    }

    /// Returns when what is fetched is more than it may be.
    async fn grows_too_large(&self, incoming: &Path) {
        loop {
            let path = incoming.to_owned();
            let looking = tokio::task::spawn_blocking(move || tree::size(&path));
            // Packed and unpacked, both are there for a while.
            let most = self.limits.bytes.saturating_mul(2);
            if looking.await.is_ok_and(|size| size > most) {
                return;
            }
            pause(LOOK).await;
        }
    }
}

/// A repository's directory, for one process alone. It is there for what is kept: one that holds nothing in the
/// end, because nothing could be fetched or somebody gave up, goes.
struct Room {
    directory: PathBuf,
    _lock: DirectoryLock,
}

impl Room {
    async fn enter(directory: &Path) -> Result<Self, FetchError> {
        let lock = within(OTHERS, lock::exclusive_made(directory)).await;
        Ok(Self {
            directory: directory.to_owned(),
            _lock: lock.map_err(FetchError::Late)??,
        })
    }
}

impl Drop for Room {
    fn drop(&mut self) {
        // Neither goes that holds something, the owner's not before the repository's.
        let emptied = fs::remove_dir(&self.directory);
        if let (Ok(()), Some(owner)) = (emptied, self.directory.parent()) {
            let _ = fs::remove_dir(owner);
        }
    }
}

impl Cached {
    /// The text of a file, its path written with `/`; none where there is no such file.
    ///
    /// # Errors
    ///
    /// What is no text, or can't be read.
    pub fn read(&self, path: &str) -> io::Result<Option<String>> {
        let below = Path::new(path);
        let is_plain = |part| matches!(part, Component::Normal(_));
        if !below.components().all(is_plain) {
            return Ok(None);
        }
        let path = self.root.join(below);
        let read = || {
            let file = File::open(&path)?;
            if !file.metadata()?.is_file() {
                return Ok(None);
            }
            let mut text = String::new();
            file.take(LARGEST_TEXT + 1).read_to_string(&mut text)?;
            if text.len() as u64 > LARGEST_TEXT {
                return Err(io::Error::other("it is larger than any such file"));
            }
            Ok(Some(text))
        };
        match read() {
            Err(error) if is_absence(&error) => Ok(None),
            result => result,
        }
    }
}

/// How a reference is known in one process.
fn key(wanted: Wanted<'_>) -> String {
    format!("{}@{}", wanted.repository.to_lowercase(), wanted.git_ref)
}

/// Holds a commit's directory, and notes that it is used.
async fn hold(directory: &Path, commit: String) -> Result<Cached, FetchError> {
    let root = directory.join(&commit);
    let lock = within(OTHERS, lock::shared(&root)).await;
    let lock = lock.map_err(FetchError::Late)??;
    File::open(&root)?.set_modified(SystemTime::now())?;
    Ok(Cached {
        commit,
        root,
        _lock: lock,
    })
}

/// The workflow's language has checked names and refs already; here they become paths and arguments.
fn is_name(name: &str) -> bool {
    let is_right = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    name.chars().all(is_right) && name.starts_with(|c: char| is_right(c) && c != '.')
}

fn is_ref(name: &str) -> bool {
    let is_wrong = |c: char| c.is_whitespace() || c.is_control() || "~^:?*[\\".contains(c);
    !name.is_empty() && !name.contains(is_wrong) && !name.contains("..") && !name.starts_with('-')
}
