//! The value of an `if` key.

use std::sync::Arc;

use crate::source::Span;
use crate::yaml::Written;

use super::availability::Availability;
use super::error::{EvalError, ParseError};
use super::expression::Expression;
use super::scope::{JobStatus, Scope};
use super::template::Template;

/// A condition: an expression with or without `${{ }}`. One that does not ask how the job is doing
/// holds only while the job succeeds, as if it began with `success() &&`.
#[derive(Debug, Clone, PartialEq)]
pub struct Condition {
    body: Body,
    implies_success: bool,
    text: Arc<str>,
}

#[derive(Debug, Clone, PartialEq)]
enum Body {
    /// Nothing was written: it holds, as far as the status of the job lets it.
    Nothing,
    /// An expression without `${{ }}`.
    Bare(Expression),
    /// An expression with `${{ }}`, or text around some: that is a string and always holds.
    Template(Template),
}

impl Default for Condition {
    fn default() -> Self {
        Self {
            body: Body::Nothing,
            implies_success: true,
            text: "success()".into(),
        }
    }
}

impl Condition {
    /// Parses the text of an `if` key.
    ///
    /// # Errors
    ///
    /// The first thing that is wrong, placed in the text.
    pub fn parse(text: impl Into<Arc<str>>) -> Result<Self, ParseError> {
        let text = text.into();
        let template = Template::parse(text.clone())?;
        let body = match template.as_literal() {
            Some(bare) if bare.trim().is_empty() => return Ok(Self::default()),
            Some(bare) => Body::Bare(Expression::parse(bare)?),
            None => Body::Template(template),
        };
        let implies_success = !body.has_status_function();
        Ok(Self {
            body,
            implies_success,
            text,
        })
    }

    /// The condition `always()`.
    pub(crate) fn always() -> Self {
        Self {
            body: Body::Nothing,
            implies_success: false,
            text: "always()".into(),
        }
    }

    /// The same condition, taken as it is: it may hold though the job has failed.
    pub(crate) fn without_success(mut self) -> Self {
        self.implies_success = false;
        self
    }

    /// The text as it was written; `success()` where nothing was.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The expressions in it.
    pub fn expressions(&self) -> Vec<&Expression> {
        match &self.body {
            Body::Nothing => Vec::new(),
            Body::Bare(expression) => vec![expression],
            Body::Template(template) => template.expressions().collect(),
        }
    }

    /// Whether it holds only while the job succeeds, without saying so.
    pub fn implies_success(&self) -> bool {
        self.implies_success
    }

    /// Whether there is text around its `${{ }}`. It then always holds, which nobody means.
    pub fn is_text(&self) -> bool {
        matches!(&self.body, Body::Template(template) if template.as_expression().is_none())
    }

    /// Everything it uses that is not available.
    pub fn check(&self, availability: &Availability) -> Vec<ParseError> {
        match &self.body {
            Body::Nothing => Vec::new(),
            Body::Bare(expression) => expression.check(availability),
            Body::Template(template) => template.check(availability),
        }
    }

    /// Whether it holds.
    ///
    /// # Errors
    ///
    /// An expression that failed.
    pub fn evaluate(&self, scope: &dyn Scope) -> Result<bool, EvalError> {
        if self.implies_success && scope.status() != JobStatus::Success {
            return Ok(false);
        }
        match &self.body {
            Body::Nothing => Ok(true),
            Body::Bare(expression) => Ok(expression.evaluate(scope)?.is_truthy()),
            Body::Template(template) => Ok(template.evaluate(scope)?.is_truthy()),
        }
    }

    /// Remembers where in a file it stands: the scalar, and where that is used.
    pub(crate) fn locate(&mut self, scalar: &Arc<Written>, span: Span) {
        match &mut self.body {
            Body::Nothing => {}
            Body::Bare(expression) => expression.locate(scalar, 0),
            Body::Template(template) => template.locate(scalar, span),
        }
    }
}

impl Body {
    fn has_status_function(&self) -> bool {
        match self {
            Body::Nothing => true,
            Body::Bare(expression) => expression.has_status_function(),
            Body::Template(template) => template.expressions().any(Expression::has_status_function),
        }
    }
}
