//! From a tree and its surroundings to a value.

use std::cell::Cell;
use std::sync::Arc;

use crate::source::Span;

use super::MAX_MEMORY;
use super::ast::{Ast, AstKind, Literal};
use super::coerce;
use super::error::Fault;
use super::scope::Scope;
use super::value::Value;

/// Evaluates one expression. Trees are at most [`super::MAX_DEPTH`] levels deep, so it may recurse.
pub(super) struct Evaluator<'a> {
    pub(super) scope: &'a dyn Scope,
    /// Bytes that strings may still take.
    memory: Cell<usize>,
}

/// A value on its way through an expression.
#[derive(Debug, Clone)]
pub(super) struct Operand {
    pub(super) value: Value,
    /// Whether the array is what `.*` found: then an index goes to each item instead.
    filtered: bool,
}

impl From<Value> for Operand {
    fn from(value: Value) -> Self {
        Self {
            value,
            filtered: false,
        }
    }
}

impl<'a> Evaluator<'a> {
    pub(super) fn new(scope: &'a dyn Scope) -> Self {
        Self {
            scope,
            memory: Cell::new(MAX_MEMORY),
        }
    }

    pub(super) fn evaluate(&self, ast: &Ast) -> Result<Operand, Fault> {
        match &ast.kind {
            AstKind::Literal(literal) => Ok(literal.value().into()),
            AstKind::Context(name) => self.context(name, ast.span),
            AstKind::Wildcard => Ok(Value::Null.into()),
            AstKind::Index(base, index) => self.index(base, index),
            AstKind::Call(function, arguments) => self.call(*function, arguments, ast.span),
            AstKind::Not(inner) => Ok(Value::Bool(!self.evaluate(inner)?.value.is_truthy()).into()),
            AstKind::Compare(comparison, left, right) => {
                let left = self.evaluate(left)?.value;
                let right = self.evaluate(right)?.value;
                Ok(Value::Bool(coerce::holds(*comparison, &left, &right)).into())
            }
            AstKind::And(operands) => self.first(operands, |value| !value.is_truthy()),
            AstKind::Or(operands) => self.first(operands, Value::is_truthy),
        }
    }

    /// The value of a part, where how an array came about no longer matters.
    pub(super) fn value(&self, ast: &Ast) -> Result<Value, Fault> {
        Ok(self.evaluate(ast)?.value)
    }

    fn context(&self, name: &str, span: Span) -> Result<Operand, Fault> {
        match self.scope.context(&name.to_ascii_lowercase()) {
            Some(value) => Ok(value.into()),
            None => Err(Fault::new(format!("unknown context `{name}`"), span)),
        }
    }

    /// The first operand that decides a chain, else the last one; the rest is not evaluated.
    fn first(&self, operands: &[Ast], decides: impl Fn(&Value) -> bool) -> Result<Operand, Fault> {
        let mut last = Value::Null.into();
        for operand in operands {
            last = self.evaluate(operand)?;
            if decides(&last.value) {
                break;
            }
        }
        Ok(last)
    }

    fn index(&self, base: &Ast, index: &Ast) -> Result<Operand, Fault> {
        let base = self.evaluate(base)?;
        if index.kind == AstKind::Wildcard {
            return self.all(base, index.span);
        }
        let span = index.span;
        let index = self.value(index)?;
        match &base.value {
            Value::Array(items) if base.filtered => {
                let found: Vec<Value> =
                    items.iter().filter_map(|item| part(item, &index)).collect();
                self.take(found.len() * size_of::<Value>(), span)?;
                Ok(Operand {
                    value: found.into(),
                    filtered: true,
                })
            }
            value => Ok(part(value, &index).unwrap_or_default().into()),
        }
    }

    /// `.*`: the items of a collection, or of every collection that an earlier `.*` found.
    fn all(&self, base: Operand, span: Span) -> Result<Operand, Fault> {
        let found = match (&base.value, base.filtered) {
            (Value::Array(collections), true) => collections.iter().flat_map(items).collect(),
            (value, _) => items(value),
        };
        self.take(found.len() * size_of::<Value>(), span)?;
        Ok(Operand {
            value: Value::Array(Arc::new(found)),
            filtered: true,
        })
    }

    /// Counts memory that a string takes, before or as it is made.
    pub(super) fn take(&self, bytes: usize, span: Span) -> Result<(), Fault> {
        match self.memory.get().checked_sub(bytes) {
            Some(rest) => {
                self.memory.set(rest);
                Ok(())
            }
            None => {
                let message = format!("the expression makes more than {MAX_MEMORY} bytes of data");
                Err(Fault::new(message, span))
            }
        }
    }
}

impl Literal {
    fn value(&self) -> Value {
        match self {
            Literal::Null => Value::Null,
            Literal::Bool(value) => Value::Bool(*value),
            Literal::Number(value) => Value::Number(*value),
            Literal::String(value) => Value::String(value.to_string()),
        }
    }
}

/// A property of an object or an item of an array.
pub(crate) fn part(collection: &Value, index: &Value) -> Option<Value> {
    match collection {
        Value::Object(object) if index.is_primitive() => object.get(&index.to_text()).cloned(),
        Value::Array(items) => items.get(position(index.to_number())?).cloned(),
        _ => None,
    }
}

/// A number as a position: rounded down, and none at all below zero.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "the range is checked, and NaN is in no range"
)]
fn position(number: f64) -> Option<usize> {
    (0.0..=f64::from(i32::MAX))
        .contains(&number)
        .then_some(number as usize)
}

fn items(collection: &Value) -> Vec<Value> {
    match collection {
        Value::Array(items) => items.to_vec(),
        Value::Object(object) => object.iter().map(|(_, value)| value.clone()).collect(),
        _ => Vec::new(),
    }
}
