//! Patterns of files as steps write them, with the rules of GitHub's `@actions/glob` on Windows: `\` and
//! `/` are the same, and so are upper and lower case; a pattern that matches a directory means all that is
//! in it; of several patterns the last that matches decides, and one with `!` takes away. Paths of a guest
//! only: nothing here looks at a disk.

use globset::{GlobBuilder, GlobSet, GlobSetBuilder};

use crate::guest::profile::has_drive;

/// Patterns, ready to match.
#[derive(Debug)]
pub struct Patterns(Vec<Pattern>);

#[derive(Debug)]
struct Pattern {
    takes_away: bool,
    /// What is in front of the first part with a wildcard.
    start: Vec<String>,
    /// Whether it takes all that is below its start.
    whole: bool,
    globs: GlobSet,
}

/// A part of a path: as it is, or as somebody wrote it who may mean a wildcard.
#[derive(Debug, Clone)]
enum Part {
    Plain(String),
    Written(String),
}

impl Part {
    fn has_wildcard(&self) -> bool {
        matches!(self, Self::Written(text) if text.contains(['*', '?', '[']))
    }

    fn text(&self) -> &str {
        match self {
            Self::Plain(text) | Self::Written(text) => text,
        }
    }

    /// As a glob of the library's, to which braces mean something.
    fn glob(&self) -> String {
        match self {
            Self::Plain(text) => globset::escape(text),
            Self::Written(text) => plain_braces(text),
        }
    }
}

impl Patterns {
    /// Reads patterns, one a line; blank lines and those that begin with `#` are none. Relative ones begin
    /// at `base`, an absolute directory in Windows form. One that begins at the home, with `~`, matches
    /// nothing.
    ///
    /// # Errors
    ///
    /// What is wrong with one, for people.
    pub fn parse<'t>(lines: impl IntoIterator<Item = &'t str>, base: &str) -> Result<Self, String> {
        let lines = lines.into_iter().map(str::trim);
        let lines = lines.filter(|line| !line.is_empty() && !line.starts_with('#'));
        let patterns = lines.filter_map(|line| pattern(line, base).transpose());
        Ok(Self(patterns.collect::<Result<_, _>>()?))
    }

    /// Whether nothing can match.
    pub fn is_empty(&self) -> bool {
        self.0.iter().all(|pattern| pattern.takes_away)
    }

    /// Whether a file is meant, by its absolute path as [`parts`] takes it apart, joined by `/`.
    pub fn matches(&self, path: &str) -> bool {
        let matching = |pattern: &&Pattern| pattern.globs.is_match(path);
        let last = self.0.iter().rev().find(matching);
        last.is_some_and(|pattern| !pattern.takes_away)
    }

    /// Whether everything below a path matches.
    pub fn take_all_below(&self, path: &[String]) -> bool {
        let takes_it = |pattern: &Pattern| pattern.whole && is_below(path, &pattern.start);
        !self.0.iter().any(|pattern| pattern.takes_away) && self.0.iter().any(takes_it)
    }

    /// The paths below which everything is that can match, as [`parts`] has them. None is below another.
    pub fn search_paths(&self) -> Vec<Vec<String>> {
        let taking = self.0.iter().filter(|pattern| !pattern.takes_away);
        let mut starts: Vec<&Vec<String>> = taking.map(|pattern| &pattern.start).collect();
        starts.sort_by_key(|start| start.len());
        let mut paths: Vec<Vec<String>> = Vec::new();
        for start in starts {
            if !paths.iter().any(|path| is_below(start, path)) {
                paths.push(start.clone());
            }
        }
        paths
    }
}

/// Whether a path is at or below another.
pub fn is_below(path: &[String], other: &[String]) -> bool {
    path.len() >= other.len() && shared(path, other) == other.len()
}

/// How many parts two paths have in common from their beginning.
pub fn shared(one: &[String], other: &[String]) -> usize {
    let both = one.iter().zip(other);
    both.take_while(|(a, b)| a.to_lowercase() == b.to_lowercase())
        .count()
}

/// The parts of an absolute path in Windows form, the first of which is its drive. One without a drive
/// begins with an empty part.
pub fn parts(path: &str) -> Vec<String> {
    let path = path.replace('\\', "/");
    let trimmed = path.trim_end_matches('/');
    trimmed.split('/').map(str::to_owned).collect()
}

/// Reads one pattern; none if it begins at a place that is not known here.
fn pattern(line: &str, base: &str) -> Result<Option<Pattern>, String> {
    let body = line.trim_start_matches('!');
    let takes_away = (line.len() - body.len()) % 2 == 1;
    let body = body.trim();
    if body.starts_with('~') {
        return Ok(None);
    }
    let parts = absolute(body, base);
    let whole = parts.iter().map(Part::glob).collect::<Vec<_>>().join("/");
    // With a separator at its end it means a directory, and only what is in that.
    let is_directory = body.ends_with(['/', '\\']);
    let forms = [
        Some(format!("{whole}/**")),
        (!is_directory).then_some(whole),
    ];
    let mut set = GlobSetBuilder::new();
    for form in forms.into_iter().flatten() {
        let glob = GlobBuilder::new(&form)
            .case_insensitive(true)
            .literal_separator(true)
            .backslash_escape(false)
            .build();
        set.add(glob.map_err(|error| format!("the pattern `{line}` can't be used: {error}"))?);
    }
    let globs = set.build().map_err(|error| error.to_string())?;
    let named = parts.iter().take_while(|part| !part.has_wildcard());
    let start: Vec<String> = named.map(|part| part.text().to_owned()).collect();
    Ok(Some(Pattern {
        takes_away,
        whole: match &parts[start.len()..] {
            [] => true,
            [last] => last.text() == "**",
            _ => false,
        },
        start,
        globs,
    }))
}

