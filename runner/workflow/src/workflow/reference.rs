//! What `uses` names: an action of a step, a workflow of a job.

use crate::source::Spanned;

use super::read::Reader;

/// Where the workflows of a repository are.
const WORKFLOWS: &str = ".github/workflows/";

/// The action of a step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ActionReference {
    /// A folder of the workspace, relative to it, with `/` between the parts: `./path`. Empty for
    /// the workspace itself.
    Local(String),
    /// A folder of the repository that the file with the reference came from: `$/path`.
    SameRepository(String),
    /// An image: `docker://image`.
    Docker(String),
    /// A folder of another repository.
    Remote(RemoteReference),
}

/// The workflow that a job calls.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WorkflowReference {
    /// A file of the same repository and commit, relative to its root:
    /// `.github/workflows/x.yml`.
    Local(String),
    /// A file of another repository.
    Remote(RemoteReference),
}

/// A file or folder at a version of a repository: `owner/repository/path@version`.
#[derive(Debug, Clone, PartialEq, Eq)]
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

impl ActionReference {
    /// Reads a reference. None where it has none of the forms that GitHub knows.
    pub fn parse(reference: &str) -> Option<Self> {
        if let Some(image) = reference.strip_prefix("docker://") {
            return Some(Self::Docker(image.to_owned()));
        }
        let local = reference.strip_prefix("./");
        if let Some(path) = local.or_else(|| reference.strip_prefix(".\\")) {
            return Some(Self::Local(parts(path).join("/")));
        }
        if let Some(path) = reference.strip_prefix("$/") {
            return Some(Self::SameRepository(parts(path).join("/")));
        }
        RemoteReference::parse(reference).map(Self::Remote)
    }
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
    /// Refuses what is no reference of an action.
    pub(super) fn check_action(&mut self, reference: &Spanned<String>) {
        if ActionReference::parse(&reference.value).is_none() {
            self.help(
                reference.span,
                format!("`{}` is not the reference of an action", reference.value),
                "actions are `owner/repo@ref`, `owner/repo/path@ref`, `./path`, `$/path` and \
                 `docker://image`",
            );
        }
    }

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
    fn actions_have_four_forms() {
        let local = |path: &str| Some(ActionReference::Local(path.into()));
        for (reference, expected) in [
            ("./", local("")),
            ("./.github/actions/x/", local(".github/actions/x")),
            (".\\a\\b", local("a/b")),
            ("./../x", local("../x")),
            ("$/a", Some(ActionReference::SameRepository("a".into()))),
            ("docker://a:1", Some(ActionReference::Docker("a:1".into()))),
            (
                "a/b@v1",
                Some(ActionReference::Remote(remote("a", "b", "", "v1"))),
            ),
            (
                "a/b/c/d@f/x",
                Some(ActionReference::Remote(remote("a", "b", "c/d", "f/x"))),
            ),
            ("a/b", None),
            ("a/b@", None),
            ("a/b@c@d", None),
            ("a@v1", None),
            ("@v1", None),
            ("", None),
        ] {
            assert_eq!(ActionReference::parse(reference), expected, "{reference}");
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
