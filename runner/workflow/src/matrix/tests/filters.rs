//! What agrees with what: the comparison of the language, leaf by leaf.

use super::*;

/// Whether `exclude` with an entry takes a value away, both as YAML.
fn agrees(value: &str, entry: &str) -> bool {
    legs(&format!("a: [{value}]\nexclude: [{{a: {entry}}}]")).is_empty()
}

#[test]
fn values_agree_as_in_expressions() {
    for (value, entry, expected) in [
        ("x", "x", true),
        ("Windows", "wINDOWS", true),
        ("straße", "STRASSE", false),
        ("x", "y", false),
        ("1", "1", true),
        ("1", "'1'", true),
        ("'1.0'", "1", true),
        ("'1.0'", "'1'", false),
        ("0x10", "16", true),
        ("true", "true", true),
        ("true", "'true'", false),
        ("true", "1", true),
        ("'1'", "true", true),
        ("false", "''", true),
        ("null", "''", true),
        ("''", "null", true),
        ("null", "0", true),
        ("null", "null", true),
        ("x", "null", false),
        (".nan", ".nan", false),
        ("' 1 '", "1", true),
    ] {
        assert_eq!(agrees(value, entry), expected, "{value} with {entry}");
        assert_eq!(agrees(entry, value), expected, "{entry} with {value}");
    }
}

#[test]
fn collections_agree_in_the_parts_that_are_named() {
    for (value, entry, expected) in [
        ("{x: 1, y: 2}", "{x: 1, y: 2}", true),
        ("{x: 1, y: 2}", "{y: 2, x: 1}", true),
        ("{x: 1, y: 2}", "{x: 1}", true),
        ("{x: 1}", "{x: 1, y: 2}", false),
        ("{X: A}", "{x: a}", true),
        ("{x: {y: {z: 1}}}", "{x: {y: {z: 1}}}", true),
        ("{x: {y: {z: 1}, w: 2}}", "{x: {y: {z: 1}}}", true),
        ("{x: {y: {z: 1}}}", "{x: {y: {z: 2}}}", false),
        ("{x: 1}", "{y: null}", true),
        ("{x: 1}", "{y: ''}", true),
        ("{x: 1}", "{}", true),
        ("x", "{}", true),
        ("x", "[]", true),
        ("x", "{y: 1}", false),
        ("{x: 1}", "x", false),
        ("{x: 1}", "1", false),
        ("[1, 2]", "[1, 2]", true),
        ("[1, 2]", "[1]", true),
        ("[1]", "[1, 2]", false),
        ("[1, 2]", "[2, 1]", false),
        ("[{x: 1, y: 2}]", "[{x: 1}]", true),
        ("[1, 2]", "{x: null}", true),
        ("[a, b]", "{'1': b}", true),
        ("{'0': a}", "[a]", true),
        ("[]", "[1]", false),
    ] {
        assert_eq!(agrees(value, entry), expected, "{value} with {entry}");
    }
}

#[test]
fn include_agrees_by_the_same_rules() {
    check(&[
        (
            "without case",
            "os: [Windows]\ninclude: [{OS: wINDOWS, x: 1}]",
            &["os: Windows, x: 1"],
        ),
        (
            "by number",
            "n: ['1']\ninclude: [{n: 1, x: 1}]",
            &["n: 1, x: 1"],
        ),
        (
            "by a part of an object",
            "o: [{a: 1, b: 2}, {a: 2}]\ninclude: [{o: {a: 1}, x: 1}]",
            &[r#"o: {"a":1,"b":2}, x: 1"#, r#"o: {"a":2}"#],
        ),
        (
            "by nothing",
            "o: [1]\ninclude: [{o: {}, x: 1}]",
            &["o: 1, x: 1"],
        ),
        (
            "not by another object",
            "o: [{a: 1}]\ninclude: [{o: {a: 2}, x: 1}]",
            &[r#"o: {"a":1}"#, r#"o: {"a":2}, x: 1"#],
        ),
    ]);
}
