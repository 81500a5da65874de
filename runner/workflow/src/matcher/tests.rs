//! Matcher files, the expressions in them, and what they find.

use std::sync::LazyLock;
use std::time::{Duration, Instant};

use proptest::prelude::*;
use serde_json::json;

use super::*;

#[track_caller]
fn parsed(text: &str) -> Vec<Matcher> {
    match parse_matchers(text, &Budget::default()) {
        Ok(matchers) => matchers,
        Err(problems) => panic!("{problems}"),
    }
}

fn problems(text: &str) -> String {
    match parse_matchers(text, &Budget::default()) {
        Ok(_) => panic!("accepted: {text}"),
        Err(problems) => problems.to_string(),
    }
}

/// Matchers of one file at work.
fn at_work(matchers: &serde_json::Value) -> Matchers {
    let mut all = Matchers::new(Budget::default());
    for matcher in parsed(&json!({"problemMatcher": matchers}).to_string()) {
        all.add(matcher);
    }
    all
}

/// `owner severity file:line:column code message`.
fn told(annotation: &Annotation) -> String {
    let number = |number: Option<u32>| number.map_or("-".to_owned(), |n| n.to_string());
    format!(
        "{} {} {}:{}:{} {} {:?}",
        annotation.owner.as_deref().unwrap_or("-"),
        annotation.severity,
        annotation.file.as_deref().unwrap_or("-"),
        number(annotation.line),
        number(annotation.column),
        annotation.code.as_deref().unwrap_or("-"),
        annotation.message
    )
}

fn found(matchers: &mut Matchers, lines: &[&str]) -> Vec<String> {
    lines
        .iter()
        .map(|line| {
            matchers
                .process(line, &clock)
                .map_or("-".to_owned(), |found| told(&found))
        })
        .collect()
}

/// What the groups of an expression hold; none where it does not match or can't be used.
fn groups(expression: &str, line: &str) -> Option<Vec<String>> {
    let translated = ecma::translate(expression);
    let regex = fancy_regex::Regex::new(&translated.pattern).ok()?;
    let captures = regex.captures(line).ok()??;
    let text = |&group: &usize| {
        captures
            .get(group)
            .map_or("", |group| group.as_str())
            .to_owned()
    };
    Some(translated.groups.iter().map(text).collect())
}

/// The time of this machine.
fn clock() -> Duration {
    static START: LazyLock<Instant> = LazyLock::new(Instant::now);
    START.elapsed()
}

#[test]
fn a_compiler_is_understood() {
    let mut tsc = at_work(&json!([{"owner": "tsc", "pattern": [{
        "regexp": r"^(?:\s+\d+>)?([^\s].*)\((\d+|\d+,\d+|\d+,\d+,\d+,\d+)\)\s*:\s+(error|warning|info)\s+(\w{1,2}\d+)\s*:\s*(.*)$",
        "file": 1, "line": 2, "severity": 3, "code": 4, "message": 5
    }]}]));
    assert_eq!(
        found(
            &mut tsc,
            &[
                "src\\a.ts(7): error TS2322: Type 'x'.",
                "src/a.ts(7,3): Warning TS1: lower case only",
                "src/a.ts(7,3): warning TS1: no line",
                "src/a.ts(7): info TS1: not a severity",
                "\u{1b}[31msrc/a.ts(8): error TS1: \u{1b}[1mred\u{1b}[0m\u{1b}[K",
            ]
        ),
        [
            "tsc error src\\a.ts:7:- TS2322 \"Type 'x'.\"",
            "-",
            "tsc warning src/a.ts:-:- TS1 \"no line\"",
            "-",
            "tsc error src/a.ts:8:- TS1 \"red\"",
        ]
    );
}

