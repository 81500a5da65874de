//! Which places below the output directory files can have: one that is not an earlier run's is never
//! overwritten. Knows nothing of how files get there.

use std::collections::{BTreeSet, HashMap};
use std::path::Path;

use cap_std::fs::Dir;

use crate::artifact::manifest::FILE_NAME;
use crate::artifact::write::is_aside;

/// What is at a path, as far as a new file is concerned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Found {
    Nothing,
    Directory,
    /// A file that stays as it is.
    Foreign,
}

/// A directory that files go to, at one time.
#[derive(Debug, Clone, Copy)]
pub struct Ground<'a> {
    /// Where it is, for people.
    pub(super) path: &'a Path,
    pub(super) directory: &'a Dir,
    /// Files that may be replaced.
    pub(super) earlier: &'a BTreeSet<String>,
}

/// What was found out about the directories of one ground: ten thousand files mostly go into a few.
#[derive(Debug, Default)]
pub struct FreePlaces {
    parents: HashMap<String, Found>,
}

impl FreePlaces {
    /// Whether a file can have this place, which is given below the directory, with `/`.
    pub fn check(&mut self, ground: Ground<'_>, path: &str) -> Result<(), String> {
        let first = path.split('/').next().unwrap_or(path);
        if first == FILE_NAME || is_aside(first) {
            return Err(format!(
                "the artifact `{path}` has a name that Dormer keeps for itself"
            ));
        }
        if self.is_free(ground, path) {
            return Ok(());
        }
        Err(format!(
            "the artifact `{path}` would overwrite a file in `{}`",
            ground.path.display()
        ))
    }

    fn is_free(&mut self, ground: Ground<'_>, path: &str) -> bool {
        for (end, _) in path.match_indices('/') {
            let parent = &path[..end];
            let found = match self.parents.get(parent) {
                Some(found) => *found,
                None => {
                    let found = ground.look_at(parent);
                    self.parents.insert(parent.to_owned(), found);
                    found
                }
            };
            match found {
                // What is below it is not there either.
                Found::Nothing => return true,
                Found::Directory => {}
                Found::Foreign => return false,
            }
        }
        ground.look_at(path) == Found::Nothing
    }
}

impl Ground<'_> {
    fn look_at(&self, path: &str) -> Found {
        if self.earlier.contains(path) {
            return Found::Nothing;
        }
        match self.directory.symlink_metadata(path) {
            Err(_) => Found::Nothing,
            Ok(found) if found.is_dir() => Found::Directory,
            Ok(_) => Found::Foreign,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::artifact::write::OutDirectory;

    #[test]
    fn some_places_are_never_free() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path();
        fs::write(path.join("file"), "mine").unwrap();
        let out = OutDirectory::open(path).unwrap();
        let mut places = FreePlaces::default();
        for name in [
            "manifest.json",
            "manifest.json/x",
            ".dormer-incoming/x",
            ".Dormer-Incoming-1",
            "file",
            "file/x",
        ] {
            assert!(places.check(out.ground(), name).is_err(), "{name}");
        }
        for name in ["x", "sub/manifest.json", "sub/.dormer-incoming"] {
            places.check(out.ground(), name).unwrap();
        }
    }

    #[test]
    fn a_directory_is_no_place_for_a_file_and_one_for_many() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path();
        fs::create_dir_all(path.join("there/deep")).unwrap();
        fs::write(path.join("there/mine"), "mine").unwrap();
        let out = OutDirectory::open(path).unwrap();
        let mut places = FreePlaces::default();
        for name in ["there", "there/deep", "there/mine", "there/mine/x/y"] {
            assert!(places.check(out.ground(), name).is_err(), "{name}");
        }
        for name in ["there/x", "there/deep/x", "new/x", "new/y/z", "new"] {
            places.check(out.ground(), name).unwrap();
        }
    }
}
