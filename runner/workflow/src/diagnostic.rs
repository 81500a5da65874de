//! What is wrong with a file, and where.
//!
//! A [`Problem`] is complete in itself: it holds the line it complains about, so that it can be
//! shown when the file is gone. Every parser of this crate collects problems in a `Reporter` and
//! hands them out as one sorted [`Problems`].

use std::fmt;

use unicode_width::UnicodeWidthChar;

use crate::source::{Location, SourceFile, Span};

/// How many problems of one file are kept. A file with more is broken in one place many times.
pub(crate) const MAX_PROBLEMS: usize = 100;

/// How much of a line a snippet shows. Longer lines are cut around the place that matters.
const SNIPPET_WIDTH: usize = 120;

/// One thing that is wrong with a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// Name of the file.
    pub file: String,
    /// The bytes it is about.
    pub span: Span,
    /// Where those bytes start.
    pub location: Location,
    /// What is wrong: a fragment in lower case, without a full stop.
    pub message: String,
    /// What to do about it, where that is known.
    pub help: Option<String>,
    /// The line it is about.
    pub snippet: Snippet,
}

/// A line of a file with a part of it marked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Snippet {
    /// The line without its end; cut where it is very long.
    pub text: String,
    /// Characters before the marked part.
    pub indent: usize,
    /// Characters in the marked part, at least one.
    pub width: usize,
}

impl Problem {
    /// A problem with a part of a file.
    pub fn new(file: &SourceFile, span: Span, message: impl Into<String>) -> Self {
        Self {
            file: file.name().to_owned(),
            span,
            location: file.location(span.start),
            message: message.into(),
            help: None,
            snippet: Snippet::new(file, span),
        }
    }

    /// Adds what to do about it.
    #[must_use]
    pub fn with_help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// The problem in several lines: the message, the source line with a caret, the help.
    pub fn render(&self) -> String {
        let number = self.location.line.to_string();
        let margin = " ".repeat(number.len());
        let text = self.snippet.text.trim_end();
        let marker = self.snippet.marker();
        let space = if text.is_empty() { "" } else { " " };
        let mut out = format!("{self}\n{margin} |\n{number} |{space}{text}\n{margin} | {marker}");
        if let Some(help) = &self.help {
            out.push_str(&format!("\n{margin} = help: {help}"));
        }
        out
    }
}

/// `path:line:column: message`, in one line.
impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.file, self.location, self.message)
    }
}

impl Snippet {
    pub(crate) fn new(file: &SourceFile, span: Span) -> Self {
        let line = file.line_at(span.start);
        let start = span.start.clamp(line.start, line.end);
        let end = span.end.clamp(start, line.end);
        let count = |from, to| file.slice(Span::new(from, to)).chars().count();
        Self::cut(
            file.slice(line),
            count(line.start, start),
            count(start, end),
        )
    }

    /// Keeps at most [`SNIPPET_WIDTH`] characters, those around the marked part.
    fn cut(line: &str, indent: usize, width: usize) -> Self {
        let skip = if line.len() <= SNIPPET_WIDTH || indent < SNIPPET_WIDTH / 2 {
            0
        } else {
            indent - SNIPPET_WIDTH / 4
        };
        let text: String = line.chars().skip(skip).take(SNIPPET_WIDTH).collect();
        let indent = indent - skip;
        let room = text.chars().count().saturating_sub(indent);
        Self {
            text,
            indent,
            width: width.min(room).max(1),
        }
    }

    /// The line below the text. Tabs stay tabs and wide characters count twice, so that the carets
    /// stand where they should.
    pub(crate) fn marker(&self) -> String {
        let mut characters = self.text.chars();
        let before = characters.by_ref().take(self.indent);
        let mut marker: String = before
            .map(|c| match c {
                '\t' => "\t".to_owned(),
                _ => " ".repeat(columns(c)),
            })
            .collect();
        let marked: usize = characters.take(self.width).map(columns).sum();
        marker.push_str(&"^".repeat(marked.max(1)));
        marker
    }
}

/// How many columns a terminal gives a character.
fn columns(c: char) -> usize {
    c.width().unwrap_or(1)
}

/// All problems of a file or of several, sorted by position; never empty where it is an error.
#[derive(Debug, Clone, PartialEq, Eq, Default, thiserror::Error)]
pub struct Problems(Vec<Problem>);

impl Problems {
    /// The problems, first one first.
    pub fn iter(&self) -> std::slice::Iter<'_, Problem> {
        self.0.iter()
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The problems as a vector.
    pub fn into_vec(self) -> Vec<Problem> {
        self.0
    }

    /// Every problem with its source line, with an empty line between two.
    pub fn render(&self) -> String {
        self.0
            .iter()
            .map(Problem::render)
            .collect::<Vec<_>>()
            .join("\n\n")
    }
}

/// One line a problem.
impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, problem) in self.0.iter().enumerate() {
            if i > 0 {
                f.write_str("\n")?;
            }
            write!(f, "{problem}")?;
        }
        Ok(())
    }
}

