//! Artifacts on the host's disk. Every file is created below one directory, through a handle on it that
//! no name and no link can leave, first in a folder aside, then renamed to its place.

use std::collections::BTreeSet;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use cap_std::ambient_authority;
use cap_std::fs::Dir;
use rustix::fs::Access;
use sha2::{Digest, Sha256};

use crate::artifact::free::{FreePlaces, Ground};
use crate::artifact::manifest::{Artifact, ArtifactManifest, FILE_NAME, VERSION};
use crate::failure::InputError;
use crate::guest::channel::random_word;

/// What the folder that files are put together in is called, before a word that is each run's own: two
/// runs may have the same directory.
pub(super) const ASIDE: &str = ".dormer-incoming";
/// A folder so old is no running job's, which fetches for minutes.
const ABANDONED: Duration = Duration::from_secs(24 * 60 * 60);

/// The directory that artifacts come back to.
#[derive(Debug)]
pub struct OutDirectory {
    path: PathBuf,
    directory: Dir,
    /// What an earlier run left here, which may be replaced.
    earlier: BTreeSet<String>,
    /// This run's folder aside, once something is in it.
    aside: PathBuf,
}

/// A file whose digest is taken while it is written.
struct Hashed {
    file: cap_std::fs::File,
    hash: Sha256,
}

