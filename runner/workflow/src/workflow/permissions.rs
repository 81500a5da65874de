//! What a job's token may do at GitHub.

use crate::source::{Span, Spanned};

/// The value of `permissions`.
#[derive(Debug, Clone, PartialEq)]
pub struct Permissions {
    /// Where the key stands.
    pub key: Span,
    /// What is granted.
    pub grant: Grant,
}

/// What is granted to a token.
#[derive(Debug, Clone, PartialEq)]
pub enum Grant {
    /// The same for all scopes: `read-all`, `write-all`.
    All(Access),
    /// What is listed; nothing for any other scope.
    Scopes(Vec<Permission>),
}

/// What is granted for one scope.
#[derive(Debug, Clone, PartialEq)]
pub struct Permission {
    /// The scope, such as `contents`.
    pub scope: Spanned<String>,
    /// What is granted.
    pub access: Access,
}

/// How much is granted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Access {
    /// Nothing.
    None,
    /// Reading.
    Read,
    /// Reading and writing.
    Write,
}

impl Access {
    /// The word for it in a file.
    pub fn name(self) -> &'static str {
        match self {
            Access::None => "none",
            Access::Read => "read",
            Access::Write => "write",
        }
    }
}

/// The scopes of GitHub, with what each of them can be given. It gets new ones now and then.
pub(super) const SCOPES: [(&str, &[Access]); 18] = [
    ("actions", ANY),
    ("artifact-metadata", ANY),
    ("attestations", ANY),
    ("checks", ANY),
    ("contents", ANY),
    ("copilot-requests", WRITE_ONLY),
    ("deployments", ANY),
    ("discussions", ANY),
    ("id-token", WRITE_ONLY),
    ("issues", ANY),
    ("models", READ_ONLY),
    ("packages", ANY),
    ("pages", ANY),
    ("pull-requests", ANY),
    ("repository-projects", ANY),
    ("security-events", ANY),
    ("statuses", ANY),
    ("vulnerability-alerts", READ_ONLY),
];

pub(super) const ANY: &[Access] = &[Access::Read, Access::Write, Access::None];
const READ_ONLY: &[Access] = &[Access::Read, Access::None];
const WRITE_ONLY: &[Access] = &[Access::Write, Access::None];
