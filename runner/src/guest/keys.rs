//! The keys of one instance: one by which the user logs in, one by which the guest is known. Both are
//! made on the host for this instance alone; an image holds neither.

use ssh_key::rand_core::OsRng;
use ssh_key::{Algorithm, LineEnding, PrivateKey};

use crate::failure::Bug;
use crate::host::reservation::fill_with_randomness;

/// Both pairs of keys. The private ones never leave the instance's directories.
#[derive(Debug)]
pub struct InstanceKeys {
    /// What Dormer logs in with, in OpenSSH's format.
    pub login_private: String,
    /// What the guest lets in, as a line of `authorized_keys`.
    pub login_public: String,
    /// What the guest proves itself with, in OpenSSH's format.
    pub host_private: String,
    /// What Dormer expects the guest to be, in SSH's wire format.
    pub host_public: Vec<u8>,
}

impl InstanceKeys {
    /// Makes new ones.
    pub fn generate() -> Result<Self, Bug> {
        let wrong = |error: ssh_key::Error| Bug {
            message: format!("cannot make keys: {error}"),
        };
        let pair = || PrivateKey::random(&mut OsRng, Algorithm::Ed25519).map_err(wrong);
        let (login, host) = (pair()?, pair()?);
        let text = |key: &PrivateKey| {
            key.to_openssh(LineEnding::LF)
                .map(|text| text.to_string())
                .map_err(wrong)
        };
        Ok(Self {
            login_private: text(&login)?,
            login_public: login.public_key().to_openssh().map_err(wrong)?,
            host_private: text(&host)?,
            host_public: host.public_key().to_bytes().map_err(wrong)?,
        })
    }
}

/// A seed disk's size in bytes: the same for all, since a woken guest knows its template's.
const SEED_SIZE: usize = 16 << 10;
/// As many random bytes as a guest's own generator has at its heart, twice.
const RANDOM_BYTES: usize = 64;

/// The tar file that a guest reads from its seed disk when it boots or wakes, padded to the disk's size.
pub fn seed(keys: &InstanceKeys, host_name: &str) -> std::io::Result<Vec<u8>> {
    let mut random = [0; RANDOM_BYTES];
    fill_with_randomness(&mut random);
    let (login, name) = (format!("{}\n", keys.login_public), format!("{host_name}\n"));
    let files: [(&str, &[u8], u32); 4] = [
        ("ssh_host_ed25519_key", keys.host_private.as_bytes(), 0o600),
        ("authorized_keys", login.as_bytes(), 0o644),
        ("hostname", name.as_bytes(), 0o644),
        ("random", &random, 0o600),
    ];
    let mut tar = tar::Builder::new(Vec::new());
    for (name, contents, mode) in files {
        let mut header = tar::Header::new_ustar();
        header.set_size(contents.len() as u64);
        header.set_mode(mode);
        tar.append_data(&mut header, name, contents)?;
    }
    let mut seed = tar.into_inner()?;
    seed.resize(SEED_SIZE, 0);
    Ok(seed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_differ_and_a_seed_is_whole_blocks() {
        let (one, two) = (
            InstanceKeys::generate().unwrap(),
            InstanceKeys::generate().unwrap(),
        );
        assert_ne!(one.login_private, two.login_private);
        assert_ne!(one.host_public, two.host_public);
        assert!(one.login_public.starts_with("ssh-ed25519 "));
        let seed = seed(&one, "machine").unwrap();
        assert_eq!(seed.len(), SEED_SIZE);
        let text = String::from_utf8_lossy(&seed).into_owned();
        assert!(text.contains(&one.login_public) && !text.contains(&one.login_private[200..240]));
    }
}
