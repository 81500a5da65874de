//! What a step's `uses` names.
//!
//! The forms are those that GitHub's own parser knows. Beyond it, names that no repository can have
//! and refs that git refuses are refused here, since both end up in URLs, paths and arguments.

use std::fmt;

const DOCKER: &str = "docker://";

/// The action that a step uses. Paths are written with `/`, and have neither empty parts nor `.`
/// nor `..` in them.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum ActionReference {
    /// `./path`: a directory of the workspace, as it is when the step runs.
    Local {
        /// The directory; empty for the workspace itself.
        path: String,
    },
    /// `$/path`: a directory of the repository that holds the file with the step.
    Own {
        /// The directory; empty for the repository itself.
        path: String,
    },
    /// `owner/repo[/path]@ref`.
    Repository {
        /// The owner.
        owner: String,
        /// The repository.
        repo: String,
        /// The directory in the repository; empty for its root.
        path: String,
        /// The branch, tag or commit.
        git_ref: String,
    },
    /// `docker://image`.
    Docker {
        /// The image with its tag or digest.
        image: String,
    },
}

/// Why something is not the reference of an action.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReferenceError {
    /// None of the forms there are.
    #[error("`{0}` is not the reference of an action")]
    Format(String),
    /// An owner or repository that there can't be.
    #[error("`{0}` can't be the name of a repository")]
    Name(String),
    /// A ref that git refuses.
    #[error("`{0}` can't be the name of a branch, a tag or a commit")]
    Ref(String),
    /// A path with `..` that leaves the directory it is in.
    #[error("`{0}` leaves the directory that it is in")]
    Leaves(String),
}

impl ReferenceError {
    /// What to do about it.
    pub fn help(&self) -> Option<&'static str> {
        match self {
            Self::Format(_) => Some(
                "actions are `owner/repo@ref`, `owner/repo/path@ref`, `./path`, `$/path` and \
                 `docker://image`",
            ),
            _ => None,
        }
    }
}

impl ActionReference {
    /// Reads the value of `uses`.
    ///
    /// # Errors
    ///
    /// Why it is none.
    pub fn parse(text: &str) -> Result<Self, ReferenceError> {
        let format = || ReferenceError::Format(text.to_owned());
        if let Some(image) = strip_prefix_ignoring_case(text, DOCKER) {
            return match image {
                "" => Err(format()),
                image => Ok(Self::Docker {
                    image: image.to_owned(),
                }),
            };
        }
        if let Some(path) = text.strip_prefix("./").or_else(|| text.strip_prefix(".\\")) {
            let path = normalized(path).ok_or_else(|| ReferenceError::Leaves(text.to_owned()))?;
            return Ok(Self::Local { path });
        }
        if let Some(path) = text.strip_prefix("$/") {
            let path = normalized(path).ok_or_else(|| ReferenceError::Leaves(text.to_owned()))?;
            return Ok(Self::Own { path });
        }
        repository(text)
    }

    /// Whether it names what lies in a directory already, so that there is nothing to fetch.
    pub fn is_local(&self) -> bool {
        matches!(self, Self::Local { .. } | Self::Own { .. })
    }
}

/// The reference in its plainest form.
impl fmt::Display for ActionReference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Local { path } => write!(f, "./{path}"),
            Self::Own { path } => write!(f, "$/{path}"),
            Self::Repository {
                owner,
                repo,
                path,
                git_ref,
            } => {
                let slash = if path.is_empty() { "" } else { "/" };
                write!(f, "{owner}/{repo}{slash}{path}@{git_ref}")
            }
            Self::Docker { image } => write!(f, "{DOCKER}{image}"),
        }
    }
}

fn repository(text: &str) -> Result<ActionReference, ReferenceError> {
    let format = || ReferenceError::Format(text.to_owned());
    let (names, git_ref) = text.split_once('@').ok_or_else(format)?;
    let mut parts = names.split(['/', '\\']).filter(|part| !part.is_empty());
    let (Some(owner), Some(repo)) = (parts.next(), parts.next()) else {
        return Err(format());
    };
    if git_ref.is_empty() || git_ref.contains('@') {
        return Err(format());
    }
    if !is_name(owner) || !is_name(repo) {
        return Err(ReferenceError::Name(format!("{owner}/{repo}")));
    }
    if !is_ref(git_ref) {
        return Err(ReferenceError::Ref(git_ref.to_owned()));
    }
    let path = parts.collect::<Vec<_>>().join("/");
    let path = normalized(&path).ok_or_else(|| ReferenceError::Leaves(text.to_owned()))?;
    Ok(ActionReference::Repository {
        owner: owner.to_owned(),
        repo: repo.to_owned(),
        path,
        git_ref: git_ref.to_owned(),
    })
}

