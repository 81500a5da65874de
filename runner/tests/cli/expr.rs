//! `dormer expr`: values in both forms, contexts, and what is wrong with an expression.

use super::{Host, PROBLEMS, USAGE, assert_orderly, assert_says};

/// Standard output of an evaluation that succeeds.
#[track_caller]
fn value(host: &Host, arguments: &[&str]) -> String {
    let finished = host.dormer(["expr"]).args(arguments).run().expect(0);
    assert_orderly(&finished);
    assert_eq!(finished.stderr, "");
    finished.stdout
}

/// Standard error of one that fails.
#[track_caller]
fn fault(host: &Host, arguments: &[&str], code: i32) -> String {
    let finished = host.dormer(["expr"]).args(arguments).run().expect(code);
    assert_orderly(&finished);
    assert_eq!(finished.stdout, "");
    finished.stderr
}

#[test]
fn a_value_is_printed_as_it_would_be_inserted() {
    let host = Host::new();
    for (expression, plain, json) in [
        ("null", "", r#"{"kind":"Null","value":null,"string":""}"#),
        (
            "1 < 2",
            "true",
            r#"{"kind":"Boolean","value":true,"string":"true"}"#,
        ),
        ("-1", "-1", r#"{"kind":"Number","value":-1,"string":"-1"}"#),
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
        (
            "'it''s'",
            "it's",
            r#"{"kind":"String","value":"it's","string":"it's"}"#,
        ),
        (
            "fromJSON('[1]')",
            "Array",
            r#"{"kind":"Array","value":[1],"string":"Array"}"#,
        ),
        (
            "fromJSON('{}')",
            "Object",
            r#"{"kind":"Object","value":{},"string":"Object"}"#,
        ),
    ] {
        assert_eq!(value(&host, &[expression]), format!("{plain}\n"));
        let found = value(&host, &[expression, "--format", "json"]);
        assert_eq!(found, format!("{json}\n"));
    }
}

#[test]
fn every_key_of_the_file_is_a_context_and_no_other_name_is() {
    let host = Host::new();
    host.write(
        "c.json",
        r#"{"github": {"ref": "refs/heads/x"}, "mine": [1, 2]}"#,
    );
    let with = |expression| [expression, "--context", "c.json"];
    assert_eq!(value(&host, &with("GitHub.REF")), "refs/heads/x\n");
    assert_eq!(value(&host, &with("mine[1]")), "2\n");
    let said = fault(&host, &with("env.x"), PROBLEMS);
    assert_eq!(
        said,
        "error: unknown context `env`\n  | env.x\n  | ^^^\n  = help: the contexts here are `github` and `mine`\n"
    );
}

#[test]
fn contexts_come_from_standard_input_too() {
    let host = Host::new();
    let program = host.dormer(["expr", "a.b", "--context", "-"]);
    let finished = program.input(r#"{"a": {"b": "c"}}"#).run().expect(0);
    assert_eq!(finished.stdout, "c\n");
}

#[test]
fn an_error_points_at_its_place() {
    let host = Host::new();
    let said = fault(&host, &["1 == ", "--format", "json"], PROBLEMS);
    assert_says(&said, &["error: the expression ends", "\n  | 1 ==\n", "^"]);
    let said = fault(&host, &["fromJSON('{')"], PROBLEMS);
    assert_says(&said, &["error: ", "  | fromJSON('{')\n", "^"]);
    let said = fault(&host, &["${{ 1 }}"], PROBLEMS);
    assert_says(&said, &["one bare expression", "leave the marks out: `1`"]);
    fault(&host, &[""], PROBLEMS);
}

#[test]
fn contexts_that_are_wrong_are_shown_where_they_break() {
    let host = Host::new();
    host.write("list.json", "[1]");
    host.write("twice.json", r#"{"a": 1, "a": 2}"#);
    host.write("deep.json", "[".repeat(100_000));
    for (file, parts) in [
        (
            "list.json",
            &["list.json:1:1: expected a JSON object of contexts"][..],
        ),
        ("twice.json", &["twice.json:1:10: ", "\n1 | "]),
        ("deep.json", &["deep.json:1:"]),
    ] {
        let said = fault(&host, &["1", "--context", file], PROBLEMS);
        assert_says(&said, parts);
    }
}

#[test]
fn contexts_that_cannot_be_read_are_no_expression_that_is_wrong() {
    let host = Host::new();
    for (file, why) in [
        ("none.json", "there is no such file"),
        (".", "it is not a file"),
        ("/dev/zero", "it is not a file"),
    ] {
        let said = fault(&host, &["1", "--context", file], USAGE);
        assert_says(
            &said,
            &[&format!("error: cannot read the contexts `{file}`: {why}")],
        );
    }
}

#[test]
fn help_says_what_is_printed() {
    let help = Host::new()
        .dormer(["expr", "--help"])
        .run()
        .expect(0)
        .stdout;
    assert_says(&help, &["The text that `${{ }}` inserts"]);
    assert!(!help.contains("table"), "{help}");
}
