//! Values from and to JSON.

use std::convert::Infallible;
use std::fmt;

use serde::de::{Deserialize, DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde::ser::{Serialize, SerializeMap, Serializer};

use crate::number;

use super::value::{Object, Value};

/// How deeply arrays and objects may be nested.
const MAX_LEVELS: usize = 128;

/// Reads JSON as `fromJSON` does. GitHub's reader is Newtonsoft's, which takes more than JSON is, and
/// workflows live on that: a list printed by Python has single quotes, and people leave commas at the
/// end. So what is not JSON may also be JSON5. The order of properties is kept; of two with one name
/// the last one counts. The error is about JSON, since that is what people mean to write.
pub(super) fn read(json: &str) -> Result<Value, String> {
    serde_json::from_str(json).or_else(|error| json5::from_str(json).map_err(|_| error.to_string()))
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
        deserializer.deserialize_any(Reader::default())
    }
}

/// Reads a value of any type, at most [`MAX_LEVELS`] deep whatever the format, so that it may recurse.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Reader {
    /// Whether a key that is there twice, in any case, is an error. Not by default.
    unique: bool,
    /// How many collections the value is in.
    level: usize,
}

impl Reader {
    /// A reader to which a key that is there twice, in any case, is an error.
    pub(super) fn unique() -> Self {
        Self {
            unique: true,
            level: 0,
        }
    }

    /// The reader for what is in a collection.
    fn inner<E: Error>(self) -> Result<Self, E> {
        if self.level == MAX_LEVELS {
            let message = format!("it is nested more than {MAX_LEVELS} levels deep");
            return Err(E::custom(message));
        }
        Ok(Self {
            level: self.level + 1,
            ..self
        })
    }
}

impl<'de> DeserializeSeed<'de> for Reader {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Reader {
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

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(Value::from(value))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(Value::from(value))
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
        let inner = self.inner()?;
        let mut array = Vec::new();
        while let Some(item) = items.next_element_seed(inner)? {
            array.push(item);
        }
        Ok(array.into())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Value, A::Error> {
        let inner = self.inner()?;
        let mut object = Object::new();
        while let Some(name) = entries.next_key::<String>()? {
            if self.unique
                && let Some(there) = object.name_of(&name)
            {
                return Err(A::Error::custom(repeated(&name, there)));
            }
            object.insert(name, entries.next_value_seed(inner)?);
        }
        Ok(object.into())
    }
}

fn repeated(name: &str, there: &str) -> String {
    if name == there {
        format!("the key `{name}` is here twice")
    } else {
        format!("the key `{name}` is the same as `{there}`: the case of a name does not matter")
    }
}
