//! Names that a guest gives its files. One that could mean something else on the host, or on a Windows
//! machine that the files are taken to, is an error that names it; nothing is renamed.

use std::collections::HashMap;

/// The longest path and the longest name in it, in bytes: what Windows and Linux both take.
const LONGEST_PATH: usize = 4000;
const LONGEST_NAME: usize = 255;
/// How many parts a path may have: each costs memory of its own, and no build goes so deep.
const MOST_PARTS: usize = 128;

/// Devices on Windows, with any ending.
const RESERVED: [&str; 4] = ["con", "prn", "aux", "nul"];
const RESERVED_NUMBERED: [&str; 2] = ["com", "lpt"];

/// A name from a guest as a path with `/`, or why it can't be one.
pub fn check(name: &[u8]) -> Result<String, String> {
    let shown = String::from_utf8_lossy(name).into_owned();
    let refuse = |why: &str| Err(format!("the guest's file {shown:?} is refused: {why}"));
    let Ok(text) = std::str::from_utf8(name) else {
        return refuse("its name is not UTF-8");
    };
    if text.is_empty() {
        return refuse("it has no name");
    }
    if text.len() > LONGEST_PATH {
        return refuse("its path is too long");
    }
    if text.starts_with('/') {
        return refuse("its path is absolute");
    }
    if text.split('/').nth(MOST_PARTS).is_some() {
        return refuse(&format!("its path has more than {MOST_PARTS} parts"));
    }
    for part in text.split('/') {
        if let Some(why) = wrong_with(part) {
            return refuse(why);
        }
    }
    Ok(text.to_owned())
}

/// Whether steps may call an artifact so: what GitHub forbids, and what no directory on Windows is called.
///
/// # Errors
///
/// Why not, for people.
pub fn check_artifact(name: &str) -> Result<(), String> {
    const FORBIDDEN: &str = "\":<>|*?\\/\r\n";
    let refuse = |why: &str| Err(format!("the artifact's name {name:?} can't be used: {why}"));
    if name.is_empty() {
        return refuse("it is empty");
    }
    if let Some(forbidden) = name.chars().find(|&c| FORBIDDEN.contains(c)) {
        return refuse(&format!("it holds {forbidden:?}"));
    }
    match wrong_with(name) {
        Some(_) => refuse("Windows does not allow it as the name of a directory"),
        None => Ok(()),
    }
}

fn wrong_with(part: &str) -> Option<&'static str> {
    if part.is_empty() || part == "." || part == ".." {
        return Some("a part of its path is empty, `.` or `..`");
    }
    if part.len() > LONGEST_NAME {
        return Some("a part of its path is too long");
    }
    if part
        .chars()
        .any(|c| c.is_control() || "<>:\"|?*\\".contains(c))
    {
        return Some("its path holds a character that Windows does not allow");
    }
    if part.ends_with(['.', ' ']) {
        return Some("a part of its path ends with a dot or a blank");
    }
    is_reserved(part).then_some("a part of its path is a device on Windows")
}

fn is_reserved(part: &str) -> bool {
    let stem = part
        .split('.')
        .next()
        .unwrap_or(part)
        .trim_end()
        .to_lowercase();
    if RESERVED.contains(&stem.as_str()) {
        return true;
    }
    RESERVED_NUMBERED.iter().any(|device| {
        stem.strip_prefix(device).is_some_and(|number| {
            matches!(
                number,
                "1" | "2" | "3" | "4" | "5" | "6" | "7" | "8" | "9" | "¹" | "²" | "³"
            )
        })
    })
}

/// Finds two names that are one on a system that does not tell upper from lower case: the same file,
/// or a file where the other needs a directory.
#[derive(Debug, Default)]
pub struct CaseClashes {
    seen: HashMap<String, String>,
}

impl CaseClashes {
    /// Adds a checked name; an error names both that clash.
    pub fn add(&mut self, name: &str) -> Result<(), String> {
        let mut end = 0;
        while let Some(next) = name[end..].find('/') {
            end += next;
            self.claim(&name[..end], false)?;
            end += 1;
        }
        self.claim(name, true)
    }

    fn claim(&mut self, part: &str, whole: bool) -> Result<(), String> {
        let previous = self.seen.insert(part.to_lowercase(), part.to_owned());
        match previous {
            Some(other) if other != part || whole => Err(format!(
                "the guest's files `{other}` and `{part}` have the same name on Windows"
            )),
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_names_pass_and_dangerous_ones_are_named() {
        for good in [
            "a.txt",
            "sub dir/ä/…",
            ".hidden",
            "console.log",
            "com10",
            "a..b/c",
        ] {
            assert_eq!(check(good.as_bytes()).unwrap(), good);
        }
        let bad: [&[u8]; 17] = [
            b"",
            b"/etc/passwd",
            b"../x",
            b"a/../b",
            b"a//b",
            b"./a",
            b"C:/x",
            b"a\\b",
            b"nul",
            b"sub/CON.txt",
            b"lpt1.log",
            b"a.",
            b"a ",
            b"a\nb",
            b"\xff",
            b"a\x00b",
            b"x?y",
        ];
        for name in bad {
            assert!(check(name).is_err(), "{name:?}");
        }
        assert!(check("x".repeat(300).as_bytes()).is_err());
        let deep = |parts: usize| vec!["a"; parts].join("/");
        assert!(check(deep(MOST_PARTS).as_bytes()).is_ok());
        let error = check(deep(MOST_PARTS + 1).as_bytes()).unwrap_err();
        assert!(error.contains("more than 128 parts"), "{error}");
        let error = check(vec!["ab"; 2000].join("/").as_bytes()).unwrap_err();
        assert!(error.contains("too long"), "{error}");
        assert!(check("漢".repeat(100).as_bytes()).is_err());
        assert!(check("com²".as_bytes()).unwrap_err().contains("com²"));
    }

    #[test]
    fn artifacts_have_names_that_github_and_windows_allow() {
        for good in ["artifact", "my build (1)", ".hidden", "ä'b", "v1.2"] {
            check_artifact(good).unwrap();
        }
        for (bad, why) in [
            ("", "empty"),
            ("a/b", "'/'"),
            ("a\\b", "'\\\\'"),
            ("..", "Windows"),
            ("a:b", "':'"),
            ("a\nb", "'\\n'"),
            ("x*", "'*'"),
            ("Nul.txt", "Windows"),
            ("a.", "Windows"),
            ("\u{1b}", "Windows"),
        ] {
            let error = check_artifact(bad).unwrap_err();
            assert!(error.contains(why) && error.is_ascii(), "{error}");
        }
        assert!(check_artifact(&"x".repeat(300)).is_err());
    }

    #[test]
    fn names_that_differ_in_case_only_clash() {
        let mut clashes = CaseClashes::default();
        clashes.add("Out/a.txt").unwrap();
        clashes.add("Out/b.txt").unwrap();
        assert!(
            clashes
                .add("Out/A.txt")
                .unwrap_err()
                .contains("`Out/a.txt`")
        );
        assert!(clashes.add("out/c.txt").is_err());
        let mut clashes = CaseClashes::default();
        clashes.add("out").unwrap();
        assert!(clashes.add("OUT/c.txt").is_err());
    }
}