impl Write for Hashed {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.file.write(bytes)?;
        self.hash.update(&bytes[..written]);
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

impl OutDirectory {
    /// Opens the directory, made if it is not there.
    pub fn open(path: &Path) -> Result<Self, InputError> {
        let failed = |error| cannot_write(path, error);
        std::fs::create_dir_all(path).map_err(failed)?;
        let directory = Dir::open_ambient_dir(path, ambient_authority()).map_err(failed)?;
        let writable = rustix::fs::access(path, Access::WRITE_OK | Access::EXEC_OK);
        writable.map_err(|error| failed(error.into()))?;
        Ok(Self {
            path: path.to_owned(),
            earlier: earlier(path, &directory)?,
            directory,
            aside: PathBuf::from(format!("{ASIDE}-{}", random_word())),
        })
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Writes a file aside. `name` has been checked.
    pub fn receive(&self, name: &str, contents: &mut dyn Read) -> io::Result<Artifact> {
        let aside = self.aside.join(name);
        let file = self.create(&aside)?;
        let mut hashed = Hashed {
            file,
            hash: Sha256::new(),
        };
        let size = io::copy(contents, &mut hashed)?;
        Ok(Artifact {
            path: name.to_owned(),
            size,
            sha256: hex::encode(hashed.hash.finalize()),
        })
    }

    /// Creates a file. The directories above it are made when they turn out to be missing, since most of
    /// ten thousand files find theirs.
    fn create(&self, path: &Path) -> io::Result<cap_std::fs::File> {
        match (self.directory.create(path), path.parent()) {
            (Err(error), Some(parent)) if error.kind() == io::ErrorKind::NotFound => {
                self.directory.create_dir_all(parent)?;
                self.directory.create(path)
            }
            (created, _) => created,
        }
    }

    /// Forgets a file that did not come whole: nothing stays aside but what is to be published.
    pub fn discard(&self, name: &str) {
        // What cannot be removed goes with the folder aside, or is in its place and named in no manifest.
        let _ = self.directory.remove_file(self.aside.join(name));
    }

    /// Puts what was received in place, with its manifest, and removes what an earlier run left.
    pub fn publish(&self, job: &str, artifacts: Vec<Artifact>) -> Result<(), String> {
        self.publish_beside(job, artifacts, &[])
    }

    /// Does the same, but what is `kept`, since it is this run's own, stays in its place and in the
    /// manifest.
    pub fn publish_beside(
        &self,
        job: &str,
        mut artifacts: Vec<Artifact>,
        kept: &[Artifact],
    ) -> Result<(), String> {
        artifacts.sort_by(|a, b| a.path.cmp(&b.path));
        // Another run may have come to its end here in the meantime: it is an earlier one now.
        let mut earlier = earlier(&self.path, &self.directory).map_err(|error| error.message)?;
        for one in kept {
            earlier.remove(&one.path);
        }
        let mut places = FreePlaces::default();
        let ground = Ground {
            earlier: &earlier,
            ..self.ground()
        };
        for artifact in &artifacts {
            places.check(ground, &artifact.path)?;
        }
        for old in &earlier {
            // Gone already is as good.
            let _ = self.directory.remove_file(old);
        }
        self.remove_emptied(&earlier);
        let mut placed = 0;
        let placing = self.place(&artifacts, 0, &mut placed);
        artifacts.truncate(placed);
        artifacts.extend(kept.iter().cloned());
        artifacts.sort_by(|a, b| a.path.cmp(&b.path));
        // Whatever happened, the manifest says what is there: the next run may replace that.
        let writing = self.write_manifest(job, artifacts);
        self.remove_abandoned();
        placing
            .and(writing)
            .map_err(|error| cannot_write(&self.path, error).message)
    }

    /// Removes the directories that held files which are gone, and now hold nothing.
    fn remove_emptied(&self, gone: &BTreeSet<String>) {
        let directories = gone
            .iter()
            .flat_map(|path| Path::new(path).ancestors().skip(1));
        let directories = directories.filter(|path| !path.as_os_str().is_empty());
        let directories: BTreeSet<&Path> = directories.collect();
        // What is in a directory sorts behind it.
        for directory in directories.into_iter().rev() {
            // One with something in it is not removed.
            let _ = self.directory.remove_dir(directory);
        }
    }

    /// Moves what lies aside to its place and counts it in `placed`. All of `artifacts`, which are sorted
    /// by their paths, lie in the one directory that the first `depth` bytes of their paths name. A
    /// directory whose place is free moves as it is, however many files are in it.
    fn place(&self, artifacts: &[Artifact], depth: usize, placed: &mut usize) -> io::Result<()> {
        let first_part = |artifact: &Artifact| {
            let rest = artifact.path.get(depth..).unwrap_or_default();
            depth + rest.find('/').unwrap_or(rest.len())
        };
        let mut rest = artifacts;
        while let Some(first) = rest.first() {
            let end = first_part(first);
            let path = first.path.get(..end).unwrap_or(&first.path);
            let inside =
                |other: &Artifact| other.path.starts_with(path) && first_part(other) == end;
            let count = rest.iter().take_while(|other| inside(other)).count();
            let (group, others) = rest.split_at(count);
            if end == first.path.len() || !self.is_there(path) {
                self.move_in(Path::new(path))?;
                *placed += group.len();
            } else {
                self.place(group, end + 1, placed)?;
            }
            rest = others;
        }
        Ok(())
    }

    /// Moves one file or directory from aside to its place. No directory replaces one with files in it.
    fn move_in(&self, path: &Path) -> io::Result<()> {
        let aside = self.aside.join(path);
        self.directory.rename(&aside, &self.directory, path)
    }

    fn is_there(&self, path: &str) -> bool {
        self.directory.symlink_metadata(path).is_ok()
    }

    fn write_manifest(&self, job: &str, artifacts: Vec<Artifact>) -> io::Result<()> {
        let manifest = ArtifactManifest {
            v: VERSION,
            job: job.to_owned(),
            artifacts,
        };
        let mut text = serde_json::to_vec_pretty(&manifest)?;
        text.push(b'\n');
        // At once: another job of the run may be reading it.
        let aside = self.aside.with_extension("json");
        self.directory.write(&aside, text)?;
        self.directory.rename(&aside, &self.directory, FILE_NAME)
    }

    /// Removes what runs that were killed left aside.
    fn remove_abandoned(&self) {
        let entries = self.directory.entries().into_iter().flatten().flatten();
        for entry in entries {
            let name = entry.file_name();
            let changed = entry.metadata().and_then(|metadata| metadata.modified());
            let is_old = changed.is_ok_and(|changed| {
                let age = changed.into_std().elapsed();
                age.is_ok_and(|age| age > ABANDONED)
            });
            if is_old && is_aside(&name.to_string_lossy()) {
                let _ = self.directory.remove_dir_all(name);
            }
        }
    }

    /// The directory as it was found, for [`FreePlaces`].
    pub fn ground(&self) -> Ground<'_> {
        Ground {
            path: &self.path,
            directory: &self.directory,
            earlier: &self.earlier,
        }
    }
}

impl Drop for OutDirectory {
    fn drop(&mut self) {
        // However the run ended, nothing of it stays aside.
        let _ = self.directory.remove_dir_all(&self.aside);
    }
}

/// Whether this is the name of a folder aside, on any system that the directory may be on.
pub(super) fn is_aside(name: &str) -> bool {
    name.to_ascii_lowercase().starts_with(ASIDE)
}

/// The files that the manifest in a directory names.
fn earlier(path: &Path, directory: &Dir) -> Result<BTreeSet<String>, InputError> {
    let text = match directory.read(FILE_NAME) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(BTreeSet::new()),
        Err(error) => return Err(cannot_write(path, error)),
    };
    let manifest: ArtifactManifest = serde_json::from_slice(&text).map_err(|_| {
        InputError::usage(format!(
            "`{}` is not one of Dormer's, and would be overwritten",
            path.join(FILE_NAME).display()
        ))
        .help("choose another directory with `--out`")
    })?;
    let artifacts = manifest.artifacts.into_iter();
    Ok(artifacts.map(|artifact| artifact.path).collect())
}

