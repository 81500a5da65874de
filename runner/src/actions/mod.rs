//! Repositories of actions on the host, below `$DORMER_HOME/actions`: fetched with git when a reference is
//! first used, known by their commits, and used without any network from then on. How they get into a
//! guest is another's affair.
//!
//! ```text
//!   owner/repo@ref ── refs.json ──> commit ── OWNER/REPO/COMMIT/ ──> there: used
//!                        │ no                        │ no
//!                    ls-remote ───> commit ──────> fetch ─> check out ─> look through ─> rename
//! ```
//!
//! All of it happens under the lock of `OWNER/REPO/`, so two processes never fetch the same at once. What
//! a server sends is a stranger's: git runs with no configuration but ours, and what it checked out is
//! looked through before it gets its name.

pub mod cache;
pub mod error;
pub mod git;
mod measure;
mod pins;
pub mod prune;
pub mod server;
pub mod stand_ins;
mod tree;

#[cfg(test)]
mod tests;

use std::io;

/// A repository, and which state of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Wanted<'a> {
    /// `owner/repo`.
    pub repository: &'a str,
    /// A branch, a tag or a commit.
    pub git_ref: &'a str,
}

/// Whether there is no such file, as an error says.
pub fn is_absence(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
    )
}

/// Whether a ref is a commit in full. Shorter ones are none, as on GitHub.
pub fn is_commit(git_ref: &str) -> bool {
    git_ref.len() == 40 && git_ref.bytes().all(|byte| byte.is_ascii_hexdigit())
}
