//! Where a part of a scalar's text stands in the file.
//!
//! A scalar's text is not its source: quotes, escapes, indentation and folded lines lie between
//! them. A problem in the middle of a text is still to be shown at the right byte, so both are
//! walked side by side. White space may be off by a little; what problems are about is not white.

use std::sync::Arc;

use crate::source::{SourceFile, Span};

use super::node::{Key, Node, Quoting};

/// A scalar's text together with the way it is written in its file.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Written {
    text: Arc<str>,
    span: Span,
    quoting: Quoting,
}

impl Written {
    pub(crate) fn text(&self) -> &Arc<str> {
        &self.text
    }

    /// The place in the file of a part of the text.
    pub(crate) fn place(&self, source: &SourceFile, part: Span) -> Span {
        let raw = source.slice(self.span);
        let offset = |target| offset_in(raw, self.quoting, &self.text, target);
        let start = offset(part.start);
        let end = if part.end > part.start {
            offset(part.end - 1) + 1
        } else {
            start
        };
        Span::new(start, end).shifted(self.span.start)
    }
}

impl Key {
    /// The text of a key, with what is needed to find parts of it in the file.
    pub(crate) fn written(&self) -> Written {
        Written {
            text: self.text.clone(),
            span: self.written,
            quoting: self.quoting,
        }
    }
}

impl Node {
    /// The text of a scalar, with what is needed to find parts of it in the file.
    pub(crate) fn written(&self) -> Option<Written> {
        let text = self.scalar_text()?;
        Some(Written {
            text,
            span: self.written,
            quoting: self.quoting,
        })
    }
}

/// The offset in `raw` of the character that begins at `target` in `text`.
fn offset_in(raw: &str, quoting: Quoting, text: &str, target: usize) -> usize {
    let mut walker = Walker {
        raw,
        at: usize::from(quoting != Quoting::None),
        quoting,
    };
    let target = text.floor_char_boundary(target);
    for (offset, c) in text.char_indices() {
        walker.skip_to(c);
        if offset >= target {
            return walker.at;
        }
        walker.pass(c);
    }
    walker.at
}

struct Walker<'a> {
    raw: &'a str,
    at: usize,
    quoting: Quoting,
}

impl Walker<'_> {
    fn rest(&self) -> &str {
        self.raw.get(self.at..).unwrap_or_default()
    }

    /// Skips what stands in the file but not in the text: indentation, and line ends that are
    /// escaped or that end a wrapped line.
    fn skip_to(&mut self, c: char) {
        loop {
            let rest = self.rest();
            let skipped = match rest.chars().next() {
                Some('\\') if self.quoting == Quoting::Double && escapes_line_end(rest) => 1,
                Some(found) if found.is_whitespace() && !c.is_whitespace() => found.len_utf8(),
                _ => return,
            };
            self.at += skipped;
        }
    }

    /// Passes what `c` is written as.
    fn pass(&mut self, c: char) {
        let rest = self.rest();
        self.at += match (self.quoting, rest.chars().next()) {
            (_, None) => 0,
            (Quoting::Double, Some('\\')) => escape_len(rest),
            (Quoting::Single, Some('\'')) if rest.starts_with("''") => 2,
            // White space in the text may be written as less than it is: a wrapped line is one
            // space, an empty line two line ends. Nothing is passed that is not white.
            (_, Some(found)) if c.is_whitespace() && !found.is_whitespace() => 0,
            (_, Some(found)) => found.len_utf8(),
        };
    }
}

fn escapes_line_end(rest: &str) -> bool {
    rest[1..].starts_with(['\n', '\r'])
}

/// The length of an escape sequence of a double-quoted scalar.
fn escape_len(rest: &str) -> usize {
    let len = match rest.as_bytes().get(1) {
        None => 1,
        Some(b'x') => 4,
        Some(b'u') => 6,
        Some(b'U') => 10,
        Some(_) => 1 + rest[1..].chars().next().map_or(0, char::len_utf8),
    };
    rest.floor_char_boundary(len)
}

#[cfg(test)]
mod tests {
    use super::super::parse;
    use super::*;

    /// Reads `yaml`, finds `needle` in the text of the key `a`, and gives what stands in the file
    /// at its place.
    fn found(yaml: &str, needle: &str) -> String {
        let source = SourceFile::new("f", yaml);
        let root = parse(&source).unwrap();
        let node = root.as_mapping().unwrap().get("a").unwrap();
        let text = node.scalar_text().unwrap();
        let at = text.find(needle).unwrap();
        let written = node.written().unwrap();
        let place = written.place(&source, Span::new(at, at + needle.len()));
        source.slice(place).to_owned()
    }

    #[test]
    fn parts_are_found_in_every_style() {
        assert_eq!(found("a: one two\n", "two"), "two");
        assert_eq!(found("a: one\n  two\n", "two"), "two");
        assert_eq!(found("a: 'it''s two'\n", "two"), "two");
        assert_eq!(found("a: 'it''s two'\n", "'s"), "''s");
        assert_eq!(found("a: \"\\t\\u00e9\\x41 two\"\n", "two"), "two");
        assert_eq!(found("a: \"one \\\n   two three\"\n", "two"), "two");
        assert_eq!(found("a: \"one\n\n   two three\"\n", "three"), "three");
        assert_eq!(found("a: |\n    one\n      two\n    three\n", "two"), "two");
        assert_eq!(
            found("a: |\n    one\n      two\n    three\n", "three"),
            "three"
        );
        assert_eq!(found("a: >-\n  one\n  two\n\n  three\n", "three"), "three");
        assert_eq!(found("a: |\n  'one' \"two\"\n", "two"), "two");
        assert_eq!(found("a: éé two\n", "two"), "two");
        assert_eq!(found("b: &x one two\na: *x\n", "two"), "two");
    }
}
