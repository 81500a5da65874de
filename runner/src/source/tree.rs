//! The files of a repository on this host, as those name one another: `./.github/workflows/x.yml`.
//!
//! The repository may be a stranger's. So a name that leads out of it, by `..` or by a link, gives
//! nothing, and neither does anything that is no file, or more than people write.

use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use cap_std::ambient_authority;
use cap_std::fs::{Dir, OpenOptions, OpenOptionsExt};
use dormer_workflow::SourceFile;
use dormer_workflow::files::{Files, Unreadable};

use crate::failure::InputError;
use crate::host::fs::real_path;
use crate::workspace::tracked::find_repository;

/// Workflows, actions and contexts are text that people write; more bytes than this are something else.
pub const LARGEST: u64 = 4 << 20;

/// Where workflows are, below a repository.
const WORKFLOWS: &str = ".github/workflows";

/// Where most keep their own actions, each in a directory of its own.
const ACTIONS: &str = ".github/actions";

/// How many names of a directory are looked at.
const MOST_NAMES: usize = 10_000;

/// A repository, or a directory that is in none.
#[derive(Debug)]
pub struct Tree {
    /// Nothing is opened but below it.
    directory: Dir,
    root: PathBuf,
    /// What stands before a path below the root, so that it leads there from the current directory.
    prefix: String,
    /// A file that was named, and how: problems show it as it was typed.
    named: Option<(String, String)>,
}

impl Tree {
    /// The repository that a file is in, or else the file's directory, and the file's path in it.
    ///
    /// # Errors
    ///
    /// There is no such directory.
    pub fn around(file: &Path) -> Result<(Self, String), InputError> {
        let shown = file.display().to_string();
        let name = file.file_name().ok_or_else(|| no_file(&shown))?;
        let parent = match file.parent() {
            Some(parent) if !parent.as_os_str().is_empty() => parent,
            _ => Path::new("."),
        };
        let directory = real_path(parent).map_err(|error| unreadable(&shown, &told(&error)))?;
        let mut tree = Self::of(&directory)?;
        let below = directory.strip_prefix(&tree.root).unwrap_or(Path::new(""));
        let below = below.join(name);
        let path = below
            .to_str()
            .ok_or_else(|| unreadable(&shown, "its name is not UTF-8, and nothing can name it"))?;
        tree.named = Some((path.to_owned(), shown));
        Ok((tree, path.to_owned()))
    }

    /// The repository that a directory is in, or else the directory.
    ///
    /// # Errors
    ///
    /// There is no such directory.
    pub fn of(directory: &Path) -> Result<Self, InputError> {
        let shown = directory.display().to_string();
        let cannot = |error: io::Error| unreadable(&shown, &told(&error));
        let directory = real_path(directory).map_err(cannot)?;
        let root = find_repository(&directory).map_or(directory, |repository| repository.root);
        Self::at(&root)
    }

    /// A directory, though it may be part of a repository.
    ///
    /// # Errors
    ///
    /// There is no such directory.
    pub fn at(root: &Path) -> Result<Self, InputError> {
        let shown = root.display().to_string();
        let cannot = |error: io::Error| unreadable(&shown, &told(&error));
        let root = real_path(root).map_err(cannot)?;
        let opened = Dir::open_ambient_dir(&root, ambient_authority()).map_err(cannot)?;
        let current = real_path(Path::new(".")).unwrap_or_default();
        Ok(Self {
            directory: opened,
            prefix: prefix(&current, &root),
            root,
            named: None,
        })
    }

    /// Its directory.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// How a path below the root is written from the current directory.
    pub fn shown(&self, path: &str) -> String {
        match &self.named {
            Some((named, typed)) if named == path => typed.clone(),
            _ => format!("{}{path}", self.prefix),
        }
    }

    /// The workflows of the repository, its action, and those below `.github/actions`, each sorted.
    pub fn workflows_and_actions(&self) -> Vec<String> {
        let mut found: Vec<String> = self
            .names(WORKFLOWS)
            .into_iter()
            .filter(|name| name.ends_with(".yml") || name.ends_with(".yaml"))
            .map(|name| format!("{WORKFLOWS}/{name}"))
            .collect();
        let own = self.names(ACTIONS).into_iter();
        let directories = own.map(|name| format!("{ACTIONS}/{name}/"));
        for directory in std::iter::once(String::new()).chain(directories) {
            let files = ["action.yml", "action.yaml"].map(|name| format!("{directory}{name}"));
            let there = files
                .into_iter()
                .find(|path| self.directory.symlink_metadata(path).is_ok());
            found.extend(there);
        }
        found
    }

    fn names(&self, directory: &str) -> Vec<String> {
        let Ok(entries) = self.directory.read_dir(directory) else {
            return Vec::new();
        };
        let entries = entries.take(MOST_NAMES).flatten();
        let mut names: Vec<String> = entries
            .filter_map(|entry| entry.file_name().into_string().ok())
            .collect();
        names.sort();
        names
    }
}

