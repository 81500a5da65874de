//! Paths of a Windows guest, as text: nothing is looked up.
//!
//! Both `\` and `/` separate parts, and case does not matter, as on Windows.

use crate::text;

const SEPARATORS: [char; 2] = ['/', '\\'];

/// Whether a path begins at a drive, at a share or at a root.
pub fn is_absolute(path: &str) -> bool {
    path.starts_with(SEPARATORS) || drive_len(path).is_some_and(|len| path.len() > len)
}

/// The length of `C:` where a separator or nothing follows.
fn drive_len(path: &str) -> Option<usize> {
    let mut chars = path.chars();
    let starts = chars.next().is_some_and(|c| c.is_ascii_alphabetic()) && chars.next() == Some(':');
    let goes_on = chars.next().is_none_or(|c| SEPARATORS.contains(&c));
    (starts && goes_on).then_some(2)
}

/// A file named relative to another file (`fromPath` of a matcher): in that file's directory. An
/// absolute one stays as it is.
pub fn resolved_from(file: &str, from: &str) -> String {
    if is_absolute(file) {
        return file.to_owned();
    }
    match from.rfind(SEPARATORS) {
        None => file.to_owned(),
        // The separator that is there is kept: it may be the root.
        Some(at) => format!("{}{file}", &from[..=at]),
    }
}

/// A file's path relative to a directory, with `/` between its parts. A path that is relative
/// already is taken as such; one that is elsewhere stays as it is.
pub fn relative_to(file: &str, directory: &str) -> String {
    if !is_absolute(file) {
        return match parts(file) {
            Some(parts) => parts.join("/"),
            None => file.replace('\\', "/"),
        };
    }
    let inner = || {
        let (file, directory) = (parts(file)?, parts(directory)?);
        let (head, rest) = file.split_at_checked(directory.len())?;
        let is_within = head.iter().zip(&directory).all(|(a, b)| text::equal(a, b));
        (is_within && !rest.is_empty()).then(|| rest.join("/"))
    };
    inner().unwrap_or_else(|| file.to_owned())
}

/// The parts of a path without `.` and `..`; none where `..` leaves it.
fn parts(path: &str) -> Option<Vec<&str>> {
    let mut parts = Vec::new();
    for part in path.split(SEPARATORS) {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop()?;
            }
            part => parts.push(part),
        }
    }
    Some(parts)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn absolute_paths_are_known() {
        for path in ["C:\\a", "c:/", "\\\\host\\share", "/x", "\\x"] {
            assert!(is_absolute(path), "{path}");
        }
        for path in ["", "a", "a/b", "..\\x", "C:a", "C:", "1:/", "é:/x"] {
            assert!(!is_absolute(path), "{path}");
        }
    }

    #[test]
    fn files_are_resolved_from_other_files() {
        for (file, from, expected) in [
            ("x.cs", "D:\\a\\b.csproj", "D:\\a\\x.cs"),
            ("..\\x.cs", "src/b.csproj", "src/..\\x.cs"),
            ("x.cs", "b.csproj", "x.cs"),
            ("x.cs", "/b.csproj", "/x.cs"),
            ("C:\\x.cs", "D:\\b.csproj", "C:\\x.cs"),
            ("x", "", "x"),
        ] {
            assert_eq!(resolved_from(file, from), expected);
        }
    }

    #[test]
    fn files_become_relative_to_the_workspace() {
        for (file, expected) in [
            ("D:\\a\\repo\\src\\x.c", "src/x.c"),
            ("d:/A/Repo/src/x.c", "src/x.c"),
            ("D:\\a\\repo\\src\\..\\x.c", "x.c"),
            ("D:\\a\\repository\\x.c", "D:\\a\\repository\\x.c"),
            ("D:\\a\\repo", "D:\\a\\repo"),
            ("C:\\x.c", "C:\\x.c"),
            ("src\\x.c", "src/x.c"),
            ("./src//x.c", "src/x.c"),
            ("..\\x.c", "../x.c"),
            ("", ""),
        ] {
            assert_eq!(relative_to(file, "D:\\a\\repo\\"), expected, "{file}");
        }
    }
}
