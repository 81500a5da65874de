//! Numbers as GitHub reads and writes them.
//!
//! GitHub's server and runner are .NET programs, so the rules are those of .NET's `Double`:
//! expressions and YAML read with them, and everything that turns a number into text writes with
//! them. The two readers differ in details, which is why YAML has its own entry point in
//! `yaml::scalar`; what they share is here.

/// Significant digits of a number in text (.NET's format `G15`).
const PRECISION: i32 = 15;

/// The smallest exponent that is written without an `E`.
const MIN_FIXED_EXPONENT: i32 = -4;

/// Reads a string as expressions do where they need a number: whitespace around it is ignored, an
/// empty string is zero, and what is no number is NaN.
pub(crate) fn parse(text: &str) -> f64 {
    let text = text.trim();
    if text.is_empty() {
        return 0.0;
    }
    decimal(text)
        .or_else(|| symbol(text))
        .or_else(|| prefixed(text))
        .unwrap_or(f64::NAN)
}

/// A decimal number with optional sign, fraction and exponent. Too large a one is infinite.
pub(crate) fn decimal(text: &str) -> Option<f64> {
    // Rust's grammar is .NET's apart from the words `inf` and `nan`.
    let is_number = |b: u8| b.is_ascii_digit() || matches!(b, b'+' | b'-' | b'.' | b'e' | b'E');
    if text.bytes().all(is_number) {
        text.parse().ok()
    } else {
        None
    }
}

/// `Infinity` and `NaN` in any case, with an optional sign.
fn symbol(text: &str) -> Option<f64> {
    let (sign, word) = match text.strip_prefix('-') {
        Some(rest) => (-1.0, rest),
        None => (1.0, text.strip_prefix('+').unwrap_or(text)),
    };
    if word.eq_ignore_ascii_case("infinity") {
        Some(sign * f64::INFINITY)
    } else if word.eq_ignore_ascii_case("nan") {
        Some(f64::NAN)
    } else {
        None
    }
}

/// `0x…` and `0o…`: 32 bits, of which the highest is a sign; larger ones are no numbers.
pub(crate) fn prefixed(text: &str) -> Option<f64> {
    let (radix, digits) = match text.get(..2)? {
        "0x" => (16, &text[2..]),
        "0o" => (8, &text[2..]),
        _ => return None,
    };
    // `from_str_radix` would take a sign here.
    if !digits.chars().all(|c| c.is_digit(radix)) {
        return None;
    }
    let bits = u32::from_str_radix(digits, radix).ok()?;
    Some(f64::from(bits.cast_signed()))
}

/// Writes a number: 15 significant digits, no trailing zeros, `E+15` and `E-05` outside of the
/// range that is written plainly.
pub(crate) fn format(number: f64) -> String {
    if number.is_nan() {
        return "NaN".to_owned();
    }
    if number.is_infinite() {
        return if number > 0.0 {
            "Infinity"
        } else {
            "-Infinity"
        }
        .to_owned();
    }
    // Negative zero is written as zero, as GitHub's own test vectors have it.
    let sign = if number < 0.0 { "-" } else { "" };
    let (digits, exponent) = significant(number.abs());
    if (MIN_FIXED_EXPONENT..PRECISION).contains(&exponent) {
        format!("{sign}{}", fixed(&digits, exponent))
    } else {
        format!("{sign}{}", scientific(&digits, exponent))
    }
}

/// The rounded digits without trailing zeros, and the exponent of the first one.
fn significant(number: f64) -> (String, i32) {
    let text = format!("{number:.14e}");
    let (mantissa, exponent) = text.split_once('e').unwrap_or((&text, "0"));
    let digits: String = mantissa.chars().filter(char::is_ascii_digit).collect();
    let digits = match digits.trim_end_matches('0') {
        "" => "0",
        digits => digits,
    };
    (digits.to_owned(), exponent.parse().unwrap_or(0))
}

fn fixed(digits: &str, exponent: i32) -> String {
    let zeros = |count: i32| "0".repeat(usize::try_from(count).unwrap_or(0));
    if exponent < 0 {
        return format!("0.{}{digits}", zeros(-exponent - 1));
    }
    let whole = usize::try_from(exponent).unwrap_or(0) + 1;
    if digits.len() <= whole {
        format!("{digits}{}", "0".repeat(whole - digits.len()))
    } else {
        format!("{}.{}", &digits[..whole], &digits[whole..])
    }
}

fn scientific(digits: &str, exponent: i32) -> String {
    let (first, rest) = digits.split_at(1);
    let point = if rest.is_empty() { "" } else { "." };
    let sign = if exponent < 0 { '-' } else { '+' };
    format!("{first}{point}{rest}E{sign}{:02}", exponent.abs())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_read_as_dotnet_reads_it() {
        for (text, number) in [
            ("", 0.0),
            (" \t\n ", 0.0),
            ("\u{a0}12\u{2003}", 12.0),
            ("1", 1.0),
            ("+1", 1.0),
            ("-1.5", -1.5),
            (".5", 0.5),
            ("5.", 5.0),
            ("1e3", 1000.0),
            ("1E-2", 0.01),
            ("1e400", f64::INFINITY),
            ("0x1F", 31.0),
            ("0xff", 255.0),
            ("0xFFFFFFFF", -1.0),
            ("0x0000000010", 16.0),
            ("0o17", 15.0),
            ("0o37777777777", -1.0),
            ("Infinity", f64::INFINITY),
            ("+infinity", f64::INFINITY),
            ("-INFINITY", f64::NEG_INFINITY),
        ] {
            assert_eq!(parse(text), number, "{text:?}");
        }
    }

    #[test]
    fn what_is_no_number_is_nan() {
        for text in [
            "a",
            "1a",
            "1 2",
            ".",
            "+",
            "-",
            "e5",
            "1e",
            "1e+",
            "0x",
            "0xG",
            "0X1F",
            "-0x1F",
            "+0o7",
            "0x+1",
            "0o8",
            "0b1",
            "1_000",
            "1,5",
            "inf",
            "0x1FFFFFFFF",
            "0o777777777777",
            "nan",
            "é",
        ] {
            assert!(parse(text).is_nan(), "{text:?}");
        }
    }

    #[test]
    fn numbers_are_written_with_fifteen_digits() {
        for (number, text) in [
            (0.0, "0"),
            (-0.0, "0"),
            (1.0, "1"),
            (-1.5, "-1.5"),
            (3.10, "3.1"),
            (0.1 + 0.2, "0.3"),
            (1.0 / 3.0, "0.333333333333333"),
            (2.0 / 3.0, "0.666666666666667"),
            (123_456_789_012_345.0, "123456789012345"),
            (999_999_999_999_999.0, "999999999999999"),
            (1e15, "1E+15"),
            (1_234_567_890_123_456.0, "1.23456789012346E+15"),
            (0.0001, "0.0001"),
            (0.00001, "1E-05"),
            (0.000_012_345, "1.2345E-05"),
            (1e100, "1E+100"),
            (1e-100, "1E-100"),
            (f64::MAX, "1.79769313486232E+308"),
            (100_000_000_000_000.5, "100000000000000"),
            (100_000_000_000_001.5, "100000000000002"),
            (f64::NAN, "NaN"),
            (f64::INFINITY, "Infinity"),
            (f64::NEG_INFINITY, "-Infinity"),
        ] {
            assert_eq!(format(number), text);
        }
    }
}
