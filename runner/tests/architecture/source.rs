//! Sources as text: where they are, and what of them is compiled into the product.

use std::fs;
use std::path::{Path, PathBuf};

/// A source file.
pub(crate) struct Source {
    /// Below the directory that was asked for.
    pub(crate) path: PathBuf,
    pub(crate) text: String,
}

impl Source {
    pub(crate) fn new(path: &str, text: &str) -> Self {
        Self {
            path: PathBuf::from(path),
            text: text.to_owned(),
        }
    }

    /// The module at the top that it belongs to: its folder, or its own name.
    pub(crate) fn module(&self) -> String {
        let first = self.path.iter().next().unwrap_or_default();
        first.to_string_lossy().trim_end_matches(".rs").to_owned()
    }

    /// How many modules deep it is; one at the top is 1 deep.
    pub(crate) fn depth(&self) -> usize {
        let parts = self.path.components().count();
        parts - usize::from(self.path.ends_with("mod.rs"))
    }

    /// What is compiled into the product, line for line: comments and tests are empty lines.
    pub(crate) fn product(&self) -> String {
        let mut kept = String::new();
        let mut skipped = Skipped::Nothing;
        for line in self.text.lines() {
            let (keep, next) = skipped.line(line);
            skipped = next;
            if keep {
                kept.push_str(without_comment(line));
            }
            kept.push('\n');
        }
        kept
    }
}

/// What is left out at the moment. Sources are formatted, so an item ends with the first line that
/// closes it at the indentation at which it began.
enum Skipped {
    Nothing,
    /// `#[cfg(test)]` was read at this indentation, and its item is to come.
    Item(usize),
    /// Inside of its item.
    Body(usize),
}

impl Skipped {
    /// Whether a line is kept, and what is left out after it.
    fn line(self, line: &str) -> (bool, Self) {
        let indent = line.len() - line.trim_start().len();
        match self {
            Self::Nothing if line.trim() == "#[cfg(test)]" => (false, Self::Item(indent)),
            Self::Nothing => (true, Self::Nothing),
            Self::Item(at) if line.trim_start().starts_with("#[") => (false, Self::Item(at)),
            Self::Item(_) if line.ends_with([';', '}']) => (false, Self::Nothing),
            Self::Item(at) => (false, Self::Body(at)),
            Self::Body(at) if indent == at && line.trim_start().starts_with('}') => {
                (false, Self::Nothing)
            }
            Self::Body(at) => (false, Self::Body(at)),
        }
    }
}

fn without_comment(line: &str) -> &str {
    if line.trim_start().starts_with("//") {
        return "";
    }
    line.find(" // ").map_or(line, |start| &line[..start])
}

/// Every source of the product below a directory: files of tests are left out.
pub(crate) fn below(root: &Path) -> Vec<Source> {
    let is_test = |source: &Source| {
        let mut parts = source.path.iter();
        parts.any(|part| part == "tests" || part == "tests.rs")
    };
    let mut sources = all_below(root);
    sources.retain(|source| !is_test(source));
    sources
}

/// Every source below a directory.
pub(crate) fn all_below(root: &Path) -> Vec<Source> {
    let mut sources = Vec::new();
    let mut directories = vec![root.to_owned()];
    while let Some(directory) = directories.pop() {
        for entry in fs::read_dir(&directory).expect("a directory") {
            let path = entry.expect("its entry").path();
            if path.is_dir() {
                directories.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let text = fs::read_to_string(&path).expect("a source");
                let path = path.strip_prefix(root).unwrap_or(&path).to_owned();
                sources.push(Source { path, text });
            }
        }
    }
    sources.sort_by(|one, other| one.path.cmp(&other.path));
    sources
}

/// The modules at the top.
pub(crate) fn modules(root: &Path) -> Vec<String> {
    let mut modules: Vec<String> = below(root).iter().map(Source::module).collect();
    modules.retain(|module| module != "lib" && module != "main");
    modules.dedup();
    modules.sort();
    modules
}

/// The documents that a line names, by their path from the top of the repository.
pub(crate) fn documents_in(line: &str) -> impl Iterator<Item = &str> {
    let is_part = |c: char| c.is_ascii_alphanumeric() || "-_/.".contains(c);
    let words = line.split(move |c: char| !is_part(c));
    let words = words.map(|word| word.trim_end_matches('.'));
    words.filter(|word| word.starts_with("docs/") && word.ends_with(".md"))
}
