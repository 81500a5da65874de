//! Dormant templates: a machine that booted once and was frozen when it was ready. Its disk, its memory
//! and the state of its devices are read-only from then on; machines that wake from it share them.
//!
//! ```text
//!   templates/KEY/          named after what it is good for (`makeup`)
//!       template.json       what it is, with size, digest and look of each file
//!       disk.qcow2 ram state
//!       uses                how often something woke from it
//!   templates/broken-KEY/   one that was found changed, kept for a day
//!   templates/locks/KEY/    locked by who makes it or puts it aside
//! ```
//!
//! A template may be removed at any time: a machine that runs holds the files, and one that is about to
//! wake boots instead.

use std::fs::{self, File, Permissions};
use std::io;
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::failure::InfraFailure;
use crate::host::fs::{create_private_directory, remove_tree, sync_directory, write_atomically};
use crate::host::holes;
use crate::host::home::Home;
use crate::host::lock::{self, DirectoryLock};
use crate::host::look::Look;
use crate::image::manifest::Digest;
use crate::image::store::digest_of;
use crate::instance::makeup::Makeup;
use crate::vmm::machine::paths;

/// The form of a manifest.
const VERSION: u32 = 1;
const MANIFEST: &str = "template.json";
const USES: &str = "uses";
const BROKEN: &str = "broken-";
const REMOVED: &str = "removed-";
/// That the last machine which woke from it did not answer.
const SILENT: &str = "silent";
const LOCKS: &str = "locks";

/// A part of a template.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Part {
    /// The guest's memory.
    Ram,
    /// The state of its devices.
    State,
    /// Its disk, an overlay of the image's.
    Disk,
}

impl Part {
    const ALL: [Self; 3] = [Self::Ram, Self::State, Self::Disk];

    /// Its file in a template.
    fn file_name(self) -> &'static str {
        match self {
            Self::Ram => "ram",
            Self::State => "state",
            Self::Disk => "disk.qcow2",
        }
    }

    /// The file that the machine which is frozen leaves, in its own directory.
    fn left_as(self) -> &'static str {
        match self {
            Self::Ram => "ram",
            Self::State => "state",
            Self::Disk => "overlay.qcow2",
        }
    }

    /// Where a machine that wakes finds it.
    fn inside(self) -> &'static str {
        match self {
            Self::Ram => paths::FROZEN_RAM,
            Self::State => paths::FROZEN_STATE,
            Self::Disk => paths::FROZEN_DISK,
        }
    }
}

/// A file of a template.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FrozenFile {
    /// What it is.
    pub part: Part,
    /// What is in it.
    pub digest: Digest,
    /// What it looked like when that was last found right.
    pub look: Look,
}

/// What is known of a template.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TemplateManifest {
    /// The form of this.
    pub v: u32,
    /// The name of its image.
    pub image_name: String,
    /// What it is good for.
    pub makeup: Makeup,
    /// When it was made.
    pub made: Timestamp,
    /// What its guest, and so each copy, proves itself with, in hexadecimal.
    pub host_key: String,
    /// Its files.
    pub files: Vec<FrozenFile>,
}

/// A template.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Template {
    /// What is known of it.
    pub manifest: TemplateManifest,
    directory: PathBuf,
}

impl Template {
    /// Its name.
    pub fn key(&self) -> Digest {
        self.manifest.makeup.key()
    }

    /// Its files, with where a machine finds them.
    pub fn shared(&self) -> Vec<(PathBuf, &'static str)> {
        let shared = |part: Part| (self.path(part), part.inside());
        Part::ALL.map(shared).to_vec()
    }

    /// How many bytes of the disk it takes.
    pub fn size_on_disk(&self) -> u64 {
        let metadata = |part| fs::symlink_metadata(self.path(part)).ok();
        let found = Part::ALL.into_iter().filter_map(metadata);
        found.map(|metadata| holes::size_on_disk(&metadata)).sum()
    }

    /// How often something woke from it.
    pub fn uses(&self) -> u64 {
        let text = fs::read_to_string(self.directory.join(USES)).unwrap_or_default();
        text.trim().parse().unwrap_or(0)
    }

    /// Puts down that something wakes from it. Of two at the same time one may be lost: the number is
    /// for people.
    pub fn count_use(&self) {
        let text = (self.uses() + 1).to_string();
        let _ = write_atomically(&self.directory.join(USES), text.as_bytes());
    }

