//! The dormant templates of a home, by key: found, made, put aside and removed.
//!
//! ```text
//!   templates/KEY/          named after what it is good for (`makeup`)
//!       template.json       what it is, with size, digest and look of each file
//!       disk.qcow2 ram state
//!       uses                how often something woke from it
//!   templates/broken-KEY/   one that was found changed, kept for a day
//!   templates/locks/KEY/    locked by who makes it or puts it aside; `pool-KEY`: by who fills the pool of
//!                           machines that stand by to wake from it
//! ```
//!
//! A template may be removed at any time: a machine that runs holds the files, and one that is about to
//! wake boots instead.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::failure::InfraFailure;
use crate::host::crash;
use crate::host::fs::{
    create_private_directory, read_regular, remove_tree, sync_directory, write_atomically,
};
use crate::host::home::Home;
use crate::host::lock::{self, DirectoryLock};
use crate::image::manifest::Digest;
use crate::instance::template::{Part, SMALL, Template, TemplateManifest, VERSION, take};

const BROKEN: &str = "broken-";
const REMOVED: &str = "removed-";
const LOCKS: &str = "locks";
const POOL: &str = "pool-";
const MANIFEST: &str = "template.json";

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
        let text = read_regular(&directory.join(MANIFEST), SMALL).ok()?;
        let manifest: TemplateManifest = serde_json::from_slice(&text).ok()?;
        let has = |part| {
            manifest
                .files
                .iter()
                .filter(|file| file.part == part)
                .count()
                == 1
        };
        let fits = manifest.v == VERSION && manifest.makeup.key() == *key;
        (fits && Part::ALL.into_iter().all(has)).then_some(Template {
            manifest,
            directory,
        })
    }

    /// Whether something has the place of the template of this key and is none.
    pub fn is_unreadable(&self, key: &Digest) -> bool {
        let there = fs::symlink_metadata(self.root.join(key.hex()));
        let absent = there.is_err_and(|error| error.kind() == io::ErrorKind::NotFound);
        !absent && self.find(key).is_none()
    }

    /// Takes away what has the place of the template of this key and is none, unless somebody is at work
    /// there.
    pub fn put_aside_unreadable(&self, key: &Digest) -> io::Result<()> {
        let Some(_lock) = lock::try_exclusive(&self.lock_of(key)?)? else {
            return Ok(());
        };
        self.clear(key)
    }

    /// The same, for who holds the template's lock.
    pub fn clear(&self, key: &Digest) -> io::Result<()> {
        if self.is_unreadable(key) {
            self.put_aside_what_is_at(key, "it could not be read")?;
        }
        Ok(())
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

    /// Says that templates can't be changed.
    pub fn failed(&self, error: io::Error) -> InfraFailure {
        let root = self.root.display();
        InfraFailure::new(format!("cannot change the templates in `{root}`")).because(error)
    }

    /// Waits until nobody else makes the template of this key.
    pub async fn lock(&self, key: &Digest) -> io::Result<DirectoryLock> {
        loop {
            let place = self.lock_of(key)?;
            match lock::exclusive(&place).await {
                Ok(lock) if lock.is_of(&place) => return Ok(lock),
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                // Somebody cleaned up between these two steps.
                _ => {}
            }
        }
    }

    /// Removes the locks of templates that are not there and that nobody makes.
    pub fn remove_unused_locks(&self) {
        let locks = self.root.join(LOCKS);
        for entry in fs::read_dir(&locks).into_iter().flatten().flatten() {
            let path = entry.path();
            if self.root.join(entry.file_name()).exists() {
                continue;
            }
            if let Ok(Some(_held)) = lock::try_exclusive(&path) {
                // One that stays is of no weight, and goes the next time.
                let _ = fs::remove_dir(&path);
            }
        }
    }

    /// Waits until nobody else fills or empties the pool of machines that stand by to wake from this one.
    pub async fn lock_pool(&self, key: &Digest) -> io::Result<DirectoryLock> {
        let directory = self.root.join(LOCKS).join(format!("{POOL}{}", key.hex()));
        create_private_directory(&directory)?;
        lock::exclusive(&directory).await
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
        crash::point(|| "before the manifest".to_owned());
        write_atomically(&aside.join(MANIFEST), &text)?;
        crash::point(|| "at the manifest".to_owned());
        let directory = self.root.join(key.hex());
        // What can't be read is no template, and in the way of this one.
        if self.find(&key).is_none() && directory.exists() {
            remove_tree(&directory)?;
            crash::point(|| "at an emptied place".to_owned());
        }
        if let Err(error) = fs::rename(aside, &directory)
            && self.find(&key).is_none()
        {
            return Err(error);
        }
        crash::point(|| "at its place".to_owned());
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
            moved => {
                moved?;
                crash::point(|| "at removing a template".to_owned());
                remove_tree(&place)
            }
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
        self.put_aside_what_is_at(&template.key(), why)
    }

    fn put_aside_what_is_at(&self, key: &Digest, why: &str) -> io::Result<()> {
        let place = self.root.join(format!("{BROKEN}{}", key.hex()));
        remove_tree(&place)?;
        fs::rename(self.root.join(key.hex()), &place)?;
        if !fs::symlink_metadata(&place)?.is_dir() {
            // A link or a file that somebody put there: nothing to look at.
            return remove_tree(&place);
        }
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

    /// Whether what is at this path was being removed: nobody looks at it any more.
    pub fn is_going(path: &Path) -> bool {
        let name = path.file_name().unwrap_or_default();
        name.to_string_lossy().starts_with(REMOVED)
    }

    fn names(&self) -> Vec<String> {
        let entries = fs::read_dir(&self.root).into_iter().flatten().flatten();
        let names = entries.filter_map(|entry| entry.file_name().into_string().ok());
        names.collect()
    }
}

#[cfg(test)]
mod tests {
    use std::fs::Permissions;
    use std::os::unix::fs::PermissionsExt;

    use super::*;
    use crate::instance::makeup::tests::makeup;
    use crate::instance::template::begin;

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
            let manifest = begin("compat", makeup(), "00", None);
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
        let lock = place.templates.lock_of(&template.key()).unwrap();
        place.templates.remove_unused_locks();
        assert!(lock.is_dir());
        place.templates.remove(&template).unwrap();
        assert!(place.templates.list().is_empty());
        let held = lock::try_exclusive(&lock).unwrap().unwrap();
        place.templates.remove_unused_locks();
        assert!(lock.is_dir());
        drop(held);
        place.templates.remove_unused_locks();
        assert!(!lock.exists());
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
    fn what_is_in_the_place_of_a_template_and_is_none_is_taken_away() {
        let directory_of = |place: &Place| place.templates.root.join(makeup().key().hex());
        let spoil: [fn(&Path); 5] = [
            |at| fs::write(at.join(MANIFEST), "garbage").unwrap(),
            |at| fs::remove_file(at.join(MANIFEST)).unwrap(),
            |at| {
                let text = fs::read_to_string(at.join(MANIFEST)).unwrap();
                let mut value: serde_json::Value = serde_json::from_str(&text).unwrap();
                value["files"] = serde_json::json!([]);
                fs::write(at.join(MANIFEST), value.to_string()).unwrap();
            },
            |at| {
                fs::remove_dir_all(at).unwrap();
                std::os::unix::fs::symlink("/nowhere", at).unwrap();
            },
            |at| {
                fs::remove_dir_all(at).unwrap();
                fs::write(at, "").unwrap();
            },
        ];
        for spoil in spoil {
            let place = place();
            let key = makeup().key();
            assert!(!place.templates.is_unreadable(&key));
            place.leave();
            place.seal().unwrap();
            assert!(!place.templates.is_unreadable(&key));
            spoil(&directory_of(&place));
            assert!(place.templates.is_unreadable(&key));
            place.templates.put_aside_unreadable(&key).unwrap();
            assert!(!place.templates.is_unreadable(&key));
            place.leave();
            place.seal().unwrap().check().unwrap();
        }
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
