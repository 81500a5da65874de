//! The patterns by which a user names what a job leaves behind. They are matched as Windows matches
//! names: `\` and `/` are the same, and so are upper and lower case.

use globset::{GlobBuilder, GlobSet, GlobSetBuilder};

use crate::artifact::selection::{Place, Root, Selection};
use crate::failure::InputError;
use crate::guest::profile::has_drive;

/// Patterns, ready to match.
#[derive(Debug)]
pub struct Rules {
    groups: Vec<Group>,
    texts: Vec<String>,
}

#[derive(Debug)]
struct Group {
    root: Root,
    /// The directories that all its patterns begin with, as they were written.
    start: Vec<String>,
    /// Whether that is all of a pattern which takes everything, and nothing takes away from it.
    whole: bool,
    included: GlobSet,
    excluded: GlobSet,
}

impl Rules {
    /// Reads patterns. One that begins with `!` takes away from the others.
    pub fn parse(patterns: &[String]) -> Result<Self, InputError> {
        let (mut included, mut excluded) = (Vec::new(), Vec::new());
        for text in patterns {
            let (list, pattern) = match text.strip_prefix('!') {
                Some(rest) => (&mut excluded, rest),
                None => (&mut included, text.as_str()),
            };
            list.push(split(pattern)?);
        }
        let mut roots: Vec<Root> = included.iter().map(|(root, _)| *root).collect();
        roots.sort();
        roots.dedup();
        let of = |list: &[(Root, String)], root| -> Vec<String> {
            list.iter()
                .filter(|(r, _)| *r == root)
                .map(|(_, glob)| glob.clone())
                .collect()
        };
        let groups: Result<Vec<Group>, InputError> = roots
            .into_iter()
            .map(|root| {
                let (globs, without) = (of(&included, root), of(&excluded, root));
                let start = common_start(&globs);
                Ok(Group {
                    root,
                    whole: without.is_empty() && globs.iter().any(|glob| takes_all(glob, &start)),
                    start,
                    included: compile(&globs)?,
                    excluded: compile(&without)?,
                })
            })
            .collect();
        Ok(Self {
            groups: groups?,
            texts: patterns.to_vec(),
        })
    }

    /// Whether there is nothing to look for.
    pub fn is_empty(&self) -> bool {
        self.groups.is_empty()
    }
}

impl Selection for Rules {
    fn places(&self) -> Vec<Place> {
        let place = |group: &Group| Place {
            root: group.root,
            start: group.start.clone(),
            whole: group.whole,
        };
        self.groups.iter().map(place).collect()
    }

    fn wants(&self, root: Root, path: &str) -> bool {
        let group = self.groups.iter().find(|group| group.root == root);
        group.is_some_and(|group| group.included.is_match(path) && !group.excluded.is_match(path))
    }

    /// One from elsewhere than the workspace is put below its drive's letter.
    fn out_name(&self, root: Root, path: &str) -> String {
        match root {
            Root::Workspace => path.to_owned(),
            Root::Drive(letter) => format!("{letter}/{path}"),
        }
    }

    fn texts(&self) -> &[String] {
        &self.texts
    }
}

/// A pattern's root, and the rest of it with `/`.
fn split(pattern: &str) -> Result<(Root, String), InputError> {
    let refuse = |why: &str| {
        Err(InputError::usage(format!(
            "the pattern `{pattern}` can't be used: {why}"
        )))
    };
    let text = pattern.trim().replace('\\', "/");
    let (root, rest) = if has_drive(&text) {
        let letter = text.chars().next().unwrap_or('C').to_ascii_uppercase();
        (
            Root::Drive(letter),
            text[2..].trim_start_matches('/').to_owned(),
        )
    } else {
        (Root::Workspace, text)
    };
    let rest = rest
        .trim_start_matches("./")
        .trim_end_matches('/')
        .to_owned();
    if rest.is_empty() {
        return refuse("it names nothing");
    }
    if rest.starts_with('/') {
        return refuse("write an absolute path with its drive, as `C:\\logs\\*`");
    }
    if rest.split('/').any(|part| part == "..") {
        return refuse("it holds `..`");
    }
    Ok((root, rest))
}