#[test]
fn patterns_of_several_lines_loop() {
    let mut eslint = at_work(&json!([{"owner": "eslint-stylish", "pattern": [
        {"regexp": r"^([^\s].*)$", "file": 1},
        {"regexp": r"^\s+(\d+):(\d+)\s+(error|warning|info)\s+(.*)\s\s+(.*)$",
         "line": 1, "column": 2, "severity": 3, "message": 4, "code": 5, "loop": true}
    ]}]));
    assert_eq!(
        found(
            &mut eslint,
            &[
                "test.js",
                "  1:0   error  Missing \"use strict\" statement                 strict",
                "  5:10  warning  'addOne' is defined but never used            no-unused-vars",
                "",
                "  6:1  error  nothing runs any more  x",
                "foo.js",
                "bar.js",
                "  36:10  error  Expected parentheses  func-call-spacing",
            ]
        ),
        [
            "-",
            "eslint-stylish error test.js:1:- strict \"Missing \\\"use strict\\\" statement               \"",
            "eslint-stylish warning test.js:5:10 no-unused-vars \"'addOne' is defined but never used          \"",
            "-",
            "-",
            "-",
            "-",
            "eslint-stylish error bar.js:36:10 func-call-spacing \"Expected parentheses\"",
        ]
    );
}

#[test]
fn patterns_without_loop_match_once() {
    let mut three = at_work(&json!([{"owner": "o", "severity": "Warning", "pattern": [
        {"regexp": "^file:(.+)$", "file": 1},
        {"regexp": "^line:(.+)$", "line": 1},
        {"regexp": "^message:(.*)$", "message": 1}
    ]}]));
    assert_eq!(
        found(
            &mut three,
            &[
                "file:a",
                "line:1",
                "message:x",
                "message:y",
                "file:b",
                "line:+2",
                "message: ",
                "file:b",
                "line:2",
                "file:c",
                "message:x",
                "line:3",
                "message:x",
                "file:d",
                "line:4",
                "message:z",
            ]
        ),
        [
            "-",
            "-",
            "o warning a:1:- - \"x\"",
            "-",
            "-",
            "-",
            "-",
            "-",
            "-",
            "-",
            "-",
            "-",
            "-",
            "-",
            "-",
            "o warning d:4:- - \"z\""
        ]
    );
    found(&mut three, &["file:e", "line:5"]);
    three.reset();
    assert_eq!(found(&mut three, &["message:x"]), ["-"]);
}

#[test]
fn severity_file_and_numbers_have_their_rules() {
    let mut all = at_work(&json!([{"owner": "o", "severity": "notice", "pattern": [{
        "regexp": "^(.*?);(.*?);(.*?);(.*?);(.*?);(.*?);(.*)$",
        "severity": 1, "fromPath": 2, "file": 3, "line": 4, "column": 5, "code": 6, "message": 7
    }]}]));
    for (line, expected) in [
        (";;;;;;m", "o notice -:-:- - \"m\""),
        ("ERROR;;;;;;m", "o error -:-:- - \"m\""),
        ("fatal;;;;;;m", "-"),
        (";;;;;; ", "-"),
        (";;a.c;1;2; C1 ; m ", "o notice a.c:1:2 C1 \" m \""),
        (";;a.c;0;-1;;m", "o notice a.c:-:- - \"m\""),
        (";;a.c; 1;2147483648;;m", "o notice a.c:-:- - \"m\""),
        (
            ";D:\\x\\p.csproj;a.c;;;;m",
            "o notice D:\\x\\a.c:-:- - \"m\"",
        ),
        (";p.csproj;a.c;;;;m", "o notice a.c:-:- - \"m\""),
        (
            ";D:\\x\\p.csproj;C:\\a.c;;;;m",
            "o notice C:\\a.c:-:- - \"m\"",
        ),
        (";D:\\x\\p.csproj; ;;;;m", "o notice -:-:- - \"m\""),
    ] {
        assert_eq!(found(&mut all, &[line]), [expected], "{line}");
    }
}

