//! Why a repository can't be had. Each says what to do about it.

use std::io;

use thiserror::Error;

use crate::actions::Wanted;
use crate::host::clock::DeadlinePassed;

/// Why a repository can't be had.
#[derive(Debug, Error)]
pub enum FetchError {
    /// The words can't be a repository and a ref.
    #[error("it names no repository and no ref")]
    Names,
    /// There is no git.
    #[error("there is no `git` on this host")]
    NoGit,
    /// There is no such repository, or not for us: servers make no difference.
    #[error("`{0}` has no such repository, or does not show it to everybody")]
    Repository(String),
    /// There is no such branch or tag.
    #[error("the repository has no such branch or tag")]
    Ref,
    /// There is no such commit.
    #[error("the repository has no such commit")]
    Commit,
    /// No answer.
    #[error("`{server}` cannot be reached, and nothing of it was kept before: {why}")]
    Unreachable {
        /// The server.
        server: String,
        /// Git's own words.
        why: String,
    },
    /// It took too long.
    #[error("{0}")]
    Late(DeadlinePassed),
    /// It is larger than actions are.
    #[error("it is larger than {0} bytes")]
    Large(u64),
    /// One after so many others.
    #[error("the run uses more than {0} repositories")]
    Many(usize),
    /// What was sent is not fit for use.
    #[error("what is in it cannot be used: {0}")]
    Unfit(String),
    /// Git failed otherwise.
    #[error("git failed: {0}")]
    Git(String),
    /// This host's disk.
    #[error("it cannot be kept: {0}")]
    Disk(#[from] io::Error),
}

impl FetchError {
    /// The error for people, with what was attempted and what to do.
    pub fn told(&self, wanted: Wanted<'_>) -> String {
        let Wanted {
            repository,
            git_ref,
        } = wanted;
        let map = format!("`--action {repository}@{git_ref}=DIR`");
        let help = match self {
            Self::NoGit => format!("install git, or name a directory that holds it with {map}"),
            Self::Repository(_) => format!(
                "check the name; one that not everybody may read needs the secret `GITHUB_TOKEN`, or a \
                 directory named with {map}"
            ),
            Self::Ref if looks_short(git_ref) => {
                "a commit has to be named in full, by its 40 digits".to_owned()
            }
            Self::Ref | Self::Commit | Self::Names => "check its spelling".to_owned(),
            Self::Unreachable { .. } | Self::Late(_) => format!(
                "it is fetched once and kept from then on: try again with a network, or name a directory \
                 that holds it with {map}"
            ),
            Self::Many(_) => {
                "look for an action that uses others without end, or use fewer of them".to_owned()
            }
            Self::Large(_) | Self::Unfit(_) | Self::Git(_) => {
                format!("a directory that is named with {map} stands in for it")
            }
            Self::Disk(_) => {
                "free some space in DORMER_HOME, or check who may write there".to_owned()
            }
        };
        format!("cannot fetch `{repository}@{git_ref}`: {self}; {help}")
    }
}

/// Whether a ref may have been meant as a commit.
fn looks_short(git_ref: &str) -> bool {
    (7..40).contains(&git_ref.len()) && git_ref.bytes().all(|byte| byte.is_ascii_hexdigit())
}