/// A pattern without wildcards may name a directory, and then means all that is in it.
fn compile(globs: &[String]) -> Result<GlobSet, InputError> {
    let mut set = GlobSetBuilder::new();
    let wrong = |error: globset::Error| {
        InputError::usage(format!("a pattern for artifacts can't be used: {error}"))
    };
    for glob in globs {
        let whole = [glob.clone(), format!("{glob}/**")];
        let forms = if has_wildcard(glob) {
            &whole[..1]
        } else {
            &whole[..]
        };
        for form in forms {
            let built = GlobBuilder::new(form)
                .case_insensitive(true)
                .literal_separator(true)
                .backslash_escape(false)
                .build();
            set.add(built.map_err(wrong)?);
        }
    }
    set.build().map_err(wrong)
}

fn has_wildcard(text: &str) -> bool {
    text.contains(['*', '?', '[', '{'])
}

/// The directories that all patterns begin with, so that nothing else need be looked through.
fn common_start(globs: &[String]) -> Vec<String> {
    let mut starts = globs.iter().map(|glob| directories(glob));
    let Some(mut common) = starts.next() else {
        return Vec::new();
    };
    for start in starts {
        let same = common
            .iter()
            .zip(&start)
            .take_while(|(a, b)| a.to_lowercase() == b.to_lowercase());
        common.truncate(same.count());
    }
    common
}

/// Whether a pattern takes all that is below the directories that it begins with.
fn takes_all(glob: &str, start: &[String]) -> bool {
    let mut parts: Vec<&str> = glob.split('/').collect();
    parts.pop() == Some("**") && parts.len() == start.len()
}

/// The directories that a pattern names before its first wildcard; its last part may be a file.
fn directories(glob: &str) -> Vec<String> {
    let parts: Vec<&str> = glob.split('/').collect();
    let named = &parts[..parts.len() - 1];
    named
        .iter()
        .take_while(|part| !has_wildcard(part))
        .map(|part| (*part).to_owned())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rules(patterns: &[&str]) -> Rules {
        Rules::parse(
            &patterns
                .iter()
                .map(|text| (*text).to_owned())
                .collect::<Vec<_>>(),
        )
        .unwrap()
    }

    #[test]
    fn slashes_and_case_do_not_matter() {
        let rules = rules(&[r"Build\**\*.EXE", "logs", "!build/tmp/**"]);
        for path in [
            "build/a.exe",
            "BUILD/x/y/b.Exe",
            "logs",
            "logs/deep/x.txt",
            "Logs/y",
        ] {
            assert!(rules.wants(Root::Workspace, path), "{path}");
        }
        for path in ["build/a.dll", "build/tmp/a.exe", "sub/logs", "a.exe"] {
            assert!(!rules.wants(Root::Workspace, path), "{path}");
        }
        assert!(!rules.wants(Root::Drive('C'), "logs"));
    }

    #[test]
    fn absolute_patterns_look_on_their_drive() {
        let rules = rules(&[r"c:\logs\*.txt", "*.md"]);
        assert!(rules.wants(Root::Drive('C'), "Logs/a.TXT"));
        assert!(!rules.wants(Root::Drive('C'), "logs/sub/a.txt"));
        let place = |root, start: &[&str]| Place {
            root,
            start: start.iter().map(|part| (*part).to_owned()).collect(),
            whole: false,
        };
        let expected = [
            place(Root::Workspace, &[]),
            place(Root::Drive('C'), &["logs"]),
        ];
        assert_eq!(rules.places(), expected);
    }

    #[test]
    fn only_what_all_patterns_share_is_looked_through() {
        let globs = |patterns: &[&str]| rules(patterns).places()[0].start.join("/");
        assert_eq!(globs(&["a/b/*.txt", "A/b/c/**"]), "a/b");
        assert_eq!(globs(&["a/b"]), "a");
        assert_eq!(globs(&["a/*", "b/*"]), "");
    }

    #[test]
    fn a_place_is_whole_if_a_pattern_takes_all_of_it() {
        for (patterns, expected) in [
            (&["data/**"][..], true),
            (&["**"], true),
            (&["a/b/**", "a/b/*.txt", r"A\B\c\x"], true),
            (&["data"], false),
            (&["data/**/*"], false),
            (&["data/**", "other"], false),
            (&["data/*/**"], false),
            (&["a/**", "!a/b"], false),
            // Elsewhere.
            (&["a/**", "!C:\\a"], true),
        ] {
            let found = rules(patterns).places()[0].whole;
            assert_eq!(found, expected, "{patterns:?}");
        }
    }

    #[test]
    fn patterns_that_lead_elsewhere_are_refused() {
        for text in ["../x", "a/../../b", "/etc/*", "", "C:\\", "[a"] {
            assert!(Rules::parse(&[text.to_owned()]).is_err(), "{text}");
        }
    }
}
