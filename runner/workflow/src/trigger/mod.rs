//! Whether an event starts a workflow: its filters against what is known of the event.
//!
//! ```text
//!  filters of the event ─┐
//!                        ├─ judge ─> Verdict     what does not fit, and what nobody can tell
//!  `github`, `event` in it                       │
//!  `Changes` ────────────┤─ facts                ref, kind of activity, names, changed files
//!                        └─ pattern              what a text must look like
//! ```
//!
//! A payload does not tell which files a pull request changes, and of a push only what its commits did one by
//! one. Whoever has the commits can tell what GitHub looks at, with [`Changes`].

mod facts;
mod judge;
mod pattern;

#[cfg(test)]
mod tests;

pub use judge::judge;

/// The files that an event changed, where somebody could look for them. Nobody did, by default.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Changes {
    /// Nobody looked: there is only the payload.
    #[default]
    Unknown,
    /// These, in the order in which git lists them.
    Files(Vec<String>),
    /// They could not be found out, and why, for people.
    Missing(String),
}

/// What came of judging an event.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Verdict {
    /// Whether GitHub starts the workflow. None where that hangs on filters that can't be judged.
    pub starts: Option<bool>,
    /// The filters that the event does not fit. Empty by default.
    pub misfits: Vec<Misfit>,
    /// The filters that were not judged. Empty by default.
    pub unjudged: Vec<Unjudged>,
}

/// A filter that an event does not fit.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Misfit {
    /// The key of the filter, such as `branches`.
    pub filter: &'static str,
    /// What does not fit: the name of a branch, tag or workflow, a type of activity, the first of the
    /// changed files.
    pub value: String,
    /// Both in a sentence.
    pub message: String,
}

/// A filter about which nothing is known.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Unjudged {
    /// The key of the filter.
    pub filter: &'static str,
    /// What is missing.
    pub why: String,
}

impl Verdict {
    fn new(misfits: Vec<Misfit>, unjudged: Vec<Unjudged>) -> Self {
        let starts = match (misfits.as_slice(), unjudged.as_slice()) {
            ([], []) => Some(true),
            ([], _) => None,
            _ => Some(false),
        };
        Self {
            starts,
            misfits,
            unjudged,
        }
    }
}
