//! What the functions give.

use super::*;

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

#[test]
fn numbers_of_json_have_no_zero_in_front() {
    for json in ["01", "-01", "00", "[1, 02]", "{\"a\": 03}"] {
        let expression = Expression::parse(&format!("fromJSON('{json}')")).unwrap();
        let error = expression.evaluate(&Contexts::default()).unwrap_err();
        assert!(error.message().contains("is not JSON"), "{json}: {error}");
    }
}
