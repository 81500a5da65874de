//! `manifest.json` beside the artifacts: what came back, and with which digest. It is also how a later
//! run knows which files in the directory are Dormer's own and may be replaced.

use serde::{Deserialize, Serialize};

/// The manifest's name.
pub const FILE_NAME: &str = "manifest.json";

/// The form of the manifest.
pub const VERSION: u32 = 1;

/// A file that came back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Artifact {
    /// Below the directory of the manifest, with `/`.
    pub path: String,
    /// In bytes.
    pub size: u64,
    /// In hexadecimal.
    pub sha256: String,
}

/// Everything that came back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ArtifactManifest {
    /// See [`VERSION`].
    pub v: u32,
    /// The job's id.
    pub job: String,
    /// The files, in the order of their paths.
    pub artifacts: Vec<Artifact>,
}
