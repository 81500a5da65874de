//! Images on disk, by content.
//!
//! ```text
//!   images/blobs/HEX             a file of an image, read-only
//!   images/manifests/HEX.json    an image
//!   images/names/NAME/current    which image a name means now; the directory is the name's lock
//!   images/verified/HEX.json     how a blob looked when its digest was last found right
//!   images/building/ID/          a build under way, by the reservation that it belongs to; locked by it
//!   images/uses/HEX/ID           an instance that uses an image: where its directory is
//! ```
//!
//! Several homes may share a store. So whatever is in use is on record in the store itself: a build by
//! the lock on its directory, an image by its uses. A use lasts as long as the instance's directory,
//! which a kept machine has though no process holds it.
//!
//! Everything is made aside and renamed into place. Locks: whoever builds or removes an image holds
//! its name alone; whoever starts to use one holds the name shared until the use is on record.

use std::collections::BTreeSet;
use std::fs::{self, File, Permissions};
use std::io::{self, Read};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use sha2::{Digest as _, Sha256};

use crate::failure::{Failure, InfraFailure, InputError};
use crate::host::fs::{
    create_private_directory, open_regular, remove_tree, sync_directory, write_atomically,
};
use crate::host::lock::{self, DirectoryLock};
use crate::host::look::Look;
use crate::image::manifest::{Blob, Digest, Manifest};
use crate::image::recipe;
use crate::progress::Progress;

/// The images of one home.
#[derive(Debug, Clone)]
pub struct Store {
    root: PathBuf,
}

/// An image in the store.
#[derive(Debug, Clone)]
pub struct Image {
    /// Its identity.
    pub digest: Digest,
    /// What it consists of.
    pub manifest: Manifest,
}

impl Store {
    /// The store below a home's `images`.
    pub fn open(root: &Path) -> Result<Self, InfraFailure> {
        for part in ["blobs", "manifests", "names", "verified", "building"] {
            fs::create_dir_all(root.join(part)).map_err(|error| {
                InfraFailure::new(format!("cannot use the image store `{}`", root.display()))
                    .because(error)
            })?;
        }
        Ok(Self::look(root))
    }

    /// The store below a home's `images`, for somebody who only looks: one that is not there is empty.
    pub fn look(root: &Path) -> Self {
        Self {
            root: root.to_owned(),
        }
    }

    /// Its directory.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The image that a name means, if there is one.
    pub fn find(&self, name: &str) -> Result<Option<Image>, InfraFailure> {
        match self.find_digest(name)? {
            Some(digest) => self.load(name, &digest).map(Some),
            None => Ok(None),
        }
    }

