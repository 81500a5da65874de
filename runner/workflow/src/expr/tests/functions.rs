//! What the functions give.

use super::*;

#[test]
fn contains_searches_strings_and_arrays() {
    table(&[
        ("contains('Hello world', 'llo')", "true"),
        ("contains('Hello world', 'LLO')", "true"),
        ("contains('Hello', '')", "true"),
        ("contains('', '')", "true"),
        ("contains('', 'a')", "false"),
        ("contains('É', 'é')", "true"),
        ("contains(1234, 23)", "true"),
        ("contains(true, 'RU')", "true"),
        ("contains(null, '')", "true"),
        ("contains('abc', null)", "true"),
        ("contains(github.ref, github)", "false"),
        ("contains(github, 'ref')", "false"),
        ("contains(matrix.os, 'Windows')", "true"),
        ("contains(matrix.os, 'win')", "false"),
        ("contains(matrix.n, '2')", "true"),
        ("contains(matrix.n, 4)", "false"),
        ("contains(matrix.nested, matrix.nested[0])", "true"),
        ("contains(matrix.nested, fromJSON('[3]'))", "false"),
        ("contains(fromJSON('[null]'), 0)", "true"),
        ("contains(fromJSON('[]'), '')", "false"),
    ]);
}

#[test]
fn starts_with_and_ends_with_ignore_case() {
    table(&[
        ("startsWith('Hello world', 'he')", "true"),
        ("startsWith('Hello', 'Hello world')", "false"),
        ("startsWith('abc', '')", "true"),
        ("startsWith(123, 12)", "true"),
        ("startsWith(github, 'O')", "false"),
        ("startsWith('Array', matrix.os)", "false"),
        ("endsWith('Hello world', 'LD')", "true"),
        ("endsWith('Hello', 'x')", "false"),
        ("endsWith(1.5, '.5')", "true"),
        ("endsWith(null, '')", "true"),
        ("endsWith(matrix.os, '')", "false"),
    ]);
}

#[test]
fn format_replaces_its_placeholders() {
    table(&[
        (
            "format('Hello {0} {1} {2}', 'Mona', 'the', 'Octocat')",
            "'Hello Mona the Octocat'",
        ),
        (
            "format('{{Hello {0} {1} {2}!}}', 'Mona', 'the', 'Octocat')",
            "'{Hello Mona the Octocat!}'",
        ),
        ("format('{0}{0}{1}', 'a', 'b')", "'aab'"),
        ("format('{1}', 'a', 'b')", "'b'"),
        ("format('none')", "'none'"),
        ("format('{{}}')", "'{}'"),
        ("format('{{{0}}}', 1)", "'{1}'"),
        ("format('{0:}', 1)", "'1'"),
        ("format('{00}', 1)", "'1'"),
        ("format('{0}', null)", "''"),
        ("format('{0}', true)", "'true'"),
        ("format('{0}', 0x10)", "'16'"),
        ("format('{0}', github)", "'Object'"),
        ("format('{0}', matrix.os)", "'Array'"),
        ("format('{0}', '{1}')", "'{1}'"),
        ("format('é{0}é', 'ü')", "'éüé'"),
        ("format('', 1)", "''"),
        ("format(null)", "''"),
        ("format(5)", "'5'"),
        ("format('{0}', 'a', fromJSON('broken'))", "'a'"),
    ]);
    errors(&[
        (
            "format('{1}', 'a')",
            "the format string asks for `{1}`, but there are 1 arguments after it",
        ),
        (
            "format('{0}')",
            "the format string asks for `{0}`, but there are 0 arguments after it",
        ),
    ]);
    for pattern in [
        "{",
        "}",
        "{}",
        "{a}",
        "{0",
        "0}",
        "{ 0}",
        "{0 }",
        "{-1}",
        "{0:x}",
        "{256}",
        "{{0}",
        "{99999999999}",
    ] {
        let error = evaluate(&format!("format('{pattern}', 1)")).unwrap_err();
        assert!(
            error.starts_with("the format string `"),
            "{pattern}: {error}"
        );
    }
}