    /// Puts down that what woke from it answered.
    pub fn note_answer(&self) {
        // Mostly there is no mark; one that stays costs the template one more chance.
        let _ = fs::remove_file(self.directory.join(SILENT));
    }

    /// Puts down that what woke from it did not answer; true for the second time in a row.
    pub fn note_silence(&self) -> bool {
        let mark = self.directory.join(SILENT);
        let is_second = mark.exists();
        // A mark that can't be made costs another slow start.
        let _ = write_atomically(&mark, b"");
        is_second
    }

    /// Whether its files are as they were made: the small one by its contents, the others by their look,
    /// since reading them takes longer than waking.
    pub fn check(&self) -> Result<(), String> {
        for file in &self.manifest.files {
            match file.part {
                Part::State => self.check_contents(file)?,
                Part::Ram | Part::Disk => self.check_look(file)?,
            }
        }
        Ok(())
    }

    /// Whether every byte of it is as it was made.
    pub fn verify(&self) -> Result<(), String> {
        let mut files = self.manifest.files.iter();
        files.try_for_each(|file| self.check_contents(file))
    }

    fn check_look(&self, file: &FrozenFile) -> Result<(), String> {
        let name = file.part.file_name();
        let look = Look::at(&self.path(file.part)).map_err(|error| format!("`{name}`: {error}"))?;
        let same = look == file.look;
        same.then_some(())
            .ok_or_else(|| format!("`{name}` was changed or exchanged"))
    }

    fn check_contents(&self, file: &FrozenFile) -> Result<(), String> {
        let name = file.part.file_name();
        let (digest, _) = digest_of(&self.path(file.part), |_| {})
            .map_err(|error| format!("`{name}`: {error}"))?;
        let same = digest == file.digest;
        same.then_some(())
            .ok_or_else(|| format!("`{name}` has the digest {digest}, not {}", file.digest))
    }

    fn path(&self, part: Part) -> PathBuf {
        self.directory.join(part.file_name())
    }
}

/// The templates of a home.
#[derive(Debug, Clone)]
pub struct Templates {
    root: PathBuf,
}

impl Templates {
    /// Those of a home; there may be none.
    pub fn of(home: &Home) -> Self {
        Self {
            root: home.templates(),
        }
    }

    /// The template of this key, if there is one that can be read.
    pub fn find(&self, key: &Digest) -> Option<Template> {
        let directory = self.root.join(key.hex());
        let text = fs::read(directory.join(MANIFEST)).ok()?;
        let manifest: TemplateManifest = serde_json::from_slice(&text).ok()?;
        let fits = manifest.v == VERSION && manifest.makeup.key() == *key;
        fits.then_some(Template {
            manifest,
            directory,
        })
    }

    /// Every template that can be read, the oldest first.
    pub fn list(&self) -> Vec<Template> {
        let keys = self.names().into_iter();
        let keys = keys.filter_map(|name| Digest::try_from(name).ok());
        let mut found: Vec<Template> = keys.filter_map(|key| self.find(&key)).collect();
        found.sort_by_key(|template| template.manifest.made);
        found
    }

    /// Those of the images that had this name.
    pub fn of_image(&self, name: &str) -> Vec<Template> {
        let mut found = self.list();
        found.retain(|template| template.manifest.image_name == name);
        found
    }

    /// Waits until nobody else makes the template of this key.
    pub async fn lock(&self, key: &Digest) -> io::Result<DirectoryLock> {
        lock::exclusive(&self.lock_of(key)?).await
    }

    fn lock_of(&self, key: &Digest) -> io::Result<PathBuf> {
        let directory = self.root.join(LOCKS).join(key.hex());
        create_private_directory(&directory)?;
        Ok(directory)
    }

