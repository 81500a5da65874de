//! Which files come along, and which must not: a link that leads out of the workspace is refused by
//! name, before anything is sent.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Component, Path, PathBuf};

use ignore::WalkBuilder;

use crate::failure::InputError;
use crate::host::fs::real_path;
use crate::workspace::tracked::{find_repository, tracked_files};

/// A file, directory or link that comes along.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Entry {
    /// A directory.
    Directory,
    /// A file of so many bytes.
    File(u64),
    /// A link to this, inside the workspace.
    Link(PathBuf),
}

/// What comes along.
#[derive(Debug, Clone, Default)]
pub struct Scan {
    /// By the path below the workspace; parents come before what is in them.
    pub entries: BTreeMap<PathBuf, Entry>,
    /// What stays behind though nobody ignored it, and why.
    pub left_behind: Vec<String>,
    /// Whether the guest's copies can be written to, whatever the host's are. Default: as the host's.
    pub is_writable: bool,
}

impl Scan {
    /// The bytes of all files.
    pub fn bytes(&self) -> u64 {
        let sizes = self.entries.values().map(|entry| match entry {
            Entry::File(size) => *size,
            Entry::Directory | Entry::Link(_) => 0,
        });
        sizes.sum()
    }
}

/// Looks through the workspace at `root`, leaving out files and directories that are `excluded`.
pub fn scan(root: &Path, excluded: &[PathBuf]) -> Result<Scan, InputError> {
    let root = real_path(root).map_err(|error| unreadable(root, &error))?;
    if !root.is_dir() {
        return Err(InputError::usage(format!(
            "`{}` is not a directory",
            root.display()
        )));
    }
    // One that is not there yet can't be found either.
    let excluded = excluded.iter().filter_map(|path| real_path(path).ok());
    let excluded: Vec<PathBuf> = excluded.collect();
    let mut scanner = Scanner {
        root,
        scan: Scan::default(),
        of: Of::Workspace,
    };
    scanner.walk(excluded)?;
    scanner.add_git()?;
    scanner.add_tracked()?;
    Ok(scanner.scan)
}

/// Looks through a repository that was fetched: everything below `root` comes along, whatever its own
/// rules ignore, since everything in it was committed. The guest's copies can be written to, whatever
/// those on the host are.
pub fn everything(root: &Path) -> Result<Scan, InputError> {
    let root = real_path(root).map_err(|error| unreadable(root, &error))?;
    let mut scanner = Scanner {
        root,
        scan: Scan {
            is_writable: true,
            ..Scan::default()
        },
        of: Of::Repository,
    };
    scanner.walk_all(&scanner.root.clone())?;
    Ok(scanner.scan)
}

/// What is looked through.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Of {
    Workspace,
    Repository,
}

struct Scanner {
    root: PathBuf,
    scan: Scan,
    of: Of,
}

impl Scanner {
    /// Everything that is not ignored, but for `.git`.
    fn walk(&mut self, excluded: Vec<PathBuf>) -> Result<(), InputError> {
        let git = self.root.join(".git");
        let walk = WalkBuilder::new(&self.root)
            .hidden(false)
            .ignore(false)
            .git_global(false)
            .require_git(false)
            .follow_links(false)
            .filter_entry(move |entry| {
                entry.path() != git && !excluded.iter().any(|path| path == entry.path())
            })
            .build();
        for entry in walk {
            let entry = entry.map_err(|error| {
                InputError::usage(format!("cannot look through the workspace: {error}"))
            })?;
            self.add(entry.path())?;
        }
        Ok(())
    }

    /// All of `.git`, which no rule concerns.
    fn add_git(&mut self) -> Result<(), InputError> {
        let git = self.root.join(".git");
        let Ok(found) = fs::symlink_metadata(&git) else {
            return Ok(());
        };
        if !found.is_dir() {
            self.scan.left_behind.push(
                "`.git`: it is a link to a repository elsewhere (a worktree or a submodule)"
                    .to_owned(),
            );
            return Ok(());
        }
        self.walk_all(&git)
    }

    /// All that is below a directory, which no rule concerns.
    fn walk_all(&mut self, directory: &Path) -> Result<(), InputError> {
        let walk = WalkBuilder::new(directory)
            .standard_filters(false)
            .follow_links(false)
            .build();
        for entry in walk {
            // Git may be at work: a lock that is gone by now is no loss.
            let Ok(entry) = entry else { continue };
            self.add(entry.path())?;
        }
        Ok(())
    }

    /// Tracked files come along even if a rule ignores them.
    fn add_tracked(&mut self) -> Result<(), InputError> {
        let Some(repository) = find_repository(&self.root) else {
            return Ok(());
        };
        let tracked = match tracked_files(&repository, &self.root) {
            Ok(tracked) => tracked,
            Err(why) => {
                self.scan
                    .left_behind
                    .push(format!("tracked files that are ignored: {why}"));
                return Ok(());
            }
        };
        for path in tracked.iter().filter(|path| is_plain(path)) {
            if self.scan.entries.contains_key(path) || !self.is_reached_without_links(path) {
                continue;
            }
            let parents: Vec<&Path> = path.ancestors().skip(1).collect();
            for part in parents.into_iter().rev().chain([path.as_path()]) {
                self.add(&self.root.join(part))?;
            }
        }
        Ok(())
    }

    /// Whether the file is there, and below real directories only: an index can name anything.
    fn is_reached_without_links(&self, path: &Path) -> bool {
        let mut current = self.root.clone();
        let Some(parent) = path.parent() else {
            return false;
        };
        for part in parent.components() {
            current.push(part);
            if !fs::symlink_metadata(&current).is_ok_and(|found| found.is_dir()) {
                return false;
            }
        }
        fs::symlink_metadata(self.root.join(path)).is_ok()
    }