fn cannot_write(path: &Path, error: io::Error) -> InputError {
    InputError::usage(format!(
        "cannot write artifacts to `{}`: {error}",
        path.display()
    ))
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;

    use super::*;

    fn receive(out: &OutDirectory, name: &str, text: &str) -> Artifact {
        out.receive(name, &mut text.as_bytes()).unwrap()
    }

    #[test]
    fn directories_move_as_they_are_and_into_others() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path();
        let run = |names: &[&str]| {
            let out = OutDirectory::open(path).unwrap();
            receive(&out, "new/half", "cut");
            out.discard("new/half");
            let artifacts = names.iter().map(|name| receive(&out, name, name));
            out.publish("build", artifacts.collect())
        };
        fs::create_dir_all(path.join("mine/deep")).unwrap();
        fs::write(path.join("mine/deep/kept"), "mine").unwrap();
        let names = [
            "a",
            "a-b/x",
            "a.b",
            "mine/deep/1/x",
            "mine/deep/1/y",
            "mine/deep/2",
            "mine/other/x",
            "new/1/x",
            "new/2",
        ];
        for _ in 0..2 {
            run(&names).unwrap();
            for name in names {
                assert_eq!(fs::read_to_string(path.join(name)).unwrap(), name);
            }
        }
        assert!(!path.join("new/half").exists());
        run(&["new/3"]).unwrap();
        assert!(!path.join("new/2").exists() && !path.join("mine/deep/2").exists());
        assert_eq!(
            fs::read_to_string(path.join("mine/deep/kept")).unwrap(),
            "mine"
        );
        assert_eq!(aside(path), Vec::<String>::new());
    }

    #[test]
    fn artifacts_come_with_a_manifest_and_replace_only_earlier_ones() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("out");
        let out = OutDirectory::open(&path).unwrap();
        let artifact = receive(&out, "sub/a.txt", "hello");
        assert_eq!(artifact.size, 5);
        out.publish("build", vec![artifact, receive(&out, "b.txt", "b")])
            .unwrap();
        assert_eq!(fs::read_to_string(path.join("sub/a.txt")).unwrap(), "hello");
        let text = fs::read_to_string(path.join(FILE_NAME)).unwrap();
        assert!(text.contains("2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824"));

        fs::write(path.join("mine.txt"), "mine").unwrap();
        drop(out);
        let out = OutDirectory::open(&path).unwrap();
        let error = out
            .publish("build", vec![receive(&out, "mine.txt", "theirs")])
            .unwrap_err();
        assert!(error.contains("mine.txt"), "{error}");
        assert_eq!(fs::read_to_string(path.join("mine.txt")).unwrap(), "mine");
        out.publish("build", vec![receive(&out, "b.txt", "new")])
            .unwrap();
        assert_eq!(fs::read_to_string(path.join("b.txt")).unwrap(), "new");
        assert!(!path.join("sub/a.txt").exists());
        drop(out);
        assert_eq!(aside(&path), Vec::<String>::new());
    }

    /// The folders aside in a directory.
    fn aside(path: &Path) -> Vec<String> {
        let entries = fs::read_dir(path).unwrap();
        let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        names.filter(|name| is_aside(name)).collect()
    }

    #[test]
    fn two_runs_into_one_directory_do_not_meet() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path();
        let (one, other) = (
            OutDirectory::open(path).unwrap(),
            OutDirectory::open(path).unwrap(),
        );
        let (a, b) = (receive(&one, "x", "one"), receive(&other, "x", "other"));
        // Somebody only looks whether the directory will do.
        drop(OutDirectory::open(path).unwrap());
        one.publish("build", vec![a]).unwrap();
        assert_eq!(fs::read_to_string(path.join("x")).unwrap(), "one");
        other.publish("build", vec![b]).unwrap();
        assert_eq!(fs::read_to_string(path.join("x")).unwrap(), "other");
        drop((one, other));
        assert_eq!(aside(path), Vec::<String>::new());
    }

    #[test]
    fn nothing_stays_aside_of_a_run_that_failed_or_was_killed_long_ago() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path();
        let out = OutDirectory::open(path).unwrap();
        receive(&out, "sub/x", "x");
        assert_eq!(aside(path).len(), 1);
        drop(out);
        assert_eq!(aside(path), Vec::<String>::new());

        for (name, age) in [("old", 2), ("new", 0)] {
            let left = path.join(format!("{ASIDE}-{name}"));
            fs::create_dir_all(left.join("sub")).unwrap();
            let then = std::time::SystemTime::now() - age * ABANDONED;
            let handle = fs::File::open(&left).unwrap();
            handle.set_modified(then).unwrap();
        }
        let out = OutDirectory::open(path).unwrap();
        out.publish("build", Vec::new()).unwrap();
        assert_eq!(aside(path), [format!("{ASIDE}-new")]);
    }

    #[test]
    fn nothing_is_written_through_a_planted_link() {
        let directory = tempfile::tempdir().unwrap();
        let (path, outside) = (
            directory.path().join("out"),
            directory.path().join("outside"),
        );
        fs::create_dir_all(&outside).unwrap();
        let out = OutDirectory::open(&path).unwrap();
        let artifact = receive(&out, "sub/a.txt", "hello");
        symlink(&outside, path.join("sub")).unwrap();
        assert!(out.publish("build", vec![artifact]).is_err());
        assert_eq!(fs::read_dir(&outside).unwrap().count(), 0);
    }

    #[test]
    fn a_foreign_manifest_is_not_overwritten() {
        let directory = tempfile::tempdir().unwrap();
        fs::write(
            directory.path().join(FILE_NAME),
            r#"{"name": "my web app"}"#,
        )
        .unwrap();
        assert!(OutDirectory::open(directory.path()).is_err());
    }
}
