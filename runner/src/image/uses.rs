//! Which images are in use, put down in the store itself, since several homes may share it.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::fs;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use crate::host::fs::write_atomically;
use crate::image::manifest::Digest;
use crate::image::store::{Store, entries_of};

impl Store {
    /// Puts down that the instance at `directory` uses an image, before it does. The use ends when that
    /// directory is gone. In a store that we may not write to there is no record: whoever may keeps it.
    pub fn record_use(&self, image: &Digest, directory: &Path) -> io::Result<()> {
        let Some(id) = directory.file_name() else {
            return Err(io::Error::other("an instance needs a directory"));
        };
        let uses = self.uses_directory(image);
        let written = fs::create_dir_all(&uses)
            .and_then(|()| write_atomically(&uses.join(id), directory.as_os_str().as_bytes()));
        match written {
            Err(error) if is_not_ours_to_write(&error) => Ok(()),
            written => written,
        }
    }

    /// Ends a use. One that stays is over when its instance is gone, and goes with the next sweep.
    pub fn forget_use(&self, image: &Digest, directory: &Path) {
        if let Some(id) = directory.file_name() {
            let _ = fs::remove_file(self.uses_directory(image).join(id));
        }
    }

    /// The directories of the instances that use an image, of every home.
    pub fn users_of(&self, image: &Digest) -> io::Result<Vec<PathBuf>> {
        let mut users = Vec::new();
        for entry in entries_of(&self.uses_directory(image))? {
            users.extend(user_of(&entry.path()));
        }
        users.sort();
        Ok(users)
    }

    /// Every image that is in use. Records of uses that are over are removed on the way, unless this is
    /// only a look. The caller keeps others from putting uses on record.
    pub(super) fn uses(&self, dry_run: bool) -> io::Result<BTreeSet<Digest>> {
        let mut used = BTreeSet::new();
        for entry in entries_of(&self.root().join("uses"))? {
            let name = entry.file_name().to_string_lossy().into_owned();
            let Ok(image) = Digest::try_from(name) else {
                continue;
            };
            for record in entries_of(&entry.path())? {
                if user_of(&record.path()).is_some() {
                    used.insert(image.clone());
                } else if !dry_run {
                    // Of no weight: what is over counts for nothing the next time either.
                    let _ = fs::remove_file(record.path());
                }
            }
            if !dry_run && !used.contains(&image) {
                let _ = fs::remove_dir(entry.path());
            }
        }
        Ok(used)
    }

    fn uses_directory(&self, image: &Digest) -> PathBuf {
        self.root().join("uses").join(image.hex())
    }
}

/// Who a record is of, as long as they are there.
fn user_of(record: &Path) -> Option<PathBuf> {
    let text = fs::read(record).ok()?;
    let directory = PathBuf::from(OsStr::from_bytes(&text));
    (directory.is_absolute() && directory.is_dir()).then_some(directory)
}

fn is_not_ours_to_write(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_image_is_in_use_as_long_as_an_instance_of_any_home_is_there() {
        let directory = tempfile::tempdir().unwrap();
        let store = Store::open(&directory.path().join("images")).unwrap();
        let image = Digest::of(b"image");
        let [one, two] = ["one", "two"].map(|home| directory.path().join(home).join("abc"));
        for (instance, id) in [(&one, "a"), (&two, "b")] {
            fs::create_dir_all(instance.join(id)).unwrap();
            store.record_use(&image, &instance.join(id)).unwrap();
        }
        assert_eq!(
            store.users_of(&image).unwrap(),
            [one.join("a"), two.join("b")]
        );
        store.forget_use(&image, &one.join("a"));
        assert_eq!(store.users_of(&image).unwrap(), [two.join("b")]);
        assert!(store.uses(false).unwrap().contains(&image));
        // The whole home is gone, and nobody could say so.
        fs::remove_dir_all(&two).unwrap();
        assert!(store.users_of(&image).unwrap().is_empty());
        assert!(store.uses(true).unwrap().is_empty());
        assert!(store.uses_directory(&image).is_dir());
        assert!(store.uses(false).unwrap().is_empty());
        assert!(!store.uses_directory(&image).exists());
    }

    #[test]
    fn a_build_is_abandoned_when_nobody_holds_it() {
        use crate::image::store::Abandoned;
        let directory = tempfile::tempdir().unwrap();
        let store = Store::open(directory.path()).unwrap();
        let held = store.begin_build("abc").unwrap();
        assert!(matches!(
            store.hold_abandoned_build("abc").unwrap(),
            Abandoned::No
        ));
        drop(held);
        assert!(matches!(
            store.hold_abandoned_build("abc").unwrap(),
            Abandoned::Yes(Some(_))
        ));
        assert!(matches!(
            store.hold_abandoned_build("none").unwrap(),
            Abandoned::Yes(None)
        ));
    }
}