    /// Makes a template of what a machine that was frozen has left in `own`, on the same file system.
    /// It is put together in `aside`. If there is one of this key by now, that one stays.
    pub fn seal(
        &self,
        own: &Path,
        aside: &Path,
        manifest: TemplateManifest,
    ) -> io::Result<Template> {
        create_private_directory(&self.root)?;
        create_private_directory(aside)?;
        let key = manifest.makeup.key();
        let mut manifest = manifest;
        for part in Part::ALL {
            let path = aside.join(part.file_name());
            manifest
                .files
                .push(take(part, &own.join(part.left_as()), &path)?);
        }
        let text = serde_json::to_vec_pretty(&manifest)?;
        write_atomically(&aside.join(MANIFEST), &text)?;
        let directory = self.root.join(key.hex());
        // What can't be read is no template, and in the way of this one.
        if self.find(&key).is_none() && directory.exists() {
            remove_tree(&directory)?;
        }
        if let Err(error) = fs::rename(aside, &directory)
            && self.find(&key).is_none()
        {
            return Err(error);
        }
        sync_directory(&self.root)?;
        self.find(&key)
            .ok_or_else(|| io::Error::other("the template was removed meanwhile"))
    }

    /// Removes a template: it is out of use at once, whole, and gone a moment later.
    pub fn remove(&self, template: &Template) -> io::Result<()> {
        let name = format!("{REMOVED}{}", template.key().hex());
        let place = self.root.join(name);
        remove_tree(&place)?;
        match fs::rename(&template.directory, &place) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            moved => moved.and_then(|()| remove_tree(&place)),
        }
    }

    /// Takes a template out of use that is not as it was made. Another may have done that already, and
    /// even have made a new one, which is left alone.
    pub fn quarantine(&self, template: &Template, why: &str) -> io::Result<()> {
        let locks = self.lock_of(&template.key())?;
        let Some(_lock) = lock::try_exclusive(&locks)? else {
            return Ok(());
        };
        match self.find(&template.key()) {
            Some(found) if found == *template => self.put_aside(template, why),
            _ => Ok(()),
        }
    }

    /// Takes a template out of use, and keeps it for who wants to know why. The caller holds its lock.
    pub fn put_aside(&self, template: &Template, why: &str) -> io::Result<()> {
        let name = format!("{BROKEN}{}", template.key().hex());
        let place = self.root.join(name);
        remove_tree(&place)?;
        fs::rename(&template.directory, &place)?;
        // Its day begins now.
        write_atomically(&place.join("why"), why.as_bytes())
    }

    /// Whatever is neither a template that can be read nor in its making, with its path: what was
    /// quarantined, and what another version of Dormer made.
    pub fn unusable(&self) -> Vec<PathBuf> {
        let names = self.names().into_iter();
        let usable = |name: &String| {
            let key = Digest::try_from(name.clone());
            name == LOCKS || key.is_ok_and(|key| self.find(&key).is_some())
        };
        let unusable = names.filter(|name| !usable(name));
        unusable.map(|name| self.root.join(name)).collect()
    }

    fn names(&self) -> Vec<String> {
        let entries = fs::read_dir(&self.root).into_iter().flatten().flatten();
        let names = entries.filter_map(|entry| entry.file_name().into_string().ok());
        names.collect()
    }
}

/// Takes over a file that a machine has written to. Whatever it may be: only a regular file of one name
/// becomes part of a template, and it belongs to us from then on.
fn take(part: Part, from: &Path, to: &Path) -> io::Result<FrozenFile> {
    fs::rename(from, to)?;
    let found = fs::symlink_metadata(to)?;
    if !found.is_file() || found.nlink() != 1 {
        let text = format!("`{}` is no plain file", from.display());
        return Err(io::Error::other(text));
    }
    let (user, group) = (rustix::process::geteuid(), rustix::process::getegid());
    chown(to, Some(user.as_raw()), Some(group.as_raw()))?;
    if part == Part::Ram {
        holes::dig(&File::options().read(true).write(true).open(to)?)?;
    }
    // The machine's user reads it too, by way of a mount.
    fs::set_permissions(to, Permissions::from_mode(0o444))?;
    File::open(to)?.sync_all()?;
    let (digest, _) = digest_of(to, |_| {})?;
    let look = Look::at(to)?;
    Ok(FrozenFile { part, digest, look })
}

/// Says that templates can't be changed.
pub fn failed(error: io::Error) -> InfraFailure {
    InfraFailure::new("cannot change the templates").because(error)
}