    /// The identity of the image that a name means, also of one that can't be read.
    pub fn find_digest(&self, name: &str) -> Result<Option<Digest>, InfraFailure> {
        check_name(name).map_err(|error| InfraFailure::new(error.message))?;
        let text = match fs::read_to_string(self.current(name)) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(broken(name, error.to_string())),
        };
        let digest = Digest::try_from(text.trim().to_owned());
        digest.map(Some).map_err(|why| broken(name, why))
    }

    /// The image that a name means, or an error that names those that there are.
    pub fn get(&self, name: &str) -> Result<Image, Failure> {
        let known = check_name(name).is_ok();
        let found = if known { self.find(name)? } else { None };
        Ok(found.ok_or_else(|| self.unknown(name))?)
    }

    /// The error for a name that means nothing.
    pub fn unknown(&self, name: &str) -> InputError {
        let mut names: BTreeSet<String> = self.names().unwrap_or_default().into_iter().collect();
        names.extend(recipe::GUESTS.iter().map(|recipe| recipe.name.to_owned()));
        let names: Vec<String> = names.into_iter().collect();
        InputError::usage(format!("there is no image `{name}`"))
            .help(format!("the images are: {}", names.join(", ")))
    }

    /// Every name that means an image.
    pub fn names(&self) -> Result<Vec<String>, InfraFailure> {
        let read = || -> io::Result<Vec<String>> {
            let mut names = Vec::new();
            for entry in entries_of(&self.root.join("names"))? {
                let name = entry.file_name().to_string_lossy().into_owned();
                if self.current(&name).is_file() {
                    names.push(name);
                }
            }
            names.sort();
            Ok(names)
        };
        read().map_err(|error| InfraFailure::new("cannot list the images").because(error))
    }

    /// Where a blob is.
    pub fn blob_path(&self, blob: &Blob) -> PathBuf {
        self.root.join("blobs").join(blob.digest.hex())
    }

    /// Holds a name alone: to build it or to remove it. `waiting` is called when somebody else has it.
    pub async fn lock_name(
        &self,
        name: &str,
        waiting: impl FnOnce(),
    ) -> Result<DirectoryLock, InfraFailure> {
        let directory = self.name_directory(name)?;
        let failed = |error| lock_failed(name, error);
        if let Some(lock) = lock::try_exclusive(&directory).map_err(failed)? {
            return Ok(lock);
        }
        waiting();
        lock::exclusive(&directory).await.map_err(failed)
    }

    /// Keeps a name from being removed while its use is put on record.
    pub async fn hold_name(&self, name: &str) -> Result<DirectoryLock, InfraFailure> {
        let directory = self.name_directory(name)?;
        lock::shared(&directory)
            .await
            .map_err(|error| lock_failed(name, error))
    }

    /// Checks every blob whose look has changed since its digest was last found right.
    pub fn check(&self, image: &Image, progress: &dyn Progress) -> Result<(), InfraFailure> {
        for blob in &image.manifest.blobs {
            if !self.looks_right(blob) {
                self.check_blob(blob, progress)?;
            }
        }
        Ok(())
    }

    /// Checks every blob, and the manifest, byte by byte.
    pub fn verify(&self, image: &Image, progress: &dyn Progress) -> Result<(), InfraFailure> {
        for blob in &image.manifest.blobs {
            self.check_blob(blob, progress)?;
        }
        Ok(())
    }

    /// Takes a finished file in as a blob. It must be on the store's file system.
    pub fn add_blob(&self, path: &Path, role: super::manifest::Role) -> io::Result<Blob> {
        let (digest, size) = digest_of(path, |_| {})?;
        let blob = Blob { role, digest, size };
        fs::set_permissions(path, Permissions::from_mode(0o444))?;
        // Whoever made it, it is ours now: an owner could make it writable again.
        let (user, group) = (rustix::process::geteuid(), rustix::process::getegid());
        std::os::unix::fs::chown(path, Some(user.as_raw()), Some(group.as_raw()))?;
        File::open(path)?.sync_all()?;
        let kept = self.blob_path(&blob);
        fs::rename(path, &kept)?;
        sync_directory(&self.root.join("blobs"))?;
        self.remember(&blob)?;
        Ok(blob)
    }

    /// Puts an image in place under its name. The caller holds the name alone.
    pub fn publish(&self, manifest: Manifest) -> io::Result<Image> {
        let text = manifest.to_text();
        let digest = Digest::of(text.as_bytes());
        let name = manifest.description.name.clone();
        fs::create_dir_all(self.root.join("names").join(&name))?;
        write_atomically(&self.manifest_path(&digest), text.as_bytes())?;
        write_atomically(&self.current(&name), digest.to_string().as_bytes())?;
        Ok(Image { digest, manifest })
    }

    /// Removes a name. The caller holds it alone and knows that nobody uses its image, which goes with
    /// the next [`Store::sweep`].
    pub fn remove_name(&self, name: &str) -> io::Result<()> {
        remove_tree(&self.root.join("names").join(name))
    }

    /// Removes images that no name means and that are neither in `used` nor on record as used, and the
    /// blobs that no image has. Returns both, but of the blobs only those whose image was lost before.
    /// Does nothing while somebody adds to the store, or puts a use on record.
    pub fn sweep(&self, used: &BTreeSet<Digest>, dry_run: bool) -> io::Result<Vec<Unneeded>> {
        let Some(_lock) = lock::try_exclusive(&self.root.join("blobs"))? else {
            return Ok(Vec::new());
        };
        let mut wanted = used.clone();
        wanted.extend(self.uses(dry_run)?);
        for name in self.names().map_err(io::Error::other)? {
            let text = fs::read_to_string(self.current(&name))?;
            wanted.extend(Digest::try_from(text.trim().to_owned()).ok());
        }
        let mut unneeded = Vec::new();
        // A manifest that can't be read might name any blob; then none is removed.
        let (mut kept, mut going) = (Some(BTreeSet::new()), BTreeSet::new());
        for entry in fs::read_dir(self.root.join("manifests"))? {
            let path = entry?.path();
            let stem = path.file_stem().unwrap_or_default().to_string_lossy();
            let Ok(digest) = Digest::try_from(stem.into_owned()) else {
                continue;
            };
            let blobs = blobs_of(&fs::read_to_string(&path)?);
            if wanted.contains(&digest) {
                kept = kept.zip(blobs).map(|(kept, blobs)| &kept | &blobs);
                continue;
            }
            going.extend(blobs.unwrap_or_default());
            if !dry_run {
                fs::remove_file(&path)?;
            }
            unneeded.push(Unneeded::Image(digest));
        }
        if let Some(kept) = kept {
            let lost = self.remove_blobs_but(&kept, dry_run)?;
            let lost = lost.into_iter().filter(|name| !going.contains(name));
            unneeded.extend(lost.map(Unneeded::Blob));
        }
        Ok(unneeded)
    }

    /// The blobs that are none of these, removed unless this is only a look.
    fn remove_blobs_but(&self, kept: &BTreeSet<String>, dry_run: bool) -> io::Result<Vec<String>> {
        let mut removed = Vec::new();
        for (part, suffix) in [("blobs", ""), ("verified", ".json")] {
            for entry in fs::read_dir(self.root.join(part))? {
                let entry = entry?;
                let name = entry.file_name().to_string_lossy().into_owned();
                if kept.contains(name.trim_end_matches(suffix)) {
                    continue;
                }
                if !dry_run {
                    fs::remove_file(entry.path())?;
                }
                if part == "blobs" {
                    removed.push(name);
                }
            }
        }
        Ok(removed)
    }

    /// Keeps [`Store::sweep`] away while blobs are added that no image has yet, or a use is put on
    /// record.
    pub async fn adding(&self) -> io::Result<DirectoryLock> {
        lock::shared(&self.root.join("blobs")).await
    }

    /// Whether an image is still there.
    pub fn contains(&self, image: &Digest) -> bool {
        self.manifest_path(image).is_file()
    }

    /// A directory for a build, by its reservation.
    pub fn building(&self, reservation: &str) -> PathBuf {
        self.root.join("building").join(reservation)
    }

    /// Makes the directory for a build, and holds it: another home that cleans up would take a build
    /// that nobody holds for an interrupted one.
    pub fn begin_build(&self, reservation: &str) -> io::Result<DirectoryLock> {
        let directory = self.building(reservation);
        loop {
            create_private_directory(&directory)?;
            // Between these two somebody may have taken it for abandoned, and be removing it.
            let held = lock::try_exclusive(&directory);
            match held {
                Ok(Some(lock)) if directory.is_dir() => return Ok(lock),
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => std::thread::yield_now(),
            }
        }
    }

    /// Holds what a build left that nobody is at work on: none if somebody is. What is not there needs
    /// no holding.
    pub fn hold_abandoned_build(&self, reservation: &str) -> io::Result<Abandoned> {
        match lock::try_exclusive(&self.building(reservation)) {
            Ok(Some(lock)) => Ok(Abandoned::Yes(Some(lock))),
            Ok(None) => Ok(Abandoned::No),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Abandoned::Yes(None)),
            Err(error) => Err(error),
        }
    }

    /// The reservations that builds were begun under.
    pub fn builds(&self) -> io::Result<Vec<String>> {
        let entries = fs::read_dir(self.root.join("building"))?;
        entries
            .map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned()))
            .collect()
    }

    fn load(&self, name: &str, digest: &Digest) -> Result<Image, InfraFailure> {
        let text = fs::read_to_string(self.manifest_path(digest))
            .map_err(|error| broken(name, error.to_string()))?;
        if Digest::of(text.as_bytes()) != *digest {
            return Err(broken(name, "its manifest was changed".to_owned()));
        }
        let manifest = serde_json::from_str(&text).map_err(|error| {
            broken(name, format!("another version of Dormer made it ({error})"))
        })?;
        Ok(Image {
            digest: digest.clone(),
            manifest,
        })
    }

    fn check_blob(&self, blob: &Blob, progress: &dyn Progress) -> Result<(), InfraFailure> {
        let path = self.blob_path(blob);
        let role = blob.role.as_str();
        progress.stage(&format!("verifying the {role}"));
        let wrong = |why: String| {
            InfraFailure::new(format!(
                "the image's {role} `{}` is damaged",
                path.display()
            ))
            .because(why)
            .help("remove the image with `dormer image remove` and build it again")
        };
        let (found, _) = digest_of(&path, |done| progress.bytes(done, blob.size))
            .map_err(|error| wrong(error.to_string()))?;
        if found != blob.digest {
            let _ = fs::remove_file(self.verified_path(blob));
            return Err(wrong(format!("its digest is {found}, not {}", blob.digest)));
        }
        self.remember(blob)
            .map_err(|error| wrong(error.to_string()))
    }

    fn looks_right(&self, blob: &Blob) -> bool {
        let Ok(text) = fs::read_to_string(self.verified_path(blob)) else {
            return false;
        };
        let Ok(look) = Look::at(&self.blob_path(blob)) else {
            return false;
        };
        serde_json::from_str::<Look>(&text).is_ok_and(|remembered| remembered == look)
    }

    fn remember(&self, blob: &Blob) -> io::Result<()> {
        let look = Look::at(&self.blob_path(blob))?;
        write_atomically(
            &self.verified_path(blob),
            serde_json::to_string(&look)?.as_bytes(),
        )
    }

    fn name_directory(&self, name: &str) -> Result<PathBuf, InfraFailure> {
        check_name(name).map_err(|error| InfraFailure::new(error.message))?;
        let directory = self.root.join("names").join(name);
        fs::create_dir_all(&directory).map_err(|error| lock_failed(name, error))?;
        Ok(directory)
    }

    fn current(&self, name: &str) -> PathBuf {
        self.root.join("names").join(name).join("current")
    }

    fn manifest_path(&self, digest: &Digest) -> PathBuf {
        self.root
            .join("manifests")
            .join(format!("{}.json", digest.hex()))
    }

    fn verified_path(&self, blob: &Blob) -> PathBuf {
        self.root
            .join("verified")
            .join(format!("{}.json", blob.digest.hex()))
    }
}

