//! What is checked out in a workspace: commit, ref, repository. Read from git's files; git itself is
//! not run, since a checkout's configuration can make it run programs.

use std::fs;
use std::path::{Path, PathBuf};

use crate::workspace::tracked::find_repository;

/// What is checked out. Everything is empty outside a repository.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CheckedOut {
    /// The repository's directory, with `.git` in it.
    pub root: Option<PathBuf>,
    /// The commit.
    pub sha: String,
    /// The ref, as `refs/heads/main`; empty for a commit without one.
    pub git_ref: String,
    /// Where `origin` is.
    pub remote: Option<Remote>,
}

/// A repository at a forge.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Remote {
    /// The forge, as `github.com`; empty for a directory.
    pub host: String,
    /// `owner/name`.
    pub repository: String,
}

/// Looks at a workspace.
pub fn checked_out(workspace: &Path) -> CheckedOut {
    let Some(repository) = find_repository(workspace) else {
        return CheckedOut::default();
    };
    let git = &repository.git_directory;
    let head = read(&git.join("HEAD"));
    let remote = remote(&read(&common_directory(git).join("config")));
    let (sha, git_ref) = match head.strip_prefix("ref:").map(str::trim) {
        Some(name) => (resolve(git, name), name.to_owned()),
        None => {
            let sha = commit(&head);
            let named = name_of(&common_directory(git), &sha);
            (sha, named.unwrap_or_default())
        }
    };
    CheckedOut {
        root: Some(repository.root),
        sha,
        git_ref,
        remote,
    }
}

/// What a commit that was checked out by itself is called: a tag, else a branch, else a branch of the
/// remote, which is its name at the forge. Tags with a message of their own are found among the packed.
fn name_of(common: &Path, sha: &str) -> Option<String> {
    if sha.is_empty() {
        return None;
    }
    let mut names = packed_names(&common.join("packed-refs"), sha);
    for place in ["refs/tags", "refs/heads", "refs/remotes/origin"] {
        loose_names(common, Path::new(place), sha, &mut names, 0);
    }
    names.sort();
    let first = |prefix: &str| names.iter().find(|name| name.starts_with(prefix));
    first("refs/tags/")
        .or_else(|| first("refs/heads/"))
        .cloned()
        .or_else(|| {
            let remote = names
                .iter()
                .filter_map(|name| name.strip_prefix("refs/remotes/origin/"));
            let branch = remote.into_iter().find(|name| *name != "HEAD")?;
            Some(format!("refs/heads/{branch}"))
        })
}

/// The names of a commit in git's packed list. A line with `^` tells what the tag before it is of.
fn packed_names(file: &Path, sha: &str) -> Vec<String> {
    let mut names = Vec::new();
    let mut last = "";
    let text = read(file);
    for line in text.lines() {
        if let Some(peeled) = line.strip_prefix('^') {
            if peeled.trim() == sha {
                names.push(last.to_owned());
            }
        } else if let Some((target, name)) = line.split_once(' ') {
            last = name;
            if target == sha {
                names.push(name.to_owned());
            }
        }
    }
    names
}

/// The names of a commit among the files below a directory of refs. Bounded, since it may be anybody's.
fn loose_names(common: &Path, place: &Path, sha: &str, names: &mut Vec<String>, depth: usize) {
    const DEEPEST: usize = 8;
    const MOST: usize = 2000;
    let Ok(entries) = fs::read_dir(common.join(place)) else {
        return;
    };
    for entry in entries.flatten().take(MOST) {
        let path = place.join(entry.file_name());
        match entry.file_type() {
            Ok(kind) if kind.is_dir() && depth < DEEPEST => {
                loose_names(common, &path, sha, names, depth + 1);
            }
            Ok(kind) if kind.is_file() && commit(&read(&common.join(&path))) == sha => {
                names.extend(path.to_str().map(str::to_owned));
            }
            _ => {}
        }
    }
}

/// A worktree shares its refs with the repository that it belongs to.
pub(super) fn common_directory(git: &Path) -> PathBuf {
    let shared = read(&git.join("commondir"));
    if shared.is_empty() {
        git.to_owned()
    } else {
        git.join(shared)
    }
}

fn resolve(git: &Path, name: &str) -> String {
    // A ref is a path below git's directory and must stay there.
    if !name.starts_with("refs/") || name.split('/').any(|part| part == ".." || part.is_empty()) {
        return String::new();
    }
    let common = common_directory(git);
    let loose = commit(&read(&common.join(name)));
    if !loose.is_empty() {
        return loose;
    }
    let packed = read(&common.join("packed-refs"));
    let found = packed.lines().find_map(|line| {
        let (sha, packed_name) = line.split_once(' ')?;
        (packed_name == name).then(|| commit(sha))
    });
    found.unwrap_or_default()
}

/// The text if it is a commit's name.
pub(super) fn commit(text: &str) -> String {
    let text = text.trim();
    let valid = matches!(text.len(), 40 | 64) && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    if valid {
        text.to_owned()
    } else {
        String::new()
    }
}

/// Where the remote `origin` is.
fn remote(config: &str) -> Option<Remote> {
    let mut in_origin = false;
    for line in config.lines().map(str::trim) {
        if line.starts_with('[') {
            in_origin = line.replace(' ', "") == "[remote\"origin\"]";
        } else if let Some(url) = line.strip_prefix("url").filter(|_| in_origin) {
            let url = url.trim_start().strip_prefix('=')?.trim();
            return remote_at(url);
        }
    }
    None
}

