//! A program's output on its way to the log: bytes become lines, lines are masked, lines are handed on
//! in batches. Flat memory, whatever the guest prints.

use crate::event::{Events, Level, Stream};
use crate::mask::{GUEST_MASKS, LONGEST_GUEST_MASK, MASK, MaskedStream, Masker};

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
    /// The line whose first pieces were handed on.
    long: Option<LongLine>,
}

/// A line that comes in pieces.
#[derive(Debug)]
enum LongLine {
    Shown(MaskedStream),
    /// A mask that is too long to be one, and a secret nevertheless.
    Withheld,
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
            lines.extend(self.cut());
        }
        lines
    }

    /// Takes a piece off a line that gets too long; none if it is not to be shown.
    fn cut(&mut self) -> Option<String> {
        // Of a character that is not all here, nothing is taken.
        let rest = self.partial.split_off(whole_characters(&self.partial));
        let piece = std::mem::replace(&mut self.partial, rest);
        let first = self.long.is_none();
        let masker = &self.masker;
        match self
            .long
            .get_or_insert_with(|| LongLine::of(masker, &piece))
        {
            LongLine::Shown(stream) => Some(text(&stream.push(&piece))),
            LongLine::Withheld => first.then(|| self.take_mask(&text(&piece))),
        }
    }

    /// A whole line, or the last piece of a long one; none if it is not to be shown.
    fn complete(&mut self, line: &[u8]) -> Option<String> {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        match self.long.take() {
            Some(LongLine::Withheld) => return None,
            Some(LongLine::Shown(mut stream)) => {
                let mut shown = stream.push(line);
                shown.extend(stream.finish());
                return Some(text(&shown));
            }
            None => {}
        }
        let line = text(line);
        if let Some(secret) = mask_in(&line) {
            return Some(self.take_mask(secret));
        }
        Some(match self.masker.mask(&line) {
            std::borrow::Cow::Borrowed(_) => line,
            std::borrow::Cow::Owned(masked) => masked,
        })
    }

    /// Heeds the command that adds a mask; what is shown of it.
    fn take_mask(&self, secret: &str) -> String {
        let taken = self.masker.add_from_guest(&unescape(secret));
        if taken.is_err_and(|refused| refused.first) {
            let most = LONGEST_GUEST_MASK >> 10;
            let text = format!(
                "step {}: `{ADD_MASK}` asks for more than can be masked: values of up to {most} KiB, \
                 {GUEST_MASKS} of them, and not too many long ones; this one and others like it are \
                 NOT masked in what follows",
                self.number
            );
            self.events.notice(Level::Error, text);
        }
        format!("{ADD_MASK}{MASK}")
    }
}

impl LongLine {
    fn of(masker: &Masker, beginning: &[u8]) -> Self {
        match mask_in(&text(beginning)) {
            Some(_) => Self::Withheld,
            None => Self::Shown(masker.stream()),
        }
    }
}

/// The value that a line asks to be masked, as it is written there.
fn mask_in(line: &str) -> Option<&str> {
    line.trim_start().strip_prefix(ADD_MASK)
}

/// How many of the bytes are whole characters. What is no UTF-8 at all counts as whole.
fn whole_characters(bytes: &[u8]) -> usize {
    let last = bytes.utf8_chunks().last();
    let Some(invalid) = last.map(|chunk| chunk.invalid()).filter(|i| !i.is_empty()) else {
        return bytes.len();
    };
    // The longest beginning of a character is three bytes; longer ones are none.
    let wanted = match invalid[0] {
        0xc2..=0xdf => 2,
        0xe0..=0xef => 3,
        0xf0..=0xf4 => 4,
        _ => 1,
    };
    if invalid.len() < wanted {
        bytes.len() - invalid.len()
    } else {
        bytes.len()
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
    async fn a_long_line_is_cut_between_characters() {
        let line = "ä".repeat(LONGEST_LINE / 2 + 1) + "€uro";
        for end in 1..6 {
            let (first, rest) = line.as_bytes().split_at(LONGEST_LINE + end);
            let lines = shown(&[first, rest, b"\n"], &["ä€u"]).await;
            assert!(lines.len() > 1, "{end}");
            assert!(lines.iter().all(|line| !line.contains('\u{fffd}')), "{end}");
            let whole = lines.concat();
            assert!(whole.ends_with("ä***ro"), "{end}");
            assert_eq!(
                whole.chars().filter(|c| *c == 'ä').count(),
                LONGEST_LINE / 2
            );
        }
        let noise = shown(&[&[0xff; LONGEST_LINE + 5], b"\n"], &[]).await;
        assert_eq!(noise.concat().chars().count(), LONGEST_LINE + 5);
    }

    #[tokio::test]
    async fn masks_beyond_what_can_be_masked_are_not_shown_either() {
        let secret = "s".repeat(LONGEST_LINE);
        let command = format!("::add-mask::{secret}");
        let (first, rest) = command.as_bytes().split_at(LONGEST_LINE + 2);
        let lines = shown(&[first, rest, b"sss\nnext\n"], &[]).await;
        assert_eq!(lines, ["::add-mask::***", "next"]);
        let line = format!("::add-mask::{}\nnext\n", &secret[..LONGEST_LINE / 2]);
        let lines = shown(&[line.as_bytes()], &["known"]).await;
        assert_eq!(lines, ["::add-mask::***", "next"]);
    }

    #[tokio::test]
    async fn masks_without_end_are_refused_with_one_error() {
        let (events, mut queue) = Events::accept("job");
        let masker = Masker::default();
        masker.add("known");
        let mut lines = Lines::new(&events, &masker, 7, Stream::Stdout);
        let asked = (0..3 * GUEST_MASKS).map(|number| format!("::add-mask::value-{number}-\n"));
        lines.push(asked.collect::<String>().as_bytes()).await;
        lines.push(b"value-0- value-999- known\n").await;
        drop((events, lines));
        let (mut errors, mut text) = (Vec::new(), String::new());
        while let Some(message) = queue.recv().await {
            let Message::Events(stamped, _) = message else {
                continue;
            };
            for one in stamped {
                match one.event {
                    JobEvent::Notice { level, text } => errors.push((level, text)),
                    JobEvent::Log { text: line, .. } => text.push_str(&line),
                    _ => {}
                }
            }
        }
        assert_eq!(errors.len(), 1, "{errors:?}");
        assert!(errors[0].0 == Level::Error && errors[0].1.contains("step 7"));
        assert!(text.ends_with("*** *** ***") && !text.contains("value"));
    }

    #[tokio::test]
    async fn a_new_mask_holds_from_the_next_line_on_and_is_not_shown() {
        let lines = shown(&[b"::add-mask::hun%25ter\nit is hun%ter\n"], &[]).await;
        assert_eq!(lines, ["::add-mask::***", "it is ***"]);
    }
}
