//! How two values compare.
//!
//! The rules are JavaScript's `==` and `<`, with two differences: strings compare without case,
//! and collections are equal to themselves only, never turned into a primitive.

use std::cmp::Ordering;
use std::sync::Arc;

use crate::text;

use super::ast::Comparison;
use super::value::Value;

pub(super) fn holds(comparison: Comparison, left: &Value, right: &Value) -> bool {
    let is = |wanted| order(left, right) == Some(wanted);
    match comparison {
        Comparison::Equal => equal(left, right),
        Comparison::NotEqual => !equal(left, right),
        Comparison::Less => is(Ordering::Less),
        Comparison::LessOrEqual => equal(left, right) || is(Ordering::Less),
        Comparison::Greater => is(Ordering::Greater),
        Comparison::GreaterOrEqual => equal(left, right) || is(Ordering::Greater),
    }
}

/// Whether `left == right`.
pub(crate) fn equal(left: &Value, right: &Value) -> bool {
    match (left, right) {
        (Value::Null, Value::Null) => true,
        (Value::Bool(a), Value::Bool(b)) => a == b,
        (Value::String(a), Value::String(b)) => text::equal(a, b),
        (Value::Array(a), Value::Array(b)) => Arc::ptr_eq(a, b),
        (Value::Object(a), Value::Object(b)) => Arc::ptr_eq(a, b),
        // What is left differs in type, so both become numbers; NaN equals nothing.
        _ => left.to_number() == right.to_number(),
    }
}

/// The order of two values; `None` where there is none, as between collections and with NaN.
fn order(left: &Value, right: &Value) -> Option<Ordering> {
    match (left, right) {
        (Value::Null, Value::Null) => None,
        (Value::Bool(a), Value::Bool(b)) => Some(a.cmp(b)),
        (Value::String(a), Value::String(b)) => Some(text::compare(a, b)),
        (Value::Array(_), Value::Array(_)) | (Value::Object(_), Value::Object(_)) => None,
        _ => left.to_number().partial_cmp(&right.to_number()),
    }
}
