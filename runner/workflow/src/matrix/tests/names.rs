//! What legs are called.

use super::super::leg_name;
use super::*;

fn names(job: &str, matrix: &str) -> Vec<String> {
    let legs = expand(matrix).unwrap();
    legs.iter().map(|leg| leg_name(job, leg)).collect()
}

#[test]
fn names_hold_the_values_of_the_vectors_in_order() {
    for (matrix, expected) in [
        (
            "os: [windows, linux]\nnode: [12]",
            &["j (windows, 12)", "j (linux, 12)"][..],
        ),
        (
            "a: [true, false, 1.50, 1e20]",
            &["j (true)", "j (false)", "j (1.5)", "j (1E+20)"],
        ),
        ("a: [null, '']\nb: [x]", &["j (x)", "j (x)"]),
        ("a: [null, '', {}, []]", &["j", "j", "j", "j"]),
        (
            "a: [{x: 1, y: [b, {z: c}, null]}]\nd: [e]",
            &["j (1, b, c, e)"],
        ),
        ("a: ['x, (y)']", &["j (x, (y))"]),
        ("a: ['  ']", &["j (  )"]),
        ("a: [1]\ninclude: [{b: 2}]", &["j (1)"]),
        (
            "a: [1]\ninclude: [{b: 3, a: 2, c: {d: [4]}}]",
            &["j (1)", "j (2, 3, 4)"],
        ),
        ("include: [{b: 2, a: 1}]", &["j (2, 1)"]),
    ] {
        assert_eq!(names("j", matrix), expected, "{matrix}");
    }
}

#[test]
fn names_end_after_a_hundred_characters() {
    let name = |count: usize| names("j", &format!("a: [{}]", "x".repeat(count))).remove(0);
    assert_eq!(name(96), format!("j ({})", "x".repeat(96)));
    assert_eq!(name(97), format!("j ({}...", "x".repeat(94)));
    assert_eq!(name(1000), name(97));
    let wide = names("j", &format!("a: ['{}']", "😀".repeat(60))).remove(0);
    assert_eq!(
        wide,
        format!("j ({}...", "😀".repeat(47)),
        "a pair is not cut"
    );
    assert_eq!(
        names(&"j".repeat(101), "a: ['']"),
        [format!("{}...", "j".repeat(97))]
    );
}
