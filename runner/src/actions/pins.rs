//! What the refs of a repository meant when they were first used: `refs.json` in its directory. Read and
//! written under the directory's lock only.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::actions::is_commit;
use crate::host::fs::write_atomically;

/// What a ref meant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Pin {
    /// The server that was asked.
    server: String,
    /// The branch or tag.
    #[serde(rename = "ref")]
    git_ref: String,
    /// The commit.
    commit: String,
    /// When that was.
    fetched: Timestamp,
}

/// The pins of one repository.
#[derive(Debug)]
pub(super) struct Pins {
    path: PathBuf,
    pins: Vec<Pin>,
}

impl Pins {
    /// Reads those of a repository's directory; none at all if nothing was fetched yet.
    pub(super) fn read(directory: &Path) -> io::Result<Self> {
        let path = directory.join("refs.json");
        let pins: Vec<Pin> = match fs::read(&path) {
            Ok(bytes) => serde_json::from_slice(&bytes)
                .map_err(|error| io::Error::other(format!("`{}`: {error}", path.display())))?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
            Err(error) => return Err(error),
        };
        Ok(Self { path, pins })
    }

    /// The commit that a ref meant on a server.
    pub(super) fn commit(&self, server: &str, git_ref: &str) -> Option<&str> {
        let is_it = |pin: &&Pin| pin.server == server && pin.git_ref == git_ref;
        let pin = self.pins.iter().find(is_it)?;
        // It becomes the name of a directory.
        is_commit(&pin.commit).then_some(pin.commit.as_str())
    }

    /// Keeps what a ref means from now on.
    pub(super) fn set(&mut self, server: &str, git_ref: &str, commit: &str) -> io::Result<()> {
        if self.commit(server, git_ref) == Some(commit) {
            return Ok(());
        }
        self.pins
            .retain(|pin| pin.server != server || pin.git_ref != git_ref);
        self.pins.push(Pin {
            server: server.to_owned(),
            git_ref: git_ref.to_owned(),
            commit: commit.to_owned(),
            fetched: Timestamp::now(),
        });
        self.write()
    }

    /// Forgets all refs that meant a commit.
    pub(super) fn forget(&mut self, commit: &str) -> io::Result<()> {
        let before = self.pins.len();
        self.pins.retain(|pin| pin.commit != commit);
        if self.pins.len() == before {
            return Ok(());
        }
        self.write()
    }

    fn write(&self) -> io::Result<()> {
        let text = serde_json::to_vec_pretty(&self.pins).map_err(io::Error::other)?;
        write_atomically(&self.path, &text)
    }
}