/// Reads `https://host/owner/name.git`, `git@host:owner/name` and their like.
fn remote_at(url: &str) -> Option<Remote> {
    let address = url.split_once("://").map_or(url, |(_, rest)| rest);
    // Who asks, and with which word, is nobody's business.
    let address = address.split_once('@').map_or(address, |(_, rest)| rest);
    let path = address
        .trim_end_matches('/')
        .trim_end_matches(".git")
        .replace(':', "/");
    let mut parts = path.rsplit('/');
    let (name, owner) = (parts.next()?, parts.next()?);
    let plain = |part: &str| {
        !part.is_empty()
            && part
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b))
    };
    if !plain(name) || !plain(owner) {
        return None;
    }
    let host = path.split('/').next().unwrap_or_default();
    // A directory of this host begins with a slash, or with `.`.
    let host = if plain(host) && host.contains('.') && !host.starts_with('.') {
        host
    } else {
        ""
    };
    Some(Remote {
        host: host.to_owned(),
        repository: format!("{owner}/{name}"),
    })
}

fn read(path: &Path) -> String {
    const LONGEST: u64 = 4 << 20;
    let small = fs::metadata(path).is_ok_and(|found| found.is_file() && found.len() <= LONGEST);
    if !small {
        return String::new();
    }
    fs::read_to_string(path)
        .map(|text| text.trim().to_owned())
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn remotes_are_understood_in_their_usual_forms() {
        for (url, host) in [
            ("https://github.com/me/it.git", "github.com"),
            ("https://user:word@git.example.org/me/it", "git.example.org"),
            ("git@github.com:me/it.git", "github.com"),
            ("ssh://git@host.example:22/me/it/", "host.example"),
            ("ssh://h/me/it/", ""),
            ("/srv/git/me/it.git", ""),
            ("../me/it", ""),
        ] {
            let config = format!("[core]\n\turl = no\n[remote \"origin\"]\n\turl = {url}\n");
            let found = remote(&config).unwrap();
            let found = (found.host.as_str(), found.repository.as_str());
            assert_eq!(found, (host, "me/it"), "{url}");
        }
        assert_eq!(remote("[remote \"other\"]\nurl = https://x/a/b"), None);
    }

    const SHA: &str = "0123456789abcdef0123456789abcdef01234567";

    fn repository(files: &[(&str, &str)]) -> tempfile::TempDir {
        let directory = tempfile::tempdir().unwrap();
        for (path, text) in files {
            let path = directory.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        directory
    }

    #[test]
    fn a_checkout_is_read_as_git_would_read_it() {
        let packed = format!("# pack\n{SHA} refs/heads/main\n");
        let other = SHA.replace('0', "f");
        let tagged = format!("{other} refs/tags/v2\n^{SHA}\n{SHA} refs/remotes/origin/b\n");
        let remote = format!("{SHA} refs/remotes/origin/HEAD\n{SHA} refs/remotes/origin/b\n");
        let main = ".git/refs/heads/main";
        let branch = "ref: refs/heads/main\n";
        for (what, files, expected) in [
            (
                "loose",
                vec![(".git/HEAD", branch), (main, SHA)],
                (SHA, "refs/heads/main"),
            ),
            (
                "packed",
                vec![(".git/HEAD", branch), (".git/packed-refs", &packed)],
                (SHA, "refs/heads/main"),
            ),
            (
                "no commit yet",
                vec![(".git/HEAD", branch)],
                ("", "refs/heads/main"),
            ),
            (
                "a name that leads out",
                vec![(".git/HEAD", "ref: refs/../../../etc/passwd\n")],
                ("", "refs/../../../etc/passwd"),
            ),
            ("detached", vec![(".git/HEAD", SHA)], (SHA, "")),
            (
                "detached at a branch",
                vec![(".git/HEAD", SHA), (".git/refs/heads/a/b", SHA)],
                (SHA, "refs/heads/a/b"),
            ),
            (
                "detached at a tag",
                vec![(".git/HEAD", SHA), (main, SHA), (".git/refs/tags/v1", SHA)],
                (SHA, "refs/tags/v1"),
            ),
            (
                "detached at a tag with a message",
                vec![(".git/HEAD", SHA), (".git/packed-refs", &tagged)],
                (SHA, "refs/tags/v2"),
            ),
            (
                "detached at the remote's branch",
                vec![(".git/HEAD", SHA), (".git/packed-refs", &remote)],
                (SHA, "refs/heads/b"),
            ),
            (
                "a worktree",
                vec![
                    (".git", "gitdir: main/worktrees/w\n"),
                    ("main/worktrees/w/HEAD", branch),
                    ("main/worktrees/w/commondir", "../..\n"),
                    ("main/refs/heads/main", SHA),
                ],
                (SHA, "refs/heads/main"),
            ),
            ("no repository", vec![], ("", "")),
        ] {
            let directory = repository(&files);
            let found = checked_out(directory.path());
            assert_eq!(
                (found.sha.as_str(), found.git_ref.as_str()),
                expected,
                "{what}"
            );
        }
    }
}
