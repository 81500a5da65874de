//! The artifacts that the steps of a run have uploaded, by their names. All jobs of a run share one shelf,
//! and may use it at the same time.
//!
//! ```text
//!   claim(name) ──> Claim ── files come in, aside ──> publish ──> Stored: in its place, in the manifest
//!                     └── dropped: the name is free again
//! ```
//!
//! On the disk it is one directory, with a directory for each artifact and one manifest for all of them.
//! What an earlier run left there is replaced with the first artifact of this one, and never served.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use sha2::{Digest, Sha256};

use crate::artifact::judge::Limits;
use crate::artifact::manifest::Artifact;
use crate::artifact::names;
use crate::artifact::write::OutDirectory;
use crate::host::passing::PassingDirectory;

/// The directory of the shelf below the output directory.
pub const FOLDER: &str = "artifacts";

/// The artifacts of a run.
#[derive(Debug)]
pub struct Shelf {
    directory: PathBuf,
    /// A directory that goes with the run.
    passing: Option<PassingDirectory>,
    /// Whether somebody was told that it goes.
    told: AtomicBool,
    inner: Mutex<Inner>,
    /// Held while files are put into their places, which takes long. Taken before `inner`, which nobody
    /// holds meanwhile.
    publishing: Mutex<()>,
}

#[derive(Debug, Default)]
struct Inner {
    last_id: u64,
    /// By their names in lower case, as Windows has it.
    slots: BTreeMap<String, Slot>,
}

#[derive(Debug)]
struct Slot {
    name: String,
    stored: Option<Arc<Stored>>,
    /// Whether somebody uploads it.
    is_coming: bool,
}

/// An artifact that is there.
#[derive(Debug, Clone)]
pub struct Stored {
    /// Counted from 1; one that is overwritten gets a new number.
    pub id: u64,
    /// Its name.
    pub name: String,
    /// Its files, each path beginning with the artifact's name.
    pub files: Vec<Artifact>,
    /// The SHA-256, in hexadecimal, of what `sha256sum` prints of its files in the order of their paths.
    pub digest: String,
}

impl Stored {
    /// The bytes of all files.
    pub fn bytes(&self) -> u64 {
        self.files.iter().map(|file| file.size).sum()
    }

    /// A file's path below the artifact.
    pub fn below<'f>(&self, file: &'f Artifact) -> &'f str {
        file.path.get(self.name.len() + 1..).unwrap_or(&file.path)
    }
}

impl Shelf {
    /// A shelf below the output directory. Nothing is made before something is uploaded.
    pub fn below(out: &Path) -> Self {
        Self::new(out.join(FOLDER), None)
    }

    /// A shelf in a directory that goes with it.
    pub fn passing(directory: PassingDirectory) -> Self {
        Self::new(directory.path().join(FOLDER), Some(directory))
    }

    fn new(directory: PathBuf, passing: Option<PassingDirectory>) -> Self {
        Self {
            directory,
            passing,
            told: AtomicBool::new(false),
            inner: Mutex::default(),
            publishing: Mutex::default(),
        }
    }

    /// The directory that holds a directory for each artifact.
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// Whether it outlives the run.
    pub fn stays(&self) -> bool {
        self.passing.is_none()
    }

    /// Whether people have yet to be told that nothing here stays; true only once.
    pub fn must_tell(&self) -> bool {
        !self.stays() && !self.told.swap(true, Ordering::Relaxed)
    }

    /// Takes a name for an upload. One that is taken is an error, unless the upload is to `overwrite` it.
    ///
    /// # Errors
    ///
    /// Why the name can't be had, for people.
    pub fn claim(self: &Arc<Self>, name: &str, overwrite: bool) -> Result<Claim, String> {
        names::check_artifact(name)?;
        let key = name.to_lowercase();
        let mut inner = self.inner();
        if let Some(slot) = inner.slots.get_mut(&key) {
            slot.may_be_claimed(name, overwrite)?;
            slot.is_coming = true;
        } else {
            let slot = Slot {
                name: name.to_owned(),
                stored: None,
                is_coming: true,
            };
            inner.slots.insert(key.clone(), slot);
        }
        Ok(Claim {
            shelf: Arc::clone(self),
            name: name.to_owned(),
            key,
        })
    }

