//! The patterns of `hashFiles`, with the rules of GitHub's `@actions/glob` on Windows: `\` and `/` are
//! the same, and so are upper and lower case; a pattern that matches a directory means all that is in
//! it; of several patterns the last that matches decides, and one with `!` takes away.

use globset::{GlobBuilder, GlobSet, GlobSetBuilder};

use crate::guest::profile::has_drive;

/// Patterns, ready to match.
#[derive(Debug)]
pub(super) struct Patterns(Vec<Pattern>);

#[derive(Debug)]
struct Pattern {
    takes_away: bool,
    globs: GlobSet,
}

impl Patterns {
    /// Reads the arguments of a call: each may hold several patterns, one a line. `workspace` is the
    /// directory that they are relative to, in Windows form; what lies outside of it matches nothing.
    pub(super) fn parse(arguments: &[String], workspace: &str) -> Result<Self, String> {
        let arguments = match arguments.split_first() {
            Some((option, _)) if option.starts_with("--") => return Err(refuse(option)),
            _ => arguments,
        };
        let lines = arguments.iter().flat_map(|argument| argument.lines());
        let lines = lines.map(str::trim);
        let patterns = lines
            .filter(|line| !line.is_empty() && !line.starts_with('#'))
            .filter_map(|line| pattern(line, workspace).transpose());
        Ok(Self(patterns.collect::<Result<_, _>>()?))
    }

    /// Whether nothing can match.
    pub(super) fn is_empty(&self) -> bool {
        self.0.iter().all(|pattern| pattern.takes_away)
    }

    /// Whether a file below the workspace, its name with `/`, is meant.
    pub(super) fn matches(&self, name: &str) -> bool {
        let matching = |pattern: &&Pattern| pattern.globs.is_match(name);
        let last = self.0.iter().rev().find(matching);
        last.is_some_and(|pattern| !pattern.takes_away)
    }
}

fn refuse(option: &str) -> String {
    if option.eq_ignore_ascii_case("--follow-symbolic-links") {
        return "`--follow-symbolic-links` is not supported yet".to_owned();
    }
    format!("`{option}` is no option; the only one is `--follow-symbolic-links`")
}

/// Reads one pattern; none if it is about something outside of the workspace.
fn pattern(line: &str, workspace: &str) -> Result<Option<Pattern>, String> {
    let body = line.trim_start_matches('!');
    let takes_away = (line.len() - body.len()) % 2 == 1;
    let Some(glob) = below(body.trim(), workspace) else {
        return Ok(None);
    };
    let inside = if glob.is_empty() {
        "**".to_owned()
    } else {
        format!("{}/**", glob.trim_end_matches('/'))
    };
    let mut set = GlobSetBuilder::new();
    // With a separator at its end it means a directory, and only what is in that.
    let forms = [Some(inside), (!glob.ends_with('/')).then_some(glob)];
    for form in forms.into_iter().flatten().filter(|form| !form.is_empty()) {
        let glob = GlobBuilder::new(&plain_braces(&form))
            .case_insensitive(true)
            .literal_separator(true)
            .backslash_escape(false)
            .build();
        set.add(glob.map_err(|error| format!("the pattern `{line}` can't be used: {error}"))?);
    }
    let globs = set.build().map_err(|error| error.to_string())?;
    Ok(Some(Pattern { takes_away, globs }))
}

/// A pattern relative to the workspace, with `/`.
fn below(pattern: &str, workspace: &str) -> Option<String> {
    let mut path = pattern.replace('\\', "/");
    // `/C:/a` is how the embedded guest's bash writes `C:\a`.
    if path.strip_prefix('/').is_some_and(has_drive) {
        path.remove(0);
    }
    if has_drive(&path) {
        let workspace = workspace.replace('\\', "/");
        let head = path.get(..workspace.len())?;
        let rest = path.get(workspace.len()..)?;
        if !head.eq_ignore_ascii_case(&workspace) || !(rest.is_empty() || rest.starts_with('/')) {
            return None;
        }
        path = rest.to_owned();
        path = path.trim_start_matches('/').to_owned();
    } else if path.starts_with(['/', '~']) {
        return None;
    }
    normal(&path)
}

/// Without `.` and `..`; none if it leads out.
fn normal(path: &str) -> Option<String> {
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "." | "" => {}
            ".." => {
                parts.pop()?;
            }
            part => parts.push(part),
        }
    }
    let end = if path.ends_with('/') && !parts.is_empty() {
        "/"
    } else {
        ""
    };
    Some(format!("{}{end}", parts.join("/")))
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

/// Sorts names as a walk through the directories meets them, each in the order of Windows.
pub(super) fn in_order(names: &mut [String]) {
    names.sort_by_cached_key(|name| {
        let parts = name.split('/').map(str::to_uppercase);
        (parts.collect::<Vec<_>>(), name.clone())
    });
}

#[cfg(test)]
mod tests {
    use super::*;

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
            // Where the workspace is, is known.
            (&[r"C:\a\it\it\x.c"], "x.c", true),
            (&["c:/A/it/it/**/*.c"], "d/x.c", true),
            (&["/C:/a/it/it/x.c"], "x.c", true),
            (&[r"C:\a\it"], "x.c", false),
            (&[r"C:\a\it\itself\x.c"], "x.c", false),
            (&["../it/x.c"], "x.c", false),
            (&["a/../x.c"], "x.c", true),
            // Neither braces nor extended patterns.
            (&["{a,b}.c"], "a.c", false),
            (&["{a,b}.c"], "{a,b}.c", true),
            (&["[ab].c"], "b.c", true),
            (&["?.c"], "ab.c", false),
        ] {
            let arguments: Vec<String> = patterns.iter().map(|one| (*one).to_owned()).collect();
            let read = Patterns::parse(&arguments, r"C:\a\it\it").unwrap();
            assert_eq!(read.matches(name), expected, "{patterns:?} {name}");
        }
    }

    #[test]
    fn names_are_sorted_as_a_walk_meets_them() {
        let mut names = ["b/x", "a.c", "A/z", "a/b/c", "B.c"].map(str::to_owned);
        in_order(&mut names);
        assert_eq!(names, ["a/b/c", "A/z", "a.c", "b/x", "B.c"]);
    }

    #[test]
    fn options_are_known_or_refused() {
        for option in ["--follow-symbolic-links", "--x"] {
            let error = Patterns::parse(&[option.to_owned()], "").unwrap_err();
            assert!(error.contains(option));
        }
    }
}
