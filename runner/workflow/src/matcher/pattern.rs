//! One pattern of a matcher: a regular expression and what its groups mean.

use fancy_regex::{Regex, RegexBuilder};

use super::ecma;
use super::{Budget, PATTERN_LIMIT};

/// What a group of a pattern can be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Property {
    File,
    Line,
    Column,
    Severity,
    Code,
    Message,
    FromPath,
}

impl Property {
    pub(super) const ALL: [Self; 7] = [
        Self::File,
        Self::Line,
        Self::Column,
        Self::Severity,
        Self::Code,
        Self::Message,
        Self::FromPath,
    ];

    /// The key in a matcher file.
    pub(super) fn key(self) -> &'static str {
        match self {
            Self::File => "file",
            Self::Line => "line",
            Self::Column => "column",
            Self::Severity => "severity",
            Self::Code => "code",
            Self::Message => "message",
            Self::FromPath => "fromPath",
        }
    }
}

/// How much the compiled form of one expression may take, in bytes.
const SIZE_LIMIT: usize = 128 * 1024;

/// A pattern, ready to be tried.
#[derive(Debug, Clone)]
pub(super) struct Pattern {
    regex: Regex,
    /// The engine's group of each property; none where the pattern does not set it.
    groups: [Option<usize>; Property::ALL.len()],
    /// Whether it goes on after its first match.
    pub(super) repeats: bool,
}

/// What the properties are so far. None is: no pattern has set it; it may be empty.
pub(super) type Found = [Option<String>; Property::ALL.len()];

/// A pattern took too many steps.
pub(super) struct Overrun;

/// An expression whose groups are counted.
pub(super) struct Compiled {
    regex: Regex,
    groups: Vec<usize>,
}

impl Compiled {
    /// Compiles an expression, or says why it is none.
    pub(super) fn new(expression: &str, budget: &Budget) -> Result<Self, String> {
        if expression.len() > PATTERN_LIMIT {
            return Err(format!("it is longer than {PATTERN_LIMIT} bytes"));
        }
        let translated = ecma::translate(expression);
        let regex = RegexBuilder::new(&translated.pattern)
            .backtrack_limit(budget.backtracks)
            .delegate_size_limit(SIZE_LIMIT)
            .delegate_dfa_size_limit(SIZE_LIMIT)
            .max_prog_size(SIZE_LIMIT / size_of::<u64>())
            .build()
            .map_err(|error| error.to_string())?;
        Ok(Self {
            regex,
            groups: translated.groups,
        })
    }

    /// How many groups it has, the whole match among them.
    pub(super) fn count(&self) -> usize {
        self.groups.len().min(self.regex.captures_len())
    }

    /// The pattern, with the number of each property's group.
    pub(super) fn pattern(
        self,
        numbers: [Option<usize>; Property::ALL.len()],
        repeats: bool,
    ) -> Pattern {
        let groups = numbers.map(|number| self.groups.get(number?).copied());
        Pattern {
            regex: self.regex,
            groups,
            repeats,
        }
    }
}

impl Pattern {
    /// What a line adds to what was found before; none where it does not match.
    pub(super) fn try_line(
        &self,
        line: &str,
        before: Option<&Found>,
    ) -> Result<Option<Found>, Overrun> {
        let Some(captures) = self.regex.captures(line).map_err(|_| Overrun)? else {
            return Ok(None);
        };
        let mut found = before.cloned().unwrap_or_default();
        for (value, group) in found.iter_mut().zip(self.groups) {
            if let (None, Some(group)) = (&value, group) {
                let text = captures.get(group).map_or("", |group| group.as_str());
                *value = Some(text.to_owned());
            }
        }
        Ok(Some(found))
    }
}
