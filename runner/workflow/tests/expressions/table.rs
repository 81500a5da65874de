//! Reading the tables.
//!
//! A row is `INPUT => EXPECTED`. Lines that begin with `#` are comments. In both parts `⏎` stands for
//! a line end, `⇥` for a tab and `␣` for a space at the edge of the input.

use std::fs;
use std::path::{Path, PathBuf};

/// One line of a table.
pub(crate) struct Row {
    /// The file and the line, for failures.
    pub(crate) place: String,
    pub(crate) input: String,
    pub(crate) expected: String,
}

/// The rows of a file below `tests/expressions`.
pub(crate) fn rows(name: &str) -> Vec<Row> {
    lines(name)
        .map(|(place, line)| {
            let (input, expected) = line
                .rsplit_once(" => ")
                .or_else(|| line.strip_suffix(" =>").map(|input| (input, "")))
                .unwrap_or_else(|| panic!("{place}: no ` => ` in `{line}`"));
            Row {
                input: visible(input.trim()),
                expected: visible(expected.trim()),
                place,
            }
        })
        .collect()
}

/// The lines of a file that are neither empty nor comments, with their places.
pub(crate) fn lines(name: &str) -> impl Iterator<Item = (String, String)> {
    let text = fs::read_to_string(directory().join(name)).unwrap();
    let name = name.to_owned();
    let lines: Vec<String> = text.lines().map(str::to_owned).collect();
    lines
        .into_iter()
        .enumerate()
        .filter(|(_, line)| !line.trim().is_empty() && !line.starts_with('#'))
        .map(move |(i, line)| (format!("{name}:{}", i + 1), line))
}

/// The files of a folder, sorted.
pub(crate) fn files(folder: &str) -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(directory().join(folder))
        .unwrap()
        .map(|entry| format!("{folder}/{}", entry.unwrap().file_name().display()))
        .collect();
    names.sort();
    names
}

/// Fails with everything that does not hold, at once.
#[track_caller]
pub(crate) fn assert_none(failures: &[String], of: usize) {
    let count = failures.len();
    assert!(
        failures.is_empty(),
        "{count} of {of} do not hold:\n{}",
        failures.join("\n")
    );
}

fn directory() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/expressions")
}

fn visible(text: &str) -> String {
    text.replace('⏎', "\n").replace('⇥', "\t").replace('␣', " ")
}
