//! One expression on its own, and the file with its contexts.

use crate::source::SourceFile;

use super::*;

fn refused(expression: &str, contexts: &str) -> String {
    let file = SourceFile::new("contexts.json", contexts);
    answer(expression, Some(&file)).unwrap_err().render()
}

#[test]
fn answers_have_a_text_and_a_json_form() {
    let contexts = r#"{"a": {"b": [1, 2.5, null, "é\"", -0, 1e21]}, "Some name": 5, "t": true}"#;
    let file = SourceFile::new("contexts.json", contexts);
    for (text, plain, json) in [
        ("a.b[0]", "1", r#"{"kind":"Number","value":1,"string":"1"}"#),
        ("a.b[2]", "", r#"{"kind":"Null","value":null,"string":""}"#),
        (
            "T",
            "true",
            r#"{"kind":"Boolean","value":true,"string":"true"}"#,
        ),
        (
            "a.b[3]",
            "é\"",
            r#"{"kind":"String","value":"é\"","string":"é\""}"#,
        ),
        (
            "a.b",
            "Array",
            r#"{"kind":"Array","value":[1,2.5,null,"é\"",0,1e+21],"string":"Array"}"#,
        ),
        (
            "a",
            "Object",
            r#"{"kind":"Object","value":{"b":[1,2.5,null,"é\"",0,1e+21]},"string":"Object"}"#,
        ),
        (
            "NaN",
            "NaN",
            r#"{"kind":"Number","value":"NaN","string":"NaN"}"#,
        ),
        (
            "-Infinity",
            "-Infinity",
            r#"{"kind":"Number","value":"-Infinity","string":"-Infinity"}"#,
        ),
    ] {
        let answer = answer(text, Some(&file)).unwrap();
        assert_eq!(answer.text(), plain, "{text}");
        assert_eq!(answer.to_json(), json, "{text}");
    }
}

#[test]
fn numbers_that_json_lacks_are_strings_at_any_depth() {
    let value = Value::from(vec![
        Value::Number(f64::NAN),
        Object::from_iter([("a", Value::Number(f64::INFINITY))]).into(),
    ]);
    assert_eq!(
        Answer { value }.to_json(),
        r#"{"kind":"Array","value":["NaN",{"a":"Infinity"}],"string":"Array"}"#
    );
}

#[test]
fn names_that_are_not_in_the_file_are_unknown_all_at_once() {
    insta::assert_snapshot!(refused("matrx.a || secrets.B || TRUE", r#"{"matrix": 1, "env": 2}"#), @"
    unknown context `matrx`
      | matrx.a || secrets.B || TRUE
      | ^^^^^
      = help: did you mean `matrix`?

    unknown context `secrets`
      | matrx.a || secrets.B || TRUE
      |            ^^^^^^^
      = help: the contexts here are `matrix` and `env`

    unknown context `TRUE`
      | matrx.a || secrets.B || TRUE
      |                         ^^^^
      = help: did you mean `true`? these words are in lower case
    ");
    insta::assert_snapshot!(refused("github.ref", r#"{"env": 2}"#), @"
    unknown context `github`
      | github.ref
      | ^^^^^^
      = help: the only context here is `env`
    ");
    insta::assert_snapshot!(answer("github.ref", None).unwrap_err().render(), @"
    unknown context `github`
      | github.ref
      | ^^^^^^
      = help: no contexts were given
    ");
}

#[test]
fn an_expression_in_marks_is_told_what_to_write() {
    insta::assert_snapshot!(refused(" ${{ github.ref }}\n", "{}"), @"
    one bare expression is expected, without `${{ }}`
      |  ${{ github.ref }}
      |  ^^^
      = help: leave the marks out: `github.ref`
    ");
    insta::assert_snapshot!(refused("${{ a }} and ${{ b }}", "{}"), @"
    one bare expression is expected, without `${{ }}`
      | ${{ a }} and ${{ b }}
      | ^^^
      = help: they mark an expression within text; leave them and the text out
    ");
}

#[test]
fn failures_have_a_caret() {
    insta::assert_snapshot!(refused("1 == 1 &&\n  fromJSON(a)", r#"{"a": "["}"#), @"
    `fromJSON` got a string that is not JSON: EOF while parsing a list at line 1 column 1
      |   fromJSON(a)
      |            ^
    ");
}

#[test]
fn context_files_are_refused_where_they_are_wrong() {
    insta::assert_snapshot!(refused("1", ""), @"
    contexts.json:1:1: expected a JSON object of contexts, found nothing
      |
    1 |
      | ^
    ");
    insta::assert_snapshot!(refused("1", "  [1, 2]\n"), @"
    contexts.json:1:3: expected a JSON object of contexts, found an array
      |
    1 |   [1, 2]
      |   ^^^^^^
    ");
    insta::assert_snapshot!(refused("1", "{\n  \"a\": 1,\n  \"b\": nope\n}"), @r#"
    contexts.json:3:9: this is not JSON: expected ident
      |
    3 |   "b": nope
      |         ^
    "#);
    insta::assert_snapshot!(refused("1", "{\n  \"a\": {\"é\": 1\n}"), @"
    contexts.json:3:1: this is not JSON: EOF while parsing an object
      |
    3 | }
      | ^
    ");
    insta::assert_snapshot!(refused("1", "{} x"), @"
    contexts.json:1:4: this is not JSON: trailing characters
      |
    1 | {} x
      |    ^
    ");
    insta::assert_snapshot!(refused("1", "\u{feff}{\"a\": }"), @r#"
    contexts.json:1:7: this is not JSON: expected value
      |
    1 | {"a": }
      |       ^
    "#);
    insta::assert_snapshot!(refused("1", "{\n  \"a\": 1,\n  \"a\": 2\n}"), @r#"
    contexts.json:3:3: the key `a` is here twice
      |
    3 |   "a": 2
      |   ^^^
    "#);
    insta::assert_snapshot!(refused("1", r#"{"a": {"b\\\"": 1, "c": 2, "b\\\"" : 3}}"#), @r#"
    contexts.json:1:28: the key `b\"` is here twice
      |
    1 | {"a": {"b\\\"": 1, "c": 2, "b\\\"" : 3}}
      |                            ^^^^^^^
    "#);
    insta::assert_snapshot!(refused("1", r#"{"GitHub": 1, "github": 2}"#), @r#"
    contexts.json:1:15: the key `github` is the same as `GitHub`: the case of a name does not matter
      |
    1 | {"GitHub": 1, "github": 2}
      |               ^^^^^^^^
    "#);
    insta::assert_snapshot!(refused("1", &"[".repeat(1000)), @"
    contexts.json:1:128: this is not JSON: recursion limit exceeded
      |
    1 | [[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[
      |                               ^
    ");
}

#[test]
fn a_byte_order_mark_is_nothing() {
    let file = SourceFile::new("contexts.json", "\u{feff}{\"a\": 1}\r\n");
    assert_eq!(answer("a", Some(&file)).unwrap().text(), "1");
}
