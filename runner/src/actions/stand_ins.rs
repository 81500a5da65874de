//! Directories of this host that the user named for repositories, and which of them came to be used.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::actions::Wanted;

/// Directories that stand in for repositories, each for one ref of one. Cheap to clone; what one clone
/// uses, all know of. Empty by default.
#[derive(Debug, Clone, Default)]
pub struct StandIns(Arc<[StandIn]>);

#[derive(Debug)]
struct StandIn {
    /// `owner/repo@ref`.
    reference: String,
    directory: PathBuf,
    is_used: AtomicBool,
}

impl StandIns {
    /// Takes pairs of `owner/repo@ref` and a directory. Of several for the same ref the first counts.
    pub fn new(named: impl IntoIterator<Item = (String, PathBuf)>) -> Self {
        let named = named.into_iter();
        let unused = |(reference, directory)| StandIn {
            reference,
            directory,
            is_used: AtomicBool::new(false),
        };
        Self(named.map(unused).collect())
    }

    /// The directory for a repository at a ref, if there is one. It counts as used from then on.
    pub fn take(&self, wanted: Wanted<'_>) -> Option<&Path> {
        let found = self.0.iter().find(|one| one.is_for(wanted))?;
        found.is_used.store(true, Ordering::Relaxed);
        Some(&found.directory)
    }

    /// The references and directories that nothing has used, in the order in which they were named.
    pub fn unused(&self) -> impl Iterator<Item = (&str, &Path)> {
        let unused = |one: &&StandIn| !one.is_used.load(Ordering::Relaxed);
        let unused = self.0.iter().filter(unused);
        unused.map(|one| (one.reference.as_str(), one.directory.as_path()))
    }
}

impl StandIn {
    fn is_for(&self, wanted: Wanted<'_>) -> bool {
        let parts = self.reference.split_once('@');
        parts.is_some_and(|(name, at)| {
            name.eq_ignore_ascii_case(wanted.repository) && at == wanted.git_ref
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_used_is_known_to_all() {
        let named = ["A/b@v1", "a/b@v2", "a/b@V1", "a/b@v1"];
        let all = StandIns::new(named.map(|name| (name.to_owned(), PathBuf::from(name))));
        let wanted = |git_ref| Wanted {
            repository: "a/B",
            git_ref,
        };
        assert_eq!(all.clone().take(wanted("v1")), Some(Path::new("A/b@v1")));
        assert_eq!(all.take(wanted("v3")), None);
        let unused: Vec<&str> = all.unused().map(|(reference, _)| reference).collect();
        assert_eq!(unused, ["a/b@v2", "a/b@V1", "a/b@v1"]);
    }
}
