//! Hostile expressions: refused or evaluated, in time, without panic.

use std::time::{Duration, Instant};

use proptest::prelude::*;

use super::*;

#[test]
fn nesting_is_limited_as_github_limits_it() {
    let ok = |text: &str| Expression::parse(text).is_ok();
    assert!(ok(&format!("{}1", "!".repeat(MAX_DEPTH - 1))));
    assert!(!ok(&format!("{}1", "!".repeat(MAX_DEPTH))));
    assert!(ok(&format!("a{}", ".b".repeat(MAX_DEPTH - 1))));
    assert!(!ok(&format!("a{}", ".b".repeat(MAX_DEPTH))));
    assert!(ok(&format!("1{}", " == 1".repeat(MAX_DEPTH - 1))));
    assert!(!ok(&format!("1{}", " == 1".repeat(MAX_DEPTH))));
    let calls = |n| format!("{}1{}", "toJSON(".repeat(n), ")".repeat(n));
    assert!(ok(&calls(MAX_DEPTH - 1)));
    assert!(!ok(&calls(MAX_DEPTH)));
    assert!(
        ok(&format!("{}1{}", "(".repeat(10_000), ")".repeat(10_000))),
        "groups are free"
    );
    assert!(ok(&format!("1{}", " && 1".repeat(4000))), "so are chains");
    assert!(ok(&format!("1{}", " || (1 || 1)".repeat(1000))));
}

#[test]
fn length_is_limited_in_utf16() {
    let string = |n| format!("'{}'", "x".repeat(n));
    assert!(Expression::parse(&string(MAX_LENGTH - 2)).is_ok());
    let error = Expression::parse(&string(MAX_LENGTH - 1)).unwrap_err();
    assert_eq!(
        error.to_string(),
        "the expression is longer than 21000 characters"
    );
    assert!(Expression::parse(&format!("'{}'", "😀".repeat(10_499))).is_ok());
    assert!(Expression::parse(&format!("'{}'", "😀".repeat(10_500))).is_err());
}

/// One second, more where nothing is optimised.
fn in_time<T>(what: &str, run: impl FnOnce() -> T) -> T {
    let start = Instant::now();
    let result = run();
    let limit = if cfg!(debug_assertions) { 10 } else { 1 };
    assert!(
        start.elapsed() < Duration::from_secs(limit),
        "{what}: {:?}",
        start.elapsed()
    );
    result
}

#[test]
fn data_does_not_explode() {
    let mut doubling = "'0123456789'".to_owned();
    for _ in 0..40 {
        doubling = format!("format('{{0}}{{0}}', {doubling})");
    }
    let mut quoting = "matrix".to_owned();
    for _ in 0..40 {
        quoting = format!("toJSON({quoting})");
    }
    for text in [doubling, quoting] {
        let error = in_time("explosion", || evaluate(&text)).unwrap_err();
        assert_eq!(
            error,
            "the expression makes more than 10485760 bytes of data"
        );
    }
}

#[test]
fn json_is_nested_to_a_limit_in_every_dialect() {
    let nested = |levels: usize, item: &str| {
        let json = format!("{}{item}{}", "[".repeat(levels), "]".repeat(levels));
        evaluate(&format!("fromJSON('{}')", json.replace('\'', "''"))).is_ok()
    };
    assert!(nested(127, "1"));
    assert!(nested(127, "'1'"));
    for levels in [129, 9000] {
        assert!(!nested(levels, "1"), "{levels}");
        assert!(!nested(levels, "'1'"), "{levels}");
    }
}

#[test]
fn long_and_odd_texts_are_refused_in_time() {
    for text in [
        "(".repeat(20_000),
        "!".repeat(20_000),
        "a[".repeat(10_000),
        "'".repeat(20_001),
        "''".repeat(10_000),
        "contains(".repeat(2000),
        "1 == ".repeat(4000),
        "a.".repeat(10_000),
        ".".repeat(20_000),
        "9".repeat(20_000),
        "\u{a0}".repeat(20_000),
        format!("contains('{}')", "a".repeat(20_000)),
        "x".repeat(20_000),
    ] {
        let _ = in_time("parsing", || evaluate(&text));
    }
}

/// Text that is more often than not nearly an expression.
const NEARLY: &str = "([()\\[\\].,*!<>=&| ]|==|&&|\\|\\||'[a-z{}0-9]{0,3}'|[0-9.eEx+-]{1,4}|github|event|commits|matrix|n|true|null|NaN|format|toJSON|fromJSON|contains|join|case|success|\u{e9}|\n){0,24}";

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn nothing_panics(text in any::<String>()) {
        if let Err(error) = Expression::parse(&text) {
            let _ = error.render();
        }
        let _ = Template::parse(&*text).map(|template| template.render(&scope()).is_ok());
        let _ = Condition::parse(&*text).map(|condition| condition.evaluate(&scope()).is_ok());
    }

    #[test]
    fn nothing_like_an_expression_panics(text in NEARLY) {
        match Expression::parse(&text) {
            Ok(expression) => {
                let _ = expression.check(&Availability::NOTHING);
                if let Err(error) = expression.evaluate(&scope()) {
                    let _ = error.render();
                }
            }
            Err(error) => {
                prop_assert!(error.span().start <= text.len());
                let _ = error.render();
            }
        }
    }

    #[test]
    fn strings_come_back_from_literals(text in any::<String>()) {
        let literal = format!("'{}'", text.replace('\'', "''"));
        prop_assert_eq!(Expression::parse(&literal).unwrap().evaluate(&scope()).unwrap(), text.into());
    }

    #[test]
    fn strings_come_back_from_json(text in any::<String>()) {
        let json = Value::from(text.as_str()).to_json();
        prop_assert_eq!(serde_json::from_str::<Value>(&json).unwrap(), text.into());
    }

    #[test]
    fn numbers_come_back_from_text(number in any::<i32>(), part in 0u32..1000) {
        let number = f64::from(number) + f64::from(part) / 1000.0;
        let text = Value::Number(number).to_text();
        prop_assert_eq!(Value::from(text.as_str()).to_number(), number);
    }

    #[test]
    fn formatted_numbers_are_close(number in any::<f64>()) {
        let again = crate::number::parse(&crate::number::format(number));
        prop_assert!((number.is_nan() && again.is_nan()) || number == again
            || (number - again).abs() <= number.abs() * 1e-14);
    }

    #[test]
    fn comparisons_agree_with_one_another(a in "[a-z0-9 ]{0,4}|[0-9]{1,3}", b in "[A-Z0-9 ]{0,4}|[0-9]{1,3}") {
        let is = |op: &str| evaluate(&format!("'{a}' {op} '{b}'")).unwrap() == Value::Bool(true);
        prop_assert_eq!(is("=="), !is("!="));
        prop_assert_eq!(is("<="), is("<") || is("=="));
        prop_assert_eq!(is(">="), !is("<"));
    }
}