impl Files for Tree {
    fn read(&self, path: &str) -> Result<SourceFile, Unreadable> {
        let mut options = OpenOptions::new();
        // A pipe that nobody writes to must not hold us up before we see that it is one.
        options
            .read(true)
            .custom_flags(rustix::fs::OFlags::NONBLOCK.bits().cast_signed());
        let opened = self.directory.open_with(path, &options);
        let text = opened.map(|file| contents(file.into_std(), LARGEST));
        match text {
            Ok(Ok(text)) => Ok(SourceFile::new(self.shown(path), text)),
            Ok(Err(why)) => Err(Unreadable::Other(why)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Err(Unreadable::Missing),
            Err(error) => Err(Unreadable::Other(told(&error))),
        }
    }
}

/// The workflow of the repository around us that somebody meant who named only a file of the same name, as
/// a question; none if there is something where they said.
pub fn did_you_mean(path: &Path) -> Option<String> {
    if path.symlink_metadata().is_ok() {
        return None;
    }
    let name = path.file_name()?.to_str()?;
    let tree = Tree::of(Path::new(".")).ok()?;
    let meant = format!("{WORKFLOWS}/{name}");
    let found = tree.directory.symlink_metadata(&meant).ok()?;
    let shown = tree.shown(&meant);
    found.is_file().then(|| format!("did you mean `{shown}`?"))
}

/// The text of a file that the user named for us to read, wherever it is. `what` says what it is.
///
/// # Errors
///
/// It is not there, is no file, is too large, or is not UTF-8.
pub fn read_named(path: &Path, what: &str) -> Result<SourceFile, InputError> {
    read_named_within(path, what, LARGEST)
}

/// The same, of at most this many bytes.
///
/// # Errors
///
/// It is not there, is no file, is too large, or is not UTF-8.
pub fn read_named_within(path: &Path, what: &str, largest: u64) -> Result<SourceFile, InputError> {
    use std::os::unix::fs::OpenOptionsExt;

    let shown = path.display().to_string();
    let flags = rustix::fs::OFlags::NONBLOCK.bits().cast_signed();
    let opened = fs::OpenOptions::new()
        .read(true)
        .custom_flags(flags)
        .open(path);
    let text = match opened {
        Ok(file) => contents(file, largest),
        Err(error) => Err(told(&error)),
    };
    match text {
        Ok(text) => Ok(SourceFile::new(shown, text)),
        Err(why) => Err(InputError::usage(format!(
            "cannot read {what} `{shown}`: {why}"
        ))),
    }
}

/// The text of standard input, up to the same limit.
///
/// # Errors
///
/// It can't be read, is too large, or is not UTF-8.
pub fn read_standard_input(what: &str) -> Result<SourceFile, InputError> {
    let text = text_of(&mut io::stdin().lock(), LARGEST);
    let text = text.map_err(|why| {
        InputError::usage(format!("cannot read {what} from standard input: {why}"))
    })?;
    Ok(SourceFile::new("-", text))
}

/// What an open file holds, if it is a file.
fn contents(mut file: fs::File, largest: u64) -> Result<String, String> {
    let found = file.metadata().map_err(|error| told(&error))?;
    if !found.is_file() {
        return Err("it is not a file".to_owned());
    }
    text_of(&mut file, largest)
}

fn text_of(reader: &mut dyn Read, largest: u64) -> Result<String, String> {
    let mut bytes = Vec::new();
    let reading = reader.take(largest + 1).read_to_end(&mut bytes);
    reading.map_err(|error| told(&error))?;
    if bytes.len() as u64 > largest {
        return Err(format!("it is larger than {} MiB", largest >> 20));
    }
    utf8(bytes)
}

/// Bytes as text, or why they are none.
///
/// # Errors
///
/// They are not UTF-8; the first line that is not is named.
pub fn utf8(bytes: Vec<u8>) -> Result<String, String> {
    String::from_utf8(bytes).map_err(|error| {
        let before = &error.as_bytes()[..error.utf8_error().valid_up_to()];
        let line = before.iter().filter(|&&byte| byte == b'\n').count() + 1;
        format!("it is not UTF-8, from line {line} on")
    })
}

/// An error of the system, in words. A name that leads out of the directory is refused with one that
/// says nothing about names.
fn told(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::NotFound => "there is no such file".to_owned(),
        io::ErrorKind::IsADirectory => "it is a directory".to_owned(),
        io::ErrorKind::PermissionDenied if error.raw_os_error().is_none() => {
            "it leads out of its repository, or its directory where it is in none".to_owned()
        }
        _ => error.to_string(),
    }
}

fn unreadable(shown: &str, why: &str) -> InputError {
    InputError::usage(format!("cannot read `{shown}`: {why}"))
}

fn no_file(shown: &str) -> InputError {
    unreadable(shown, "it is not a file")
}

