//! Values that are a literal or an expression.

use std::time::Duration;

use crate::expr::{EvalError, Scope, Template, Value};

/// A value that is written down, or that an expression gives when it is needed.
#[derive(Debug, Clone, PartialEq)]
pub enum Setting<T> {
    /// Written down.
    Literal(T),
    /// Left to an expression.
    Template(Template),
}

impl Setting<bool> {
    /// The boolean.
    ///
    /// # Errors
    ///
    /// An expression that failed or gave something else.
    pub fn evaluate(&self, scope: &dyn Scope) -> Result<bool, EvalError> {
        match self {
            Setting::Literal(value) => Ok(*value),
            Setting::Template(template) => match template.evaluate(scope)? {
                Value::Bool(value) => Ok(value),
                other => Err(template.refuse(&other, "a boolean")),
            },
        }
    }
}

impl Setting<f64> {
    /// The number, which is positive and finite.
    ///
    /// # Errors
    ///
    /// An expression that failed or gave something else.
    pub fn evaluate(&self, scope: &dyn Scope) -> Result<f64, EvalError> {
        match self {
            Setting::Literal(value) => Ok(*value),
            Setting::Template(template) => match template.evaluate(scope)? {
                Value::Number(value) if is_positive(value) => Ok(value),
                other => Err(template.refuse(&other, "a positive number")),
            },
        }
    }
}

impl Setting<Value> {
    /// The value, of whatever type it is.
    ///
    /// # Errors
    ///
    /// An expression that failed.
    pub fn evaluate(&self, scope: &dyn Scope) -> Result<Value, EvalError> {
        match self {
            Setting::Literal(value) => Ok(value.clone()),
            Setting::Template(template) => template.evaluate(scope),
        }
    }
}

pub(crate) fn is_positive(number: f64) -> bool {
    number > 0.0 && number.is_finite()
}

/// A number of minutes as a duration; too long a time is the longest there is.
pub fn minutes(number: f64) -> Duration {
    const SECONDS: f64 = 60.0;
    Duration::try_from_secs_f64((number * SECONDS).max(0.0)).unwrap_or(Duration::MAX)
}
