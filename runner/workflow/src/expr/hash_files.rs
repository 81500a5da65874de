//! The arguments of `hashFiles`, taken apart. Finding files and hashing them is for the scope, since
//! there is no I/O here; the rules that whoever does it has to follow are those of GitHub's runner.

/// The one option, which only the first argument may be.
const FOLLOW_LINKS: &str = "--follow-symbolic-links";

/// What `hashFiles` is asked for.
///
/// The result is the SHA-256 of the files' SHA-256 digests, one after the other as 32 raw bytes each,
/// in lower-case hexadecimal digits. Without any file it is the empty string.
///
/// Files are those below the workspace, each once, in the order of a walk that goes through a folder
/// by name and into folders where they stand. Folders and what is outside of the workspace do not
/// count; links are followed only where [`Self::follow_links`] says so. A path is taken if the last
/// pattern that matches it is no exclusion ([`Self::takes`]); a pattern that matches a folder matches
/// everything below it. Patterns are relative to the workspace.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct HashFiles {
    /// The patterns in their order; the later ones decide.
    pub patterns: Vec<FilePattern>,
    /// Whether the walk goes through symbolic links. Not by default.
    pub follow_links: bool,
}

/// A glob that takes files in or out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FilePattern {
    /// The glob: `*`, `?`, `[…]` within a name, `**` for any folders.
    pub glob: String,
    /// Whether it stood behind `!` and takes files out.
    pub excludes: bool,
}

impl HashFiles {
    /// Reads the arguments of a call. An argument may hold several patterns, one a line; empty lines
    /// and those that begin with `#` do not count.
    ///
    /// # Errors
    ///
    /// An option that there is not.
    pub fn parse(arguments: &[String]) -> Result<Self, String> {
        let (follow_links, patterns) = match arguments {
            [first, rest @ ..] if first.eq_ignore_ascii_case(FOLLOW_LINKS) => (true, rest),
            [first, ..] if first.starts_with("--") => {
                return Err(format!(
                    "there is no option `{first}`, only `{FOLLOW_LINKS}`"
                ));
            }
            patterns => (false, patterns),
        };
        let lines = patterns.iter().flat_map(|argument| argument.lines());
        let patterns = lines
            .map(str::trim)
            .filter(|line| !line.is_empty() && !line.starts_with('#'))
            .map(FilePattern::parse)
            .collect();
        Ok(Self {
            patterns,
            follow_links,
        })
    }

    /// Whether a path is taken, given which globs match it: the last one decides.
    pub fn takes(&self, matches: impl Fn(&str) -> bool) -> bool {
        let last = self.patterns.iter().rfind(|pattern| matches(&pattern.glob));
        last.is_some_and(|pattern| !pattern.excludes)
    }
}

impl FilePattern {
    /// Every `!` in front turns the meaning round.
    fn parse(line: &str) -> Self {
        let glob = line.trim_start_matches(|c: char| c == '!' || c.is_whitespace());
        let marks = line[..line.len() - glob.len()].matches('!').count();
        Self {
            glob: glob.to_owned(),
            excludes: marks % 2 == 1,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(arguments: &[&str]) -> Result<HashFiles, String> {
        let arguments: Vec<String> = arguments.iter().map(|&text| text.to_owned()).collect();
        HashFiles::parse(&arguments)
    }

    /// The patterns as they are written.
    fn written(arguments: &[&str]) -> Vec<String> {
        let mark = |pattern: &FilePattern| if pattern.excludes { "!" } else { "" };
        let patterns = parse(arguments).unwrap().patterns;
        patterns
            .iter()
            .map(|pattern| format!("{}{}", mark(pattern), pattern.glob))
            .collect()
    }

    #[test]
    fn arguments_and_their_lines_are_patterns() {
        assert_eq!(written(&["**/a", "b"]), ["**/a", "b"]);
        assert_eq!(written(&["a\n\n  b \r\n# c\n#d"]), ["a", "b"]);
        assert_eq!(
            written(&["!a", "! b", "!!c", "! ! !d", "e!"]),
            ["!a", "!b", "c", "!d", "e!"]
        );
        assert_eq!(written(&["", " "]), [""; 0]);
    }

    #[test]
    fn the_first_argument_may_be_the_option() {
        let read = parse(&["--Follow-Symbolic-Links", "a"]).unwrap();
        assert!(read.follow_links);
        assert_eq!(read.patterns.len(), 1);
        assert!(
            !parse(&["a", "--follow-symbolic-links"])
                .unwrap()
                .follow_links
        );
        assert_eq!(
            parse(&["--follow", "a"]).unwrap_err(),
            "there is no option `--follow`, only `--follow-symbolic-links`"
        );
    }

    #[test]
    fn the_last_pattern_that_matches_decides() {
        let read = parse(&["a", "!b", "c"]).unwrap();
        let takes = |globs: &[&str]| read.takes(|glob| globs.contains(&glob));
        assert!(takes(&["a"]));
        assert!(!takes(&["b"]));
        assert!(!takes(&["a", "b"]));
        assert!(takes(&["a", "b", "c"]));
        assert!(!takes(&[]));
    }
}
