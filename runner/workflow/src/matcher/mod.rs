//! Problem matchers: remarks that tools print, found in the lines of a step.
//!
//! ```text
//!  file ─ read ─> Matcher { patterns } ─ add ─> Matchers ── line ──> Annotation
//!                   │                              │
//!                   └ ecma ─> fancy-regex          └ what each matcher has found so far
//! ```
//!
//! A matcher of several patterns wants them on lines that follow one another; the last may match
//! again and again (`loop`). The first matcher that finds something makes the others forget theirs.
//!
//! **Why `fancy-regex`.** Expressions come from whoever wrote an action. It runs in linear time
//! wherever an expression needs neither back references nor look-around, and counts its steps where
//! it does; an engine for ECMAScript proper has no bound at all. A [`Budget`] of steps bounds each
//! expression on each line, so that the same line gives the same result on any machine. What steps
//! cost depends on the expression, so that there is the official runner's second of time too. A matcher
//! that runs over either on three lines is removed; when all of them together have taken too much
//! time in a job, all are, and none is added any more.
//!
//! Files are paths of the guest as text here; whether they exist is not known.

mod ecma;
mod lenient;
mod machine;
mod pattern;
mod read;

#[cfg(test)]
mod tests;

use std::borrow::Cow;
use std::time::Duration;

use crate::annotation::Annotation;
use crate::text;

use pattern::Found;

pub use machine::Matcher;
pub use read::{MatcherProblem, MatcherProblems, parse_matchers, parse_owners};

/// The largest matcher file, in bytes.
pub const FILE_LIMIT: usize = 256 * 1024;

/// The most matchers in a file, and at work at a time.
pub const MATCHER_LIMIT: usize = 50;

/// The most patterns of a matcher.
pub const PATTERNS_LIMIT: usize = 20;

/// The longest regular expression, in bytes.
pub const PATTERN_LIMIT: usize = 4096;

/// On how many lines a matcher may run over its budget before it is removed.
const OVERRUN_LIMIT: usize = 3;

/// What looking for matches may cost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Budget {
    /// How often an expression with back references or look-around may go back on a line. 20,000 by
    /// default.
    pub backtracks: usize,
    /// The longest line, in bytes, that is looked at. 16 KiB by default.
    pub line: usize,
    /// How long a matcher may take for one line. A second by default.
    pub time: Duration,
    /// How long slow lines may take all matchers together. Half a minute by default.
    pub total: Duration,
}

/// A line that takes a matcher longer is slow. Honest ones are done in a thousandth of it, so that
/// they may be any number.
const SLOW: Duration = Duration::from_millis(10);

impl Default for Budget {
    fn default() -> Self {
        Self {
            backtracks: 20_000,
            line: 16 * 1024,
            time: Duration::from_secs(1),
            total: Duration::from_secs(30),
        }
    }
}

/// The matchers that are at work.
#[derive(Debug, Clone, Default)]
pub struct Matchers {
    budget: Budget,
    /// The newest first.
    matchers: Vec<Matcher>,
    warnings: Vec<String>,
    /// How long slow lines have taken so far.
    spent: Duration,
}

impl Matchers {
    /// No matchers.
    pub fn new(budget: Budget) -> Self {
        Self {
            budget,
            ..Self::default()
        }
    }

    /// Adds a matcher, in place of one of the same owner. It is tried before the others.
    pub fn add(&mut self, matcher: Matcher) {
        self.remove(&matcher.owner);
        if self.spent >= self.budget.total {
            let message = format!(
                "Matcher '{}' is not added: matchers have taken too much time",
                matcher.owner
            );
            self.warnings.push(message);
            return;
        }
        if self.matchers.len() >= MATCHER_LIMIT {
            let message = format!(
                "Matcher '{}' is not added: there are {MATCHER_LIMIT} already",
                matcher.owner
            );
            self.warnings.push(message);
            return;
        }
        self.matchers.insert(0, matcher);
    }

    /// Removes the matcher of an owner, in any case, if there is one.
    pub fn remove(&mut self, owner: &str) {
        self.matchers
            .retain(|matcher| !text::equal(&matcher.owner, owner));
    }

    /// Forgets what was found so far: a step begins.
    pub fn reset(&mut self) {
        for matcher in &mut self.matchers {
            matcher.reset();
        }
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.matchers.is_empty()
    }

    /// The owners, in the order in which their matchers are tried.
    pub fn owners(&self) -> impl Iterator<Item = &str> {
        self.matchers.iter().map(|matcher| matcher.owner.as_str())
    }

    /// Looks at a line, without its end, that is no command. Colours don't matter.
    ///
    /// The annotation's file may be relative, to the workspace, and may not exist: the official
    /// runner then drops it. `clock` tells the time that has gone by since any moment.
    pub fn process(&mut self, line: &str, clock: &dyn Fn() -> Duration) -> Option<Annotation> {
        if self.matchers.is_empty() || line.len() > self.budget.line {
            return None;
        }
        let line = without_colours(line);
        for i in 0..self.matchers.len() {
            // None is left once all time is used up.
            if self.spent >= self.budget.total {
                break;
            }
            let Some(found) = self.timed(i, &line, clock) else {
                continue;
            };
            for (j, other) in self.matchers.iter_mut().enumerate() {
                if j != i {
                    other.reset();
                }
            }
            if let Some(annotation) = self.matchers[i].annotation(found) {
                self.drop_overrun();
                return Some(annotation);
            }
        }
        self.drop_overrun();
        None
    }

    /// Tries a matcher on a line, and counts how long that takes.
    fn timed(&mut self, index: usize, line: &str, clock: &dyn Fn() -> Duration) -> Option<Found> {
        let matcher = &mut self.matchers[index];
        let before = matcher.overruns;
        let start = clock();
        let found = matcher.try_line(line);
        let took = clock().saturating_sub(start);
        if took > self.budget.time {
            // A line counts once, though it took too many steps as well.
            matcher.overruns = before + 1;
        }
        if took > SLOW {
            self.spent += took;
        }
        found
    }

    /// The warnings since this was last asked: annotations for the step.
    pub fn take_warnings(&mut self) -> Vec<String> {
        std::mem::take(&mut self.warnings)
    }

    fn drop_overrun(&mut self) {
        if self.spent >= self.budget.total {
            for matcher in self.matchers.drain(..) {
                self.warnings.push(format!(
                    "Removing issue matcher '{}'. Matchers have taken too much time",
                    matcher.owner
                ));
            }
        }
        let is_over = |matcher: &mut Matcher| matcher.overruns >= OVERRUN_LIMIT;
        for matcher in self.matchers.extract_if(.., is_over) {
            self.warnings.push(format!(
                "Removing issue matcher '{}'. Matcher failed {OVERRUN_LIMIT} times. Error: its \
                 regular expression takes too long",
                matcher.owner
            ));
        }
    }
}

/// A line without escape sequences.
pub fn without_colours(line: &str) -> Cow<'_, str> {
    const ESCAPE: char = '\u{1b}';
    if line.contains(ESCAPE) {
        Cow::Owned(anstream::adapter::strip_str(line).to_string())
    } else {
        Cow::Borrowed(line)
    }
}
