//! The type of a scalar: YAML 1.2's core schema, in the reading of GitHub.
//!
//! Only plain scalars have a type; `yes`, `on`, `0b11` and `1_000` are strings.

use crate::number;

use super::node::NodeValue;

/// Tags that change a type. `!!str` works on any style, the others on plain scalars only.
const CORE: &str = "tag:yaml.org,2002:";

/// Types a plain scalar without a tag.
pub(super) fn plain(text: &str) -> Result<NodeValue, String> {
    if is_null(text) {
        return Ok(NodeValue::Null);
    }
    if let Some(value) = boolean(text) {
        return Ok(NodeValue::Bool(value));
    }
    Ok(match number(text)? {
        Some(value) => NodeValue::Number(value),
        None => NodeValue::String(text.into()),
    })
}

/// Types a scalar with a tag.
pub(super) fn tagged(tag: &str, text: &str, is_plain: bool) -> Result<NodeValue, String> {
    let Some(kind) = tag.strip_prefix(CORE) else {
        return Err(format!("the tag `{tag}` is not supported"));
    };
    if kind == "str" {
        return Ok(NodeValue::String(text.into()));
    }
    if !is_plain {
        return Err(format!(
            "a quoted or block scalar can't have the tag `!!{kind}`"
        ));
    }
    let value = match kind {
        "null" => is_null(text).then_some(NodeValue::Null),
        "bool" => boolean(text).map(NodeValue::Bool),
        "int" | "float" => number(text)?.map(NodeValue::Number),
        _ => return Err(format!("the tag `!!{kind}` is not supported")),
    };
    value.ok_or_else(|| format!("`{text}` does not fit its tag `!!{kind}`"))
}

fn is_null(text: &str) -> bool {
    matches!(text, "" | "null" | "Null" | "NULL" | "~")
}

fn boolean(text: &str) -> Option<bool> {
    match text {
        "true" | "True" | "TRUE" => Some(true),
        "false" | "False" | "FALSE" => Some(false),
        _ => None,
    }
}

/// The number a plain scalar stands for. Hexadecimal and octal numbers have 32 bits; one that looks
/// right but is too large is an error, not a string.
fn number(text: &str) -> Result<Option<f64>, String> {
    match text {
        ".inf" | ".Inf" | ".INF" | "+.inf" | "+.Inf" | "+.INF" => Ok(Some(f64::INFINITY)),
        "-.inf" | "-.Inf" | "-.INF" => Ok(Some(f64::NEG_INFINITY)),
        ".nan" | ".NaN" | ".NAN" => Ok(Some(f64::NAN)),
        _ if is_prefixed(text) => match number::prefixed(text) {
            Some(value) => Ok(Some(value)),
            None => Err(format!("the number `{text}` has more than 32 bits")),
        },
        _ => Ok(number::decimal(text)),
    }
}

fn is_prefixed(text: &str) -> bool {
    let digits =
        |digits: &str, radix| !digits.is_empty() && digits.chars().all(|c| c.is_digit(radix));
    text.strip_prefix("0x").is_some_and(|rest| digits(rest, 16))
        || text.strip_prefix("0o").is_some_and(|rest| digits(rest, 8))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_scalars_have_core_schema_types() {
        let string = |text: &str| NodeValue::String(text.into());
        for (text, value) in [
            ("", NodeValue::Null),
            ("~", NodeValue::Null),
            ("Null", NodeValue::Null),
            ("nUll", string("nUll")),
            ("true", NodeValue::Bool(true)),
            ("FALSE", NodeValue::Bool(false)),
            ("tRue", string("tRue")),
            ("yes", string("yes")),
            ("on", string("on")),
            ("No", string("No")),
            ("12", NodeValue::Number(12.0)),
            ("-12", NodeValue::Number(-12.0)),
            ("+12", NodeValue::Number(12.0)),
            ("017", NodeValue::Number(17.0)),
            ("3.10", NodeValue::Number(3.1)),
            (".5", NodeValue::Number(0.5)),
            ("5.", NodeValue::Number(5.0)),
            ("1e3", NodeValue::Number(1000.0)),
            ("1e", string("1e")),
            ("0x1F", NodeValue::Number(31.0)),
            ("0X1F", string("0X1F")),
            ("-0x1F", string("-0x1F")),
            ("0xFFFFFFFF", NodeValue::Number(-1.0)),
            ("0o17", NodeValue::Number(15.0)),
            ("0o8", string("0o8")),
            ("0b11", string("0b11")),
            ("1_000", string("1_000")),
            ("1:30", string("1:30")),
            ("1.2.3", string("1.2.3")),
            (".inf", NodeValue::Number(f64::INFINITY)),
            ("-.INF", NodeValue::Number(f64::NEG_INFINITY)),
            ("inf", string("inf")),
            ("nan", string("nan")),
            ("-", string("-")),
            ("2024-01-01", string("2024-01-01")),
        ] {
            assert_eq!(plain(text), Ok(value), "{text:?}");
        }
        assert!(matches!(plain(".nan"), Ok(NodeValue::Number(n)) if n.is_nan()));
        assert!(plain("0x123456789").is_err());
    }

    #[test]
    fn tags_force_a_type() {
        let core = |kind: &str| format!("{CORE}{kind}");
        assert_eq!(
            tagged(&core("str"), "5", true),
            Ok(NodeValue::String("5".into()))
        );
        assert_eq!(tagged(&core("int"), "5", true), Ok(NodeValue::Number(5.0)));
        assert_eq!(tagged(&core("null"), "", true), Ok(NodeValue::Null));
        assert_eq!(
            tagged(&core("bool"), "True", true),
            Ok(NodeValue::Bool(true))
        );
        assert!(tagged(&core("int"), "five", true).is_err());
        assert!(tagged(&core("int"), "5", false).is_err());
        assert!(tagged(&core("binary"), "5", true).is_err());
        assert!(tagged("!mine", "5", true).is_err());
    }
}
