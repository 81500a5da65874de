//! The grammar: literals, names, operators, and what is refused.

use super::*;

#[test]
fn literals() {
    table(&[
        ("null", "null"),
        ("true", "true"),
        ("false", "false"),
        ("0", "0"),
        ("711", "711"),
        ("-9.2", "-9.2"),
        ("+4", "4"),
        (".5", "0.5"),
        ("5.", "5"),
        ("-.5", "-0.5"),
        ("0xff", "255"),
        ("0xFFFFFFFF", "-1"),
        ("0o17", "15"),
        ("-2.99e-2", "-0.0299"),
        ("1E3", "1000"),
        ("1e400", "Infinity"),
        ("NaN", "NaN"),
        ("Infinity", "Infinity"),
        ("-Infinity", "-Infinity"),
        ("-0", "0"),
        ("3.10", "3.1"),
        ("123456789012345678", "1.23456789012346E+17"),
        ("''", "''"),
        ("'Mona the Octocat'", "'Mona the Octocat'"),
        ("'It''s open source!'", "'It's open source!'"),
        ("''''", "'''"),
        ("'{{ }} ${{ }} \"'", "'{{ }} ${{ }} \"'"),
        ("'é😀'", "'é😀'"),
        (" \n\t'x'\u{a0} ", "'x'"),
    ]);
}

#[test]
fn names_and_parts() {
    table(&[
        ("github.ref", "'refs/heads/main'"),
        ("GITHUB.Ref", "'refs/heads/main'"),
        ("github['ref']", "'refs/heads/main'"),
        ("github [ 'REF' ]", "'refs/heads/main'"),
        ("github . ref", "'refs/heads/main'"),
        ("(github).ref", "'refs/heads/main'"),
        ("github.missing", "null"),
        ("github.missing.deeper['still'][0]", "null"),
        ("github.token", "null"),
        ("github.ref.part", "null"),
        ("github.run_number.part", "null"),
        ("vars", "null"),
        ("vars.anything", "null"),
        ("env.path", "'C:\\bin'"),
        ("env.two-words", "'2'"),
        ("steps.build.outputs.result", "'ok'"),
        ("github.event.commits[0].id", "'a1'"),
        ("github.event.commits['1'].id", "'b2'"),
        ("github.event.commits[1.9].id", "'b2'"),
        ("github.event.commits[true].id", "'b2'"),
        ("github.event.commits[null].id", "'a1'"),
        ("github.event.commits[-1]", "null"),
        ("github.event.commits[-0].id", "'a1'"),
        ("github.event.commits[3]", "null"),
        ("github.event.commits[1e300]", "null"),
        ("github.event.commits['x']", "null"),
        ("github.event.commits.id", "null"),
        ("github.event.commits[github]", "null"),
        ("github[github]", "null"),
        ("matrix.n[matrix.n[0]]", "2"),
        ("fromJSON('{\"true\": 1}').true", "1"),
        ("fromJSON('{\"1\": 5}')[1]", "5"),
        ("fromJSON('{\"\": 5}')['']", "5"),
        ("fromJSON('{\"\": 5}')[null]", "5"),
        ("fromJSON('{\"true\": 5}')[true]", "5"),
        ("fromJSON('[1,2]')[1]", "2"),
    ]);
}