/// What leads from one directory to another: nothing, some `../`, or the whole path.
fn prefix(from: &Path, root: &Path) -> String {
    match from.strip_prefix(root) {
        Ok(below) => "../".repeat(below.components().count()),
        Err(_) => match root.strip_prefix(from) {
            Ok(below) => format!("{}/", below.display()),
            Err(_) => format!("{}/", root.display()),
        },
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    /// A repository with a file outside of it, `../outside.yml`.
    fn repository() -> (tempfile::TempDir, PathBuf) {
        let directory = tempfile::tempdir().unwrap();
        let root = directory.path().join("repository");
        fs::create_dir_all(root.join(".git")).unwrap();
        fs::create_dir_all(root.join(WORKFLOWS)).unwrap();
        fs::write(directory.path().join("outside.yml"), "secret").unwrap();
        fs::write(root.join(WORKFLOWS).join("a.yml"), "a").unwrap();
        (directory, root)
    }

    #[test]
    fn a_file_is_found_in_its_repository_and_shown_as_it_was_typed() {
        let (_kept, root) = repository();
        let typed = root.join(".github/../.github/workflows/a.yml");
        let (tree, path) = Tree::around(&typed).unwrap();
        assert_eq!(path, ".github/workflows/a.yml");
        let file = tree.read(&path).unwrap();
        assert_eq!(file.name(), typed.display().to_string());
        assert_eq!(file.text(), "a");
        assert!(matches!(tree.read("none.yml"), Err(Unreadable::Missing)));
    }

    #[test]
    fn nothing_leads_out_of_the_repository() {
        let (_kept, root) = repository();
        symlink("../../../outside.yml", root.join(WORKFLOWS).join("out.yml")).unwrap();
        symlink("/etc/passwd", root.join("absolute.yml")).unwrap();
        symlink("a.yml", root.join(WORKFLOWS).join("in.yml")).unwrap();
        let tree = Tree::of(&root).unwrap();
        for path in [
            ".github/workflows/out.yml",
            "absolute.yml",
            "../outside.yml",
            "/etc/passwd",
        ] {
            let expected =
                "it leads out of its repository, or its directory where it is in none".to_owned();
            assert_eq!(
                tree.read(path).unwrap_err(),
                Unreadable::Other(expected),
                "{path}"
            );
        }
        assert_eq!(tree.read(".github/workflows/in.yml").unwrap().text(), "a");
    }

    #[test]
    fn only_files_of_a_sensible_size_are_read() {
        let (_kept, root) = repository();
        let fifo = root.join("pipe.yml");
        rustix::fs::mknodat(
            rustix::fs::CWD,
            &fifo,
            rustix::fs::FileType::Fifo,
            rustix::fs::Mode::RUSR,
            0,
        )
        .unwrap();
        fs::File::create(root.join("large.yml"))
            .unwrap()
            .set_len(LARGEST + 1)
            .unwrap();
        fs::write(root.join("bytes.yml"), b"on: push\n\xff").unwrap();
        let tree = Tree::of(&root).unwrap();
        for (path, expected) in [
            ("pipe.yml", "it is not a file"),
            (".github", "it is not a file"),
            ("large.yml", "it is larger than 4 MiB"),
            ("bytes.yml", "it is not UTF-8, from line 2 on"),
        ] {
            let found = tree.read(path).unwrap_err().to_string();
            assert_eq!(found, expected, "{path}");
        }
        let named = read_named(&fifo, "the payload").unwrap_err();
        assert!(
            named.message.ends_with("pipe.yml`: it is not a file"),
            "{}",
            named.message
        );
    }

    #[test]
    fn workflows_and_actions_are_found_where_they_are_expected() {
        let (_kept, root) = repository();
        fs::write(root.join(WORKFLOWS).join("b.yaml"), "").unwrap();
        fs::write(root.join(WORKFLOWS).join("readme.md"), "").unwrap();
        fs::create_dir_all(root.join(ACTIONS).join("mine")).unwrap();
        fs::write(root.join(ACTIONS).join("mine/action.yaml"), "").unwrap();
        fs::write(root.join("action.yml"), "").unwrap();
        let tree = Tree::of(&root).unwrap();
        assert_eq!(
            tree.workflows_and_actions(),
            [
                ".github/workflows/a.yml",
                ".github/workflows/b.yaml",
                "action.yml",
                ".github/actions/mine/action.yaml",
            ]
        );
    }

    #[test]
    fn paths_are_written_from_where_we_are() {
        for (from, root, expected) in [
            ("/a/b", "/a/b", ""),
            ("/a/b/c/d", "/a/b", "../../"),
            ("/a", "/a/b/c", "b/c/"),
            ("/x", "/a/b", "/a/b/"),
        ] {
            assert_eq!(
                prefix(Path::new(from), Path::new(root)),
                expected,
                "{from} {root}"
            );
        }
    }
}
