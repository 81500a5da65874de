//! Any text is a matcher file or has problems, and what is before its first line an expression to
//! match the other lines with.

#![no_main]

use std::time::Duration;

use dormer_workflow::matcher::{Budget, Matchers, parse_matchers, parse_owners};
use libfuzzer_sys::fuzz_target;

/// A file whose two patterns are the same expression.
fn file(expression: &str) -> String {
    let quoted: String = expression
        .chars()
        .map(|c| format!("\\u{:04x}", u32::from(c).min(0xd7ff)))
        .collect();
    format!(
        r#"{{"problemMatcher": [{{"owner": "o", "pattern": [
            {{"regexp": "{quoted}", "file": 0}},
            {{"regexp": "{quoted}", "message": 0, "loop": true}}
        ]}}]}}"#
    )
}

fuzz_target!(|text: &str| {
    let budget = Budget::default();
    if let Err(problems) = parse_matchers(text, &budget) {
        assert!(!problems.0.is_empty());
    }
    let _ = parse_owners(text);
    let (expression, lines) = text.split_once('\n').unwrap_or((text, ""));
    if let Ok(matchers) = parse_matchers(&file(expression), &budget) {
        let mut all = Matchers::new(budget);
        for matcher in matchers {
            all.add(matcher);
        }
        for line in lines.lines() {
            all.process(line, &|| Duration::ZERO);
        }
        let _ = all.take_warnings();
    }
});