#[test]
fn join_concatenates_arrays() {
    table(&[
        ("join(matrix.os)", "'linux,windows'"),
        ("join(matrix.os, ', ')", "'linux, windows'"),
        ("join(matrix.os, '')", "'linuxwindows'"),
        ("join(matrix.os, null)", "'linuxwindows'"),
        ("join(matrix.os, 0)", "'linux0windows'"),
        ("join(matrix.os, github)", "'linux,windows'"),
        ("join('text', '-')", "'text'"),
        ("join(5)", "'5'"),
        ("join(null)", "''"),
        ("join(github)", "''"),
        ("join(fromJSON('[]'))", "''"),
        (
            "join(fromJSON('[1, null, true, \"x\", [], {}]'))",
            "'1,,true,x,Array,Object'",
        ),
        ("join(fromJSON('[1]'), fromJSON('broken'))", "'1'"),
    ]);
}

#[test]
fn to_json_writes_as_github_does() {
    let json = |text: &str| match evaluate(text) {
        Ok(Value::String(json)) => json,
        other => panic!("{text}: {other:?}"),
    };
    for (text, expected) in [
        ("toJSON(null)", "null"),
        ("toJSON(true)", "true"),
        ("toJSON(1.50)", "1.5"),
        ("toJSON(1e20)", "1E+20"),
        ("toJSON(NaN)", "NaN"),
        ("toJSON('a\"\\/b')", r#""a\"\\/b""#),
        ("toJSON('é<>&')", "\"é<>&\""),
        ("toJSON('')", "\"\""),
        ("toJSON(fromJSON('[]'))", "[]"),
        ("toJSON(fromJSON('{}'))", "{}"),
        ("toJSON(fromJSON('[[],{}]'))", "[\n  [],\n  {}\n]"),
    ] {
        assert_eq!(json(text), expected, "{text}");
    }
    assert_eq!(
        Value::from("\u{0}\u{1f}\n\r\t\u{8}\u{c}\u{7f}\u{85}\u{2028}").to_json(),
        "\"\\u0000\\u001f\\n\\r\\t\\b\\f\u{7f}\\u0085\\u2028\""
    );
    insta::assert_snapshot!(json("toJSON(github.event)"), @r#"
    {
      "commits": [
        {
          "id": "a1",
          "n": 1
        },
        {
          "id": "b2",
          "tags": [
            "x",
            "y"
          ]
        },
        7
      ],
      "labels": {
        "first": {
          "name": "bug"
        },
        "second": {
          "name": "help"
        }
      },
      "flag": true,
      "empty": "",
      "zero": 0
    }
    "#);
}

#[test]
fn from_json_keeps_types_and_order() {
    table(&[
        ("fromJSON('true')", "true"),
        ("fromJSON('null')", "null"),
        ("fromJSON(' -1.5e2 ')", "-150"),
        ("fromJSON('12345678901234567890')", "1.23456789012346E+19"),
        ("fromJSON('\"x\\u0041\"')", "'xA'"),
        ("fromJSON('{\"b\": 1, \"a\": 2}')", r#"{"b":1,"a":2}"#),
        (
            "fromJSON('{\"a\": 1, \"b\": 2, \"A\": 3}')",
            r#"{"A":3,"b":2}"#,
        ),
        ("fromJSON('[1, [2]]')[1][0]", "2"),
        ("fromJSON(true)", "true"),
        ("fromJSON(1)", "1"),
        ("fromJSON(toJSON(matrix)).OS[0]", "'linux'"),
        ("fromJSON('[\"a\", \"b\"]').*", r#"["a","b"]"#),
    ]);
    errors(&[
        ("fromJSON('')", "`fromJSON` got an empty string"),
        ("fromJSON(null)", "`fromJSON` got an empty string"),
    ]);
    for json in [
        "{",
        "[1,]",
        "// x",
        "[1] 2",
        "nope",
        "01",
        "NaN",
        "{\"a\" 1}",
    ] {
        let error = evaluate(&format!("fromJSON('{json}')")).unwrap_err();
        assert!(
            error.starts_with("`fromJSON` got a string that is not JSON: "),
            "{json}: {error}"
        );
    }
}

#[test]
fn case_takes_the_first_that_holds() {
    table(&[
        ("case(true, 'a', 'b')", "'a'"),
        ("case(false, 'a', 'b')", "'b'"),
        ("case(false, 1, true, 2, 3)", "2"),
        ("case(false, 1, false, 2, 3)", "3"),
        (
            "case(github.ref == 'refs/heads/main', 'production', 'staging')",
            "'production'",
        ),
        ("case(true, 'a', fromJSON('broken'))", "'a'"),
        ("case(false, fromJSON('broken'), 'b')", "'b'"),
        ("CASE(true, null, 1)", "null"),
    ]);
    errors(&[
        (
            "case(1, 'a', 'b')",
            "a condition of `case` must be a boolean, found a number",
        ),
        (
            "case('true', 'a', 'b')",
            "a condition of `case` must be a boolean, found a string",
        ),
        (
            "case(null, 'a', 'b')",
            "a condition of `case` must be a boolean, found null",
        ),
        (
            "case(true, 'a')",
            "`case` takes 3 to 255 arguments, found 2",
        ),
        (
            "case(true, 'a', false, 'b')",
            "`case` takes conditions with values and then a default, found 4 arguments",
        ),
    ]);
}

#[test]
fn arguments_are_counted() {
    errors(&[
        ("contains('a')", "`contains` takes 2 arguments, found 1"),
        (
            "contains('a', 'b', 'c')",
            "`contains` takes 2 arguments, found 3",
        ),
        ("join()", "`join` takes 1 or 2 arguments, found 0"),
        ("toJSON()", "`toJSON` takes 1 argument, found 0"),
        ("always(1)", "`always` takes no arguments, found 1"),
        ("format()", "`format` takes 1 to 255 arguments, found 0"),
        (
            "hashFiles()",
            "`hashFiles` takes 1 to 255 arguments, found 0",
        ),
        ("nope()", "unknown function `nope`"),
        ("nope.x", "unknown context `nope`"),
    ]);
    let error = Expression::parse("startWith('a', 'b')").unwrap_err();
    assert_eq!(error.help(), Some("did you mean `startsWith`?"));
}

#[test]
fn status_functions_follow_the_job() {
    let with = |status, text: &str| {
        let scope = Contexts { status, ..scope() };
        Expression::parse(text).unwrap().evaluate(&scope).unwrap()
    };
    for (status, success, failure, cancelled) in [
        (JobStatus::Success, true, false, false),
        (JobStatus::Failure, false, true, false),
        (JobStatus::Cancelled, false, false, true),
    ] {
        assert_eq!(with(status, "success()"), Value::Bool(success));
        assert_eq!(with(status, "failure()"), Value::Bool(failure));
        assert_eq!(with(status, "cancelled()"), Value::Bool(cancelled));
        assert_eq!(with(status, "always()"), Value::Bool(true));
    }
}

#[test]
fn the_scope_is_asked_for_files_and_jobs() {
    struct Files;
    impl Scope for Files {
        fn context(&self, _: &str) -> Option<Value> {
            None
        }
        fn hash_files(&self, patterns: &[String]) -> Result<String, String> {
            if patterns[0] == "broken" {
                Err("disk on fire".into())
            } else {
                Ok(patterns.join("|"))
            }
        }
        fn status_of(&self, jobs: &[String]) -> JobStatus {
            if jobs == ["a", "b"] {
                JobStatus::Failure
            } else {
                JobStatus::Success
            }
        }
    }
    let run = |text: &str| Expression::parse(text).unwrap().evaluate(&Files);
    assert_eq!(run("hashFiles('**/a', 'b')").unwrap(), "**/a|b".into());
    assert_eq!(run("failure('a', 'b')").unwrap(), true.into());
    assert_eq!(run("success('a')").unwrap(), true.into());
    let error = run("1 == 1 && hashFiles('broken')").unwrap_err();
    insta::assert_snapshot!(error.render(), @"
    `hashFiles` failed: disk on fire
      | 1 == 1 && hashFiles('broken')
      |           ^^^^^^^^^^^^^^^^^^^
    ");
}
