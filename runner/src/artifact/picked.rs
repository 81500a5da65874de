//! The files that a step uploads. Their paths below the artifact follow the rules of
//! `actions/upload-artifact`: they begin at the directory that everything which is searched has in common,
//! and a single file that was named goes by its own name.

use crate::artifact::selection::{Place, Root, Selection};
use crate::glob::{self, Patterns, is_below};
use crate::guest::profile::has_drive;

/// What a step uploads as one artifact.
#[derive(Debug)]
pub struct Picked {
    artifact: String,
    patterns: Patterns,
    texts: Vec<String>,
    workspace: Vec<String>,
    /// The paths that are searched, none of which is below another. At least one.
    searched: Vec<Vec<String>>,
    /// How many parts of a file's path the artifact's root has.
    depth: usize,
    hidden: bool,
}

impl Picked {
    /// Reads the `path` of an upload: patterns, one a line, relative to `workspace`, a directory in Windows
    /// form. Without `hidden`, what begins with a dot is left out.
    ///
    /// # Errors
    ///
    /// Why nothing can be searched for, for people.
    pub fn parse(
        artifact: &str,
        path: &str,
        workspace: &str,
        hidden: bool,
    ) -> Result<Self, String> {
        let lines = || path.lines().map(str::trim).filter(|line| !line.is_empty());
        if let Some(line) = lines().find(|line| line.trim_start_matches('!').starts_with('~')) {
            return Err(format!(
                "the path `{line}` can't be used: where `~` is, is not known; write the whole path"
            ));
        }
        let patterns = Patterns::parse(lines(), workspace)?;
        let searched = patterns.search_paths();
        let root = common(&searched).ok_or("`path` names nothing to upload")?;
        if root.is_empty() {
            return Err(
                "the paths are on different drives, and have no directory in common".to_owned(),
            );
        }
        let picked = Self {
            artifact: artifact.to_owned(),
            patterns,
            texts: lines().map(str::to_owned).collect(),
            workspace: glob::parts(workspace),
            depth: root.len(),
            searched,
            hidden,
        };
        match picked
            .searched
            .iter()
            .find(|path| picked.place(path).is_none())
        {
            Some(path) => Err(format!(
                "the path `{}` can't be used: it is on no drive",
                path.join("\\")
            )),
            None => Ok(picked),
        }
    }

    /// The parts of a file's absolute path.
    fn absolute(&self, root: Root, path: &str) -> Vec<String> {
        let mut parts = match root {
            Root::Workspace => self.workspace.clone(),
            Root::Drive(letter) => vec![format!("{letter}:")],
        };
        parts.extend(path.split('/').map(str::to_owned));
        parts
    }

    /// Whether the search for a file would meet a name that begins with a dot: its own, that of a directory
    /// on the way, or that of the path which is searched.
    fn is_hidden(&self, path: &[String]) -> bool {
        let found = self.searched.iter().find(|start| is_below(path, start));
        let named = found.map_or(0, |start| {
            // The workspace itself was not named.
            start.len() - usize::from(start.len() != self.workspace.len())
        });
        path.iter().skip(named).any(|part| part.starts_with('.'))
    }

    fn place(&self, path: &[String]) -> Option<Place> {
        let whole = self.hidden && self.patterns.take_all_below(path);
        if is_below(path, &self.workspace) {
            return Some(Place {
                root: Root::Workspace,
                start: path[self.workspace.len()..].to_vec(),
                whole,
            });
        }
        let (drive, start) = path.split_first()?;
        let letter = drive.chars().next().filter(|_| has_drive(drive))?;
        Some(Place {
            root: Root::Drive(letter.to_ascii_uppercase()),
            start: start.to_vec(),
            whole,
        })
    }
}

impl Selection for Picked {
    fn places(&self) -> Vec<Place> {
        let paths = self.searched.iter();
        paths.filter_map(|path| self.place(path)).collect()
    }

    fn wants(&self, root: Root, path: &str) -> bool {
        let parts = self.absolute(root, path);
        self.patterns.matches(&parts.join("/")) && (self.hidden || !self.is_hidden(&parts))
    }

    fn out_name(&self, root: Root, path: &str) -> String {
        let parts = self.absolute(root, path);
        let last = parts.len() - 1;
        // A file that is the root itself goes by its own name.
        let below = parts[self.depth.min(last)..].join("/");
        format!("{}/{below}", self.artifact)
    }

    fn texts(&self) -> &[String] {
        &self.texts
    }
}