/// The first that a template starts with: everything but its files.
pub fn begin(image_name: &str, makeup: Makeup, host_key: &str) -> TemplateManifest {
    TemplateManifest {
        v: VERSION,
        image_name: image_name.to_owned(),
        makeup,
        made: Timestamp::now(),
        host_key: host_key.to_owned(),
        files: Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::instance::makeup::tests::makeup;

    struct Place {
        directory: tempfile::TempDir,
        templates: Templates,
    }

    fn place() -> Place {
        let directory = tempfile::tempdir().unwrap();
        let root = directory.path().join("templates");
        Place {
            directory,
            templates: Templates { root },
        }
    }

    impl Place {
        fn leave(&self) -> PathBuf {
            let own = self.directory.path().join("own");
            fs::create_dir_all(&own).unwrap();
            for part in Part::ALL {
                fs::write(own.join(part.left_as()), part.file_name()).unwrap();
            }
            own
        }

        fn seal(&self) -> io::Result<Template> {
            let aside = self.directory.path().join("aside");
            let manifest = begin("compat", makeup(), "00");
            self.templates
                .seal(&self.directory.path().join("own"), &aside, manifest)
        }

        fn rewrite(&self, template: &Template, part: Part, text: &str) {
            let path = template.path(part);
            fs::set_permissions(&path, Permissions::from_mode(0o600)).unwrap();
            fs::write(path, text).unwrap();
            assert!(self.templates.find(&template.key()).is_some());
        }
    }

    #[test]
    fn what_was_frozen_becomes_a_template_that_cannot_be_written() {
        let place = place();
        place.leave();
        let template = place.seal().unwrap();
        assert_eq!(place.templates.list(), std::slice::from_ref(&template));
        assert_eq!(place.templates.of_image("compat").len(), 1);
        assert!(place.templates.of_image("windows").is_empty());
        template.check().unwrap();
        template.verify().unwrap();
        for (path, _) in template.shared() {
            let mode = fs::metadata(path).unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o444);
        }
        assert_eq!(template.uses(), 0);
        template.count_use();
        template.count_use();
        assert_eq!(template.uses(), 2);
        assert!(!template.note_silence());
        template.note_answer();
        assert!(!template.note_silence());
        assert!(template.note_silence());
        assert!(place.templates.unusable().is_empty());
        place.templates.remove(&template).unwrap();
        assert!(place.templates.list().is_empty());
    }

    #[test]
    fn what_was_changed_is_noticed_and_put_aside() {
        for part in Part::ALL {
            let place = place();
            place.leave();
            let template = place.seal().unwrap();
            place.rewrite(&template, part, "other");
            assert!(template.check().unwrap_err().contains(part.file_name()));
            assert!(template.verify().is_err());
            place.templates.quarantine(&template, "changed").unwrap();
            assert!(place.templates.find(&template.key()).is_none());
            assert_eq!(place.templates.unusable().len(), 1);
            // The next one takes its place, and may be put aside too.
            place.leave();
            let next = place.seal().unwrap();
            place.templates.quarantine(&next, "changed").unwrap();
            assert_eq!(place.templates.unusable().len(), 1);
        }
    }

    #[test]
    fn only_the_very_template_that_was_found_changed_is_put_aside() {
        let place = place();
        place.leave();
        let old = place.seal().unwrap();
        place.templates.remove(&old).unwrap();
        place.templates.quarantine(&old, "changed").unwrap();
        place.leave();
        let new = place.seal().unwrap();
        place.templates.quarantine(&old, "changed").unwrap();
        assert_eq!(place.templates.list(), [new]);
        assert!(place.templates.unusable().is_empty());
    }

    #[test]
    fn a_machine_that_leaves_a_link_leaves_no_template() {
        for part in Part::ALL {
            let place = place();
            let own = place.leave();
            let secret = place.directory.path().join("secret");
            fs::write(&secret, "of the host").unwrap();
            let path = own.join(part.left_as());
            fs::remove_file(&path).unwrap();
            std::os::unix::fs::symlink(&secret, &path).unwrap();
            assert!(place.seal().is_err());
            let mode = fs::metadata(&secret).unwrap().permissions().mode();
            assert_ne!(mode & 0o777, 0o444);

            let place = place_with_hard_link(part);
            assert!(place.seal().is_err());
        }
    }

    fn place_with_hard_link(part: Part) -> Place {
        let place = place();
        let own = place.leave();
        fs::hard_link(own.join(part.left_as()), own.join("another")).unwrap();
        place
    }

    #[test]
    fn of_two_that_are_made_at_once_one_stays() {
        let place = place();
        place.leave();
        let first = place.seal().unwrap();
        place.leave();
        assert_eq!(place.seal().unwrap(), first);
    }
}
