//! What is checked out in a workspace: commit, ref, repository. Read from git's files; git itself is
//! not run, since a checkout's configuration can make it run programs.

use std::fs;
use std::path::Path;

use crate::workspace::tracked::find_repository;

/// What is checked out. Everything is empty outside a repository.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CheckedOut {
    /// The commit.
    pub sha: String,
    /// The ref, as `refs/heads/main`; empty for a commit without one.
    pub git_ref: String,
    /// `owner/name`, as far as the remote tells.
    pub repository: Option<String>,
}

/// Looks at a workspace.
pub fn checked_out(workspace: &Path) -> CheckedOut {
    let Some(repository) = find_repository(workspace) else {
        return CheckedOut::default();
    };
    let git = &repository.git_directory;
    let head = read(&git.join("HEAD"));
    let repository = remote_name(&read(&common_directory(git).join("config")));
    match head.strip_prefix("ref:").map(str::trim) {
        Some(name) => CheckedOut {
            sha: resolve(git, name),
            git_ref: name.to_owned(),
            repository,
        },
        None => CheckedOut {
            sha: commit(&head),
            git_ref: String::new(),
            repository,
        },
    }
}

/// A worktree shares its refs with the repository that it belongs to.
fn common_directory(git: &Path) -> std::path::PathBuf {
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
fn commit(text: &str) -> String {
    let text = text.trim();
    let valid = matches!(text.len(), 40 | 64) && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    if valid {
        text.to_owned()
    } else {
        String::new()
    }
}

/// `owner/name` from the address of the remote `origin`.
fn remote_name(config: &str) -> Option<String> {
    let mut in_origin = false;
    for line in config.lines().map(str::trim) {
        if line.starts_with('[') {
            in_origin = line.replace(' ', "") == "[remote\"origin\"]";
        } else if let Some(url) = line.strip_prefix("url").filter(|_| in_origin) {
            let url = url.trim_start().strip_prefix('=')?.trim();
            return name_in(url);
        }
    }
    None
}

fn name_in(url: &str) -> Option<String> {
    let path = url
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
    (plain(name) && plain(owner)).then(|| format!("{owner}/{name}"))
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
        for url in [
            "https://github.com/me/it.git",
            "git@github.com:me/it.git",
            "ssh://h/me/it/",
        ] {
            let config = format!("[core]\n\turl = no\n[remote \"origin\"]\n\turl = {url}\n");
            assert_eq!(remote_name(&config).as_deref(), Some("me/it"), "{url}");
        }
        assert_eq!(remote_name("[remote \"other\"]\nurl = https://x/a/b"), None);
    }

    #[test]
    fn a_checkout_is_read_from_loose_and_packed_refs() {
        let directory = tempfile::tempdir().unwrap();
        let git = directory.path().join(".git");
        fs::create_dir_all(&git).unwrap();
        let sha = "0123456789abcdef0123456789abcdef01234567";
        fs::write(git.join("HEAD"), "ref: refs/heads/main\n").unwrap();
        fs::write(
            git.join("packed-refs"),
            format!("# pack\n{sha} refs/heads/main\n"),
        )
        .unwrap();
        let found = checked_out(directory.path());
        assert_eq!(
            (found.sha.as_str(), found.git_ref.as_str()),
            (sha, "refs/heads/main")
        );
        fs::write(git.join("HEAD"), "ref: refs/../../../etc/passwd\n").unwrap();
        assert_eq!(checked_out(directory.path()).sha, "");
        fs::write(git.join("HEAD"), sha).unwrap();
        assert_eq!(checked_out(directory.path()).sha, sha);
    }
}
