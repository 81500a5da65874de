//! One bare expression, ready to be evaluated.

use std::sync::Arc;

use crate::source::{SourceFile, Span};
use crate::text;
use crate::yaml::Written;

use super::ast::{Ast, AstKind, Literal};
use super::availability::Availability;
use super::error::{EvalError, Fault, ParseError};
use super::evaluator::Evaluator;
use super::parser;
use super::scope::Scope;
use super::value::Value;

/// An expression without `${{ }}` around it.
#[derive(Debug, Clone, PartialEq)]
pub struct Expression {
    text: Arc<str>,
    root: Arc<Ast>,
    origin: Option<Origin>,
}

/// Where in a file the text of an expression or template stands.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Origin {
    /// The scalar that holds the text.
    pub(super) scalar: Arc<Written>,
    /// Where in the scalar the text begins.
    pub(super) offset: usize,
}

impl Origin {
    /// The place in the file of a part of the text.
    pub(super) fn place(&self, source: &SourceFile, part: Span) -> Span {
        self.scalar.place(source, part.shifted(self.offset))
    }
}

impl Expression {
    /// Parses an expression. Functions must exist and have the right number of arguments; whether
    /// names are available where it stands is for [`Expression::check`] to say.
    ///
    /// # Errors
    ///
    /// The first thing that is wrong.
    pub fn parse(text: &str) -> Result<Self, ParseError> {
        let text: Arc<str> = text.into();
        match parser::parse(&text) {
            Ok(root) => Ok(Self {
                text,
                root: Arc::new(root),
                origin: None,
            }),
            Err(fault) => Err(fault.within(&text, None).into()),
        }
    }

    /// The text it was parsed from.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Everything it uses that is not available.
    pub fn check(&self, availability: &Availability) -> Vec<ParseError> {
        let faults = availability.check(&self.root).into_iter();
        faults
            .map(|fault| fault.within(&self.text, self.origin.as_ref()).into())
            .collect()
    }

    /// Whether it asks how the job is doing, anywhere.
    pub fn has_status_function(&self) -> bool {
        self.root.has_status_function()
    }

    /// Whether it uses a context, anywhere. The name may be in any case.
    pub fn uses(&self, context: &str) -> bool {
        let mut found = false;
        self.root.walk(&mut |part| {
            found |= matches!(&part.kind, AstKind::Context(name) if text::equal(name, context));
        });
        found
    }

    /// Whether it asks how certain jobs did, as `success('a')` does.
    pub fn asks_for_jobs(&self) -> bool {
        let mut found = false;
        self.root.walk(&mut |part| {
            found |= matches!(
                &part.kind,
                AstKind::Call(function, arguments) if function.is_status() && !arguments.is_empty()
            );
        });
        found
    }

    /// The value in a scope.
    ///
    /// # Errors
    ///
    /// An unknown context, a function that failed, or too much data.
    pub fn evaluate(&self, scope: &dyn Scope) -> Result<Value, EvalError> {
        self.evaluate_with(&Evaluator::new(scope))
    }

    pub(super) fn evaluate_with(&self, evaluator: &Evaluator<'_>) -> Result<Value, EvalError> {
        evaluator
            .value(&self.root)
            .map_err(|fault| fault.within(&self.text, self.origin.as_ref()).into())
    }

    /// The string, where the whole expression is one.
    pub(super) fn as_string_literal(&self) -> Option<&Arc<str>> {
        match &self.root.kind {
            AstKind::Literal(Literal::String(text)) => Some(text),
            _ => None,
        }
    }

    pub(super) fn root(&self) -> &Ast {
        &self.root
    }

    pub(super) fn origin(&self) -> Option<&Origin> {
        self.origin.as_ref()
    }

    /// Remembers where in a file it stands: `offset` bytes into a scalar.
    pub(super) fn locate(&mut self, scalar: &Arc<Written>, offset: usize) {
        self.origin = Some(Origin {
            scalar: scalar.clone(),
            offset,
        });
    }

    pub(super) fn fault(&self, fault: Fault) -> Fault {
        fault.within(&self.text, self.origin.as_ref())
    }

    /// The bytes of the text that the whole expression covers.
    pub(super) fn span(&self) -> Span {
        self.root.span
    }
}
