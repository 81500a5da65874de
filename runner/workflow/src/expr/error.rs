//! What can be wrong with an expression: before it runs, and while it runs.

use std::fmt;
use std::sync::Arc;

use crate::diagnostic::{Problem, Snippet};
use crate::source::{SourceFile, Span};

use super::expression::Origin;

/// An expression that can't be understood, or that uses what is not there.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[error("{0}")]
pub struct ParseError(pub(super) Fault);

/// An expression that failed while it was evaluated.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[error("{0}")]
pub struct EvalError(pub(super) Fault);

/// The one shape of both errors. Boxed, since results are passed around a lot.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Fault(Box<FaultData>);

#[derive(Debug, Clone, PartialEq)]
struct FaultData {
    message: String,
    help: Option<String>,
    /// Bytes of the expression's text.
    span: Span,
    text: Arc<str>,
    origin: Option<Origin>,
}

impl Fault {
    pub(super) fn new(message: impl Into<String>, span: Span) -> Self {
        Self(Box::new(FaultData {
            message: message.into(),
            help: None,
            span,
            text: "".into(),
            origin: None,
        }))
    }

    pub(super) fn with_help(mut self, help: Option<impl Into<String>>) -> Self {
        self.0.help = help.map(Into::into);
        self
    }

    /// Says in which text it happened. The innermost text is kept.
    pub(super) fn within(mut self, text: &Arc<str>, origin: Option<&Origin>) -> Self {
        if self.0.text.is_empty() {
            self.0.text = text.clone();
            self.0.origin = origin.cloned();
        }
        self
    }

    /// The same fault in a text that has `offset` more bytes in front.
    pub(super) fn shifted(mut self, offset: usize) -> Self {
        self.0.span = self.0.span.shifted(offset);
        self.0.text = "".into();
        self.0.origin = None;
        self
    }

    fn render(&self) -> String {
        let file = SourceFile::new("expression", &*self.0.text);
        let snippet = Snippet::new(&file, self.0.span);
        let (line, marker) = (snippet.text.trim_end(), snippet.marker());
        let space = if line.is_empty() { "" } else { " " };
        let mut out = format!("{self}\n  |{space}{line}\n  | {marker}");
        if let Some(help) = &self.0.help {
            out.push_str(&format!("\n  = help: {help}"));
        }
        out
    }

    fn problem(&self, source: &SourceFile) -> Option<Problem> {
        let place = self.0.origin.as_ref()?.place(source, self.0.span);
        let problem = Problem::new(source, place, &*self.0.message);
        Some(Problem {
            help: self.0.help.clone(),
            ..problem
        })
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.message)
    }
}

/// What both errors offer.
macro_rules! accessors {
    ($error:ident) => {
        impl $error {
            /// What is wrong: a fragment in lower case, without a full stop.
            pub fn message(&self) -> &str {
                &self.0.0.message
            }

            /// What to do about it, where that is known.
            pub fn help(&self) -> Option<&str> {
                self.0.0.help.as_deref()
            }

            /// The bytes of [`Self::text`] that it is about.
            pub fn span(&self) -> Span {
                self.0.0.span
            }

            /// The expression or template.
            pub fn text(&self) -> &str {
                &self.0.0.text
            }

            /// The message, the line of the expression with a caret, the help.
            pub fn render(&self) -> String {
                self.0.render()
            }

            /// The error as a problem of the file that the expression was read from. `None` for an
            /// expression that was read from no file.
            pub fn problem(&self, source: &SourceFile) -> Option<Problem> {
                self.0.problem(source)
            }
        }

        impl From<Fault> for $error {
            fn from(fault: Fault) -> Self {
                Self(fault)
            }
        }
    };
}

impl EvalError {
    /// The error as a problem of a file: at the expression, or at `otherwise` where the expression
    /// was read from no file.
    pub(crate) fn problem_or(&self, source: &SourceFile, otherwise: Span) -> Problem {
        let unplaced = || {
            let problem = Problem::new(source, otherwise, self.message());
            Problem {
                help: self.help().map(str::to_owned),
                ..problem
            }
        };
        self.problem(source).unwrap_or_else(unplaced)
    }
}

accessors!(ParseError);
accessors!(EvalError);
