//! A second opinion: the parser of the crate `github-actions-expressions`.
//!
//! It differs from GitHub's own parser, and so from ours, in what is listed in [`differs`]. On
//! everything else the two must agree on what is an expression.

use github_actions_expressions::Expr;
use proptest::prelude::*;

use super::*;

/// Where the other parser is known to be off.
fn differs(text: &str) -> bool {
    // It takes a comma after the last argument, `format` without arguments, and counts parentheses
    // as depth but not `.a.b.c`; white space is ASCII to it; `success('job')` is refused.
    let compact: String = text.chars().filter(|c| !c.is_whitespace()).collect();
    compact.contains(",)") || compact.contains("format()") || !text.is_ascii()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn both_parsers_take_the_same_texts(
        text in "([()\\[\\].,*! ]|==|!=|<|>=|&&|\\|\\||'a'|1|0x1F|-2.5|\\.5|github|\\.event|\\['x'\\]|\\.\\*|true|null|NaN|format\\(|toJSON\\(|contains\\('a',|case\\(true,1,|always\\(\\)|\\)){1,12}"
    ) {
        if differs(&text) {
            return Ok(());
        }
        let ours = Expression::parse(&text);
        let theirs = Expr::parse(&text);
        prop_assert_eq!(ours.is_ok(), theirs.is_ok(), "{:?} and {:?}", ours.err(), theirs.err());
    }
}