fn strip_prefix_ignoring_case<'a>(text: &'a str, prefix: &str) -> Option<&'a str> {
    let (head, rest) = text.split_at_checked(prefix.len())?;
    head.eq_ignore_ascii_case(prefix).then_some(rest)
}

/// A path without empty parts, `.` and `..`; none where it leaves its directory, on any system: a
/// part with `:` would name a drive or a stream on Windows.
fn normalized(path: &str) -> Option<String> {
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split(['/', '\\']) {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop()?;
            }
            part if part.contains([':', '\0']) => return None,
            part => parts.push(part),
        }
    }
    Some(parts.join("/"))
}

fn is_name(name: &str) -> bool {
    let is_right = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    name.chars().all(is_right) && name.chars().any(|c| c != '.')
}

/// The rules of `git check-ref-format`, for a name that may have one level only; nor may it look
/// like an option.
fn is_ref(name: &str) -> bool {
    let is_wrong = |c: char| c.is_control() || " ~^:?*[\\".contains(c);
    let is_part = |part: &str| {
        !part.is_empty()
            && !part.starts_with('.')
            && !part.ends_with('.')
            && !part.ends_with(".lock")
    };
    !name.contains(is_wrong)
        && !name.contains("..")
        && !name.contains("@{")
        && !name.starts_with('-')
        && name.split('/').all(is_part)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plain(text: &str) -> String {
        match ActionReference::parse(text) {
            Ok(reference) => reference.to_string(),
            Err(error) => format!("! {error}"),
        }
    }

    #[test]
    fn every_form_is_read() {
        for (text, expected) in [
            ("actions/checkout@v4", "actions/checkout@v4"),
            ("a/b/c/d@feature/x", "a/b/c/d@feature/x"),
            ("a\\b//c/./d/@1.0", "a/b/c/d@1.0"),
            ("a/b/x/../y@main", "a/b/y@main"),
            ("a_b/.github@0123abc", "a_b/.github@0123abc"),
            ("./", "./"),
            (".\\x\\y", "./x/y"),
            ("./x/../y/", "./y"),
            ("./with@sign", "./with@sign"),
            ("$/", "$/"),
            ("$/.github/actions/x", "$/.github/actions/x"),
            ("docker://alpine:3.20", "docker://alpine:3.20"),
            (
                "Docker://ghcr.io/a/b@sha256:0",
                "docker://ghcr.io/a/b@sha256:0",
            ),
        ] {
            assert_eq!(plain(text), expected, "{text}");
        }
    }

    #[test]
    fn what_is_none_is_refused() {
        for text in [
            "",
            "a",
            "a/b",
            "a@b",
            "/a@b",
            "a/b@",
            "a/b@c@d",
            "@",
            "a/@x",
            "docker://",
            ".",
            "..",
            "../x",
            "C:\\x",
        ] {
            assert!(
                matches!(ActionReference::parse(text), Err(ReferenceError::Format(_))),
                "{text}: {}",
                plain(text)
            );
        }
        for (text, expected) in [
            ("../x@v1", "! `../x` can't be the name of a repository"),
            ("a/..@v1", "! `a/..` can't be the name of a repository"),
            ("a b/c@v1", "! `a b/c` can't be the name of a repository"),
            (
                "https://github.com/a/b@v1",
                "! `https:/github.com` can't be the name of a repository",
            ),
            (
                "a/b/../..@v1",
                "! `a/b/../..@v1` leaves the directory that it is in",
            ),
            (
                "./x/../..",
                "! `./x/../..` leaves the directory that it is in",
            ),
            (
                ".\\..\\x",
                "! `.\\..\\x` leaves the directory that it is in",
            ),
            ("./c:/x", "! `./c:/x` leaves the directory that it is in"),
            ("$/..", "! `$/..` leaves the directory that it is in"),
        ] {
            assert_eq!(plain(text), expected, "{text}");
        }
    }

    #[test]
    fn refs_follow_the_rules_of_git() {
        for name in ["v1", "1.2.3", "feature/x-y", "a.b", "HEAD", "é"] {
            assert!(is_ref(name), "{name}");
        }
        for name in [
            "", "-x", "a b", "a..b", "/a", "a/", "a//b", ".a", "a/.b", "a.", "a.lock", "a~1", "a^",
            "a:b", "a?", "a*", "a[", "a\\b", "a@{1}", "a\u{7f}",
        ] {
            assert!(!is_ref(name), "{name}");
        }
    }

    #[test]
    fn plain_forms_come_back() {
        for text in ["actions/checkout@v4", "a/b/c@x", "./x", "$/y", "docker://z"] {
            let reference = ActionReference::parse(text).unwrap();
            assert_eq!(
                ActionReference::parse(&reference.to_string()),
                Ok(reference)
            );
        }
    }
}
