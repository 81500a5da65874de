//! The paths that a source names, with `use` groups taken apart and `super` followed to the top.

use crate::source::Source;

/// A path that is named somewhere.
pub(crate) struct Use {
    /// The module at the top that names it.
    pub(crate) by: String,
    /// The path: `crate::…`, or another crate's.
    pub(crate) of: String,
    place: String,
}

impl Use {
    pub(crate) fn all_of(source: &Source) -> Vec<Self> {
        let text = source.product();
        let mut found = Vec::new();
        for start in starts_of_paths(&text) {
            let mut paths = Vec::new();
            Reader {
                text: &text,
                at: start,
            }
            .tree("", &mut paths);
            for (offset, path) in paths {
                let line = text[..offset].matches('\n').count() + 1;
                found.push(Self {
                    by: source.module(),
                    of: from_the_top(&path, source.depth()),
                    place: format!("{}:{line}", source.path.display()),
                });
            }
        }
        found
    }

    /// Whether it is one of our own modules or crates that is named.
    pub(crate) fn is_ours(&self) -> bool {
        ["crate::", "dormer::", "dormer_workflow::"]
            .iter()
            .any(|ours| self.of.starts_with(ours))
    }

    pub(crate) fn forbidden(&self) -> String {
        format!("{}: `{}` may not use `{}`", self.place, self.by, self.of)
    }
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// Where a path begins: a word before `::` that none leads to.
fn starts_of_paths(text: &str) -> Vec<usize> {
    let separators = text.match_indices("::").map(|(offset, _)| offset);
    let starts = separators.filter_map(|separator| {
        let before = text[..separator].trim_end_matches(is_word);
        let is_start = before.len() < separator && !before.ends_with("::");
        is_start.then_some(before.len())
    });
    starts.collect()
}

/// `super` as often as a module is deep leads to the top.
fn from_the_top(path: &str, depth: usize) -> String {
    let mut rest = path;
    let mut climbed = 0;
    while let Some(shorter) = rest.strip_prefix("super::") {
        rest = shorter;
        climbed += 1;
    }
    if climbed > 0 && climbed >= depth {
        format!("crate::{rest}")
    } else {
        path.to_owned()
    }
}

/// Reads one path, or a tree of paths in braces.
struct Reader<'t> {
    text: &'t str,
    at: usize,
}

impl<'t> Reader<'t> {
    /// Adds every path of the tree that begins here, each with where its own part begins.
    fn tree(&mut self, prefix: &str, paths: &mut Vec<(usize, String)>) {
        let begin = self.at;
        let mut path = prefix.to_owned();
        loop {
            path.push_str(self.word());
            let goes_on = self.take("::");
            if goes_on && self.take("{") {
                return self.group(&path, paths);
            }
            // What follows may also be a list of types, or a glob: the path ends before it.
            if !(goes_on && self.rest().starts_with(is_word)) {
                break;
            }
            path.push_str("::");
        }
        paths.push((begin, path));
    }

    fn group(&mut self, path: &str, paths: &mut Vec<(usize, String)>) {
        let prefix = format!("{path}::");
        loop {
            self.skip_space();
            if self.take("}") || self.rest().is_empty() {
                return;
            }
            let before = self.at;
            self.tree(&prefix, paths);
            // `as name`, a glob, a comma: whatever stands before the next one.
            let end = self.rest().find([',', '}']).unwrap_or(self.rest().len());
            self.at += end;
            self.take(",");
            assert!(
                self.at > before,
                "a group of uses at {path} is not understood"
            );
        }
    }

    fn rest(&self) -> &'t str {
        &self.text[self.at..]
    }

    fn word(&mut self) -> &'t str {
        let begin = self.at;
        let rest = self.rest();
        self.at += rest.find(|c| !is_word(c)).unwrap_or(rest.len());
        &self.text[begin..self.at]
    }

    fn skip_space(&mut self) {
        let rest = self.rest();
        self.at += rest.len() - rest.trim_start().len();
    }

    fn take(&mut self, what: &str) -> bool {
        let taken = self.rest().starts_with(what);
        self.at += if taken { what.len() } else { 0 };
        taken
    }
}
