//! What an image consists of. A manifest's own digest is the image's identity.

use std::fmt;
use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::guest::profile::GuestProfile;
use crate::vmm::machine::{Boot, DeviceProfile};

/// A SHA-256 digest, written `sha256:HEX`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Digest(String);

impl Digest {
    /// The digest of some bytes.
    pub fn of(bytes: &[u8]) -> Self {
        Self::from_hash(Sha256::new_with_prefix(bytes))
    }

    /// The digest of all that a hasher was fed.
    pub fn from_hash(hash: Sha256) -> Self {
        Self(hex::encode(hash.finalize()))
    }

    /// The 64 hexadecimal digits.
    pub fn hex(&self) -> &str {
        &self.0
    }

    /// Enough of it for people and tags.
    pub fn short(&self) -> &str {
        &self.0[..12]
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "sha256:{}", self.0)
    }
}

impl TryFrom<String> for Digest {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let digits = text.strip_prefix("sha256:").unwrap_or(&text);
        let valid = digits.len() == 64 && digits.bytes().all(|byte| byte.is_ascii_hexdigit());
        if valid {
            Ok(Self(digits.to_ascii_lowercase()))
        } else {
            Err(format!("`{text}` is no digest"))
        }
    }
}

impl From<Digest> for String {
    fn from(digest: Digest) -> Self {
        digest.to_string()
    }
}

/// What a blob is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    /// The system's disk, in qcow2.
    Disk,
    /// A kernel that QEMU loads itself.
    Kernel,
    /// The kernel's initial RAM disk.
    Initrd,
}

impl Role {
    /// The name in manifests and messages.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Disk => "disk",
            Self::Kernel => "kernel",
            Self::Initrd => "initrd",
        }
    }
}

/// A file of an image.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Blob {
    /// What it is for.
    pub role: Role,
    /// What is in it.
    pub digest: Digest,
    /// In bytes.
    pub size: u64,
}

/// What a recipe says of the image that it makes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Description {
    /// The name that people use.
    pub name: String,
    /// What the guest is like.
    pub guest: GuestProfile,
    /// The hardware that it has drivers for.
    pub device_profile: DeviceProfile,
    /// How it comes up.
    pub boot: Boot,
    /// The disk as the guest sees it, in bytes.
    pub disk_size: u64,
    /// The memory that a machine gets when nobody says, in bytes.
    pub memory: u64,
    /// How long it may take to boot on a slow host, in seconds.
    pub boot_seconds: u64,
}

impl Description {
    /// How long it may take to boot.
    pub fn boot_deadline(&self) -> Duration {
        Duration::from_secs(self.boot_seconds)
    }
}

/// An image.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// What its recipe says.
    #[serde(flatten)]
    pub description: Description,
    /// The image that its disk is an overlay of.
    pub parent: Option<Digest>,
    /// Its files.
    pub blobs: Vec<Blob>,
    /// The sum of their sizes, in bytes.
    pub size: u64,
    /// Everything that went into it, as one digest: the same recipe is not built twice.
    pub recipe: Digest,
    /// When it was made.
    pub made: Timestamp,
}

impl Manifest {
    /// The text that is stored.
    pub fn to_text(&self) -> String {
        // A manifest holds only strings and numbers; they always have a form in JSON.
        serde_json::to_string_pretty(self).unwrap_or_default()
    }

    /// The blob for a role, if the image has one.
    pub fn blob(&self, role: Role) -> Option<&Blob> {
        self.blobs.iter().find(|blob| blob.role == role)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_digest_is_checked_when_it_is_read() {
        let digest = Digest::of(b"abc");
        let text = digest.to_string();
        assert!(text.starts_with("sha256:ba7816bf"));
        assert_eq!(Digest::try_from(text), Ok(digest));
        assert!(Digest::try_from("sha256:../../etc/passwd".to_owned()).is_err());
    }
}