/// Sorts by file and position. What is said twice about one place (through an alias) is kept once.
impl From<Vec<Problem>> for Problems {
    fn from(mut problems: Vec<Problem>) -> Self {
        problems.sort_by(|a, b| (&a.file, a.span).cmp(&(&b.file, b.span)));
        problems.dedup_by(|a, b| a.span == b.span && a.message == b.message && a.file == b.file);
        Self(problems)
    }
}

impl From<Problem> for Problems {
    fn from(problem: Problem) -> Self {
        Self(vec![problem])
    }
}

impl IntoIterator for Problems {
    type Item = Problem;
    type IntoIter = std::vec::IntoIter<Problem>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

impl<'a> IntoIterator for &'a Problems {
    type Item = &'a Problem;
    type IntoIter = std::slice::Iter<'a, Problem>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

/// Collects the problems of one file.
#[derive(Debug)]
pub(crate) struct Reporter {
    source: SourceFile,
    problems: Vec<Problem>,
}

impl Reporter {
    pub(crate) fn new(source: &SourceFile) -> Self {
        Self {
            source: source.clone(),
            problems: Vec::new(),
        }
    }

    pub(crate) fn source(&self) -> &SourceFile {
        &self.source
    }

    pub(crate) fn report(&mut self, span: Span, message: impl Into<String>) {
        self.report_with(span, message, None);
    }

    pub(crate) fn report_with(
        &mut self,
        span: Span,
        message: impl Into<String>,
        help: Option<String>,
    ) {
        if self.problems.len() < MAX_PROBLEMS {
            self.problems.push(Problem {
                help,
                ..Problem::new(&self.source, span, message)
            });
        }
    }

    /// Whether nothing more is kept.
    pub(crate) fn is_full(&self) -> bool {
        self.problems.len() >= MAX_PROBLEMS
    }

    pub(crate) fn into_problems(self) -> Problems {
        self.problems.into()
    }

    /// `value` where nothing was reported, else everything that was.
    pub(crate) fn finish<T>(self, value: Option<T>) -> Result<T, Problems> {
        match value {
            Some(value) if self.problems.is_empty() => Ok(value),
            _ => Err(self.problems.into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_problem_shows_its_line_with_carets() {
        let file = SourceFile::new("a.yml", "on: push\n\tjöbs: 1\n");
        let problem = Problem::new(&file, Span::new(10, 15), "unknown key").with_help("try again");
        assert_eq!(problem.to_string(), "a.yml:2:2: unknown key");
        assert_eq!(
            problem.render(),
            "a.yml:2:2: unknown key\n  |\n2 | \tjöbs: 1\n  | \t^^^^\n  = help: try again"
        );
    }

    #[test]
    fn a_span_over_several_lines_marks_the_first() {
        let file = SourceFile::new("a", "one two\nthree");
        assert_eq!(Snippet::new(&file, Span::new(4, 12)).marker(), "    ^^^");
    }

    #[test]
    fn wide_characters_take_two_columns_and_marks_above_letters_none() {
        let marker = |text: &str, part: &str| {
            let start = text.find(part).unwrap();
            let span = Span::new(start, start + part.len());
            Snippet::new(&SourceFile::new("a", text), span).marker()
        };
        assert_eq!(marker("'你好' == fooo", "fooo"), "          ^^^^");
        assert_eq!(marker("x 你好", "你好"), "  ^^^^");
        assert_eq!(marker("e\u{301} x", "x"), "  ^");
        assert_eq!(marker("e\u{301}", "\u{301}"), " ^");
        assert_eq!(marker("\t你\tx", "x"), "\t  \t^");
    }

    #[test]
    fn very_long_lines_are_cut_around_the_marked_part() {
        let file = SourceFile::new(
            "a",
            format!("{}needle{}", "x".repeat(5000), "y".repeat(5000)),
        );
        let snippet = Snippet::new(&file, Span::new(5000, 5006));
        assert_eq!(snippet.text.chars().count(), SNIPPET_WIDTH);
        assert_eq!(
            &snippet.text[snippet.indent..snippet.indent + snippet.width],
            "needle"
        );
    }

    #[test]
    fn problems_are_sorted_and_said_once() {
        let file = SourceFile::new("a", "abc");
        let at = |start| Problem::new(&file, Span::new(start, 3), "m");
        let problems = Problems::from(vec![at(2), at(0), at(2)]);
        assert_eq!(
            problems.iter().map(|p| p.span.start).collect::<Vec<_>>(),
            [0, 2]
        );
    }

    #[test]
    fn spans_that_do_not_fit_do_no_harm() {
        let file = SourceFile::new("a", "é");
        let problem = Problem::new(&file, Span::new(1, 900), "m");
        assert_eq!(problem.location, Location { line: 1, column: 1 });
        assert!(!problem.render().is_empty());
    }
}