#[test]
fn newer_matchers_come_first_and_take_the_place_of_their_owners_older_ones() {
    let matcher = |owner: &str, regexp: &str| json!({"owner": owner, "pattern": [{"regexp": regexp, "message": 1}]});
    let mut all = at_work(&json!([matcher("a", "^(.+)$"), matcher("b", "^(b.+)$")]));
    assert_eq!(all.owners().collect::<Vec<_>>(), ["b", "a"]);
    assert_eq!(
        found(&mut all, &["bx", "x"]),
        ["b error -:-:- - \"bx\"", "a error -:-:- - \"x\""]
    );
    let text = json!({"problemMatcher": [matcher("A", "^(x)$")]}).to_string();
    for matcher in parsed(&text) {
        all.add(matcher);
    }
    assert_eq!(all.owners().collect::<Vec<_>>(), ["A", "b"]);
    assert_eq!(
        found(&mut all, &["bx", "y"]),
        ["b error -:-:- - \"bx\"", "-"]
    );
    all.remove("B");
    all.remove("nobody");
    assert_eq!(parse_owners(&text).unwrap(), ["A"]);
    all.remove("a");
    assert!(all.is_empty());
    assert_eq!(found(&mut all, &["x"]), ["-"]);
}

#[test]
fn a_match_makes_the_others_forget() {
    let mut all = at_work(&json!([
        {"owner": "two", "pattern": [{"regexp": "^begin$"}, {"regexp": "^end (.*)$", "message": 1}]},
        {"owner": "one", "pattern": [{"regexp": "^!(.*)$", "message": 1}]},
        {"owner": "odd", "pattern": [{"regexp": "^(odd)(.*)$", "severity": 1, "message": 2}]},
    ]));
    assert_eq!(
        found(
            &mut all,
            &[
                "begin", "!x", "end x", "begin", "odd x", "end x", "begin", "end y"
            ]
        ),
        [
            "-",
            "one error -:-:- - \"x\"",
            "-",
            "-",
            "-",
            "-",
            "-",
            "two error -:-:- - \"y\""
        ]
    );
}

#[test]
fn matchers_that_take_too_long_are_removed() {
    let mut all = at_work(&json!([
        {"owner": "slow", "pattern": [{"regexp": r"^(?=(a+)+$)\1b(.*)", "message": 2}]},
        {"owner": "good", "pattern": [{"regexp": "^(a+x)$", "message": 1}]},
    ]));
    let line = format!("{}x", "a".repeat(2000));
    let mut slow = Matchers::new(Budget {
        backtracks: 10,
        ..Budget::default()
    });
    let file = json!({"problemMatcher": [{"owner": "slow", "pattern": [{"regexp": r"(a+)\1b", "message": 1}]}]}).to_string();
    let tiny = Budget {
        backtracks: 10,
        ..Budget::default()
    };
    slow.add(parse_matchers(&file, &tiny).unwrap().remove(0));
    for _ in 0..2 {
        assert!(slow.process(&line, &clock).is_none() && slow.take_warnings().is_empty());
    }
    assert!(
        slow.process("aab", &clock).is_some(),
        "it still works on other lines"
    );
    slow.process(&line, &clock);
    assert_eq!(
        slow.take_warnings(),
        [
            "Removing issue matcher 'slow'. Matcher failed 3 times. Error: its regular expression takes too long"
        ]
    );
    assert!(slow.is_empty());
    assert!(
        all.process(&line, &clock).is_some(),
        "one that is slow does not hold up the others"
    );
    assert!(all.process(&"a".repeat(17 * 1024), &clock).is_none());
}

#[test]
fn files_are_read_leniently() {
    let text = "\u{feff}// matchers\n{\"ProblemMatcher\": [ /* one */ {\"OWNER\": \"a//b\", \"$x\": 1, \"severity\": \"\",\n\
                \"pattern\": [{\"Regexp\": \"(x\\\\\\\\\\\")\", \"message\": \"1\", \"file\": null, \"loop\": \"False\",}, ],},], /* end";
    assert_eq!(
        parse_matchers(text, &Budget::default())
            .unwrap_err()
            .0
            .len(),
        1,
        "no end"
    );
    let text = format!("{text} */ }}");
    assert_eq!(parsed(&text)[0].owner(), "a//b");
    assert!(parsed("{}").is_empty());
    assert!(parsed("{\"problemMatcher\": []}").is_empty());
    assert_eq!(
        lenient::strict("[1, 2 , ] // x\n\", ]\" /"),
        "[1, 2   ]     \n\", ]\" /"
    );
}

