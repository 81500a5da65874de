//! The values of the language.

use std::collections::HashMap;
use std::sync::Arc;

use crate::number;
use crate::text;

/// A value. Collections are shared: a clone is cheap, and is the same collection to `==`.
#[derive(Debug, Clone, PartialEq, Default)]
pub enum Value {
    /// Nothing; also what a property that is not there has.
    #[default]
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// Every number.
    Number(f64),
    /// Text.
    String(String),
    /// A list.
    Array(Arc<Vec<Value>>),
    /// Names with values.
    Object(Arc<Object>),
}

impl Value {
    /// The name of the type, as GitHub gives it: `Null`, `Boolean`, `Number`, `String`, `Array`,
    /// `Object`.
    pub fn kind(&self) -> &'static str {
        match self {
            Value::Null => "Null",
            Value::Bool(_) => "Boolean",
            Value::Number(_) => "Number",
            Value::String(_) => "String",
            Value::Array(_) => "Array",
            Value::Object(_) => "Object",
        }
    }

    /// Whether a condition with this value holds: all but null, false, zero, NaN and the empty
    /// string do.
    pub fn is_truthy(&self) -> bool {
        match self {
            Value::Null => false,
            Value::Bool(value) => *value,
            Value::Number(value) => *value != 0.0 && !value.is_nan(),
            Value::String(value) => !value.is_empty(),
            Value::Array(_) | Value::Object(_) => true,
        }
    }

    /// The value as functions and `${{ }}` insert it. Collections give the name of their type.
    pub fn to_text(&self) -> String {
        match self {
            Value::Null => String::new(),
            Value::Bool(value) => value.to_string(),
            Value::Number(value) => number::format(*value),
            Value::String(value) => value.clone(),
            Value::Array(_) | Value::Object(_) => self.kind().to_owned(),
        }
    }

    /// The value where a number is needed. What is no number is NaN.
    pub fn to_number(&self) -> f64 {
        match self {
            Value::Null => 0.0,
            Value::Bool(value) => f64::from(u8::from(*value)),
            Value::Number(value) => *value,
            Value::String(value) => number::parse(value),
            Value::Array(_) | Value::Object(_) => f64::NAN,
        }
    }

    /// Whether the value is no collection.
    pub fn is_primitive(&self) -> bool {
        !matches!(self, Value::Array(_) | Value::Object(_))
    }

    /// The object, where the value is one.
    pub fn as_object(&self) -> Option<&Object> {
        match self {
            Value::Object(object) => Some(object),
            _ => None,
        }
    }

    /// The items, where the value is an array.
    pub fn as_array(&self) -> Option<&[Value]> {
        match self {
            Value::Array(items) => Some(items),
            _ => None,
        }
    }
}

impl From<bool> for Value {
    fn from(value: bool) -> Self {
        Value::Bool(value)
    }
}

impl From<f64> for Value {
    fn from(value: f64) -> Self {
        Value::Number(value)
    }
}

/// Every number of the language is a double: large integers are rounded.
macro_rules! from_integer {
    ($integer:ty) => {
        impl From<$integer> for Value {
            #[expect(
                clippy::cast_precision_loss,
                reason = "every number of the language is a double"
            )]
            fn from(value: $integer) -> Self {
                Value::Number(value as f64)
            }
        }
    };
}

from_integer!(i64);
from_integer!(u64);

impl From<&str> for Value {
    fn from(value: &str) -> Self {
        Value::String(value.to_owned())
    }
}

impl From<String> for Value {
    fn from(value: String) -> Self {
        Value::String(value)
    }
}

impl From<Vec<Value>> for Value {
    fn from(items: Vec<Value>) -> Self {
        Value::Array(Arc::new(items))
    }
}

impl From<Object> for Value {
    fn from(object: Object) -> Self {
        Value::Object(Arc::new(object))
    }
}

/// Names with values, in the order they were added. Names are found in any case.
#[derive(Debug, Clone, Default)]
pub struct Object {
    entries: Vec<(String, Value)>,
    /// Positions in `entries` by folded name.
    positions: HashMap<String, usize>,
}

impl Object {
    /// An object without properties.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets a property. One that is there, in any case, keeps its place and its name.
    pub fn insert(&mut self, name: impl Into<String>, value: impl Into<Value>) {
        let (name, value) = (name.into(), value.into());
        match self.positions.get(&*text::folded(&name)) {
            Some(&position) => self.entries[position].1 = value,
            None => {
                self.positions
                    .insert(text::folded(&name).into_owned(), self.entries.len());
                self.entries.push((name, value));
            }
        }
    }

    /// A property by its name in any case.
    pub fn get(&self, name: &str) -> Option<&Value> {
        let position = *self.positions.get(&*text::folded(name))?;
        self.entries.get(position).map(|(_, value)| value)
    }

    /// The name of a property as it was first written, by its name in any case.
    pub fn name_of(&self, name: &str) -> Option<&str> {
        let position = *self.positions.get(&*text::folded(name))?;
        self.entries.get(position).map(|(name, _)| name.as_str())
    }

    /// The properties in their order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&str, &Value)> {
        self.entries
            .iter()
            .map(|(name, value)| (name.as_str(), value))
    }

    /// How many properties there are.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }
}

/// The same names and values in the same order.
impl PartialEq for Object {
    fn eq(&self, other: &Self) -> bool {
        self.entries == other.entries
    }
}

impl<N: Into<String>, V: Into<Value>> FromIterator<(N, V)> for Object {
    fn from_iter<I: IntoIterator<Item = (N, V)>>(entries: I) -> Self {
        let mut object = Object::new();
        object.extend(entries);
        object
    }
}

impl<N: Into<String>, V: Into<Value>> Extend<(N, V)> for Object {
    fn extend<I: IntoIterator<Item = (N, V)>>(&mut self, entries: I) {
        for (name, value) in entries {
            self.insert(name, value);
        }
    }
}