/// What all paths begin with; none if there are no paths.
fn common(paths: &[Vec<String>]) -> Option<&[String]> {
    let (first, others) = paths.split_first()?;
    let lengths = others.iter().map(|other| glob::shared(first, other));
    let length = lengths.min().unwrap_or(first.len());
    first.get(..length)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn picked(path: &str, hidden: bool) -> Picked {
        Picked::parse("it", path, r"C:\a\it\it", hidden).unwrap()
    }

    #[test]
    fn the_root_is_what_everything_searched_has_in_common() {
        let drive = Root::Drive('C');
        for (path, root, file, expected) in [
            // A single file goes by its name, and a directory is not part of its files' names.
            ("a/b/x.txt", Root::Workspace, "a/b/x.txt", "x.txt"),
            ("a/b", Root::Workspace, "a/b/c/x.txt", "c/x.txt"),
            ("a/b/", Root::Workspace, "A/B/x.txt", "x.txt"),
            (".", Root::Workspace, "a/x.txt", "a/x.txt"),
            // After the first wildcard the path is kept.
            (
                "p/*/d/f?.txt",
                Root::Workspace,
                "p/s/d/f1.txt",
                "s/d/f1.txt",
            ),
            ("p/[ab]/**", Root::Workspace, "p/a/x", "a/x"),
            ("**/*.txt", Root::Workspace, "a/x.txt", "a/x.txt"),
            // Several.
            ("p/o/bin/\np/o/res", Root::Workspace, "p/o/bin/x", "bin/x"),
            ("p/o/bin/\np/o/res", Root::Workspace, "p/o/res/x", "res/x"),
            ("p/x.txt\np/y.txt", Root::Workspace, "p/y.txt", "y.txt"),
            ("p\nq", Root::Workspace, "q/y", "q/y"),
            ("p\np/q/*.c", Root::Workspace, "p/q/y.c", "q/y.c"),
            // What is excluded changes nothing.
            ("p/o\n!q/**", Root::Workspace, "p/o/x", "x"),
            // Elsewhere.
            (r"C:\logs\*.log", drive, "logs/x.log", "x.log"),
            ("C:\\logs\np", drive, "logs/x.log", "logs/x.log"),
            ("C:\\logs\np", Root::Workspace, "p/x", "a/it/it/p/x"),
            ("../other/x", drive, "a/it/other/x", "x"),
        ] {
            let picked = picked(path, false);
            assert!(picked.wants(root, file), "{path:?} {file}");
            let name = picked.out_name(root, file);
            assert_eq!(name, format!("it/{expected}"), "{path:?} {file}");
        }
    }

    #[test]
    fn places_are_what_is_searched() {
        let place = |root, start: &[&str]| Place {
            root,
            start: start.iter().map(|part| (*part).to_owned()).collect(),
            whole: false,
        };
        let expected = [
            place(Root::Workspace, &["p"]),
            place(Root::Drive('C'), &["logs", "x.log"]),
        ];
        let mut found = picked("p/*.c\nc:/logs/x.log\n!z", false).places();
        found.sort_by_key(|place| place.root);
        assert_eq!(found, expected);
    }

    #[test]
    fn a_place_is_whole_if_nothing_in_it_is_left_out() {
        for (path, expected) in [
            ("p", true),
            ("p/", true),
            ("p/**", true),
            ("p/q\np", true),
            ("p/*", false),
            ("p/**/*.c", false),
            ("p\n!p/q", false),
        ] {
            assert_eq!(picked(path, true).places()[0].whole, expected, "{path:?}");
            assert!(!picked(path, false).places()[0].whole, "{path:?}");
        }
    }

    #[test]
    fn hidden_files_are_left_out_unless_asked_for() {
        for (path, file, expected) in [
            ("**", ".env", false),
            ("**", "a/.git/x", false),
            ("**", "a/x", true),
            (".config", ".config/x", false),
            (".config/*", ".config/x", false),
            // Only names that the search meets count.
            (".config/x", ".config/x", true),
            ("a/.x", "a/.x", false),
            (".", "a/x", true),
        ] {
            let wants = |hidden| picked(path, hidden).wants(Root::Workspace, file);
            assert_eq!(wants(false), expected, "{path} {file}");
            assert!(wants(true), "{path} {file}");
        }
    }

    #[test]
    fn exclusions_take_away() {
        let picked = picked("p\n!p/**/*.tmp\n!p/q", false);
        assert!(picked.wants(Root::Workspace, "p/x.c"));
        assert!(!picked.wants(Root::Workspace, "p/a/x.TMP"));
        assert!(!picked.wants(Root::Workspace, "p/q/x.c"));
    }

    #[test]
    fn what_cannot_be_searched_is_said() {
        for (path, expected) in [
            ("", "nothing to upload"),
            ("!a", "nothing to upload"),
            ("~/x", "`~/x`"),
            ("C:\\a\nD:\\b", "different drives"),
            ("[a", "`[a`"),
        ] {
            let why = Picked::parse("it", path, r"C:\a\it\it", false).unwrap_err();
            assert!(why.contains(expected), "{path}: {why}");
        }
    }
}
