//! Text with a name, and places in it.
//!
//! A [`Span`] is a range of bytes, which is what parsers work with; a [`Location`] is a line and a
//! column, which is what people work with. The file is the only thing that can turn the one into
//! the other. Nothing here knows what the text means.

use std::fmt;
use std::sync::Arc;

/// A named text. Cloning shares the text.
#[derive(Clone)]
pub struct SourceFile(Arc<Inner>);

struct Inner {
    name: String,
    text: String,
    /// Byte offset of the first character of each line; never empty.
    line_starts: Vec<usize>,
}

impl SourceFile {
    /// Names `text`. The name is what problems show, usually a path as the user typed it.
    pub fn new(name: impl Into<String>, text: impl Into<String>) -> Self {
        let text = text.into();
        let line_starts = line_starts(&text);
        Self(Arc::new(Inner {
            name: name.into(),
            text,
            line_starts,
        }))
    }

    /// The name given to [`SourceFile::new`].
    pub fn name(&self) -> &str {
        &self.0.name
    }

    /// The whole text.
    pub fn text(&self) -> &str {
        &self.0.text
    }

    /// The text a span covers, or an empty string where the span does not fit the text.
    pub fn slice(&self, span: Span) -> &str {
        self.text().get(span.start..span.end).unwrap_or_default()
    }

    /// The line and column of a byte. Offsets past the end, or inside a character, are moved back
    /// to the nearest character that begins at or before them.
    pub fn location(&self, offset: usize) -> Location {
        let offset = self.floor(offset);
        let line = self.line_index(offset);
        let before = self
            .text()
            .get(self.0.line_starts[line]..offset)
            .unwrap_or_default();
        Location {
            line: line + 1,
            column: before.chars().count() + 1,
        }
    }

    /// The span of the line that holds a byte, without its line end.
    pub fn line_at(&self, offset: usize) -> Span {
        let line = self.line_index(self.floor(offset));
        let start = self.0.line_starts[line];
        let next = self
            .0
            .line_starts
            .get(line + 1)
            .copied()
            .unwrap_or(self.text().len());
        let end = start
            + self.text()[start..next]
                .trim_end_matches(['\r', '\n'])
                .len();
        Span { start, end }
    }

    /// Index of the line that holds a byte; the first line starts at 0, so there always is one.
    fn line_index(&self, offset: usize) -> usize {
        self.0
            .line_starts
            .partition_point(|&start| start <= offset)
            .saturating_sub(1)
    }

    fn floor(&self, offset: usize) -> usize {
        self.text().floor_char_boundary(offset)
    }
}

impl fmt::Debug for SourceFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SourceFile")
            .field("name", &self.0.name)
            .finish_non_exhaustive()
    }
}

/// LF, CRLF and a lone CR each end a line, as in YAML.
fn line_starts(text: &str) -> Vec<usize> {
    let bytes = text.as_bytes();
    let ends_line = |i: usize| match bytes[i] {
        b'\n' => true,
        b'\r' => bytes.get(i + 1) != Some(&b'\n'),
        _ => false,
    };
    std::iter::once(0)
        .chain((0..bytes.len()).filter(|&i| ends_line(i)).map(|i| i + 1))
        .collect()
}

/// A range of bytes in a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, PartialOrd, Ord)]
pub struct Span {
    /// First byte.
    pub start: usize,
    /// One past the last byte; never less than `start`.
    pub end: usize,
}

impl Span {
    /// The bytes from `start` up to `end`. An `end` before `start` gives an empty span.
    pub fn new(start: usize, end: usize) -> Self {
        Self {
            start,
            end: end.max(start),
        }
    }

    /// The empty span at a byte.
    pub fn at(offset: usize) -> Self {
        Self {
            start: offset,
            end: offset,
        }
    }

    /// The smallest span that covers both.
    pub fn to(self, other: Self) -> Self {
        Self {
            start: self.start.min(other.start),
            end: self.end.max(other.end),
        }
    }

    /// The same span in a text that has `offset` more bytes in front.
    pub fn shifted(self, offset: usize) -> Self {
        Self {
            start: self.start + offset,
            end: self.end + offset,
        }
    }
}

/// A place as people count: both numbers start at 1, and the column counts characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Location {
    /// Line, from 1.
    pub line: usize,
    /// Column in characters, from 1.
    pub column: usize,
}

impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.line, self.column)
    }
}

/// A value together with the place it was read from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Spanned<T> {
    /// What was read.
    pub value: T,
    /// Where it stands.
    pub span: Span,
}

impl<T> Spanned<T> {
    /// Puts a value at a place.
    pub fn new(value: T, span: Span) -> Self {
        Self { value, span }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_count_characters_and_lines_end_three_ways() {
        let file = SourceFile::new("f", "aé\r\nb\rc\nd");
        let at = |offset| {
            let Location { line, column } = file.location(offset);
            (line, column)
        };
        assert_eq!(at(0), (1, 1));
        assert_eq!(at(2), (1, 2), "inside a character");
        assert_eq!(at(3), (1, 3));
        assert_eq!(at(5), (2, 1));
        assert_eq!(at(7), (3, 1));
        assert_eq!(at(9), (4, 1));
        assert_eq!(at(1000), (4, 2));
        assert_eq!(file.slice(file.line_at(1)), "aé");
        assert_eq!(file.slice(file.line_at(1000)), "d");
    }

    #[test]
    fn an_empty_text_has_one_line() {
        let file = SourceFile::new("f", "");
        assert_eq!(file.location(0), Location { line: 1, column: 1 });
        assert_eq!(file.slice(file.line_at(3)), "");
    }
}
