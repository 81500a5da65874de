//! Which files an event changed, by the commits that its payload names, where the checkout has them.
//!
//! GitHub compares the two ends of a push, and the head of a pull request with where it left its base. Git is asked
//! for that, in a repository of ours that only borrows the checkout's objects: a checkout's own configuration can
//! make git run programs, and is never read.

use std::ffi::OsString;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use dormer_workflow::expr::Value;
use dormer_workflow::trigger::Changes;

use crate::host::clock::Deadline;
use crate::host::process::{Sealed, SealedError, run_sealed};
use crate::source::checkout::{commit, common_directory};
use crate::workspace::tracked::find_repository;

/// Git looks at two trees, and at the history between them.
const COMPARING: Deadline = Deadline::seconds("the changed files", 30);

/// Two commits, and how they are compared.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Ends {
    from: String,
    to: String,
    /// Whether the first stands for where both histories part.
    since_parted: bool,
}

/// The files that an event changed; unknown where its payload does not say between which commits.
pub async fn changes(workspace: Option<&Path>, event: &str, payload: Option<&Value>) -> Changes {
    let Some((workspace, ends)) = workspace.zip(payload.and_then(|told| ends(event, told))) else {
        return Changes::Unknown;
    };
    match compared(workspace, &ends).await {
        Ok(files) => Changes::Files(files),
        Err(why) => Changes::Missing(why),
    }
}

/// The commits that a payload names. None for a branch that is new or gone: there is nothing before it, or after.
fn ends(event: &str, payload: &Value) -> Option<Ends> {
    let told = |path: &str| {
        let found = path
            .split('.')
            .try_fold(payload, |at, name| at.as_object()?.get(name));
        let Some(Value::String(text)) = found else {
            return None;
        };
        let name = commit(text);
        (name.chars().any(|digit| digit != '0')).then_some(name)
    };
    let (from, to, since_parted) = match event {
        "push" => ("before", "after", false),
        "pull_request" | "pull_request_target" => {
            ("pull_request.base.sha", "pull_request.head.sha", true)
        }
        _ => return None,
    };
    Some(Ends {
        from: told(from)?,
        to: told(to)?,
        since_parted,
    })
}

async fn compared(workspace: &Path, ends: &Ends) -> Result<Vec<String>, String> {
    let found = find_repository(workspace).ok_or("there is no checkout to compare them in")?;
    let objects = common_directory(&found.git_directory).join("objects");
    let own = borrowing(&objects, ends.to.len())
        .map_err(|error| format!("the checkout's objects cannot be borrowed: {error}"))?;
    let dots = if ends.since_parted { "..." } else { ".." };
    let range = format!("{}{dots}{}", ends.from, ends.to);
    // Of a file with a new name, both names count as changed.
    let arguments = [
        "-c",
        "core.hooksPath=/dev/null",
        "--no-pager",
        "diff",
        "--name-only",
        "--no-renames",
        "--no-ext-diff",
        "--no-textconv",
        "-z",
        &range,
        "--",
    ];
    let sealed = Sealed {
        program: Path::new("git"),
        arguments: &arguments,
        environment: environment(own.path()),
        directory: own.path(),
    };
    let output = run_sealed(sealed, COMPARING).await.map_err(not_run)?;
    if !output.status.success() {
        return Err(format!(
            "the checkout does not have all commits between `{}` and `{}`",
            short(&ends.from),
            short(&ends.to)
        ));
    }
    let names = output.stdout.split(|byte| *byte == 0);
    let names = names.filter(|name| !name.is_empty());
    Ok(names
        .map(|name| String::from_utf8_lossy(name).into_owned())
        .collect())
}

/// An empty repository that finds all objects of another one. `digits` is how long its commits' names are.
fn borrowing(objects: &Path, digits: usize) -> io::Result<tempfile::TempDir> {
    let objects: PathBuf = crate::host::fs::real_path(objects)?;
    let alternate = objects.to_str().filter(|path| !path.contains('\n'));
    let alternate = alternate.ok_or_else(|| io::Error::other("their directory has an odd name"))?;
    let own = tempfile::Builder::new()
        .prefix("dormer-changes-")
        .tempdir()?;
    let format = match digits {
        64 => "repositoryformatversion = 1\n\tbare = true\n[extensions]\n\tobjectformat = sha256\n",
        _ => "repositoryformatversion = 0\n\tbare = true\n",
    };
    fs::create_dir_all(own.path().join("objects/info"))?;
    fs::create_dir(own.path().join("refs"))?;
    for (file, text) in [
        ("HEAD", "ref: refs/heads/none\n".to_owned()),
        ("config", format!("[core]\n\t{format}")),
        ("objects/info/alternates", format!("{alternate}\n")),
    ] {
        fs::write(own.path().join(file), text)?;
    }
    Ok(own)
}

/// All of git's environment.
fn environment(own: &Path) -> Vec<(String, OsString)> {
    let fixed = [
        ("GIT_DIR", own.as_os_str()),
        ("HOME", own.as_os_str()),
        ("GIT_CONFIG_NOSYSTEM", "1".as_ref()),
        ("GIT_CONFIG_GLOBAL", "/dev/null".as_ref()),
        ("GIT_ATTR_NOSYSTEM", "1".as_ref()),
        ("GIT_NO_LAZY_FETCH", "1".as_ref()),
        ("LC_ALL", "C".as_ref()),
    ];
    let fixed = fixed.map(|(name, value)| (name.to_owned(), value.to_owned()));
    let path = std::env::var_os("PATH").map(|path| ("PATH".to_owned(), path));
    fixed.into_iter().chain(path).collect()
}

