//! Text of strangers, made safe for a terminal: it may have colours where it is a program's output, and
//! may steer nothing. Not for events as JSON, where text is data.

use std::borrow::Cow;

use anstyle_parse::{Params, Parser, Perform};
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// Ends whatever colours a line began.
pub const RESET: &str = "\u{1b}[0m";

/// Messages quote files that strangers wrote, and nothing in those may steer the terminal. A character
/// stands for a character, so that carets below a line still point at the right one.
pub fn harmless(text: &str) -> Cow<'_, str> {
    replaced(text, |c| c.is_control() && !matches!(c, '\n' | '\t'))
}

/// A name within a line: it can't begin a line of its own, which would look like one of Dormer's.
pub fn harmless_name(text: &str) -> Cow<'_, str> {
    replaced(text, char::is_control)
}

/// A text of at most so many columns: what is wider ends with `…`.
pub fn shortened(text: &str, columns: usize) -> Cow<'_, str> {
    if text.width() <= columns {
        return Cow::Borrowed(text);
    }
    let mut left = columns.saturating_sub(1);
    let fits = text.chars().take_while(|c| {
        let width = c.width().unwrap_or(0);
        let is_room = width <= left;
        left = left.saturating_sub(width);
        is_room
    });
    Cow::Owned(fits.chain(['…']).collect())
}

fn replaced(text: &str, steers: impl Fn(char) -> bool) -> Cow<'_, str> {
    if text.contains(&steers) {
        Cow::Owned(text.replace(steers, "\u{fffd}"))
    } else {
        Cow::Borrowed(text)
    }
}

/// A line of a program's output. Colours stay; titles, the clipboard, the cursor and the bell are left
/// alone. A carriage return, with which programs write over their own line, becomes a space.
pub fn output_line(text: &str) -> Cow<'_, str> {
    if !text.contains(|c: char| c.is_control() && c != '\t') {
        return Cow::Borrowed(text);
    }
    let mut kept = Kept(String::with_capacity(text.len()));
    // A parser of its own for each line: what a line leaves open takes nothing from the next.
    let mut parser = Parser::<anstyle_parse::DefaultCharAccumulator>::new();
    for byte in text.bytes() {
        parser.advance(&mut kept, byte);
    }
    Cow::Owned(kept.0)
}

/// The same for a terminal, where a line's colours end with it.
pub fn terminal_line(text: &str) -> Cow<'_, str> {
    let line = output_line(text);
    if line.contains('\u{1b}') && !line.ends_with(RESET) {
        Cow::Owned(line.into_owned() + RESET)
    } else {
        line
    }
}

/// What is kept of a line.
struct Kept(String);

impl Perform for Kept {
    fn print(&mut self, c: char) {
        // A control character of eight bits comes as a character of UTF-8.
        if !c.is_control() {
            self.0.push(c);
        }
    }

    fn execute(&mut self, byte: u8) {
        match byte {
            b'\t' => self.0.push('\t'),
            b'\r' => self.0.push(' '),
            _ => {}
        }
    }

    fn csi_dispatch(&mut self, params: &Params, intermediates: &[u8], ignore: bool, action: u8) {
        // With something in between, `m` sets what keys send, not colours.
        if action != b'm' || !intermediates.is_empty() || ignore {
            return;
        }
        let written: Vec<String> = params
            .iter()
            .map(|one| {
                let parts: Vec<String> = one.iter().map(u16::to_string).collect();
                parts.join(":")
            })
            .collect();
        self.0.push_str(&format!("\u{1b}[{}m", written.join(";")));
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn colours_and_tabs_pass_and_nothing_else_does() {
        let same = [
            "plain ä €",
            "a\tb",
            "\u{1b}[1;31mred\u{1b}[0m",
            "\u{1b}[38:2:1:2:3mx",
        ];
        for text in same {
            assert_eq!(output_line(text), text);
        }
        let cases = [
            ("\u{1b}]52;c;aGk=\u{7}clipboard", "clipboard"),
            ("\u{1b}]0;title\u{1b}\\ä", "ä"),
            ("\u{1b}]8;;http://x\u{7}link\u{1b}]8;;\u{7}", "link"),
            ("\u{1b}[2J\u{1b}[1;1Hcursor\u{1b}[A", "cursor"),
            ("\u{1b}[>4;2mkeys\u{1b}[?1m", "keys"),
            ("\u{1b}P+q544e\u{1b}\\dcs", "dcs"),
            ("\u{1b}cbell\u{7}\u{8}", "bell"),
            ("\u{9b}2Jc1\u{85}", "2Jc1"),
            ("10%\r20%", "10% 20%"),
            ("\u{1b}]0;no end", ""),
        ];
        for (text, kept) in cases {
            assert_eq!(output_line(text), kept, "{text:?}");
        }
    }

    #[test]
    fn the_colours_of_a_line_end_with_it() {
        assert_eq!(terminal_line("\u{1b}[31mred"), "\u{1b}[31mred\u{1b}[0m");
        assert_eq!(
            terminal_line("\u{1b}[31mred\u{1b}[m"),
            "\u{1b}[31mred\u{1b}[0m"
        );
        assert_eq!(terminal_line("plain"), "plain");
    }

    #[test]
    fn names_and_messages_steer_nothing() {
        assert_eq!(
            harmless("a\u{1b}[2J\n\tb\u{9b}"),
            "a\u{fffd}[2J\n\tb\u{fffd}"
        );
        assert_eq!(harmless_name("a\nb"), "a\u{fffd}b");
    }

    #[test]
    fn wide_texts_are_cut_to_their_columns() {
        for (text, columns, expected) in [
            ("build", 5, "build"),
            ("builds", 5, "buil…"),
            ("構築する", 8, "構築する"),
            ("構築する", 7, "構築す…"),
            ("構築する", 6, "構築…"),
            ("x", 0, "…"),
        ] {
            assert_eq!(shortened(text, columns), expected);
        }
    }

    proptest! {
        #[test]
        fn whatever_is_printed_only_colours_are_left(text in "([\u{1b}\\[\\]PX^_m;:?>0-9A-z\u{7}\u{9b}ä\r]|.){0,60}") {
            let line = terminal_line(&text).into_owned();
            let mut rest = line.as_str();
            while let Some(at) = rest.find('\u{1b}') {
                let sequence = &rest[at + 1..];
                let end = sequence.find('m').unwrap();
                let colours = |c: char| c.is_ascii_digit() || c == ';' || c == ':';
                prop_assert!(sequence.starts_with('[') && sequence[1..end].chars().all(colours));
                rest = &sequence[end + 1..];
            }
            let steers = |c: char| c.is_control() && !matches!(c, '\t' | '\u{1b}');
            prop_assert!(!line.contains(steers));
        }
    }
}
