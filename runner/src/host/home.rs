//! `$DORMER_HOME`, the one directory that Dormer writes to on the host.

use std::env;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use crate::failure::{Failure, InfraFailure, InputError};
use crate::host::fs::{create_private_directory, real_path};

/// The user and group that a machine's container runs as when Dormer itself runs as root. The number
/// belongs to nobody on a usual system, so that nobody else may open a machine's sockets.
const MACHINE_USER_FOR_ROOT: (u32, u32) = (65_532, 65_532);

/// The directory, made if it was not there.
#[derive(Debug, Clone)]
pub struct Home {
    root: PathBuf,
    owner: String,
}

impl Home {
    /// Opens `$DORMER_HOME`, or Dormer's folder in the XDG data directory.
    pub fn open() -> Result<Self, Failure> {
        Self::at(&default_root()?)
    }

    /// Opens a home at `root`.
    pub fn at(root: &Path) -> Result<Self, Failure> {
        let failed = |error: io::Error| {
            InfraFailure::new(format!("cannot use `{}` as Dormer's home", root.display()))
                .because(error)
                .help("set DORMER_HOME to a directory on a local disk that you may write to")
        };
        create_private_directory(root).map_err(failed)?;
        let root = real_path(root).map_err(failed)?;
        for part in ["images", "instances", "jobs"] {
            // Not made private again: `images` may be a link to a store shared between homes.
            fs::create_dir_all(root.join(part)).map_err(failed)?;
        }
        let owner = owner_of(&root);
        Ok(Self { root, owner })
    }

    /// The directory itself.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// What this home's containers are labelled with. It follows from the machine, the user and the
    /// place, so that strays are still known when the directory itself was deleted.
    pub fn owner(&self) -> &str {
        &self.owner
    }

    /// Images, by content.
    pub fn images(&self) -> PathBuf {
        self.root.join("images")
    }

    /// A directory for each instance.
    pub fn instances(&self) -> PathBuf {
        self.root.join("instances")
    }

    /// What is kept of each job that did not succeed.
    pub fn jobs(&self) -> PathBuf {
        self.root.join("jobs")
    }
}

/// User and group of the machines' containers: ours, so that both sides can use the files between
/// them; or, for root, a user who is nobody else.
pub fn machine_user() -> (u32, u32) {
    let user = rustix::process::geteuid();
    if user.is_root() {
        return MACHINE_USER_FOR_ROOT;
    }
    (user.as_raw(), rustix::process::getegid().as_raw())
}

fn default_root() -> Result<PathBuf, InputError> {
    if let Some(home) = env::var_os("DORMER_HOME").filter(|value| !value.is_empty()) {
        return Ok(PathBuf::from(home));
    }
    if let Some(data) = env::var_os("XDG_DATA_HOME").filter(|value| !value.is_empty()) {
        return Ok(PathBuf::from(data).join("dormer"));
    }
    match env::var_os("HOME").filter(|value| !value.is_empty()) {
        Some(home) => Ok(PathBuf::from(home).join(".local/share/dormer")),
        None => Err(
            InputError::configuration("neither DORMER_HOME nor HOME is set")
                .help("set DORMER_HOME to a directory that Dormer may write to"),
        ),
    }
}

fn owner_of(root: &Path) -> String {
    let machine = fs::read_to_string("/etc/machine-id").unwrap_or_default();
    let user = rustix::process::geteuid().as_raw();
    let text = format!("{}\n{user}\n{}", machine.trim(), root.display());
    hex::encode(&Sha256::digest(text.as_bytes())[..6])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn owners_differ_by_place_and_stay_the_same() {
        let directory = tempfile::tempdir().unwrap();
        let one = Home::at(&directory.path().join("one")).unwrap();
        let two = Home::at(&directory.path().join("two")).unwrap();
        let again = Home::at(&directory.path().join("one")).unwrap();
        assert_ne!(one.owner(), two.owner());
        assert_eq!(one.owner(), again.owner());
        assert_eq!(one.owner().len(), 12);
    }
}
