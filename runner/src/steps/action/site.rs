//! An action that is in the guest, and what its steps mean by the actions that they use.

use dormer_workflow::action::{Action, ActionReference, Runs};
use dormer_workflow::parse_action;
use dormer_workflow::source::SourceFile;
use serde::{Deserialize, Serialize};

use crate::steps::artifacts::{self, Service};
use crate::steps::checkout;

/// An action in the guest, with its file as it was read. Everything that a later stage needs to know, so
/// that it does not look again at a directory which steps may have changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Site {
    /// The reference, in its plainest form.
    pub uses: String,
    /// The repository that it is from; none for an action of the workspace.
    pub from: Option<Origin>,
    /// The directory in the guest that holds the action's repository, in Windows form.
    pub root: String,
    /// The action's own directory, in Windows form.
    pub directory: String,
    /// The path of its file, for people.
    pub file: String,
    /// The text of its file.
    pub text: String,
}

/// The repository of an action, and which state of it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Origin {
    /// `owner/repo`.
    pub repository: String,
    /// The branch, tag or commit, as it was asked for.
    pub git_ref: String,
}

impl Site {
    /// Reads the action's file.
    ///
    /// # Errors
    ///
    /// All that is wrong with it, for people.
    pub fn action(&self) -> Result<Action, String> {
        let file = SourceFile::new(self.file.as_str(), self.text.as_str());
        parse_action(&file).map_err(|problems| {
            let all = problems.into_vec();
            let texts: Vec<String> = all.iter().map(ToString::to_string).collect();
            format!(
                "the action `{}` cannot be used: {}",
                self.uses,
                texts.join("; ")
            )
        })
    }
}

/// What a step uses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Used {
    /// The checkout of the current repository, which is served from the workspace.
    Checkout,
    /// An upload or download of artifacts, which Dormer serves.
    Artifacts(Service),
    /// An action in this directory of the guest, which holds what it holds when the step runs.
    Local {
        /// The reference, in its plainest form.
        uses: String,
        /// The directory that the path begins at, in Windows form.
        root: String,
        /// The path below it, with `/`; it may be empty.
        path: String,
    },
    /// An action of another repository.
    Remote {
        /// The reference, in its plainest form. Actions are known by it.
        uses: String,
        /// The repository.
        origin: Origin,
        /// The path in it, with `/`; it may be empty.
        path: String,
    },
    /// A container, which a Windows machine can't have.
    Docker {
        /// The reference, in its plainest form.
        uses: String,
    },
}

/// What decides on the meaning of `uses`, beside the step's own place.
#[derive(Debug, Clone, Copy)]
pub struct Ground<'a> {
    /// The workspace, in Windows form.
    pub workspace: &'a str,
    /// Whether actions that Dormer serves are run as they are. The checkout is served all the same.
    pub real_actions: bool,
    /// The repository that holds the file with the job's steps; none for the one of the workspace.
    pub own: Option<&'a Origin>,
}

/// What a `uses` means to a step that stands in the job's file, or in the file of the action `within`.
///
/// # Errors
///
/// Why it means nothing, for people.
pub fn used(text: &str, within: Option<&Site>, ground: Ground<'_>) -> Result<Used, String> {
    if checkout::is_checkout(text) {
        return Ok(Used::Checkout);
    }
    if let Some(service) = artifacts::service(text).filter(|_| !ground.real_actions) {
        return Ok(Used::Artifacts(service));
    }
    let workspace = ground.workspace;
    let reference = ActionReference::parse(text).map_err(|error| match error.help() {
        Some(help) => format!("{error}: {help}"),
        None => error.to_string(),
    })?;
    let uses = reference.to_string();
    Ok(match reference {
        ActionReference::Docker { .. } => Used::Docker { uses },
        // Also inside of an action of another repository: it is the workspace that is meant.
        ActionReference::Local { path } => local(uses, workspace, path),
        ActionReference::Own { path } => match within {
            None => match ground.own {
                None => local(uses, workspace, path),
                Some(origin) => remote(origin.clone(), path),
            },
            Some(site) => match &site.from {
                None => local(uses, &site.root, path),
                Some(origin) => remote(origin.clone(), path),
            },
        },
        ActionReference::Repository {
            owner,
            repo,
            path,
            git_ref,
        } => {
            let repository = format!("{owner}/{repo}");
            remote(
                Origin {
                    repository,
                    git_ref,
                },
                path,
            )
        }
    })
}

