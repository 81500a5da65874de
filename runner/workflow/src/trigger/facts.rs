//! What filters ask about an event, from the `github` context and the payload in it.

use crate::expr::{Object, Value};

use super::Changes;

/// How many changed files GitHub compares with the filters for paths.
const MOST_FILES: usize = 300;

/// What an event is about.
#[derive(Debug, PartialEq)]
pub(super) enum Ref<'g> {
    Branch(&'g str),
    Tag(&'g str),
}

/// An event and what is known of it.
#[derive(Clone, Copy)]
pub(super) struct Facts<'g> {
    pub(super) event: &'g str,
    github: &'g Object,
    changes: &'g Changes,
}

/// The changed files that count.
pub(super) struct Changed<'g> {
    pub(super) files: Vec<&'g str>,
    /// Whether there are more, which do not count.
    pub(super) is_cut: bool,
}

impl<'g> Facts<'g> {
    pub(super) fn new(event: &'g str, github: &'g Object, changes: &'g Changes) -> Self {
        Self {
            event,
            github,
            changes,
        }
    }

    /// The kind of activity, or the type of what was sent.
    pub(super) fn action(&self) -> Result<&'g str, String> {
        self.told("action")
    }

    /// The branch or tag that filters are about: of a pull request the one that it goes into.
    pub(super) fn reference(&self) -> Result<Ref<'g>, String> {
        match self.event {
            "push" => self.pushed(),
            "merge_group" => {
                let name = self.told("merge_group.base_ref")?;
                Ok(Ref::Branch(name.strip_prefix(BRANCH).unwrap_or(name)))
            }
            "workflow_run" => self.told("workflow_run.head_branch").map(Ref::Branch),
            _ => {
                let known = self.github.get("base_ref").and_then(text);
                let told = || self.told("pull_request.base.ref");
                known.map_or_else(told, Ok).map(Ref::Branch)
            }
        }
    }

    fn pushed(&self) -> Result<Ref<'g>, String> {
        let name = self.github.get("ref").and_then(text).unwrap_or_default();
        match (name.strip_prefix(BRANCH), name.strip_prefix(TAG)) {
            (Some(branch), _) => Ok(Ref::Branch(branch)),
            (_, Some(tag)) => Ok(Ref::Tag(tag)),
            _ => Err("neither the payload nor the checkout tells a branch or tag".to_owned()),
        }
    }

    /// The name of the workflow whose run the event is about.
    pub(super) fn workflow(&self) -> Result<&'g str, String> {
        self.told("workflow_run.name")
    }

    /// The files that were changed: those between two commits, or those that a push tells commit by commit.
    pub(super) fn changed(&self) -> Result<Changed<'g>, String> {
        if let Changes::Files(files) = self.changes {
            let counted = files.iter().take(MOST_FILES);
            return Ok(Changed {
                files: counted.map(String::as_str).collect(),
                is_cut: files.len() > MOST_FILES,
            });
        }
        let files = self.changed_by_commits().ok_or_else(|| {
            let why = match self.event {
                "push" => "the payload does not tell the changed files of all commits",
                _ => "the payload of a pull request does not tell the changed files",
            };
            match self.changes {
                Changes::Missing(other) => format!("{why}, and {other}"),
                Changes::Unknown | Changes::Files(_) => why.to_owned(),
            }
        })?;
        Ok(Changed {
            files,
            is_cut: false,
        })
    }

    fn changed_by_commits(&self) -> Option<Vec<&'g str>> {
        // Of a push with force the commits are not all the difference.
        if self.event != "push" || self.value("forced") == Some(&Value::Bool(true)) {
            return None;
        }
        let commits = self.value("commits")?.as_array()?;
        let mut files = Vec::new();
        for commit in commits {
            let commit = commit.as_object()?;
            for key in ["added", "modified", "removed"] {
                files.extend(commit.get(key)?.as_array()?.iter().filter_map(text));
            }
        }
        (!files.is_empty()).then_some(files)
    }

    /// A text of the payload, or that it is not there.
    fn told(&self, path: &str) -> Result<&'g str, String> {
        let value = self.value(path).and_then(text);
        value.ok_or_else(|| format!("the payload does not tell `{path}`"))
    }

    fn value(&self, path: &str) -> Option<&'g Value> {
        let event = self.github.get("event")?;
        path.split('.')
            .try_fold(event, |at, name| at.as_object()?.get(name))
    }
}

const BRANCH: &str = "refs/heads/";
const TAG: &str = "refs/tags/";

fn text(value: &Value) -> Option<&str> {
    match value {
        Value::String(text) if !text.is_empty() => Some(text),
        _ => None,
    }
}
