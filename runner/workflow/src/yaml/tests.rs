//! What the reader makes of whole files.

use std::fmt::Write as _;
use std::time::{Duration, Instant};

use proptest::prelude::*;

use super::*;

fn read_text(text: &str) -> Result<Node, Problems> {
    parse(&SourceFile::new("f.yml", text))
}

/// The tree in one line: `{key: value, …}`, strings in quotes.
fn shown(node: &Node) -> String {
    match &node.value {
        NodeValue::Null => "null".to_owned(),
        NodeValue::Bool(value) => value.to_string(),
        NodeValue::Number(value) => crate::number::format(*value),
        NodeValue::String(text) => format!("{text:?}"),
        NodeValue::Sequence(items) => {
            format!(
                "[{}]",
                items.iter().map(shown).collect::<Vec<_>>().join(", ")
            )
        }
        NodeValue::Mapping(mapping) => {
            let pairs = mapping
                .entries()
                .iter()
                .map(|entry| format!("{}: {}", entry.key.text, shown(&entry.value)));
            format!("{{{}}}", pairs.collect::<Vec<_>>().join(", "))
        }
    }
}

fn tree(text: &str) -> String {
    shown(&read_text(text).unwrap())
}

fn problems(text: &str) -> String {
    read_text(text).unwrap_err().to_string()
}