/// What a store holds that nobody needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unneeded {
    /// An image, with its blobs.
    Image(Digest),
    /// A blob that is no image's, by the name of its file.
    Blob(String),
}

/// The names of the blobs of a manifest; none if it can't be read.
fn blobs_of(manifest: &str) -> Option<BTreeSet<String>> {
    let manifest: Manifest = serde_json::from_str(manifest).ok()?;
    let digests = manifest.blobs.into_iter().map(|blob| blob.digest);
    Some(digests.map(|digest| digest.hex().to_owned()).collect())
}

/// Whether a build is under way, or was left.
#[derive(Debug)]
pub enum Abandoned {
    /// Somebody is at work on it.
    No,
    /// Nobody is, and nobody begins as long as this is held.
    Yes(Option<DirectoryLock>),
}

/// What is in a directory; nothing if it is not there.
pub(super) fn entries_of(directory: &Path) -> io::Result<Vec<fs::DirEntry>> {
    match fs::read_dir(directory) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
        entries => entries?.collect(),
    }
}

/// A name is a plain word, since it becomes a directory's.
pub fn check_name(name: &str) -> Result<(), InputError> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    if !name.is_empty() && name.len() <= 64 && !name.starts_with('.') && name.bytes().all(plain) {
        return Ok(());
    }
    Err(
        InputError::usage(format!("`{name}` is no name for an image"))
            .help("a name has letters, digits, `-`, `_` and `.`"),
    )
}