fn not_run(error: SealedError) -> String {
    match error {
        SealedError::Late(passed) => passed.to_string(),
        SealedError::Start(error) if error.kind() == io::ErrorKind::NotFound => {
            "there is no `git` on this host to compare commits with".to_owned()
        }
        SealedError::Start(error) => format!("git cannot be started: {error}"),
        SealedError::Stopped => "git printed too much".to_owned(),
    }
}

fn short(commit: &str) -> &str {
    commit.get(..10).unwrap_or(commit)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A repository with a history that parts: `main` with `a` and `b`, `topic` with `c` from before `b`.
    struct Repository {
        directory: tempfile::TempDir,
    }

    impl Repository {
        fn new() -> Self {
            let it = Self {
                directory: tempfile::tempdir().unwrap(),
            };
            it.git(&["init", "--quiet", "--initial-branch=main", "."]);
            it
        }

        fn git(&self, arguments: &[&str]) -> String {
            #[expect(clippy::disallowed_methods, reason = "a test's own repository")]
            let output = std::process::Command::new("git")
                .args(["-c", "user.name=t", "-c", "user.email=t@example.org"])
                .args(arguments)
                .current_dir(self.directory.path())
                .output()
                .unwrap();
            let complaint = String::from_utf8_lossy(&output.stderr);
            assert!(output.status.success(), "{complaint}");
            String::from_utf8(output.stdout).unwrap().trim().to_owned()
        }

        fn commit(&self, file: &str) -> String {
            fs::write(self.directory.path().join(file), file).unwrap();
            self.git(&["add", "."]);
            self.git(&["commit", "--quiet", "-m", file]);
            self.git(&["rev-parse", "HEAD"])
        }

        async fn pushed(&self, before: &str, after: &str) -> Changes {
            let payload = format!(r#"{{"before": "{before}", "after": "{after}"}}"#);
            self.told("push", &payload).await
        }

        async fn pulled(&self, base: &str, head: &str) -> Changes {
            let payload = format!(
                r#"{{"pull_request": {{"base": {{"sha": "{base}"}}, "head": {{"sha": "{head}"}}}}}}"#
            );
            self.told("pull_request", &payload).await
        }

        async fn told(&self, event: &str, payload: &str) -> Changes {
            let payload: Value = serde_json::from_str(payload).unwrap();
            changes(Some(self.directory.path()), event, Some(&payload)).await
        }
    }

    fn files(names: &[&str]) -> Changes {
        Changes::Files(names.iter().map(ToString::to_string).collect())
    }

    #[tokio::test]
    async fn a_push_is_compared_at_its_ends_and_a_pull_request_since_it_left_its_base() {
        let it = Repository::new();
        let first = it.commit("a");
        it.git(&["checkout", "--quiet", "-b", "topic"]);
        let topic = it.commit("c d");
        it.git(&["checkout", "--quiet", "main"]);
        let main = it.commit("b");
        assert_eq!(it.pushed(&first, &main).await, files(&["b"]));
        // A push with force leaves `b` behind.
        assert_eq!(it.pushed(&main, &topic).await, files(&["b", "c d"]));
        assert_eq!(it.pulled(&main, &topic).await, files(&["c d"]));
        assert_eq!(it.pushed(&main, &main).await, files(&[]));
        it.git(&["mv", "b", "e"]);
        let renamed = it.commit("x");
        assert_eq!(it.pushed(&main, &renamed).await, files(&["b", "e", "x"]));
    }

    #[tokio::test]
    async fn what_the_checkout_lacks_is_said_and_what_nobody_names_is_unknown() {
        let it = Repository::new();
        let first = it.commit("a");
        let other = first.chars().rev().collect::<String>();
        let Changes::Missing(why) = it.pulled(&other, &first).await else {
            panic!("it was found");
        };
        assert!(why.contains("does not have all commits"), "{why}");
        for (before, after) in [
            ("0".repeat(40), first.clone()),
            (first.clone(), "x".to_owned()),
        ] {
            assert_eq!(it.pushed(&before, &after).await, Changes::Unknown);
        }
        assert_eq!(it.told("push", "{}").await, Changes::Unknown);
        assert_eq!(it.told("release", "{}").await, Changes::Unknown);
    }

    #[tokio::test]
    async fn a_checkouts_own_configuration_runs_nothing() {
        let it = Repository::new();
        let first = it.commit("a");
        let second = it.commit("b");
        let ran = it.directory.path().join("ran");
        let program = it.directory.path().join("program");
        fs::write(&program, format!("#!/bin/sh\ntouch '{}'\n", ran.display())).unwrap();
        let executable = std::os::unix::fs::PermissionsExt::from_mode(0o755);
        fs::set_permissions(&program, executable).unwrap();
        let program = program.display().to_string();
        for key in [
            "diff.external",
            "core.fsmonitor",
            "core.pager",
            "diff.x.textconv",
            "pager.diff",
        ] {
            it.git(&["config", key, &program]);
        }
        fs::write(
            it.directory.path().join(".git/info/attributes"),
            "* diff=x\n",
        )
        .unwrap();
        assert_eq!(it.pushed(&first, &second).await, files(&["b"]));
        assert!(!ran.exists());
    }
}
