//! Values from and to JSON.

use std::convert::Infallible;
use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde::ser::{Serialize, SerializeMap, Serializer};

use crate::number;

use super::value::{Object, Value};

/// Reads JSON strictly: no comments, no trailing commas, nothing after the value, at most 128
/// levels. The order of properties is kept; of two with one name the last one counts.
pub(super) fn read(json: &str) -> Result<Value, String> {
    serde_json::from_str(json).map_err(|error| error.to_string())
}

/// Writes a value as `toJSON` does: two spaces a level, numbers as in text, order kept. `take` is
/// told how long every piece is and can end the writing.
pub(super) fn write<E>(
    value: &Value,
    mut take: impl FnMut(usize) -> Result<(), E>,
) -> Result<String, E> {
    let mut out = String::new();
    write_value(value, 0, &mut out, &mut take)?;
    Ok(out)
}

fn write_value<E>(
    value: &Value,
    level: usize,
    out: &mut String,
    take: &mut impl FnMut(usize) -> Result<(), E>,
) -> Result<(), E> {
    let before = out.len();
    match value {
        Value::Null => out.push_str("null"),
        Value::Bool(value) => out.push_str(if *value { "true" } else { "false" }),
        Value::Number(value) => out.push_str(&number::format(*value)),
        Value::String(text) => write_string(text, out),
        Value::Array(items) if items.is_empty() => out.push_str("[]"),
        Value::Object(object) if object.is_empty() => out.push_str("{}"),
        Value::Array(items) => {
            for (i, item) in items.iter().enumerate() {
                take(open_line(if i == 0 { "[" } else { "," }, level + 1, out))?;
                write_value(item, level + 1, out, take)?;
            }
            return take(close_line(']', level, out));
        }
        Value::Object(object) => {
            for (i, (name, value)) in object.iter().enumerate() {
                take(open_line(if i == 0 { "{" } else { "," }, level + 1, out))?;
                write_string(name, out);
                out.push_str(": ");
                write_value(value, level + 1, out, take)?;
            }
            return take(close_line('}', level, out));
        }
    }
    take(out.len() - before)
}

fn open_line(mark: &str, level: usize, out: &mut String) -> usize {
    out.push_str(mark);
    out.push('\n');
    out.push_str(&"  ".repeat(level));
    mark.len() + 1 + 2 * level
}

fn close_line(mark: char, level: usize, out: &mut String) -> usize {
    out.push('\n');
    out.push_str(&"  ".repeat(level));
    out.push(mark);
    2 + 2 * level
}

/// Newtonsoft's escapes: control characters, quotes, backslashes, and the three line separators
/// that JavaScript did not take in strings.
fn write_string(text: &str, out: &mut String) {
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\u{8}' => out.push_str("\\b"),
            '\u{c}' => out.push_str("\\f"),
            '\0'..='\u{1f}' | '\u{85}' | '\u{2028}' | '\u{2029}' => {
                out.push_str(&format!("\\u{:04x}", u32::from(c)));
            }
            _ => out.push(c),
        }
    }
    out.push('"');
}

impl Value {
    /// The value as `toJSON` writes it.
    pub fn to_json(&self) -> String {
        let written: Result<String, Infallible> = write(self, |_| Ok(()));
        match written {
            Ok(json) => json,
            Err(never) => match never {},
        }
    }
}

/// As data for other programs: numbers as JSON writes them, and null for those it can't write.
impl Serialize for Value {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Value::Null => serializer.serialize_unit(),
            Value::Bool(value) => serializer.serialize_bool(*value),
            Value::Number(value) => match whole(*value) {
                Some(whole) => serializer.serialize_i64(whole),
                None => serializer.serialize_f64(*value),
            },
            Value::String(value) => serializer.serialize_str(value),
            Value::Array(items) => serializer.collect_seq(items.iter()),
            Value::Object(object) => object.serialize(serializer),
        }
    }
}

/// As data for other programs, in its order.
impl Serialize for Object {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.len()))?;
        for (name, value) in self.iter() {
            map.serialize_entry(name, value)?;
        }
        map.end()
    }
}

/// A number without a fraction, where a 64-bit integer holds it exactly.
#[expect(clippy::cast_possible_truncation, reason = "the range is checked")]
fn whole(number: f64) -> Option<i64> {
    const LIMIT: f64 = 9_007_199_254_740_992.0;
    (number.fract() == 0.0 && number.abs() < LIMIT).then_some(number as i64)
}

impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ValueVisitor)
    }
}

struct ValueVisitor;

impl<'de> Visitor<'de> for ValueVisitor {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    #[expect(
        clippy::cast_precision_loss,
        reason = "every number of the language is a double"
    )]
    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(Value::Number(value as f64))
    }

    #[expect(
        clippy::cast_precision_loss,
        reason = "every number of the language is a double"
    )]
    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(Value::Number(value as f64))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(Value::Number(value))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut array = Vec::new();
        while let Some(item) = items.next_element()? {
            array.push(item);
        }
        Ok(array.into())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Value, A::Error> {
        let mut object = Object::new();
        while let Some((name, value)) = entries.next_entry::<String, Value>()? {
            object.insert(name, value);
        }
        Ok(object.into())
    }
}