/// A file's digest and size; `progress` hears how many bytes are done.
pub fn digest_of(path: &Path, mut progress: impl FnMut(u64)) -> io::Result<(Digest, u64)> {
    let mut file = open_regular(path)?;
    let mut hash = Sha256::new();
    let mut buffer = vec![0; 1 << 20];
    let mut size = 0;
    loop {
        let length = file.read(&mut buffer)?;
        if length == 0 {
            return Ok((Digest::from_hash(hash), size));
        }
        hash.update(&buffer[..length]);
        size += length as u64;
        progress(size);
    }
}

fn broken(what: &str, why: String) -> InfraFailure {
    InfraFailure::new(format!("cannot read the image `{what}`"))
        .because(why)
        .help("remove the image with `dormer image remove` and build it again")
}

fn lock_failed(name: &str, error: io::Error) -> InfraFailure {
    InfraFailure::new(format!("cannot lock the image `{name}`")).because(error)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::image::manifest::Role;
    use crate::image::recipe::Recipe;
    use crate::progress::Silent;

    fn store_with_image(root: &Path) -> (Store, Image) {
        let store = Store::open(root).unwrap();
        let scratch = root.join("building/disk");
        fs::write(&scratch, "disk").unwrap();
        let blob = store.add_blob(&scratch, Role::Disk).unwrap();
        let recipe = Recipe::guest("compat").unwrap();
        let image = store
            .publish(Manifest {
                description: recipe.description().unwrap(),
                parent: None,
                size: blob.size,
                blobs: vec![blob],
                recipe: recipe.digest(&[]),
                made: jiff::Timestamp::UNIX_EPOCH,
            })
            .unwrap();
        (store, image)
    }

    #[test]
    fn an_image_is_found_checked_and_removed() {
        let directory = tempfile::tempdir().unwrap();
        let (store, image) = store_with_image(directory.path());
        assert_eq!(store.names().unwrap(), ["compat"]);
        let found = store.find("compat").unwrap().unwrap();
        assert_eq!(found.digest, image.digest);
        store.check(&found, &Silent).unwrap();
        store.verify(&found, &Silent).unwrap();
        let path = store.blob_path(&found.manifest.blobs[0]);
        assert_eq!(
            fs::metadata(&path).unwrap().permissions().mode() & 0o777,
            0o444
        );
        store.remove_name("compat").unwrap();
        assert!(store.find("compat").unwrap().is_none());
        let used = BTreeSet::from([image.digest.clone()]);
        assert!(store.sweep(&used, false).unwrap().is_empty());
        assert_eq!(
            store.sweep(&BTreeSet::new(), true).unwrap(),
            [Unneeded::Image(image.digest.clone())]
        );
        assert!(path.exists());
        // A blob that was put there, and then its build was killed.
        let lost = directory.path().join("blobs").join("0".repeat(64));
        fs::write(&lost, "lost").unwrap();
        let both = [
            Unneeded::Image(image.digest),
            Unneeded::Blob("0".repeat(64)),
        ];
        assert_eq!(store.sweep(&BTreeSet::new(), true).unwrap(), both);
        assert!(path.exists() && lost.exists());
        assert_eq!(store.sweep(&BTreeSet::new(), false).unwrap(), both);
        assert!(!path.exists() && !lost.exists());
    }

    #[test]
    fn a_changed_blob_is_noticed_before_it_is_used() {
        let directory = tempfile::tempdir().unwrap();
        let (store, image) = store_with_image(directory.path());
        let path = store.blob_path(&image.manifest.blobs[0]);
        fs::set_permissions(&path, Permissions::from_mode(0o644)).unwrap();
        fs::write(&path, "risk").unwrap();
        let failure = store.check(&image, &Silent).unwrap_err();
        assert!(
            failure.message.contains("is damaged"),
            "{}",
            failure.message
        );
    }

    #[test]
    fn unknown_and_impossible_names_are_answered_with_those_that_there_are() {
        let directory = tempfile::tempdir().unwrap();
        let (store, _) = store_with_image(directory.path());
        for name in ["nope", "../../etc", ""] {
            let failure = store.get(name).unwrap_err();
            assert!(failure.help().unwrap().contains("compat"), "{name}");
        }
    }
}