    /// What is there, in the order of names.
    pub fn stored(&self) -> Vec<Arc<Stored>> {
        let inner = self.inner();
        let slots = inner.slots.values();
        slots.filter_map(|slot| slot.stored.clone()).collect()
    }

    /// How much may still come.
    pub fn room(&self) -> Limits {
        let all = Limits::default();
        let stored = self.stored();
        let files: usize = stored.iter().map(|one| one.files.len()).sum();
        let bytes: u64 = stored.iter().map(|one| one.bytes()).sum();
        Limits {
            files: all.files.saturating_sub(files),
            bytes: all.bytes.saturating_sub(bytes),
            ..all
        }
    }

    /// Makes sure that the files of an artifact are there as they came.
    ///
    /// # Errors
    ///
    /// The first that is not, for people.
    pub fn check(&self, stored: &Stored) -> Result<(), String> {
        let changed = stored.files.iter().find(|file| {
            let found = self.directory.join(&file.path).symlink_metadata();
            !found.is_ok_and(|found| found.is_file() && found.len() == file.size)
        });
        match changed {
            Some(file) => Err(format!(
                "the file `{}` of the artifact `{}` is not as it was uploaded",
                stored.below(file),
                stored.name
            )),
            None => Ok(()),
        }
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        // Each change is whole before anything can fail.
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Slot {
    fn may_be_claimed(&self, name: &str, overwrite: bool) -> Result<(), String> {
        if self.name != name {
            return Err(format!(
                "the artifacts `{}` and `{name}` have the same name on Windows",
                self.name
            ));
        }
        if self.is_coming {
            return Err(format!("another step is uploading the artifact `{name}`"));
        }
        if overwrite {
            return Ok(());
        }
        Err(format!(
            "an artifact `{name}` is there already; artifacts are not added to: choose another name, or \
             set `overwrite: true`"
        ))
    }
}

/// A name that somebody uploads to. Dropping it gives it back.
#[derive(Debug)]
pub struct Claim {
    shelf: Arc<Shelf>,
    name: String,
    key: String,
}

impl Claim {
    /// Puts the files that were received into their places: all of them are the artifact now. `out` is a
    /// handle of the shelf's directory.
    ///
    /// # Errors
    ///
    /// Why they can't be kept, for people.
    pub fn publish(
        self,
        out: &OutDirectory,
        job: &str,
        mut files: Vec<Artifact>,
    ) -> Result<Arc<Stored>, String> {
        files.sort_by(|a, b| a.path.cmp(&b.path));
        let alone = self.shelf.publishing.lock();
        let _alone = alone.unwrap_or_else(PoisonError::into_inner);
        let kept = self.beside();
        // Others may have come since there was room for this one.
        check_room(&files, &kept)?;
        let published = out.publish_beside(job, files.clone(), &kept);
        let mut inner = self.shelf.inner();
        if published.is_err() {
            // What was there before is replaced already.
            inner.forget(&self.key);
        }
        published?;
        inner.last_id += 1;
        let mut stored = Stored {
            id: inner.last_id,
            name: self.name.clone(),
            files,
            digest: String::new(),
        };
        stored.digest = digest(&stored);
        let stored = Arc::new(stored);
        if let Some(slot) = inner.slots.get_mut(&self.key) {
            slot.stored = Some(Arc::clone(&stored));
        }
        drop(inner);
        Ok(stored)
    }

    /// The files of all other artifacts.
    fn beside(&self) -> Vec<Artifact> {
        let inner = self.shelf.inner();
        let others = inner.slots.iter().filter(|(key, _)| **key != self.key);
        let others = others.filter_map(|(_, slot)| slot.stored.as_ref());
        others.flat_map(|one| one.files.iter().cloned()).collect()
    }
}

/// Whether these files can stand beside the others.
fn check_room(files: &[Artifact], others: &[Artifact]) -> Result<(), String> {
    let most = Limits::default();
    let all = || files.iter().chain(others);
    let bytes = all().fold(0u64, |sum, file| sum.saturating_add(file.size));
    if all().count() <= most.files && bytes <= most.bytes {
        return Ok(());
    }
    Err(format!(
        "all artifacts of the run together would have more than {} files or {}",
        most.files,
        bytesize::ByteSize(most.bytes).display().iec()
    ))
}

impl Inner {
    fn forget(&mut self, key: &str) {
        if let Some(slot) = self.slots.get_mut(key) {
            slot.stored = None;
        }
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        let mut inner = self.shelf.inner();
        if let Some(slot) = inner.slots.get_mut(&self.key) {
            slot.is_coming = false;
            if slot.stored.is_none() {
                inner.slots.remove(&self.key);
            }
        }
    }
}

fn digest(stored: &Stored) -> String {
    let mut all = Sha256::new();
    for file in &stored.files {
        all.update(format!("{}  {}\n", file.sha256, stored.below(file)));
    }
    hex::encode(all.finalize())
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::artifact::manifest::{ArtifactManifest, FILE_NAME};

    fn upload(shelf: &Arc<Shelf>, name: &str, files: &[(&str, &str)]) -> Result<u64, String> {
        upload_over(shelf, name, files, false)
    }

    fn upload_over(
        shelf: &Arc<Shelf>,
        name: &str,
        files: &[(&str, &str)],
        overwrite: bool,
    ) -> Result<u64, String> {
        let claim = shelf.claim(name, overwrite)?;
        let out = OutDirectory::open(shelf.directory()).unwrap();
        let receive = |(path, text): &(&str, &str)| {
            let path = format!("{name}/{path}");
            out.receive(&path, &mut text.as_bytes()).unwrap()
        };
        let files = files.iter().map(receive).collect();
        claim.publish(&out, "job", files).map(|stored| stored.id)
    }

    fn shelf() -> (tempfile::TempDir, Arc<Shelf>) {
        let directory = tempfile::tempdir().unwrap();
        let shelf = Arc::new(Shelf::below(directory.path()));
        (directory, shelf)
    }

    fn text(shelf: &Shelf, path: &str) -> Option<String> {
        fs::read_to_string(shelf.directory().join(path)).ok()
    }

    #[test]
    fn whoever_asks_does_not_wait_for_files() {
        let (_directory, shelf) = shelf();
        upload(&shelf, "a", &[("x", "1")]).unwrap();
        let publishing = shelf.publishing.lock().unwrap();
        std::thread::scope(|scope| {
            let other = scope.spawn(|| upload(&shelf, "b", &[("y", "2")]));
            // It has its name, so that it is on its way to its files.
            while !shelf.inner().slots.contains_key("b") {
                std::thread::yield_now();
            }
            let (tell, told) = std::sync::mpsc::channel();
            let asking = Arc::clone(&shelf);
            std::thread::spawn(move || {
                // Long enough for the other to come to its files.
                let begun = std::time::Instant::now();
                while begun.elapsed() < std::time::Duration::from_millis(200) {
                    std::thread::yield_now();
                }
                tell.send(asking.stored().len())
            });
            assert_eq!(told.recv_timeout(std::time::Duration::from_secs(20)), Ok(1));
            drop(publishing);
            assert_eq!(other.join().unwrap(), Ok(2));
        });
        assert_eq!(shelf.stored().len(), 2);
    }

    #[test]
    fn uploads_that_come_at_once_share_the_room() {
        let file = |size| Artifact {
            path: "x".to_owned(),
            size,
            sha256: String::new(),
        };
        let most = Limits::default();
        let half = [file(most.bytes / 2)];
        check_room(&half, &half).unwrap();
        let why = check_room(&half, &[half[0].clone(), file(1)]).unwrap_err();
        assert!(why.contains("20.0 GiB"), "{why}");
        let many = vec![file(0); most.files];
        check_room(&many, &[]).unwrap();
        assert!(check_room(&many, &[file(0)]).is_err());
    }

    #[test]
    fn artifacts_stand_beside_each_other_in_one_manifest() {
        let (_directory, shelf) = shelf();
        assert!(!shelf.directory().exists());
        assert_eq!(upload(&shelf, "b", &[("manifest.json", "{}")]), Ok(1));
        assert_eq!(upload(&shelf, "a", &[("x/y", "1"), ("z", "2")]), Ok(2));
        assert_eq!(text(&shelf, "b/manifest.json").unwrap(), "{}");
        assert_eq!(text(&shelf, "a/x/y").unwrap(), "1");
        let manifest = text(&shelf, FILE_NAME).unwrap();
        let manifest: ArtifactManifest = serde_json::from_str(&manifest).unwrap();
        let paths: Vec<&str> = manifest.artifacts.iter().map(|one| &*one.path).collect();
        assert_eq!(paths, ["a/x/y", "a/z", "b/manifest.json"]);
        let stored = shelf.stored();
        assert_eq!((stored[0].bytes(), stored[0].files.len()), (2, 2));
        // printf 1 >x/y; printf 2 >z; sha256sum x/y z | sha256sum
        assert!(
            stored[0]
                .digest
                .starts_with("797b87e3bf703fac6ea798e54f43630524c1")
        );
        shelf.check(&stored[0]).unwrap();
        fs::write(shelf.directory().join("a/z"), "22").unwrap();
        assert!(shelf.check(&stored[0]).unwrap_err().contains("`z`"));
    }

    #[test]
    fn a_name_is_had_once_unless_it_is_overwritten() {
        let (_directory, shelf) = shelf();
        upload(&shelf, "a", &[("old", "1")]).unwrap();
        upload(&shelf, "other", &[("x", "1")]).unwrap();
        let why = upload(&shelf, "a", &[("new", "2")]).unwrap_err();
        assert!(why.contains("`a` is there already"), "{why}");
        let why = upload_over(&shelf, "A", &[], true).unwrap_err();
        assert!(why.contains("`a` and `A`"), "{why}");
        assert_eq!(upload_over(&shelf, "a", &[("new", "2")], true), Ok(3));
        assert_eq!(text(&shelf, "a/old"), None);
        assert_eq!(text(&shelf, "a/new").unwrap(), "2");
        assert_eq!(text(&shelf, "other/x").unwrap(), "1");
    }

    #[test]
    fn a_name_that_is_being_uploaded_is_taken_until_that_is_given_up() {
        let (_directory, shelf) = shelf();
        let claim = shelf.claim("a", false).unwrap();
        assert!(shelf.claim("a", true).unwrap_err().contains("uploading"));
        assert!(shelf.stored().is_empty());
        drop(claim);
        shelf.claim("A", false).unwrap();
    }

    #[test]
    fn what_an_earlier_run_left_is_not_served_and_then_replaced() {
        let (directory, shelf) = shelf();
        upload(&shelf, "a", &[("deep/old", "1")]).unwrap();
        upload(&shelf, "gone", &[("deep/old", "1")]).unwrap();
        fs::write(shelf.directory().join("mine"), "mine").unwrap();
        let next = Arc::new(Shelf::below(directory.path()));
        assert!(next.stored().is_empty());
        assert_eq!(upload(&next, "a", &[("new", "2")]), Ok(1));
        assert_eq!(text(&next, "a/new").unwrap(), "2");
        assert!(!next.directory().join("a/deep").exists());
        assert!(!next.directory().join("gone").exists());
        assert_eq!(text(&next, "mine").unwrap(), "mine");
    }

    #[test]
    fn many_jobs_may_upload_at_once() {
        let (_directory, shelf) = shelf();
        std::thread::scope(|scope| {
            for number in 0..16 {
                let shelf = &shelf;
                scope.spawn(move || {
                    let name = format!("leg-{number}");
                    upload(shelf, &name, &[("x", "1"), ("y", "2")]).unwrap();
                });
            }
        });
        assert_eq!(shelf.stored().len(), 16);
        let manifest = text(&shelf, FILE_NAME).unwrap();
        assert_eq!(manifest.matches("\"path\"").count(), 32);
        for stored in shelf.stored() {
            shelf.check(&stored).unwrap();
        }
    }

    #[tokio::test]
    async fn a_passing_shelf_goes_and_says_so_once() {
        let parent = tempfile::tempdir().unwrap();
        let passing = PassingDirectory::new(parent.path()).await.unwrap();
        let shelf = Arc::new(Shelf::passing(passing));
        upload(&shelf, "a", &[("x", "1")]).unwrap();
        assert!(shelf.must_tell() && !shelf.must_tell());
        let directory = shelf.directory().to_owned();
        assert!(directory.exists());
        drop(shelf);
        assert!(!directory.exists());
    }
}
