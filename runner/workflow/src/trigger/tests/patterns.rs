//! Patterns of filters: those of GitHub's page, and any others.

use std::time::{Duration, Instant};

use proptest::prelude::{ProptestConfig, prop_assert, prop_assert_eq, proptest};

use super::super::pattern::{Pattern, Work};

fn fits(pattern: &str, text: &str) -> bool {
    Pattern::read(pattern).fits(text, &mut Work::new())
}

#[test]
fn githubs_examples_fit() {
    for (pattern, fitting, others) in [
        (
            "feature/*",
            &["feature/a", "feature/"][..],
            &["feature/a/b", "feature"][..],
        ),
        (
            "feature/**",
            &["feature/a", "feature/a/b"],
            &["feature", "features/a"],
        ),
        ("main", &["main"], &["Main", "mains", "amain", ""]),
        ("*", &["main", "v1", ""], &["a/b"]),
        ("**", &["main", "all/the/way", ""], &[]),
        (
            "*feature",
            &["mona-feature", "feature"],
            &["a/feature", "feature-a"],
        ),
        ("v2*", &["v2", "v2.0", "v2.9"], &["v3", "v2/a"]),
        (
            "v[12].[0-9]+.[0-9]+",
            &["v1.10.1", "v2.0.0"],
            &["v3.0.0", "v1.0", "v1..1"],
        ),
        (
            "*.jsx?",
            &["page.js", "page.jsx"],
            &["page.jsxx", "a/page.js", "page.j"],
        ),
        (
            "**.js",
            &["index.js", "js/index.js", "src/js/app.js"],
            &["a.jsx"],
        ),
        ("notes/*", &["notes/README.md"], &["notes/a/b.md"]),
        (
            "notes/**/*.md",
            &["notes/README.md", "notes/a/b.md", "notes/a/b/c.md"],
            &["notesx.md", "notes.md"],
        ),
        (
            "**/notes/**",
            &["notes/hello.md", "dir/notes/my-file.txt", "a/b/notes/c"],
            &["mynotes/a"],
        ),
        (
            "**/README.md",
            &["README.md", "js/README.md"],
            &["MYREADME.md", "js/README.mdx"],
        ),
        (
            "**/*src/**",
            &["a/src/app.js", "my-src/code/js/app.js"],
            &["a/srcs/app.js"],
        ),
        (
            "**/*-post.md",
            &["my-post.md", "path/their-post.md"],
            &["post.md"],
        ),
        (
            "**/migrate-*.sql",
            &["migrate-10909.sql", "db/migrate-v1.0.sql"],
            &["a-migrate-1.sql"],
        ),
        ("**/**/x", &["x", "a/x", "a/b/x"], &["ax"]),
        ("a**/b", &["a/b", "ax/y/b"], &["ab"]),
        ("Octoc?t", &["Octoct", "Octot"], &["Octocat"]),
    ] {
        for text in fitting {
            assert!(fits(pattern, text), "{pattern} {text}");
        }
        for text in others {
            assert!(!fits(pattern, text), "{pattern} {text}");
        }
    }
}

#[test]
fn special_characters_can_be_written_and_half_ones_stand_for_themselves() {
    for (pattern, text, expected) in [
        (r"c\+\+", "c++", true),
        (r"c\+\+", "c", false),
        ("a+", "aaa", true),
        ("a+", "", false),
        ("+a", "+a", true),
        ("?a", "?a", true),
        ("[a", "[a", true),
        ("[]", "[]", true),
        ("a]", "a]", true),
        ("[a-]", "-", true),
        ("[a-c]?x", "x", true),
        (r"[a\]", "\\", true),
        (r"a\", r"a\", true),
        ("a!", "a!", true),
        ("[ab]+", "abba", true),
        ("*+", "abc", true),
        ("**?", "a/b", true),
        ("a+?b", "b", true),
        ("é?", "é", true),
    ] {
        assert_eq!(fits(pattern, text), expected, "{pattern} {text}");
    }
    assert!(Pattern::read("!a").excludes);
    assert!(fits("!a", "a"));
    assert!(!Pattern::read(r"\!a").excludes);
    assert!(fits(r"\!a", "!a"));
}

#[test]
fn hostile_patterns_take_little_time() {
    // Much less where it is optimised.
    let longest = Duration::from_secs(10);
    for pattern in ["*a", "**/", "[", "[a", "a?", "\\", "!", "?"] {
        let start = Instant::now();
        let read = Pattern::read(&pattern.repeat(50_000));
        let _ = read.fits(&"a".repeat(1000), &mut Work::new());
        assert!(start.elapsed() < longest, "{pattern}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    #[test]
    fn nothing_panics(pattern in "\\PC{0,40}", text in "\\PC{0,40}") {
        let _ = fits(&pattern, &text);
    }

    #[test]
    fn nothing_like_a_pattern_panics(pattern in r"[ab/*?+!\[\]\\-]{0,20}", text in "[ab/]{0,20}") {
        let _ = fits(&pattern, &text);
    }

    /// What is escaped fits itself and nothing else.
    #[test]
    fn escaped_text_fits_itself_alone(text in r"[ab/*?+!\[\]\\-]{1,12}", other in r"[ab/*?+!\[\]\\-]{0,12}") {
        let escaped: String = text.chars().flat_map(|c| ['\\', c]).collect();
        prop_assert!(fits(&escaped, &text));
        prop_assert_eq!(fits(&escaped, &other), text == other);
    }

    /// Of a plain pattern each `*` stands for something without `/`, and each `**` for anything.
    #[test]
    fn stars_stand_for_what_is_put_there(name in "[ab]{0,6}", path in "[ab/]{0,6}") {
        let text = format!("x{name}-{path}y");
        prop_assert!(fits("x*-**y", &text));
        prop_assert_eq!(fits("x*-*y", &text), !path.contains('/'));
    }
}
