//! Who may wake what a script has prepared. A prepared machine holds whatever its script fetched and
//! started, so one that was made on behalf of a stranger must not serve those who have something to lose.
//!
//! The rule: a template that was prepared in one scope is woken in that scope and in no other. What has not
//! been prepared has no scope, since nobody had a say in it.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The longest name of a scope, in bytes.
const LONGEST_NAME: usize = 128;

/// The events of a forge that only those can cause who may write to the repository. A list of what is
/// trusted: an event that is not known is not.
const TRUSTED_EVENTS: [&str; 8] = [
    "push",
    "schedule",
    "workflow_dispatch",
    "repository_dispatch",
    "release",
    "create",
    "delete",
    "merge_group",
];

/// Who may wake what a script has prepared. Scopes of different kinds are never the same, whatever they
/// are called.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum TrustScope {
    /// Whoever uses the home by hand. A home belongs to one user.
    Local,
    /// Those who name it the same.
    Named {
        /// The name.
        name: String,
    },
    /// The runs of a forge's repository, for events of one of two kinds.
    Repository {
        /// The forge, as `https://github.com`.
        server: String,
        /// `owner/name`.
        repository: String,
        /// Whether only those can cause the events who may write to the repository.
        trusted: bool,
    },
}

impl TrustScope {
    /// The scope of this name; why it can't be one, for people.
    pub fn named(name: &str) -> Result<Self, String> {
        let is_plain = |c: char| c.is_ascii_graphic() || c == ' ';
        let name = name.trim();
        if name.is_empty() || name.len() > LONGEST_NAME || !name.chars().all(is_plain) {
            return Err(format!(
                "a trust scope has a name of 1 to {LONGEST_NAME} printable ASCII characters"
            ));
        }
        Ok(Self::Named {
            name: name.to_owned(),
        })
    }

    /// That of a run of a forge's repository, for an event. Names of repositories have no case.
    pub fn of_run(server: &str, repository: &str, event: &str) -> Self {
        Self::Repository {
            server: server.trim_end_matches('/').to_ascii_lowercase(),
            repository: repository.to_ascii_lowercase(),
            trusted: TRUSTED_EVENTS.contains(&event),
        }
    }
}

impl fmt::Display for TrustScope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Local => f.write_str("local"),
            Self::Named { name } => write!(f, "`{name}`"),
            Self::Repository {
                server,
                repository,
                trusted,
            } => {
                let kind = if *trusted { "trusted" } else { "untrusted" };
                write!(f, "{server}/{repository} ({kind})")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_strangers_event_and_an_unknown_one_are_not_trusted() {
        let scope = |event| TrustScope::of_run("https://github.com", "me/it", event);
        for event in ["push", "schedule", "workflow_dispatch"] {
            assert_eq!(scope(event), scope("release"));
        }
        for event in [
            "pull_request",
            "pull_request_target",
            "issue_comment",
            "workflow_run",
            "",
            "Push",
        ] {
            assert_eq!(scope(event), scope("pull_request"));
            assert_ne!(scope(event), scope("push"));
        }
    }

    #[test]
    fn a_repository_is_the_same_however_it_is_written_and_no_other_is() {
        let scope = |server, repository| TrustScope::of_run(server, repository, "push");
        let one = scope("https://github.com", "me/it");
        assert_eq!(one, scope("https://GitHub.com/", "Me/It"));
        assert_ne!(one, scope("https://git.example.org", "me/it"));
        assert_ne!(one, scope("https://github.com", "you/it"));
    }

    #[test]
    fn no_name_stands_for_another_kind_of_scope() {
        let repository = TrustScope::of_run("https://github.com", "me/it", "push");
        for scope in [&TrustScope::Local, &repository] {
            let named = TrustScope::named(&scope.to_string()).unwrap();
            assert_ne!(named, *scope);
            let text = serde_json::to_string(scope).unwrap();
            assert_eq!(serde_json::from_str::<TrustScope>(&text).unwrap(), *scope);
        }
    }

    #[test]
    fn a_name_is_plain() {
        assert_eq!(
            TrustScope::named(" my project ").unwrap().to_string(),
            "`my project`"
        );
        let long = "x".repeat(LONGEST_NAME + 1);
        for wrong in ["", " ", "a\nb", "ä", long.as_str()] {
            TrustScope::named(wrong).unwrap_err();
        }
    }
}
