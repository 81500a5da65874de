//! A program's output on its way to the log: bytes become lines, lines are masked, lines are handed on
//! in batches. Flat memory, whatever the guest prints.

use crate::event::{Events, Stream};
use crate::mask::{MaskedStream, Masker};

/// A line longer than this is handed on in pieces.
const LONGEST_LINE: usize = 256 << 10;

/// The workflow command that adds a secret. It has to be heeded before the line after it is shown.
const ADD_MASK: &str = "::add-mask::";

/// One stream of a step's output.
#[derive(Debug)]
pub struct Lines {
    events: Events,
    masker: Masker,
    number: usize,
    stream: Stream,
    /// The line that has no end yet.
    partial: Vec<u8>,
    /// Masks a line that comes in pieces.
    long: Option<MaskedStream>,
}

impl Lines {
    /// The lines of a step's stream.
    pub fn new(events: &Events, masker: &Masker, number: usize, stream: Stream) -> Self {
        Self {
            events: events.clone(),
            masker: masker.clone(),
            number,
            stream,
            partial: Vec::new(),
            long: None,
        }
    }

    /// Takes a piece of output and hands on the lines that it completes.
    pub async fn push(&mut self, piece: &[u8]) {
        let lines = self.split(piece);
        self.events.log(self.number, self.stream, lines).await;
    }

    /// Hands on what has no end.
    pub async fn finish(&mut self) {
        let mut lines = Vec::new();
        if !self.partial.is_empty() || self.long.is_some() {
            let line = std::mem::take(&mut self.partial);
            lines.extend(self.complete(&line));
        }
        self.events.log(self.number, self.stream, lines).await;
    }

    fn split(&mut self, piece: &[u8]) -> Vec<String> {
        let mut lines = Vec::new();
        let mut rest = piece;
        while let Some(end) = memchr::memchr(b'\n', rest) {
            if self.partial.is_empty() {
                lines.extend(self.complete(&rest[..end]));
            } else {
                let mut line = std::mem::take(&mut self.partial);
                line.extend_from_slice(&rest[..end]);
                lines.extend(self.complete(&line));
            }
            rest = &rest[end + 1..];
        }
        self.partial.extend_from_slice(rest);
        if self.partial.len() > LONGEST_LINE {
            let piece = std::mem::take(&mut self.partial);
            let masker = &self.masker;
            let shown = self
                .long
                .get_or_insert_with(|| masker.stream())
                .push(&piece);
            lines.push(text(&shown));
        }
        lines
    }

    /// A whole line, or the last piece of a long one; none if it is not to be shown.
    fn complete(&mut self, line: &[u8]) -> Option<String> {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        if let Some(mut long) = self.long.take() {
            let mut shown = long.push(line);
            shown.extend(long.finish());
            return Some(text(&shown));
        }
        let line = text(line);
        if let Some(secret) = line.trim_start().strip_prefix(ADD_MASK) {
            self.masker.add(&unescape(secret));
            return Some(format!("{ADD_MASK}{}", crate::mask::MASK));
        }
        Some(match self.masker.mask(&line) {
            std::borrow::Cow::Borrowed(_) => line,
            std::borrow::Cow::Owned(masked) => masked,
        })
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// The data of a workflow command, in which a few characters are written as their codes.
fn unescape(data: &str) -> String {
    data.replace("%0D", "\r")
        .replace("%0A", "\n")
        .replace("%25", "%")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::{JobEvent, Message};

    async fn shown(pieces: &[&[u8]], secrets: &[&str]) -> Vec<String> {
        let (events, mut queue) = Events::accept("job");
        let masker = Masker::default();
        masker.add_all(secrets.iter().copied());
        let mut lines = Lines::new(&events, &masker, 1, Stream::Stdout);
        for piece in pieces {
            lines.push(piece).await;
        }
        lines.finish().await;
        drop((events, lines));
        let mut found = Vec::new();
        while let Some(message) = queue.recv().await {
            let Message::Events(stamped, _) = message else {
                continue;
            };
            found.extend(stamped.into_iter().filter_map(|one| match one.event {
                JobEvent::Log { text, .. } => Some(text),
                _ => None,
            }));
        }
        found
    }

    #[tokio::test]
    async fn lines_come_whole_whatever_the_pieces() {
        let pieces: [&[u8]; 4] = [b"one\r", b"\ntwo\n\nth", b"ree", b""];
        assert_eq!(shown(&pieces, &[]).await, ["one", "two", "", "three"]);
        assert_eq!(
            shown(&[b"\xff\xfe ok\n"], &[]).await,
            ["\u{fffd}\u{fffd} ok"]
        );
    }

    #[tokio::test]
    async fn secrets_are_masked_also_in_lines_without_end() {
        let long = [b"x".repeat(LONGEST_LINE), b"sec".to_vec(), b"x".repeat(10)].concat();
        let pieces: [&[u8]; 3] = [b"a secret\n", &long[..LONGEST_LINE + 3], b"ret tail\n"];
        let lines = shown(&pieces, &["secret"]).await;
        assert_eq!(lines[0], "a ***");
        assert!(lines[1..].concat().ends_with("x*** tail"));
    }

    #[tokio::test]
    async fn a_new_mask_holds_from_the_next_line_on_and_is_not_shown() {
        let lines = shown(&[b"::add-mask::hun%25ter\nit is hun%ter\n"], &[]).await;
        assert_eq!(lines, ["::add-mask::***", "it is ***"]);
    }
}
