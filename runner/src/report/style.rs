//! Colours, where somebody sees them, and how times are written.

use std::io::IsTerminal;

use owo_colors::{AnsiColors, OwoColorize, Style};

/// The styles of one output. Plain unless it is a terminal, and where `NO_COLOR` is set.
#[derive(Debug, Clone, Copy, Default)]
pub struct Palette {
    coloured: bool,
}

/// What a text means.
#[derive(Debug, Clone, Copy)]
pub enum Tone {
    /// All is well.
    Good,
    /// Something failed.
    Bad,
    /// Worth a look.
    Caution,
    /// Of less weight than the rest.
    Quiet,
    /// Of more weight than the rest.
    Strong,
}

impl Palette {
    /// For standard error.
    pub fn for_stderr() -> Self {
        Self::for_terminal(std::io::stderr().is_terminal())
    }

    /// For standard output.
    pub fn for_stdout() -> Self {
        Self::for_terminal(std::io::stdout().is_terminal())
    }

    fn for_terminal(terminal: bool) -> Self {
        let wanted = std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
        let dumb = std::env::var_os("TERM").is_some_and(|term| term == "dumb");
        Self {
            coloured: terminal && wanted && !dumb,
        }
    }

    /// A text in the colour that belongs to a name, in every run the same.
    pub fn paint_name(self, name: &str, text: &str) -> String {
        const COLOURS: [AnsiColors; 6] = [
            AnsiColors::Cyan,
            AnsiColors::Magenta,
            AnsiColors::Blue,
            AnsiColors::BrightCyan,
            AnsiColors::BrightMagenta,
            AnsiColors::BrightBlue,
        ];
        if !self.coloured {
            return text.to_owned();
        }
        let sum = name.bytes().fold(0_usize, |sum, byte| {
            sum.wrapping_mul(31).wrapping_add(usize::from(byte))
        });
        text.color(COLOURS[sum % COLOURS.len()]).to_string()
    }

    /// A text in its tone.
    pub fn paint(self, tone: Tone, text: &str) -> String {
        if !self.coloured {
            return text.to_owned();
        }
        let style = match tone {
            Tone::Good => Style::new().green(),
            Tone::Bad => Style::new().red().bold(),
            Tone::Caution => Style::new().yellow(),
            Tone::Quiet => Style::new().dimmed(),
            Tone::Strong => Style::new().bold(),
        };
        text.style(style).to_string()
    }
}

/// How many columns the terminal has that standard error is; none if it is none.
pub fn columns() -> Option<usize> {
    let size = rustix::termios::tcgetwinsize(std::io::stderr()).ok()?;
    Some(usize::from(size.ws_col)).filter(|columns| *columns > 0)
}

/// A time as people read it: `0.3 s`, `12 s`, `3 min 20 s`.
pub fn duration(milliseconds: u64) -> String {
    let seconds = milliseconds / 1000;
    match seconds {
        0..10 => format!("{seconds}.{} s", milliseconds % 1000 / 100),
        10..60 => format!("{seconds} s"),
        _ => format!("{} min {} s", seconds / 60, seconds % 60),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_short() {
        let shown = [40, 1234, 9999, 45_000, 200_000].map(duration);
        assert_eq!(shown, ["0.0 s", "1.2 s", "9.9 s", "45 s", "3 min 20 s"]);
    }

    #[test]
    fn without_a_terminal_nothing_is_coloured() {
        assert_eq!(Palette::default().paint(Tone::Bad, "x"), "x");
    }
}
