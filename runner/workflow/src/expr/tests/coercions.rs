//! Every pair of types, compared in every way.

use super::*;

/// One value of each kind, as it is written.
const KINDS: [&str; 9] = [
    "null", "true", "false", "0", "1", "NaN", "''", "'1'", "'abc'",
];

/// What `a OP b` gives for each pair of [`KINDS`]: a row for each left side, `#` where it holds.
fn matrix(operator: &str) -> String {
    let mut rows = String::new();
    for left in KINDS {
        for right in KINDS {
            let value = evaluate(&format!("{left} {operator} {right}")).unwrap();
            rows.push(if value == Value::Bool(true) { '#' } else { '.' });
        }
        rows.push('\n');
    }
    rows
}

#[test]
fn every_pair_of_primitives_compares_as_javascript_has_it() {
    //                null true false 0 1 NaN '' '1' 'abc'
    let equal = "\
        #.##..#..\n\
        .#..#..#.\n\
        #.##..#..\n\
        #.##..#..\n\
        .#..#..#.\n\
        .........\n\
        #.##..#..\n\
        .#..#..#.\n\
        ........#\n";
    assert_eq!(matrix("=="), equal);
    let opposite: String = equal
        .chars()
        .map(|c| match c {
            '#' => '.',
            '.' => '#',
            c => c,
        })
        .collect();
    assert_eq!(matrix("!="), opposite);

    let less = "\
        .#..#..#.\n\
        .........\n\
        .#..#..#.\n\
        .#..#..#.\n\
        .........\n\
        .........\n\
        .#..#..##\n\
        ........#\n\
        .........\n";
    assert_eq!(matrix("<"), less);
    assert_eq!(matrix(">"), transposed(less));
    assert_eq!(matrix("<="), either(less, equal));
    assert_eq!(matrix(">="), either(&transposed(less), equal));
}

fn transposed(rows: &str) -> String {
    let rows: Vec<Vec<char>> = rows.lines().map(|row| row.chars().collect()).collect();
    let column = |i: usize| {
        rows.iter()
            .map(|row| row[i])
            .chain(['\n'])
            .collect::<String>()
    };
    (0..rows.len()).map(column).collect()
}

fn either(a: &str, b: &str) -> String {
    a.chars()
        .zip(b.chars())
        .map(|(a, b)| if a == '#' { a } else { b })
        .collect()
}

#[test]
fn collections_are_equal_to_themselves_only() {
    table(&[
        ("matrix.os == matrix.os", "true"),
        ("matrix.os >= matrix.os", "true"),
        ("matrix.os <= matrix.os", "true"),
        ("matrix.os < matrix.os", "false"),
        ("matrix.os != matrix.os", "false"),
        ("same.a == same.b", "true"),
        ("fromJSON('[1]') == fromJSON('[1]')", "false"),
        ("github == github", "true"),
        ("github == matrix", "false"),
        ("github.event == inputs", "false"),
        ("matrix.os == github", "false"),
        ("fromJSON('[]') == ''", "false"),
        ("fromJSON('[]') == 0", "false"),
        ("fromJSON('{}') == null", "false"),
        ("matrix.n == 'Array'", "false"),
        ("github == 'Object'", "false"),
        ("github > 0", "false"),
        ("github < 0", "false"),
        ("matrix.os > true", "false"),
        ("matrix.os <= null", "false"),
        ("matrix.n.* == matrix.n.*", "false"),
    ]);
}

#[test]
fn strings_compare_without_case() {
    table(&[
        ("'a' == 'A'", "true"),
        ("'É' == 'é'", "true"),
        ("'ß' == 'SS'", "false"),
        ("'a' < 'B'", "true"),
        ("'B' > 'a'", "true"),
        ("'a' <= 'A'", "true"),
        ("'a' < 'A'", "false"),
        ("'_' > 'a'", "true"),
        ("'10' < '9'", "true"),
        ("'' < 'a'", "true"),
        ("'a' < 'aa'", "true"),
        ("'refs/heads/MAIN' == github.ref", "true"),
    ]);
}

#[test]
fn strings_become_numbers_beside_numbers() {
    table(&[
        ("'12' == 12", "true"),
        ("' 12 ' == 12", "true"),
        ("'1e1' == 10", "true"),
        ("'0xC' == 12", "true"),
        ("'0o14' == 12", "true"),
        ("'+12' == 12", "true"),
        ("'.5' == 0.5", "true"),
        ("'Infinity' == Infinity", "true"),
        ("'-Infinity' == -Infinity", "true"),
        ("'infinity' == Infinity", "true"),
        ("'abc' == 0", "false"),
        ("'NaN' == NaN", "false"),
        ("'' == 0", "true"),
        ("'\t' == 0", "true"),
        ("'10' > 9", "true"),
        ("env.N >= 12", "true"),
        ("'a' > 1", "false"),
        ("'a' < 1", "false"),
        ("'a' >= 1", "false"),
        ("'true' == true", "false"),
        ("'null' == null", "false"),
        ("'false' == false", "false"),
        ("'1' == true", "true"),
    ]);
}

#[test]
fn nan_is_like_nothing() {
    table(&[
        ("NaN == NaN", "false"),
        ("NaN != NaN", "true"),
        ("NaN > NaN", "false"),
        ("NaN <= NaN", "false"),
        ("NaN < 1", "false"),
        ("1 >= NaN", "false"),
        ("NaN == null", "false"),
        ("!NaN", "true"),
    ]);
}

#[test]
fn numbers_compare_exactly_and_zeros_are_one() {
    table(&[
        ("0 == -0", "true"),
        ("0.1 == 0.1", "true"),
        ("1 == 1.0", "true"),
        ("9007199254740993 == 9007199254740992", "true"),
        ("-Infinity < Infinity", "true"),
        ("1e308 < Infinity", "true"),
        ("null < 1", "true"),
        ("null >= 0", "true"),
        ("null < null", "false"),
        ("null <= null", "true"),
        ("true > false", "true"),
        ("true > null", "true"),
        ("false < true", "true"),
        ("false <= null", "true"),
        ("true >= '1'", "true"),
    ]);
}

#[test]
fn truth_is_everything_but_a_few_values() {
    for (text, truth) in [
        ("null", false),
        ("false", false),
        ("0", false),
        ("-0", false),
        ("NaN", false),
        ("''", false),
        ("true", true),
        ("1", true),
        ("-1", true),
        ("Infinity", true),
        ("' '", true),
        ("'false'", true),
        ("'0'", true),
        ("fromJSON('[]')", true),
        ("fromJSON('{}')", true),
        ("github.missing.*", true),
    ] {
        assert_eq!(evaluate(text).unwrap().is_truthy(), truth, "{text}");
        assert_eq!(
            evaluate(&format!("!{text}")).unwrap(),
            Value::Bool(!truth),
            "!{text}"
        );
    }
}
