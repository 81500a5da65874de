//! Where the actions of other repositories come from. The steps only ask for them; the host's side is
//! the job's affair.

use std::fmt;

use async_trait::async_trait;

/// Puts the repositories of actions into the guest.
///
/// The contract, for whoever fetches them:
///
/// - `repository` is `owner/repo` and `git_ref` a branch, a tag or a commit, as a workflow or an action
///   file writes them. They were checked: neither is empty, leaves its directory, or passes for an option.
///   Names differ in more than case.
/// - A job asks for each pair once, before its first step (for what only a local action turns out to need:
///   before that action's first step). One ref means the same commit for the whole job.
/// - `directory` is in Windows form, belongs to this pair alone and may not exist yet. It holds the whole
///   repository afterwards, without `.git`, with the modes and links of its files.
/// - What is answered was there: an error is for the failed repository only, in words that tell what was
///   attempted and what to do. Nothing is answered from memory that the guest does not have.
#[async_trait]
pub trait ActionSource: Send + Sync {
    /// Puts a repository, at the commit that the ref means, into a directory of the guest.
    async fn place(
        &self,
        repository: &str,
        git_ref: &str,
        directory: &str,
    ) -> Result<Placed, String>;
}

/// A repository that is in the guest.
#[derive(Debug)]
pub struct Placed {
    /// The commit, in hexadecimal. None where a directory of the user's stands in for the repository.
    pub commit: Option<String>,
    /// Its files, as they were placed.
    pub files: Box<dyn ActionFiles>,
}

/// The files of a repository, for those that have to be read before a step runs.
pub trait ActionFiles: Send + Sync + fmt::Debug {
    /// The text of a file below the repository, its path written with `/`; none where there is no such
    /// file. An error is for people.
    fn read(&self, path: &str) -> Result<Option<String>, String>;
}

/// A source that has nothing, for jobs that use no action of other repositories.
#[derive(Debug, Clone, Copy)]
pub struct NoActions;

#[async_trait]
impl ActionSource for NoActions {
    async fn place(&self, repository: &str, git_ref: &str, _: &str) -> Result<Placed, String> {
        Err(format!(
            "there is nothing to get `{repository}@{git_ref}` from"
        ))
    }
}
