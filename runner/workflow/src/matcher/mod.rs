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
//! it does; an engine for ECMAScript proper has no bound at all. So a [`Budget`] of steps takes the
//! place of the official runner's second of time, and the same line gives the same result on any
//! machine. A matcher that runs over it on three lines is removed.
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

use crate::annotation::Annotation;
use crate::text;

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

/// What looking at one line may cost each pattern.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Budget {
    /// How often an expression with back references or look-around may go back. 20,000 by default.
    pub backtracks: usize,
    /// The longest line, in bytes, that is looked at. 16 KiB by default.
    pub line: usize,
}

impl Default for Budget {
    fn default() -> Self {
        Self {
            backtracks: 20_000,
            line: 16 * 1024,
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
    /// runner then drops it.
    pub fn process(&mut self, line: &str) -> Option<Annotation> {
        if self.matchers.is_empty() || line.len() > self.budget.line {
            return None;
        }
        let line = without_colours(line);
        for i in 0..self.matchers.len() {
            let Some(found) = self.matchers[i].try_line(&line) else {
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

    /// The warnings since this was last asked: annotations for the step.
    pub fn take_warnings(&mut self) -> Vec<String> {
        std::mem::take(&mut self.warnings)
    }

    fn drop_overrun(&mut self) {
        let is_over = |matcher: &mut Matcher| matcher.overruns >= OVERRUN_LIMIT;
        for matcher in self.matchers.extract_if(.., is_over) {
            self.warnings.push(format!(
                "Removing issue matcher '{}'. Matcher failed {OVERRUN_LIMIT} times. Error: its \
                 regular expression takes too many steps",
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
