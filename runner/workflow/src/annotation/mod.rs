//! Remarks about a place in the code: what `::error` and its siblings give, and problem matchers.
//!
//! A leaf: those who find annotations and those who show them meet here.

mod path;

use std::fmt;

use crate::text;

pub use path::{is_absolute, relative_to, resolved_from};

/// A remark, about a place in a file where there is one.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Annotation {
    /// How bad it is.
    pub severity: Severity,
    /// What is said; may have several lines.
    pub message: String,
    /// A heading. None by default.
    pub title: Option<String>,
    /// The file, as it was written: [`relative_to`] makes it a path in the repository. None by
    /// default.
    pub file: Option<String>,
    /// The line, from 1. None by default.
    pub line: Option<u32>,
    /// The last line, from 1. None by default, which is the first.
    pub end_line: Option<u32>,
    /// The column, from 1. None by default.
    pub column: Option<u32>,
    /// The last column, from 1. None by default.
    pub end_column: Option<u32>,
    /// What the tool calls this kind of remark: `E0308`, `no-unused-vars`. None by default; only
    /// matchers find one.
    pub code: Option<String>,
    /// The owner of the matcher that found it. None by default, which is: a command.
    pub owner: Option<String>,
}

/// How bad an annotation is, worst first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Severity {
    /// Something is wrong. It fails nothing by itself.
    Error,
    /// Something may be wrong.
    Warning,
    /// Something to know.
    Notice,
}

impl Annotation {
    /// An annotation without a place.
    pub fn new(severity: Severity, message: impl Into<String>) -> Self {
        Self {
            severity,
            message: message.into(),
            title: None,
            file: None,
            line: None,
            end_line: None,
            column: None,
            end_column: None,
            code: None,
            owner: None,
        }
    }
}

impl Severity {
    /// Every severity, worst first.
    pub const ALL: [Self; 3] = [Self::Error, Self::Warning, Self::Notice];

    /// The name, which is that of the command too.
    pub fn name(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
            Self::Notice => "notice",
        }
    }

    /// The severity of a name, in any case.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|severity| text::equal(severity.name(), name))
    }
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