    fn add(&mut self, path: &Path) -> Result<(), InputError> {
        let Ok(below) = path.strip_prefix(&self.root) else {
            return Ok(());
        };
        if below.as_os_str().is_empty() || self.scan.entries.contains_key(below) {
            return Ok(());
        }
        let found = match fs::symlink_metadata(path) {
            Ok(found) => found,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            Err(error) => return Err(unreadable(path, &error)),
        };
        let kind = found.file_type();
        let entry = if kind.is_dir() {
            Entry::Directory
        } else if kind.is_file() {
            Entry::File(found.len())
        } else if kind.is_symlink() {
            Entry::Link(self.link_target(below)?)
        } else {
            let what = format!(
                "`{}`: it is neither a file nor a directory",
                below.display()
            );
            self.scan.left_behind.push(what);
            return Ok(());
        };
        self.scan.entries.insert(below.to_owned(), entry);
        Ok(())
    }

    /// Where a link leads, if that is inside the workspace.
    fn link_target(&self, link: &Path) -> Result<PathBuf, InputError> {
        let path = self.root.join(link);
        let target = fs::read_link(&path).map_err(|error| unreadable(&path, &error))?;
        // What it says, and what that really is, by way of other links: both have to be inside.
        let stays = stays_inside(link, &target)
            && real_path(&path).map_or(true, |real| real.starts_with(&self.root));
        if stays {
            return Ok(target);
        }
        let whole = match self.of {
            Of::Workspace => "workspace",
            Of::Repository => "repository",
        };
        let error = InputError::usage(format!(
            "the link `{}` leads out of the {whole}, to `{}`",
            link.display(),
            target.display()
        ));
        Err(match self.of {
            Of::Workspace => {
                error.help("replace it by what it leads to, or name it in `.gitignore`")
            }
            Of::Repository => error,
        })
    }
}

/// Whether a link's text stays below the workspace, step by step.
fn stays_inside(link: &Path, target: &Path) -> bool {
    let mut depth = link.components().count().saturating_sub(1);
    for part in target.components() {
        match part {
            Component::Normal(_) => depth += 1,
            Component::CurDir => {}
            Component::ParentDir if depth > 0 => depth -= 1,
            Component::ParentDir | Component::RootDir | Component::Prefix(_) => return false,
        }
    }
    true
}

/// Whether a path has nothing but names in it.
fn is_plain(path: &Path) -> bool {
    path.components()
        .all(|part| matches!(part, Component::Normal(_)))
}

fn unreadable(path: &Path, error: &io::Error) -> InputError {
    InputError::usage(format!("cannot read `{}`: {error}", path.display()))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    fn workspace(files: &[&str]) -> tempfile::TempDir {
        let directory = tempfile::tempdir().unwrap();
        for file in files {
            let path = directory.path().join(file);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "x").unwrap();
        }
        directory
    }

    fn names(scan: &Scan) -> Vec<&str> {
        scan.entries
            .keys()
            .map(|path| path.to_str().unwrap())
            .collect()
    }

    #[test]
    fn ignored_files_stay_behind_outside_git_too_and_dotfiles_come_along() {
        let directory = workspace(&["a.txt", ".hidden", "sub/b.log", "sub/c.txt", "target/x"]);
        fs::write(directory.path().join(".gitignore"), "*.log\n/target/\n").unwrap();
        let scan = scan(directory.path(), &[]).unwrap();
        assert_eq!(
            names(&scan),
            [".gitignore", ".hidden", "a.txt", "sub", "sub/c.txt"]
        );
        assert_eq!(scan.bytes(), 3 + 15);
    }

    #[test]
    fn what_is_excluded_stays_behind() {
        let directory = workspace(&["a.txt", "out/b.txt"]);
        let scan = scan(directory.path(), &[directory.path().join("out")]).unwrap();
        assert_eq!(names(&scan), ["a.txt"]);
    }

    #[test]
    fn links_inside_come_along_and_links_out_are_refused_by_name() {
        let directory = workspace(&["sub/a.txt"]);
        let path = directory.path();
        symlink("sub/a.txt", path.join("inside")).unwrap();
        symlink("../sub", path.join("sub/around")).unwrap();
        symlink("nowhere", path.join("dangling")).unwrap();
        assert_eq!(scan(path, &[]).unwrap().entries.len(), 5);

        for target in ["/etc/passwd", "../x", "sub/../../x"] {
            let link = path.join("evil");
            symlink(target, &link).unwrap();
            let error = scan(path, &[]).unwrap_err();
            assert!(error.message.contains("`evil`"), "{}", error.message);
            fs::remove_file(link).unwrap();
        }
        // Harmless as it reads, by way of a link that is harmless too; together they lead out.
        fs::create_dir_all(path.join("deep/er")).unwrap();
        symlink("deep/er", path.join("short")).unwrap();
        let outside = tempfile::tempdir().unwrap();
        symlink(outside.path(), path.join("deep/out")).unwrap();
        symlink("short/../out", path.join("sly")).unwrap();
        assert!(scan(path, &[]).is_err());
    }

    #[test]
    fn what_is_no_file_is_left_behind_and_named() {
        let directory = workspace(&["a.txt"]);
        let _socket = std::os::unix::net::UnixListener::bind(directory.path().join("s")).unwrap();
        let scan = scan(directory.path(), &[]).unwrap();
        assert_eq!(names(&scan), ["a.txt"]);
        assert!(scan.left_behind[0].contains("`s`"));
    }
}
