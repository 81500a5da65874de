//! Work that takes long, drawn: bars where standard error is a terminal, a line a stage where it is not.

use std::io::{IsTerminal, Write};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};

use crate::progress::Progress;
use crate::report::style::duration;

/// How often a bar that only turns is drawn.
const TICK: Duration = Duration::from_millis(120);

/// Draws progress on standard error.
#[derive(Debug)]
pub struct TerminalProgress {
    state: Mutex<State>,
    /// Whether somebody watches.
    live: bool,
    /// Whether stages are told where nobody watches.
    lines: bool,
}

#[derive(Debug, Default)]
struct State {
    bar: Option<ProgressBar>,
    stage: Option<(String, std::time::Instant)>,
}

impl TerminalProgress {
    /// `lines` tells whether stages are worth a line each in a log: those of a build are, those of a
    /// transfer are not.
    pub fn new(lines: bool) -> Self {
        let watched = std::io::stderr().is_terminal();
        // GitHub's log is no terminal, whatever it says.
        let live = watched && std::env::var_os("GITHUB_ACTIONS").is_none();
        Self {
            state: Mutex::default(),
            live,
            lines,
        }
    }

    fn with<T>(&self, act: impl FnOnce(&mut State) -> T) -> T {
        act(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn end_stage(&self, state: &mut State) {
        if let Some(bar) = state.bar.take() {
            bar.finish_and_clear();
        }
        if let Some((stage, begun)) = state.stage.take()
            && self.lines
        {
            let took = duration(u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX));
            // Somebody who closed standard error does not want to know.
            let _ = writeln!(std::io::stderr(), "• {stage} {took}");
        }
    }
}

impl Progress for TerminalProgress {
    fn stage(&self, what: &str) {
        self.with(|state| {
            self.end_stage(state);
            state.stage = Some((what.to_owned(), std::time::Instant::now()));
            if self.live {
                let bar = ProgressBar::new_spinner().with_message(what.to_owned());
                bar.set_style(turning());
                bar.enable_steady_tick(TICK);
                state.bar = Some(bar);
            } else if self.lines {
                let _ = writeln!(std::io::stderr(), "  {what} …");
            }
        });
    }

    fn detail(&self, line: &str) {
        self.with(|state| {
            if let (Some(bar), Some((stage, _))) = (&state.bar, &state.stage) {
                bar.set_message(format!("{stage}: {line}"));
            }
        });
    }

    fn bytes(&self, done: u64, total: u64) {
        self.with(|state| {
            let Some(bar) = &state.bar else { return };
            if total > 0 && bar.length() != Some(total) {
                bar.set_length(total);
                bar.set_style(filling());
            } else if total == 0 {
                bar.set_style(counting());
            }
            bar.set_position(done);
        });
    }

    fn finish(&self) {
        self.with(|state| self.end_stage(state));
    }
}

/// The templates are fixed, and a mistake in one costs no more than its looks.
fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar())
}

fn turning() -> ProgressStyle {
    style("{spinner} {wide_msg}")
}

fn filling() -> ProgressStyle {
    style("{msg} {wide_bar} {bytes}/{total_bytes} {eta}")
}

fn counting() -> ProgressStyle {
    style("{spinner} {msg} {bytes}")
}
