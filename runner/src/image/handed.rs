//! What the host hands to the containers that build: its proxies, its CA bundle, its mirror. Company
//! networks need them. None may stay in what is built, and a proxy's password in no log either.

use std::collections::HashMap;
use std::env;
use std::fs;
use std::path::PathBuf;

use crate::mask::Masker;

/// The engine takes these as arguments of a build without keeping them in the image's history.
const PROXIES: [&str; 5] = [
    "http_proxy",
    "https_proxy",
    "ftp_proxy",
    "all_proxy",
    "no_proxy",
];

/// The usual place of the bundle of CA certificates, on Debian and its like.
const CA_BUNDLE: &str = "/etc/ssl/certs/ca-certificates.crt";

/// What to hand over.
#[derive(Debug, Clone, Default)]
pub struct Handed {
    /// Proxy variables, by their names in both cases.
    pub proxies: HashMap<String, String>,
    /// Certificates in PEM; may be empty.
    pub ca_bundle: Vec<u8>,
    /// The mirror of Debian's packages, if it is not the usual one.
    pub mirror: Option<String>,
}

impl Handed {
    /// As this process was started. `mirror` is the configuration's.
    pub fn from_surroundings(mirror: Option<String>) -> Self {
        let mut proxies = HashMap::new();
        for name in PROXIES {
            let upper = name.to_ascii_uppercase();
            let value = env::var(name)
                .or_else(|_| env::var(&upper))
                .unwrap_or_default();
            if !value.is_empty() {
                proxies.insert(name.to_owned(), value.clone());
                proxies.insert(upper, value);
            }
        }
        let bundle = env::var_os("SSL_CERT_FILE").map_or(PathBuf::from(CA_BUNDLE), PathBuf::from);
        let ca_bundle = certificates(&fs::read(bundle).unwrap_or_default());
        let mirror = env::var("DORMER_DEBIAN_MIRROR")
            .ok()
            .filter(|m| !m.is_empty())
            .or(mirror);
        Self {
            proxies,
            ca_bundle,
            mirror,
        }
    }

    /// A masker for a build's log: a proxy's address can hold a user and a password.
    pub fn masker(&self) -> Masker {
        let masker = Masker::default();
        for (name, value) in &self.proxies {
            if name.eq_ignore_ascii_case("no_proxy") {
                continue;
            }
            masker.add(value);
            let after_scheme = value
                .split_once("://")
                .map_or(value.as_str(), |(_, rest)| rest);
            if let Some((credentials, _)) = after_scheme.rsplit_once('@') {
                masker.add(credentials);
                masker.add_all(credentials.split_once(':').map(|(_, password)| password));
            }
        }
        masker
    }
}

/// Only the certificates: some keep a private key in the same file.
fn certificates(pem: &[u8]) -> Vec<u8> {
    const BEGIN: &str = "-----BEGIN CERTIFICATE-----";
    const END: &str = "-----END CERTIFICATE-----";
    let text = String::from_utf8_lossy(pem);
    let mut kept = String::new();
    let mut inside = false;
    for line in text.lines() {
        inside |= line.trim() == BEGIN;
        if inside {
            kept.push_str(line);
            kept.push('\n');
        }
        inside &= line.trim() != END;
    }
    kept.into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_certificates_are_handed_over() {
        let pem = "# root\n-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n\
                   -----BEGIN PRIVATE KEY-----\nsecret\n-----END PRIVATE KEY-----\n";
        let kept = String::from_utf8(certificates(pem.as_bytes())).unwrap();
        assert!(kept.contains("AAAA") && !kept.contains("secret") && !kept.contains("PRIVATE"));
    }

    #[test]
    fn a_proxys_password_is_masked() {
        let handed = Handed {
            proxies: HashMap::from([(
                "https_proxy".to_owned(),
                "http://me:hunter2@proxy:3128".to_owned(),
            )]),
            ..Handed::default()
        };
        let line = handed
            .masker()
            .mask("407 from proxy for me:hunter2, or hunter2 alone")
            .into_owned();
        assert!(!line.contains("hunter2"), "{line}");
    }
}
