//! Artifacts on the host's disk. Every file is created below one directory, through a handle on it that
//! no name and no link can leave, first in a folder aside, then renamed to its place.

use std::collections::BTreeSet;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use cap_std::ambient_authority;
use cap_std::fs::Dir;
use sha2::{Digest, Sha256};

use crate::artifact::manifest::{Artifact, ArtifactManifest, FILE_NAME, VERSION};
use crate::failure::InputError;

/// The folder that files are put together in.
const ASIDE: &str = ".dormer-incoming";

/// The directory that artifacts come back to.
#[derive(Debug)]
pub struct OutDirectory {
    path: PathBuf,
    directory: Dir,
    /// What an earlier run left here, which may be replaced.
    earlier: BTreeSet<String>,
}

impl OutDirectory {
    /// Opens the directory, made if it is not there.
    pub fn open(path: &Path) -> Result<Self, InputError> {
        let failed = |error: io::Error| {
            InputError::usage(format!(
                "cannot write artifacts to `{}`: {error}",
                path.display()
            ))
        };
        std::fs::create_dir_all(path).map_err(failed)?;
        let directory = Dir::open_ambient_dir(path, ambient_authority()).map_err(failed)?;
        let earlier = match directory.read(FILE_NAME) {
            Ok(text) => serde_json::from_slice::<ArtifactManifest>(&text).map_err(|_| {
                InputError::usage(format!(
                    "`{}` is not one of Dormer's, and would be overwritten",
                    path.join(FILE_NAME).display()
                ))
                .help("choose another directory with `--out`")
            })?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => ArtifactManifest {
                v: VERSION,
                job: String::new(),
                artifacts: Vec::new(),
            },
            Err(error) => return Err(failed(error)),
        };
        let earlier = earlier
            .artifacts
            .into_iter()
            .map(|artifact| artifact.path)
            .collect();
        // What an interrupted run left aside is nobody's.
        let _ = directory.remove_dir_all(ASIDE);
        Ok(Self {
            path: path.to_owned(),
            directory,
            earlier,
        })
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Writes a file aside. `name` has been checked.
    pub fn receive(&self, name: &str, contents: &mut dyn Read) -> io::Result<Artifact> {
        let aside = Path::new(ASIDE).join(name);
        if let Some(parent) = aside.parent() {
            self.directory.create_dir_all(parent)?;
        }
        let mut file = self.directory.create(&aside)?;
        let mut hash = Sha256::new();
        let mut size = 0;
        let mut buffer = vec![0; 256 << 10];
        loop {
            let length = contents.read(&mut buffer)?;
            if length == 0 {
                break;
            }
            hash.update(&buffer[..length]);
            file.write_all(&buffer[..length])?;
            size += length as u64;
        }
        Ok(Artifact {
            path: name.to_owned(),
            size,
            sha256: hex::encode(hash.finalize()),
        })
    }

    /// Puts what was received in place, with its manifest, and removes what an earlier run left.
    pub fn publish(&self, job: &str, mut artifacts: Vec<Artifact>) -> Result<(), String> {
        artifacts.sort_by(|a, b| a.path.cmp(&b.path));
        for artifact in &artifacts {
            self.check_free(&artifact.path)?;
        }
        let failed =
            |error: io::Error| format!("cannot write to `{}`: {error}", self.path.display());
        for old in &self.earlier {
            // Gone already is as good.
            let _ = self.directory.remove_file(old);
        }
        for artifact in &artifacts {
            let path = Path::new(&artifact.path);
            if let Some(parent) = path.parent() {
                self.directory.create_dir_all(parent).map_err(failed)?;
            }
            let aside = Path::new(ASIDE).join(path);
            self.directory
                .rename(aside, &self.directory, path)
                .map_err(failed)?;
        }
        let manifest = ArtifactManifest {
            v: VERSION,
            job: job.to_owned(),
            artifacts,
        };
        let text = serde_json::to_vec_pretty(&manifest).map_err(|error| failed(error.into()))?;
        self.directory.write(FILE_NAME, text).map_err(failed)?;
        let _ = self.directory.remove_dir_all(ASIDE);
        Ok(())
    }

    /// Whether a file can have this place: one that is not an earlier run's is never overwritten.
    pub fn check_free(&self, path: &str) -> Result<(), String> {
        let taken = path == FILE_NAME
            || (self.directory.symlink_metadata(path).is_ok() && !self.earlier.contains(path));
        if !taken {
            return Ok(());
        }
        Err(format!(
            "the artifact `{path}` would overwrite a file in `{}`",
            self.path.display()
        ))
    }
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
        assert!(!path.join(ASIDE).exists());
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
