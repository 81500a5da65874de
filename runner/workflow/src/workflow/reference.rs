//! What `uses` of a job names: a workflow. What it names in a step is for [`crate::action`] to say.

use std::fmt;

use crate::source::Spanned;

use super::read::Reader;

/// Where the workflows of a repository are.
const WORKFLOWS: &str = ".github/workflows/";

/// The workflow that a job calls.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum WorkflowReference {
    /// A file of the same repository and commit, relative to its root:
    /// `.github/workflows/x.yml`.
    Local(String),
    /// A file of another repository.
    Remote(RemoteReference),
}

/// A file or folder at a version of a repository: `owner/repository/path@version`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct RemoteReference {
    /// Whose repository it is.
    pub owner: String,
    /// The repository.
    pub repository: String,
    /// The file or folder in it, with `/` between the parts. Empty for the repository itself.
    pub path: String,
    /// A branch, a tag or a commit.
    pub version: String,
}

impl WorkflowReference {
    /// Reads a reference.
    ///
    /// # Errors
    ///
    /// What is wrong with it: a fragment in lower case that goes on after its name.
    pub fn parse(reference: &str) -> Result<Self, &'static str> {
        if let Some(path) = reference.strip_prefix("./") {
            if path.contains('@') {
                return Err("can't have a version: a local workflow is that of the same commit");
            }
            in_workflows(path)?;
            return Ok(Self::Local(path.to_owned()));
        }
        if !reference.contains('@') {
            return Err("has no version, and does not begin with `./`");
        }
        let remote = RemoteReference::parse(reference).ok_or("names no file of a repository")?;
        in_workflows(&remote.path)?;
        Ok(Self::Remote(remote))
    }

    /// What the reference means in the file of a workflow that was called by `caller`: in one of another
    /// repository, `./` is that repository, at the same version.
    #[must_use]
    pub fn seen_from(self, caller: Option<&Self>) -> Self {
        match (self, caller) {
            (Self::Local(path), Some(Self::Remote(caller))) => Self::Remote(RemoteReference {
                path,
                ..caller.clone()
            }),
            (reference, _) => reference,
        }
    }
}

impl fmt::Display for RemoteReference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            owner,
            repository,
            path,
            version,
        } = self;
        let slash = if path.is_empty() { "" } else { "/" };
        write!(f, "{owner}/{repository}{slash}{path}@{version}")
    }
}

impl RemoteReference {
    fn parse(reference: &str) -> Option<Self> {
        let (path, version) = reference.split_once('@')?;
        let [owner, repository, path @ ..] = &*parts(path) else {
            return None;
        };
        (!version.is_empty() && !version.contains('@')).then(|| Self {
            owner: (*owner).to_owned(),
            repository: (*repository).to_owned(),
            path: path.join("/"),
            version: version.to_owned(),
        })
    }
}

/// The parts of a path; GitHub takes both slashes, and more than one between two parts.
fn parts(path: &str) -> Vec<&str> {
    let parts = path.split(['/', '\\']);
    parts
        .filter(|part| !part.is_empty() && *part != ".")
        .collect()
}

fn in_workflows(path: &str) -> Result<(), &'static str> {
    let Some(name) = path.strip_prefix(WORKFLOWS) else {
        return Err("is not in `.github/workflows`, where all workflows are");
    };
    if name.contains('/') {
        return Err("is in a folder below `.github/workflows`, where GitHub finds no workflows");
    }
    let stem = name.strip_suffix(".yml").or(name.strip_suffix(".yaml"));
    match stem {
        Some(stem) if !stem.is_empty() => Ok(()),
        _ => Err("is no file with the ending `.yml` or `.yaml`"),
    }
}

impl Reader {
    /// Refuses what is no reference of a workflow.
    pub(super) fn check_workflow(&mut self, reference: &Spanned<String>) {
        if let Err(fault) = WorkflowReference::parse(&reference.value) {
            self.help(
                reference.span,
                format!("the workflow `{}` {fault}", reference.value),
                "workflows are `./.github/workflows/name.yml` and \
                 `owner/repo/.github/workflows/name.yml@ref`",
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn remote(owner: &str, repository: &str, path: &str, version: &str) -> RemoteReference {
        RemoteReference {
            owner: owner.into(),
            repository: repository.into(),
            path: path.into(),
            version: version.into(),
        }
    }

    #[test]
    fn workflows_have_two_forms() {
        assert_eq!(
            WorkflowReference::parse("./.github/workflows/x.yml"),
            Ok(WorkflowReference::Local(".github/workflows/x.yml".into()))
        );
        assert_eq!(
            WorkflowReference::parse("a/b/.github/workflows/x.yaml@v1"),
            Ok(WorkflowReference::Remote(remote(
                "a",
                "b",
                ".github/workflows/x.yaml",
                "v1"
            )))
        );
        for reference in [
            "",
            "x.yml",
            "./x.yml",
            "./.github/workflows/a/x.yml",
            "./.github/workflows/x.txt",
            "./.github/workflows/.yml",
            "./.github/workflows/x.yml@v1",
            "a/b/.github/workflows/x.yml",
            "a/b/.github/workflows/x.yml@",
            "a/b/x.yml@v1",
            "a/b@v1",
            ".github/workflows/x.yml",
        ] {
            assert!(WorkflowReference::parse(reference).is_err(), "{reference}");
        }
    }
}
