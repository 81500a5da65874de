//! A step's output on its way to the log: bytes become lines, lines are tested for commands and masked, and
//! are handed on in batches. Flat memory, whatever the guest prints, and next to no work for a line that is
//! only output.

use std::borrow::Cow;

use crate::event::{Events, JobEvent, Level, Stream};
use crate::mask::{MaskedStream, Masker};
use crate::steps::commands::{StepCommands, is_new_style};

/// A line longer than this, in bytes, is handed on in pieces.
pub const LONGEST_LINE: usize = 256 << 10;
/// A line that may be a command is waited for up to so many bytes: the value of an output may be long.
const LONGEST_COMMAND: usize = 1 << 20;
/// How the command begins that adds a secret, which is not shown even if it is too long.
const ADD_MASK: &str = "::add-mask::";

/// Both streams of a step's output.
#[derive(Debug)]
pub struct StepOutput {
    events: Events,
    masker: Masker,
    number: usize,
    commands: StepCommands,
    stdout: Unfinished,
    stderr: Unfinished,
}

/// What a stream's last line has of itself so far.
#[derive(Debug, Default)]
struct Unfinished {
    /// The line that has no end yet.
    line: Vec<u8>,
    /// How its first pieces were handed on, if they were.
    long: Option<LongLine>,
}

/// A line that comes in pieces.
#[derive(Debug)]
enum LongLine {
    Shown(MaskedStream),
    /// A mask that is too long to be one, and a secret nevertheless.
    Withheld,
}

impl StepOutput {
    /// The output of a step, whose commands are heeded.
    pub fn new(events: &Events, masker: &Masker, number: usize, commands: StepCommands) -> Self {
        Self {
            events: events.clone(),
            masker: masker.clone(),
            number,
            commands,
            stdout: Unfinished::default(),
            stderr: Unfinished::default(),
        }
    }

    /// Takes a piece of output and hands on the lines that it completes.
    pub async fn push(&mut self, stream: Stream, piece: &[u8]) {
        let mut facts = Vec::new();
        let mut rest = piece;
        while let Some(end) = memchr::memchr(b'\n', rest) {
            if self.unfinished(stream).line.is_empty() {
                self.complete(stream, &rest[..end], &mut facts).await;
            } else {
                let mut line = std::mem::take(&mut self.unfinished(stream).line);
                line.extend_from_slice(&rest[..end]);
                self.complete(stream, &line, &mut facts).await;
            }
            rest = &rest[end + 1..];
        }
        self.unfinished(stream).line.extend_from_slice(rest);
        self.cut(stream, &mut facts);
        self.events.output(facts).await;
    }

    /// Hands on what has no end.
    pub async fn finish(&mut self) {
        let mut facts = Vec::new();
        for stream in [Stream::Stdout, Stream::Stderr] {
            let unfinished = self.unfinished(stream);
            if !unfinished.line.is_empty() || unfinished.long.is_some() {
                let line = std::mem::take(&mut unfinished.line);
                self.complete(stream, &line, &mut facts).await;
            }
        }
        self.events.output(facts).await;
    }

    fn unfinished(&mut self, stream: Stream) -> &mut Unfinished {
        match stream {
            Stream::Stdout => &mut self.stdout,
            Stream::Stderr => &mut self.stderr,
        }
    }

    /// Takes a whole line, or the last piece of a long one.
    async fn complete(&mut self, stream: Stream, line: &[u8], facts: &mut Vec<JobEvent>) {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        match self.unfinished(stream).long.take() {
            Some(LongLine::Withheld) => {}
            Some(LongLine::Shown(mut masked)) => {
                let mut shown = masked.push(line);
                shown.extend(masked.finish());
                facts.push(self.log(stream, text(&shown)));
            }
            None if self.commands.concerns(line) => {
                self.commands.take(stream, &text(line), facts).await;
            }
            None => {
                let line = text(line);
                let line = match self.masker.mask(&line) {
                    Cow::Borrowed(_) => line,
                    Cow::Owned(masked) => masked,
                };
                facts.push(self.log(stream, line));
            }
        }
    }

    /// Takes a piece off a line that gets too long.
    fn cut(&mut self, stream: Stream, facts: &mut Vec<JobEvent>) {
        let (masker, unfinished) = (self.masker.clone(), self.unfinished(stream));
        let is_new = unfinished.long.is_none();
        let may_be_command = is_new && is_new_style(&unfinished.line);
        let most = if may_be_command {
            LONGEST_COMMAND
        } else {
            LONGEST_LINE
        };
        if unfinished.line.len() <= most {
            return;
        }
        // Of a character that is not all here, nothing is taken.
        let rest = unfinished
            .line
            .split_off(whole_characters(&unfinished.line));
        let piece = std::mem::replace(&mut unfinished.line, rest);
        let long = unfinished
            .long
            .get_or_insert_with(|| LongLine::of(&masker, &piece));
        match long {
            LongLine::Shown(masked) => {
                let shown = text(&masked.push(&piece));
                facts.push(self.log(stream, shown));
                if may_be_command && piece.trim_ascii_start().starts_with(b"::") {
                    self.tell_too_long();
                }
            }
            // It is too long to be masked, which is told.
            LongLine::Withheld if is_new => self.commands.mask(&text(&piece)),
            LongLine::Withheld => {}
        }
    }