fn local(uses: String, root: &str, path: String) -> Used {
    let root = root.to_owned();
    Used::Local { uses, root, path }
}

fn remote(origin: Origin, path: String) -> Used {
    let Origin {
        repository,
        git_ref,
    } = &origin;
    let slash = if path.is_empty() { "" } else { "/" };
    let uses = format!("{repository}{slash}{path}@{git_ref}");
    Used::Remote { uses, origin, path }
}

/// A directory of the guest and a path below it, both in Windows form.
pub fn below(root: &str, path: &str) -> String {
    match path.replace('/', "\\") {
        path if path.is_empty() => root.to_owned(),
        path => format!("{root}\\{path}"),
    }
}

/// Whether an action does something before the job's first step, by itself. Of one that needs a container
/// nothing runs, and its step says so.
pub fn has_pre(action: &Action) -> bool {
    matches!(&action.runs, Runs::Node(node) if node.pre.is_some())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn site(from: Option<&str>) -> Site {
        let origin = |repository: &str| Origin {
            repository: repository.to_owned(),
            git_ref: "v1".to_owned(),
        };
        Site {
            uses: String::new(),
            from: from.map(origin),
            root: r"C:\a\it\it".to_owned(),
            directory: r"C:\a\it\it\act".to_owned(),
            file: "action.yml".to_owned(),
            text: String::new(),
        }
    }

    fn directory(text: &str, within: Option<&Site>) -> String {
        used_on(text, within, false)
    }

    fn used_on(text: &str, within: Option<&Site>, real_actions: bool) -> String {
        let ground = Ground {
            workspace: r"C:\w",
            real_actions,
            own: None,
        };
        match used(text, within, ground) {
            Ok(Used::Local { root, path, .. }) => below(&root, &path),
            Ok(Used::Remote { uses, .. } | Used::Docker { uses }) => uses,
            Ok(Used::Checkout) => "checkout".to_owned(),
            Ok(Used::Artifacts(service)) => format!("{service:?}"),
            Err(why) => format!("! {why}"),
        }
    }

    #[test]
    fn a_reference_means_what_it_means_where_it_stands() {
        let (here, there) = (site(None), site(Some("a/b")));
        for (text, within, expected) in [
            ("actions/checkout@v4", None, "checkout"),
            ("actions/upload-artifact@v4", Some(&there), "Upload"),
            ("actions/download-artifact@v4", None, "Download"),
            ("./x/y", None, r"C:\w\x\y"),
            ("./", Some(&there), r"C:\w"),
            ("$/x", None, r"C:\w\x"),
            ("$/x", Some(&here), r"C:\a\it\it\x"),
            ("$/x", Some(&there), "a/b/x@v1"),
            ("c/d@main", Some(&there), "c/d@main"),
            ("docker://x", None, "docker://x"),
        ] {
            assert_eq!(directory(text, within), expected, "{text}");
        }
        let origin = there.from.clone().unwrap();
        let ground = Ground {
            workspace: r"C:\w",
            real_actions: false,
            own: Some(&origin),
        };
        for (text, expected) in [("$/x", "a/b/x@v1"), ("./x", "./x")] {
            let Ok(Used::Remote { uses, .. } | Used::Local { uses, .. }) = used(text, None, ground)
            else {
                panic!("{text}");
            };
            assert_eq!(uses, expected);
        }
        let real = "actions/upload-artifact@v4";
        assert_eq!(used_on(real, None, true), real);
        assert!(directory("nonsense", None).starts_with("! `nonsense`"));
    }
}