/// A pattern as an absolute path, without `.` and `..`.
fn absolute(pattern: &str, base: &str) -> Vec<Part> {
    let mut path = pattern.replace('\\', "/");
    // `/C:/a` is how the embedded guest's bash writes `C:\a`.
    if path.strip_prefix('/').is_some_and(has_drive) {
        path.remove(0);
    }
    let base = parts(base).into_iter().map(Part::Plain);
    let mut written = path.split('/').map(|part| Part::Written(part.to_owned()));
    let mut all: Vec<Part> = if has_drive(&path) {
        written.next().into_iter().collect()
    } else if path.starts_with('/') {
        // The drive that we are on.
        base.take(1).collect()
    } else {
        base.collect()
    };
    for part in written {
        match part.text() {
            "." | "" => {}
            ".." if all.len() > 1 => {
                all.pop();
            }
            // There is nothing above a drive.
            ".." => {}
            _ => all.push(part),
        }
    }
    all
}

/// Braces mean nothing here.
fn plain_braces(pattern: &str) -> String {
    let mut plain = String::with_capacity(pattern.len());
    for c in pattern.chars() {
        match c {
            '{' | '}' => plain.extend(['[', c, ']']),
            c => plain.push(c),
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    const BASE: &str = r"C:\a\it\it";

    fn read(patterns: &[&str]) -> Patterns {
        let lines = patterns.iter().flat_map(|text| text.lines());
        Patterns::parse(lines, BASE).unwrap()
    }

    #[test]
    fn patterns_match_as_githubs_do() {
        for (patterns, name, expected) in [
            (&["**/package-lock.json"][..], "package-lock.json", true),
            (&["**/package-lock.json"], "a/b/Package-Lock.json", true),
            (&["*.json"], "a/x.json", false),
            (&[r"a\*.json"], "a/x.json", true),
            (&["**"], ".hidden/.x", true),
            // A directory means all that is in it.
            (&["src"], "src/a/b.c", true),
            (&["src"], "src.c", false),
            (&["src/"], "src/a", true),
            (&["src/"], "src", false),
            (&["*"], "a/b", true),
            (&["."], "a/b", true),
            // The last that matches decides.
            (&["**/*.c", "!gen/**"], "gen/x.c", false),
            (&["!gen/**", "**/*.c"], "gen/x.c", true),
            (&["**/*.c", "!gen", "gen/keep.c"], "gen/keep.c", true),
            (&["**/*.c", "!!gen"], "gen/x.h", true),
            // Several a line, with comments.
            (&["# all\n**/*.c\n\n!x.c"], "x.c", false),
            (&["# all\n**/*.c\n\n!x.c"], "y.c", true),
            // Where the base is, is known.
            (&[r"C:\a\it\it\x.c"], "x.c", true),
            (&["c:/A/it/it/**/*.c"], "d/x.c", true),
            (&["/C:/a/it/it/x.c"], "x.c", true),
            (&[r"\a\it\it\x.c"], "x.c", true),
            (&[r"C:\a\it\x.c"], "x.c", false),
            (&[r"C:\a\it"], "x.c", true),
            (&[r"C:\a\it\itself\x.c"], "x.c", false),
            (&[r"D:\a\it\it\x.c"], "x.c", false),
            (&["../it/x.c"], "x.c", true),
            (&["../x.c"], "x.c", false),
            (&["a/../x.c"], "x.c", true),
            (&["~/x.c"], "x.c", false),
            // Neither braces nor extended patterns.
            (&["{a,b}.c"], "a.c", false),
            (&["{a,b}.c"], "{a,b}.c", true),
            (&["[ab].c"], "b.c", true),
            (&["?.c"], "ab.c", false),
        ] {
            let path = format!("C:/a/it/it/{name}");
            assert_eq!(
                read(patterns).matches(&path),
                expected,
                "{patterns:?} {name}"
            );
        }
    }

    #[test]
    fn a_base_is_taken_as_it_is() {
        let patterns = Patterns::parse(["*.c"], r"\tmp\[x]{y}").unwrap();
        assert!(patterns.matches("/tmp/[x]{y}/a.c"));
        assert!(!patterns.matches("/tmp/x{y}/a.c"));
        assert_eq!(patterns.search_paths(), [["", "tmp", "[x]{y}"]]);
    }

    #[test]
    fn the_places_to_look_are_what_comes_before_wildcards() {
        for (patterns, expected) in [
            (&["a/b*/c"][..], &["C:/a/it/it/a"][..]),
            (&["**/x"], &["C:/a/it/it"]),
            (&["a/x.txt"], &["C:/a/it/it/a/x.txt"]),
            (&["a/", "A/b/*", "!c"], &["C:/a/it/it/a"]),
            (&["../..", "x"], &["C:/a"]),
            (
                &[r"D:\*", "b", "a"],
                &["D:", "C:/a/it/it/b", "C:/a/it/it/a"],
            ),
            (&["!a"], &[]),
        ] {
            let found = read(patterns).search_paths();
            let found: Vec<String> = found.iter().map(|path| path.join("/")).collect();
            assert_eq!(found, expected, "{patterns:?}");
        }
        assert!(read(&["!a", "~/x"]).is_empty());
    }

    #[test]
    fn a_pattern_that_is_none_is_named() {
        let error = Patterns::parse(["x[a"], BASE).unwrap_err();
        assert!(error.contains("`x[a`"), "{error}");
    }
}
