//! `NAME=value` lines and heredocs.

use super::decode;
use super::{CommandFile, CommandFileError};

/// Names that `GITHUB_ENV` must not set: they would change how the runner's own Node.js starts.
const REFUSED_IN_ENV: [&str; 1] = ["NODE_OPTIONS"];

/// A name with its value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Assignment {
    /// The name, never empty, with any white space that was around it.
    pub name: String,
    /// The value.
    pub value: String,
}

/// What a file assigns. As in the official runner, what stands before an error counts.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Assignments {
    /// The assignments in the order of the file; a later one of the same name counts.
    pub entries: Vec<Assignment>,
    /// What fails the step. None by default.
    pub error: Option<CommandFileError>,
}

/// What a `GITHUB_ENV` file asks for.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct EnvRequests {
    /// The variables to set, in the order of the file.
    pub entries: Vec<Assignment>,
    /// Messages for variables that are not set: error annotations that fail nothing. Empty by
    /// default.
    pub refused: Vec<String>,
    /// What fails the step. None by default.
    pub error: Option<CommandFileError>,
}

/// Reads a `GITHUB_OUTPUT` or `GITHUB_STATE` file.
pub fn parse_assignments(bytes: &[u8]) -> Assignments {
    let mut result = Assignments::default();
    let text = match decode::text(bytes) {
        Ok(text) => text,
        Err(error) => {
            return Assignments {
                error: Some(error),
                ..result
            };
        }
    };
    let mut lines = Lines { text: &text, at: 0 };
    while let Some(line) = lines.next() {
        if line.content.is_empty() {
            continue;
        }
        match assignment(line.content, &mut lines) {
            Ok(assignment) => result.entries.push(assignment),
            Err(error) => {
                result.error = Some(error);
                break;
            }
        }
    }
    result
}

/// Reads a `GITHUB_ENV` file.
pub fn parse_env(bytes: &[u8]) -> EnvRequests {
    let Assignments { entries, error } = parse_assignments(bytes);
    let mut result = EnvRequests {
        error,
        ..EnvRequests::default()
    };
    for entry in entries {
        match REFUSED_IN_ENV
            .iter()
            .find(|name| name.eq_ignore_ascii_case(&entry.name))
        {
            None => result.entries.push(entry),
            Some(name) => result.refused.push(format!(
                "Can't store {name} output parameter using '${}' command.",
                CommandFile::Env.variable()
            )),
        }
    }
    result
}

/// Reads the assignment that a line begins. Whichever of `=` and `<<` comes first decides.
fn assignment(line: &str, lines: &mut Lines<'_>) -> Result<Assignment, CommandFileError> {
    let equals = line.find('=');
    let heredoc = line.find("<<");
    match (equals, heredoc) {
        (Some(at), _) if heredoc.is_none_or(|heredoc| at < heredoc) => {
            if at == 0 {
                return Err(CommandFileError::EmptyName(line.to_owned()));
            }
            Ok(Assignment {
                name: line[..at].to_owned(),
                value: line[at + 1..].to_owned(),
            })
        }
        (_, Some(at)) => {
            let (name, delimiter) = (&line[..at], &line[at + 2..]);
            if name.is_empty() || delimiter.is_empty() {
                return Err(CommandFileError::EmptyHeredoc(line.to_owned()));
            }
            let value = heredoc_value(delimiter, lines)?;
            Ok(Assignment {
                name: name.to_owned(),
                value,
            })
        }
        _ => Err(CommandFileError::Format(line.to_owned())),
    }
}

/// The text up to the delimiter's line, without its last line end. Inner line ends stay as they
/// are.
fn heredoc_value(delimiter: &str, lines: &mut Lines<'_>) -> Result<String, CommandFileError> {
    let start = lines.at;
    let mut end = start;
    loop {
        match lines.next() {
            None => return Err(CommandFileError::NoDelimiter(delimiter.to_owned())),
            Some(line) if line.content == delimiter => break,
            Some(line) if line.ending == 0 => return Err(CommandFileError::NoLineEnd),
            Some(line) => end = lines.at - line.ending,
        }
    }
    Ok(lines.text[start..end].to_owned())
}

/// The lines of a text; LF and CRLF end one.
struct Lines<'a> {
    text: &'a str,
    at: usize,
}

struct Line<'a> {
    content: &'a str,
    /// Bytes of the line end; 0 where the text ends first.
    ending: usize,
}

impl<'a> Iterator for Lines<'a> {
    type Item = Line<'a>;

    fn next(&mut self) -> Option<Line<'a>> {
        let rest = &self.text[self.at..];
        if rest.is_empty() {
            return None;
        }
        let Some(end) = rest.find('\n') else {
            self.at = self.text.len();
            return Some(Line {
                content: rest,
                ending: 0,
            });
        };
        self.at += end + 1;
        Some(match rest[..end].strip_suffix('\r') {
            Some(content) => Line { content, ending: 2 },
            None => Line {
                content: &rest[..end],
                ending: 1,
            },
        })
    }
}