#[test]
fn filters_collect_what_is_there() {
    table(&[
        ("github.event.commits.*.id", r#"["a1","b2"]"#),
        ("github.event.commits[*].id", r#"["a1","b2"]"#),
        ("github.event.commits[*]['id']", r#"["a1","b2"]"#),
        ("github.event.labels.*.name", r#"["bug","help"]"#),
        ("github.event.labels.*['NAME']", r#"["bug","help"]"#),
        ("github.event.commits.*.tags", r#"[["x","y"]]"#),
        ("github.event.commits.*.tags.*", r#"["x","y"]"#),
        ("github.event.commits.*.tags[0]", r#"["x"]"#),
        ("github.event.commits.*.missing", "[]"),
        ("matrix.nested.*[0]", "[1,3]"),
        ("(matrix.nested.*)[0]", "[1,3]"),
        ("(false || matrix.nested.*)[1]", "[2]"),
        ("case(true, matrix.nested.*, 0)[0]", "[1,3]"),
        ("matrix.nested[0]", "[1,2]"),
        ("matrix.nested.*.*", "[1,2,3]"),
        ("fromJSON(toJSON(matrix.nested.*))[1]", "[3]"),
        ("github.ref.*", "[]"),
        ("vars.*", "[]"),
        ("github.missing.*.x", "[]"),
        ("matrix.os.*", r#"["linux","windows"]"#),
        ("github.event.commits.* && true", "true"),
        ("join(github.event.labels.*.name, '+')", "'bug+help'"),
        ("contains(github.event.labels.*.name, 'BUG')", "true"),
    ]);
}

#[test]
fn operators_bind_as_documented() {
    table(&[
        ("!false == true", "true"),
        ("!(false == true)", "true"),
        ("!!'x'", "true"),
        ("! ! !0", "true"),
        ("1 < 2 == true", "true"),
        ("true == 1 < 2", "true"),
        ("1 == 1 && 2 == 2", "true"),
        ("false && false || true", "true"),
        ("true || false && false", "true"),
        ("(true || false) && false", "false"),
        ("true && false == false", "true"),
        ("1 < 2 < 3", "true"),
        ("3 > 2 > 1", "false"),
        ("1 == 1 == 1", "true"),
        ("2 == 2 == 2", "false"),
        ("1 != 2 != 3", "true"),
        ("((((1))))", "1"),
        ("1<=1&&2>=2", "true"),
        ("!github.event.flag", "false"),
        ("!startsWith('a','b')", "true"),
    ]);
}

#[test]
fn chains_give_the_value_that_decides() {
    table(&[
        ("'a' && 'b'", "'b'"),
        ("'' && 'b'", "''"),
        ("0 && 'b'", "0"),
        ("null && 'b'", "null"),
        ("NaN && 'b'", "NaN"),
        ("'a' || 'b'", "'a'"),
        ("'' || 'b'", "'b'"),
        ("0 || null", "null"),
        ("null || 0 || '' || false", "false"),
        ("1 && 2 && 3", "3"),
        ("1 && 0 && 3", "0"),
        ("github.missing || 'default'", "'default'"),
        ("github.event.flag && 'yes' || 'no'", "'yes'"),
        ("github.event.zero && 'yes' || 'no'", "'no'"),
        ("matrix.os && 'array'", "'array'"),
        ("inputs && 'object'", "'object'"),
        ("true || fromJSON('broken')", "true"),
        ("false && fromJSON('broken')", "false"),
    ]);
}

#[test]
fn wrong_syntax_is_refused_where_it_is_wrong() {
    let rendered = |text| Expression::parse(text).unwrap_err().render();
    for text in [
        "",
        " ",
        "'",
        "'a",
        "(",
        ")",
        "(1",
        "1)",
        "()",
        "[",
        "]",
        "a[",
        "a[]",
        "a]",
        "a[1",
        "a[*",
        "a[*.b]",
        "a[* && 1]",
        "a[1)",
        "a.",
        "a..b",
        ".a",
        "a.1",
        "a.'b'",
        "a.b()",
        "'a'.b",
        "1.a",
        "1[0]",
        "*",
        "a.**",
        "* 1",
        "!",
        "1!",
        "a!b",
        "&&",
        "1 &&",
        "&& 1",
        "1 && && 1",
        "1 | 2",
        "1 & 2",
        "1 = 2",
        "1 === 2",
        "a <> b",
        "a =< b",
        "a b",
        "1 2",
        "'a' 'b'",
        "a 'b'",
        "1 + 2",
        "1 - 2",
        "a -1",
        "a / b",
        "a % b",
        "a ? b : c",
        "\"a\"",
        "`a`",
        "$a",
        "#a",
        "a@b",
        "é",
        "a.é",
        "-",
        "+",
        "--1",
        "+-1",
        "1a",
        "0x",
        "0xG",
        "0b1",
        "1_000",
        "1,2",
        "(1,2)",
        "a,b",
        ",",
        "contains(",
        "contains)",
        "contains(,)",
        "contains('a',)",
        "contains(,'a')",
        "contains('a' 'b')",
        "contains('a','b'",
        "${{ a }}",
        "a;b",
        "a\\b",
        "{}",
        "-NaN",
    ] {
        assert!(Expression::parse(text).is_err(), "{text:?} was accepted");
    }
    insta::assert_snapshot!(rendered("github.ref = 'x'"), @"
    unexpected symbol `=`
      | github.ref = 'x'
      |            ^
      = help: values are compared with `==`
    ");
    insta::assert_snapshot!(rendered("github.ref == \"x\""), @r#"
    unexpected symbol `"x"`
      | github.ref == "x"
      |               ^^^
      = help: strings are written in single quotes
    "#);
    insta::assert_snapshot!(rendered("github.ref =="), @"
    the expression ends where a value is expected
      | github.ref ==
      |              ^
    ");
    insta::assert_snapshot!(rendered("(github.ref || 'x'"), @"
    this `(` is not closed
      | (github.ref || 'x'
      | ^
    ");
    insta::assert_snapshot!(rendered("contains(github.ref, 'x'))"), @"
    unexpected symbol `)`
      | contains(github.ref, 'x'))
      |                          ^
    ");
    insta::assert_snapshot!(rendered("'it's'"), @"
    unexpected symbol `s'`
      | 'it's'
      |     ^^
    ");
    insta::assert_snapshot!(rendered("1.2.3 == 1"), @"
    `1.2.3` is not a number
      | 1.2.3 == 1
      | ^^^^^
    ");
    insta::assert_snapshot!(rendered("a &&\n  b ||\n  ${{ c }}"), @"
    unexpected symbol `${{`
      |   ${{ c }}
      |   ^^^
      = help: an expression within an expression needs no `${{ }}`
    ");
    insta::assert_snapshot!(rendered(""), @"
    expected an expression, found nothing
      |
      | ^
    ");
}

#[test]
fn keywords_are_in_lower_case_and_names_are_not_bound_to_a_case() {
    errors(&[
        ("TRUE", "unknown context `TRUE`"),
        ("Null", "unknown context `Null`"),
    ]);
    table(&[
        ("CONTAINS('abc', 'B')", "true"),
        ("tojson(1)", "'1'"),
        ("FromJson('1')", "1"),
    ]);
}

#[test]
fn status_functions_are_found_in_the_tree() {
    for (text, has) in [
        ("success()", true),
        ("!Cancelled()", true),
        ("contains('always()', 'x')", false),
        ("github.always", false),
        ("contains(format('{0}', failure()), 'x')", true),
        ("a[always()]", true),
        ("a || b && (c == !always())", true),
    ] {
        assert_eq!(
            Expression::parse(text).unwrap().has_status_function(),
            has,
            "{text}"
        );
    }
}
