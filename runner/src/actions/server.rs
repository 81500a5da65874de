//! The server that repositories are fetched from.

use std::fmt;

/// Where `uses: owner/repo@ref` is when nobody says otherwise.
const GITHUB: &str = "https://github.com";

/// A server: repositories are at `URL/OWNER/REPO`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Server {
    /// Without a slash at its end.
    url: String,
    protocol: &'static str,
}

impl Default for Server {
    fn default() -> Self {
        Self {
            url: GITHUB.to_owned(),
            protocol: "https",
        }
    }
}

impl Server {
    /// Reads a URL: `https://HOST[/PATH]`, or `file:///PATH` for repositories on this host. Nothing
    /// unencrypted, nothing that asks for keys, and no password, which would end up on a command line.
    ///
    /// # Errors
    ///
    /// Why it is none, for people.
    pub fn parse(text: &str) -> Result<Self, String> {
        let url = text.trim_end_matches('/');
        let is_odd = |c: char| c.is_whitespace() || c.is_control() || matches!(c, '?' | '#' | '\\');
        let protocol = match url.split_once("://") {
            Some(("https", rest)) if !rest.is_empty() && !rest.starts_with('/') => "https",
            Some(("file", rest)) if rest.starts_with('/') => "file",
            _ => {
                return Err(format!(
                    "`{text}` is no server: write https://HOST or file:///PATH"
                ));
            }
        };
        if protocol == "https" && url.contains('@') {
            return Err("a server's address has no user and no password in it".to_owned());
        }
        if url.contains(is_odd) {
            return Err(format!(
                "`{text}` is no server: there is an odd character in it"
            ));
        }
        let url = url.to_owned();
        Ok(Self { url, protocol })
    }

    /// The one protocol that git may speak to it.
    pub fn protocol(&self) -> &'static str {
        self.protocol
    }

    /// The URL of `owner/repo`.
    pub fn repository(&self, repository: &str) -> String {
        format!("{}/{repository}", self.url)
    }
}

impl fmt::Display for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.url)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_is_an_encrypted_address_or_a_directory() {
        assert_eq!(Server::parse("https://github.com/"), Ok(Server::default()));
        let mirror = Server::parse("https://git.example:8443/mirror").unwrap();
        assert_eq!(
            mirror.repository("a/b"),
            "https://git.example:8443/mirror/a/b"
        );
        assert_eq!(Server::parse("file:///srv/git").unwrap().protocol(), "file");
        for wrong in [
            "",
            "github.com",
            "http://github.com",
            "ssh://git@github.com",
            "ext::sh -c x",
            "file://host/x",
            "https://",
            "https:///x",
            "https://me:secret@github.com",
            "https://github.com/ x",
            "https://github.com/?x",
        ] {
            let why = Server::parse(wrong).unwrap_err();
            assert!(!why.contains("secret"), "{why}");
        }
    }
}