#[test]
fn what_is_wrong_is_found_at_once() {
    let text = json!({"problemMatcher": [
        {"severity": "info", "pattern": [{"regexp": "(a)", "file": 1}]},
        {"owner": "b", "pattern": []},
        {"owner": "c", "pattern": [{"regexp": "(", "message": 1}, {"regexp": "(b)", "message": 1, "line": 2, "file": -1}]},
        {"owner": "d", "pattern": [{"regexp": "(a)", "message": 1, "loop": true}]},
        {"owner": "d", "pattern": [{"regexp": "(a)", "message": 1}, {"regexp": "b", "loop": true}]},
        {"owner": "D", "pattern": [{"regexp": "(a)", "message": 1, "line": "x"}, {"regexp": "(b)", "message": 0, "loop": 1}]},
        {"owner": 1, "pattern": {"regexp": "x"}},
        5
    ]});
    insta::assert_snapshot!(problems(&text.to_string()), @"
    problemMatcher[0]: Owner must not be empty
    problemMatcher[0]: Matcher '' contains unexpected default severity 'info'
    problemMatcher[0]: At least one pattern must set 'message'
    problemMatcher[1]: Matcher 'b' does not contain any patterns
    problemMatcher[2].pattern[0].regexp: the regular expression can't be used: Parsing error at position 1: Opening parenthesis without closing parenthesis
    problemMatcher[2].pattern[1]: The property 'file' is set to -1 which is out of range
    problemMatcher[2].pattern[1]: The property 'line' is set to 2 which is out of range
    problemMatcher[2].pattern[1]: The property 'message' is set twice
    problemMatcher[3].pattern[0]: Only the last pattern in a multiline matcher may set 'loop'
    problemMatcher[4].pattern[1]: The loop pattern must set 'message'
    problemMatcher[4]: Duplicate owner name 'd'
    problemMatcher[5].pattern[0].line: expected the number of a group
    problemMatcher[5].pattern[1].loop: expected true or false
    problemMatcher[5].pattern[1]: The property 'message' is set twice
    problemMatcher[5]: Duplicate owner name 'D'
    problemMatcher[6].owner: expected a string
    problemMatcher[6].pattern: expected an array
    problemMatcher[7]: expected an object
    ");
    insta::assert_snapshot!(problems("[]"), @"expected an object");
    insta::assert_snapshot!(problems("{\n \"a\": }"), @"the file is not JSON: expected value at line 2 column 7");
    insta::assert_snapshot!(problems(&" ".repeat(FILE_LIMIT + 1)), @"the file is longer than 262144 bytes");
    let many =
        |len: usize| vec![json!({"owner": "x", "pattern": vec![json!({"regexp": "x"}); len]}); len];
    assert_eq!(
        problems(&json!({"problemMatcher": many(MATCHER_LIMIT + 1)}).to_string()),
        "problemMatcher: there are more than 50 matchers"
    );
    assert!(
        problems(&json!({"problemMatcher": many(PATTERNS_LIMIT + 1)}).to_string())
            .contains("more than 20 patterns")
    );
}

#[test]
fn expressions_are_those_of_ecmascript() {
    for (expression, line, expected) in [
        // Classes of characters are about ASCII.
        (r"(\d+)", "١2", vec!["2", "2"]),
        (r"(\w+)", "é_a1é", vec!["_a1", "_a1"]),
        (r"a(\s)b", "a\tb", vec!["a\tb", "\t"]),
        (r"^(\S+) (\D+)(\W)", "é x!", vec!["é x!", "é", "x", "!"]),
        (r"[\d\w]+", "-a1-", vec!["a1"]),
        (r"[^\d]+", "12é", vec!["é"]),
        (r"[^\S]+", "a b", vec![" "]),
        (r"[\D]", "1x", vec!["x"]),
        (r"[^]", "\n", vec!["\n"]),
        (r"[]a]+", "]a", vec!["]a"]),
        (r"[[(]+", "[(", vec!["[("]),
        (r"[a&&b]+", "a&b", vec!["a&b"]),
        (r"[a--b]+", "a", vec!["a"]),
        (r"[~~^]+", "~^", vec!["~^"]),
        (r"[\w-]+", "a-b", vec!["a-b"]),
        (r"[\w-.]+", "a-.", vec!["a-."]),
        (r"[a-]+", "a-", vec!["a-"]),
        (r"[-a]+", "a-", vec!["a-"]),
        (r"[a-c]+", "xabcd", vec!["abc"]),
        (r"[\x41-\u0043]+", "ABCD", vec!["ABC"]),
        (r"[\]\\]+", r"\]", vec![r"\]"]),
        (r"[\b]", "\u{8}", vec!["\u{8}"]),
        // Escapes stand for themselves where they mean nothing else.
        (r"\/\<\>\-\:\i\é", "/<>-:ié", vec!["/<>-:ié"]),
        (
            r"\x41\u0042\cA\0\e\a",
            "AB\u{1}\0\u{1b}\u{7}",
            vec!["AB\u{1}\0\u{1b}\u{7}"],
        ),
        (r"\xzz", "xzz", vec!["xzz"]),
        (r"\101", "A", vec!["A"]),
        (r"(a)\1", "aa", vec!["aa", "a"]),
        (r"(a)\11", "aa1", vec!["aa1", "a"]),
        // Braces and brackets are themselves where they are no quantifiers and no classes.
        ("a{", "a{", vec!["a{"]),
        ("a{x}", "a{x}", vec!["a{x}"]),
        ("a{,2}", "a{,2}", vec!["a{,2}"]),
        ("}]", "}]", vec!["}]"]),
        ("^a{2}$", "aa", vec!["aa"]),
        ("^a{1,}?", "aa", vec!["a"]),
        ("^(?:a|b){1,2}$", "ab", vec!["ab"]),
        // Groups.
        (r"(?:x)(?#no)(y)", "xy", vec!["xy", "y"]),
        (r"(?<n>a)(b)", "ab", vec!["ab", "b", "a"]),
        (r"(?'n'a)(b)\k<n>", "aba", vec!["aba", "b", "a"]),
        (r"(?<n>a)(b)\1\2", "abba", vec!["abba", "b", "a"]),
        (r"[(](x)\((y)", "(x(y", vec!["(x(y", "x", "y"]),
        (r"(?=a)(a)(?!c)(?<=a)(?<!b)", "a", vec!["a", "a"]),
        (r"(?i)(AB)", "ab", vec!["ab", "ab"]),
        (r"(a)|(b)", "b", vec!["b", "", "b"]),
        (r"\bx\b", "a x b", vec!["x"]),
        (r"^x$", "x", vec!["x"]),
        (r"\Ax\Z", "x", vec!["x"]),
        (".*", "aé😀", vec!["aé😀"]),
        ("", "x", vec![""]),
    ] {
        let expected: Vec<String> = expected.into_iter().map(str::to_owned).collect();
        assert_eq!(
            groups(expression, line),
            Some(expected),
            "{expression} {:?}",
            ecma::translate(expression)
        );
    }
    for (expression, line) in [
        ("A", "a"),
        (r"\d", "١"),
        (r"\s", "\u{a0}"),
        (r"a\zb", "ab"),
        ("(", "("),
        ("[a", "a"),
        (r"\", r"\"),
    ] {
        assert_eq!(groups(expression, line), None, "{expression}");
    }
}

/// What an action may do at worst.
#[test]
fn hostile_matchers_take_no_time() {
    let limit = Duration::from_secs(if cfg!(debug_assertions) { 60 } else { 1 });
    let line = "a".repeat(16 * 1024 - 1);
    for expression in [
        r"(a+)+$b",
        r"(a|aa)+$b",
        r"(.*)(.*)(.*)(.*)b",
        r"(a+)\1b",
        r"(?=(a+)+b)(.*)",
        r"(?!(.*)(.*)c)b",
        r"(\w{1,200}){1,10}b",
        r"(.{0,500}b){3}",
        r"(?:(?=a)a)*b",
        r"(?<=(a{1,50}))b",
        r"((a*)*)*\2b",
        "a*?b|c",
        r"(x?){500}y",
    ] {
        let start = Instant::now();
        let text = json!({"problemMatcher": [{"owner": "o", "pattern": [{"regexp": expression, "message": 0}]}]}).to_string();
        if let Ok(mut matchers) = parse_matchers(&text, &Budget::default()) {
            let mut all = Matchers::new(Budget::default());
            all.add(matchers.remove(0));
            all.process(&line, &clock);
        }
        assert!(
            start.elapsed() < limit,
            "{expression}: {:?}",
            start.elapsed()
        );
    }
    let start = Instant::now();
    let _ = parse_matchers(&"[".repeat(FILE_LIMIT), &Budget::default());
    let _ = parse_matchers(&",".repeat(FILE_LIMIT), &Budget::default());
    let _ = parse_matchers(&"/*".repeat(FILE_LIMIT / 2), &Budget::default());
    assert!(start.elapsed() < limit, "{:?}", start.elapsed());
}

/// Many matchers whose look-around reads the whole line at every character, on many lines.
#[test]
fn hostile_matchers_are_bounded_together() {
    let expression = r"(?=.*b)(?=.*c)(?=.*d)x|(?=(a+)+e)y";
    let budget = Budget {
        time: Duration::from_millis(100),
        total: Duration::from_secs(1),
        ..Budget::default()
    };
    let matcher = |owner: usize| {
        let text = json!({"problemMatcher": [{"owner": format!("o{owner}"), "pattern": [{"regexp": expression, "message": 0}]}]}).to_string();
        parse_matchers(&text, &budget).unwrap().remove(0)
    };
    let mut all = Matchers::new(budget);
    let line = "a".repeat(16 * 1024 - 1);
    let start = Instant::now();
    // As often as a step may add them again under another name.
    for owner in 0..500 {
        all.add(matcher(owner));
        for _ in 0..20 {
            all.process(&line, &clock);
        }
    }
    assert!(all.is_empty());
    let limit = Duration::from_secs(if cfg!(debug_assertions) { 90 } else { 15 });
    assert!(start.elapsed() < limit, "{:?}", start.elapsed());
    let warnings = all.take_warnings().join("\n");
    assert!(
        warnings.contains("Removing issue matcher 'o0'"),
        "{warnings}"
    );
    assert!(warnings.contains("'o499' is not added"), "{warnings}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    #[test]
    fn nothing_panics(text in any::<String>()) {
        let _ = parse_matchers(&text, &Budget::default());
        let _ = parse_owners(&text);
        let _ = lenient::strict(&text);
    }

    #[test]
    fn expressions_never_panic(
        expression in "([ab.*+?|()\\[\\]{}^$\\\\dwsb1-3,-]|\\(\\?[:=!<]|\\(\\?<n>){0,16}",
        lines in proptest::collection::vec("[ab1 ]{0,8}", 0..4),
    ) {
        let text = json!({"problemMatcher": [{"owner": "o", "pattern": [
            {"regexp": expression, "file": 0}, {"regexp": expression, "message": 0, "loop": true}
        ]}]}).to_string();
        if let Ok(mut matchers) = parse_matchers(&text, &Budget::default()) {
            let mut all = Matchers::new(Budget::default());
            all.add(matchers.remove(0));
            for line in &lines {
                all.process(line, &clock);
            }
        }
    }

    /// Text that is escaped matches itself and nothing else.
    #[test]
    fn escaped_text_matches_itself(text in "[ -~é]{1,20}") {
        let escaped: String = text.chars().map(|c| if c.is_ascii_alphanumeric() { c.to_string() } else { format!("\\{c}") }).collect();
        prop_assert_eq!(groups(&format!("^{escaped}$"), &text), Some(vec![text.clone()]));
        let class: String = text.chars().map(|c| if c.is_ascii_alphanumeric() { c.to_string() } else { format!("\\{c}") }).collect();
        prop_assert_eq!(groups(&format!("^[{class}]+$"), &text), Some(vec![text]));
    }

    #[test]
    fn json_stays_as_it_is(text in "([ a-z0-9:]|\"[^\"\\\\]{0,4}\"|\\\\){0,20}") {
        prop_assert_eq!(lenient::strict(&text), text);
    }
}