#[test]
fn files_are_read_as_github_reads_them() {
    for (text, expected) in [
        ("on: push\nyes: no\n", r#"{on: "push", yes: "no"}"#),
        (
            "a: &x [1, yes]\nb: *x\n",
            r#"{a: [1, "yes"], b: [1, "yes"]}"#,
        ),
        ("a:\nb: ~\nc: ''\n", r#"{a: null, b: null, c: ""}"#),
        (
            "1: a\ntrue: b\n3.10: c\n",
            r#"{1: "a", true: "b", 3.1: "c"}"#,
        ),
        ("a: 3.10\nb: '3.10'\n", r#"{a: 3.1, b: "3.10"}"#),
        (
            "a: |\n  x\n  y\nb: >-\n  x\n  y\n",
            r#"{a: "x\ny\n", b: "x y"}"#,
        ),
        ("--- # c\na: 1\n...\n", "{a: 1}"),
        ("\u{feff}a: 1\r\nb: 2\r\n", "{a: 1, b: 2}"),
        ("[]", "[]"),
        ("a: {}\n", "{a: {}}"),
        ("just text", r#""just text""#),
        ("null", "null"),
        ("a: !!str 5\nb: !!int 5\n", r#"{a: "5", b: 5}"#),
        ("? a\n: 1\n", "{a: 1}"),
        ("&k a: 1\nb: *k\n", r#"{a: 1, b: "a"}"#),
        ("'<<': 1\n", "{<<: 1}"),
    ] {
        assert_eq!(tree(text), expected, "{text:?}");
    }
}

#[test]
fn nodes_know_where_they_stand() {
    let text = "a: &x\n  k: 'v'\nb: *x\nc: [1, {d: é}]\n";
    let source = SourceFile::new("f", text);
    let root = parse(&source).unwrap();
    let map = root.as_mapping().unwrap();
    let at = |span| source.slice(span).to_owned();
    assert_eq!(at(map.entry("a").unwrap().key.span), "a");
    assert_eq!(at(map.get("a").unwrap().span), "k: 'v'");
    let alias = map.get("b").unwrap();
    assert_eq!(
        (at(alias.span), at(alias.written)),
        ("*x".to_owned(), "k: 'v'".to_owned())
    );
    assert_eq!(
        at(alias.as_mapping().unwrap().get("k").unwrap().span),
        "'v'"
    );
    assert_eq!(at(map.get("c").unwrap().span), "[1, {d: é}]");
    let inner = &map.get("c").unwrap().as_sequence().unwrap()[1];
    assert_eq!(at(inner.as_mapping().unwrap().get("d").unwrap().span), "é");
    assert_eq!(at(root.span), text.trim_end());
}

#[test]
fn a_missing_value_stands_right_after_its_key() {
    let source = SourceFile::new("f", "a:\n\n\nb: 1\n");
    let root = parse(&source).unwrap();
    let location = source.location(root.as_mapping().unwrap().get("a").unwrap().span.start);
    assert_eq!(location.line, 1);
}

#[test]
fn all_problems_but_syntax_errors_are_found_at_once() {
    insta::assert_snapshot!(
        problems("a: 1\nA: 2\n<<: {b: 1}\nc: *nope\nd: !x y\nd: 3\ne: [\n"),
        @"
    f.yml:2:1: `A` is already defined on line 1
    f.yml:3:1: merge keys (`<<`) are not supported by GitHub
    f.yml:4:4: there is no anchor `&nope` before this
    f.yml:5:7: the tag `!x` is not supported
    f.yml:6:1: `d` is already defined on line 5
    f.yml:7:4: this is not valid YAML: unclosed bracket `[`
    "
    );
}

#[test]
fn broken_files_are_explained() {
    let rendered = |text| read_text(text).unwrap_err().render();
    insta::assert_snapshot!(rendered("a: b: c\n"), @"
    f.yml:1:5: this is not valid YAML: mapping values are not allowed in this context
      |
    1 | a: b: c
      |     ^
      = help: put a value that contains `: ` in quotes
    ");
    insta::assert_snapshot!(rendered("a:\n\t- b\n"), @"
    f.yml:2:2: this is not valid YAML: tabs disallowed within this context (block indentation)
      |
    2 | 	- b
      | 	^
      = help: YAML is indented with spaces
    ");
    insta::assert_snapshot!(rendered("a: @b\n"), @"
    f.yml:1:4: this is not valid YAML: unexpected character: `@`
      |
    1 | a: @b
      |    ^
      = help: put a value that starts with this character in quotes
    ");
    insta::assert_snapshot!(rendered(""), @"
    f.yml:1:1: the file is empty
      |
    1 |
      | ^
    ");
    insta::assert_snapshot!(rendered("# nothing\n"), @"
    f.yml:1:1: the file is empty
      |
    1 | # nothing
      | ^
    ");
    insta::assert_snapshot!(rendered("a: 1\n---\nb: 1\n"), @"
    f.yml:2:1: expected one YAML document, found another
      |
    2 | ---
      | ^^^
    ");
    insta::assert_snapshot!(rendered("[a, b]: 1\n"), @"
    f.yml:1:1: expected a string as key, found a collection
      |
    1 | [a, b]: 1
      | ^
    ");
    insta::assert_snapshot!(rendered("a: &x [*x]\n"), @"
    f.yml:1:8: this alias stands for a node that contains it
      |
    1 | a: &x [*x]
      |        ^^
    ");
}

/// A limit for hostile input: 100 ms in a release build, more where nothing is optimised.
fn within_time<T>(what: &str, run: impl FnOnce() -> T) -> T {
    let limit = Duration::from_millis(if cfg!(debug_assertions) { 3000 } else { 100 });
    let start = Instant::now();
    let result = run();
    let taken = start.elapsed();
    assert!(taken < limit, "{what} took {taken:?}");
    result
}

#[test]
fn bombs_and_deep_nesting_are_refused_in_time() {
    let mut bomb = String::from("a0: &a0 [x, x, x, x, x, x, x, x, x]\n");
    for i in 1..30 {
        let aliases = vec![format!("*a{}", i - 1); 9].join(", ");
        writeln!(bomb, "a{i}: &a{i} [{aliases}]").unwrap();
    }
    let stairs: String = (0..2000)
        .map(|i| format!("{}a:\n", " ".repeat(i)))
        .collect();
    let text = format!(
        "a: &a {}\nb: [{}]\n",
        "x".repeat(500_000),
        "*a, ".repeat(30_000)
    );
    let chained: String = std::iter::once("a0: &a0 [x]\n".to_owned())
        .chain((1..200).map(|i| format!("a{i}: &a{i} [*a{}]\n", i - 1)))
        .collect();
    for (what, text) in [
        ("an alias bomb", bomb),
        ("deep brackets", "[".repeat(20_000)),
        ("deep braces", "{a: ".repeat(20_000)),
        ("deep dashes", "- ".repeat(20_000)),
        ("deep questions", "? ".repeat(20_000)),
        ("deep blocks", stairs),
        ("large texts by alias", text),
        ("depth by alias", chained),
        ("many nodes", "- x\n".repeat(200_000)),
        ("a large file", "#".repeat(2_000_000)),
        (
            "many anchors",
            (0..60_000).map(|i| format!("- &a{i} x\n")).collect(),
        ),
        ("many duplicates", "a: 1\n".repeat(60_000)),
        ("an open quote", format!("a: '{}", "x ".repeat(400_000))),
    ] {
        let result = within_time(what, || read_text(&text));
        assert!(result.is_err(), "{what}");
    }
}

#[test]
fn what_is_within_the_limits_is_read() {
    let deepest = format!("{}x{}", "[".repeat(MAX_DEPTH), "]".repeat(MAX_DEPTH));
    assert!(read_text(&deepest).is_ok());
    assert!(read_text(&format!("[{deepest}]")).is_err());
    let many = "- x\n".repeat(MAX_NODES - 1);
    assert!(read_text(&many).is_ok());
    assert!(read_text(&format!("{many}- x\n")).is_err());
}

proptest! {
    #[test]
    fn nothing_panics(text in any::<String>()) {
        let _ = read_text(&text);
    }

    #[test]
    fn nothing_yaml_like_panics(text in "([-?:,\\[\\]{}#&*!|>'\"%@` \n\t]|[a-z0-9~.]|<<|&a|\\*a|: |- |\u{e9}|\r){0,80}") {
        if let Err(problems) = read_text(&text) {
            prop_assert!(!problems.is_empty());
            let _ = problems.render();
        }
    }

    #[test]
    fn quoted_strings_come_back(text in any::<String>()) {
        let quoted = serde_json::to_string(&text).unwrap();
        prop_assume!(!text.contains(['\u{feff}', '\u{7f}']));
        if let Ok(node) = read_text(&quoted) {
            prop_assert_eq!(&*node.scalar_text().unwrap(), &*text);
        }
    }

    #[test]
    fn parts_of_texts_have_places(text in "[ a-z'\"\\\\\n:#-]{0,30}", at in 0usize..40, indent in 1usize..5) {
        let block: String = text.lines().map(|l| format!("{}{l}\n", " ".repeat(indent))).collect();
        for yaml in [format!("a: |\n{block}"), format!("a: '{}'", text.replace('\'', "''")), format!("a: {text}")] {
            let source = SourceFile::new("f", yaml);
            if let Ok(root) = parse(&source)
                && let Some(node) = root.as_mapping().and_then(|map| map.get("a"))
                && let Some(written) = node.written()
            {
                let place = written.place(&source, Span::new(at, at + 1));
                prop_assert!(place.end <= source.text().len() + 1);
            }
        }
    }
}