    fn tell_too_long(&self) {
        let text = format!(
            "step {}: a line that may be a workflow command has more than {} KiB, and is taken for output",
            self.number,
            LONGEST_COMMAND >> 10
        );
        self.events.notice(Level::Warning, text);
    }

    fn log(&self, stream: Stream, text: String) -> JobEvent {
        JobEvent::Log {
            number: self.number,
            stream,
            text,
        }
    }
}

impl LongLine {
    fn of(masker: &Masker, beginning: &[u8]) -> Self {
        if beginning
            .trim_ascii_start()
            .starts_with(ADD_MASK.as_bytes())
        {
            Self::Withheld
        } else {
            Self::Shown(masker.stream())
        }
    }
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

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::event::Message;
    use crate::guest::fake;
    use crate::mask::GUEST_MASKS;
    use crate::steps::commands::Surroundings;
    use crate::steps::matchers::JobMatchers;

    fn output(events: &Events, masker: &Masker, number: usize) -> StepOutput {
        let around = Surroundings {
            events: events.clone(),
            masker: masker.clone(),
            number,
            channel: Arc::new(fake::channel(|_, _| (Vec::new(), "", 0))),
            workspace: r"C:\a\repo".to_owned(),
            matchers: JobMatchers::default(),
        };
        let commands = StepCommands::new(around, &[], Arc::default());
        StepOutput::new(events, masker, number, commands)
    }

    async fn shown(pieces: &[&[u8]], secrets: &[&str]) -> Vec<String> {
        let (events, mut queue) = Events::accept("job");
        let masker = Masker::default();
        masker.add_all(secrets.iter().copied());
        let mut lines = output(&events, &masker, 1);
        for piece in pieces {
            lines.push(Stream::Stdout, piece).await;
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
        let secret = "s".repeat(LONGEST_COMMAND);
        let command = format!("::add-mask::{secret}");
        let (first, rest) = command.as_bytes().split_at(LONGEST_COMMAND + 2);
        let lines = shown(&[first, rest, b"sss\nnext\n"], &[]).await;
        assert_eq!(lines, ["next"]);
        let line = format!("::add-mask::{}\nnext\n", &secret[..LONGEST_LINE / 2]);
        let lines = shown(&[line.as_bytes()], &["known"]).await;
        assert_eq!(lines, ["next"]);
    }

    #[tokio::test]
    async fn masks_without_end_are_refused_with_one_error() {
        let (events, mut queue) = Events::accept("job");
        let masker = Masker::default();
        masker.add("known");
        let mut lines = output(&events, &masker, 7);
        let asked = (0..3 * GUEST_MASKS).map(|number| format!("::add-mask::value-{number}-\n"));
        lines
            .push(Stream::Stdout, asked.collect::<String>().as_bytes())
            .await;
        lines
            .push(Stream::Stdout, b"value-0- value-999- known\n")
            .await;
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
        assert_eq!(text, "*** *** ***");
    }

    #[tokio::test]
    async fn a_new_mask_holds_from_the_next_line_on_and_is_not_shown() {
        let lines = shown(&[b"::add-mask::hun%25ter\nit is hun%ter\n"], &[]).await;
        assert_eq!(lines, ["it is ***"]);
    }

    /// `cargo test --release -p dormer --lib a_million_lines -- --ignored --nocapture`
    #[tokio::test]
    #[ignore = "a measurement"]
    #[expect(clippy::print_stdout, reason = "it is for whoever runs it")]
    async fn a_million_lines_of_output_stream_through() {
        const LINES: usize = 1_000_000;
        let (events, mut queue) = Events::accept("job");
        let masker = Masker::default();
        masker.add("a-secret-that-is-not-there");
        let mut output = output(&events, &masker, 1);
        let line =
            "0000001:src/module/component.c:120:17: warning: unused parameter in a declaration\n";
        let piece = line.repeat(32 * 1024 / line.len());
        let per_piece = piece.lines().count();
        let draining = tokio::spawn(async move { while queue.recv().await.is_some() {} });
        let begun = std::time::Instant::now();
        for _ in 0..LINES / per_piece {
            output.push(Stream::Stdout, piece.as_bytes()).await;
        }
        output.finish().await;
        let rate = LINES as f64 / begun.elapsed().as_secs_f64();
        drop((events, output));
        draining.await.unwrap();
        println!("{rate:.0} lines a second");
    }
}
