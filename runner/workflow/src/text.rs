//! Text as GitHub compares it, and as people mistype it.
//!
//! .NET's `OrdinalIgnoreCase` decides every comparison in the language: characters are mapped to
//! upper case one by one, whatever the locale, and ordered by their UTF-16 code units.

use std::borrow::Cow;
use std::cmp::Ordering;

/// The longest name for which a correction is looked for.
const MAX_SUGGESTION: usize = 40;

/// A character in the one case that comparisons use.
fn fold(c: char) -> char {
    match c {
        // These two would fall on plain `I` and `S`; .NET leaves them alone.
        '\u{131}' | '\u{17f}' => c,
        _ => {
            let mut upper = c.to_uppercase();
            match (upper.next(), upper.next()) {
                (Some(single), None) => single,
                _ => c,
            }
        }
    }
}

/// A string in the one case that comparisons use.
pub(crate) fn folded(text: &str) -> Cow<'_, str> {
    if text.is_ascii() {
        if text.bytes().any(|b| b.is_ascii_lowercase()) {
            Cow::Owned(text.to_ascii_uppercase())
        } else {
            Cow::Borrowed(text)
        }
    } else {
        Cow::Owned(text.chars().map(fold).collect())
    }
}

/// Whether two strings are the same but for case.
pub(crate) fn equal(a: &str, b: &str) -> bool {
    if a.is_ascii() && b.is_ascii() {
        a.eq_ignore_ascii_case(b)
    } else {
        a.chars().map(fold).eq(b.chars().map(fold))
    }
}

/// The order of two strings, but for case.
pub(crate) fn compare(a: &str, b: &str) -> Ordering {
    a.chars()
        .map(|c| code_units(fold(c)))
        .cmp(b.chars().map(|c| code_units(fold(c))))
}

/// A key that orders characters as their UTF-16 code units: everything past U+FFFF is written with
/// surrogates, which come before U+E000.
fn code_units(c: char) -> (u32, u32) {
    const FIRST_SURROGATE: u32 = 0xd800;
    let code = u32::from(c);
    if code > 0xffff {
        (FIRST_SURROGATE, code)
    } else {
        (code, 0)
    }
}

/// Length as .NET counts it, in UTF-16 code units.
pub(crate) fn utf16_len(text: &str) -> usize {
    if text.is_ascii() {
        text.len()
    } else {
        text.chars().map(char::len_utf16).sum()
    }
}

/// The candidate that `name` is most likely a misspelling of.
pub(crate) fn suggestion<'a>(
    name: &str,
    candidates: impl IntoIterator<Item = &'a str>,
) -> Option<&'a str> {
    if name.len() > MAX_SUGGESTION {
        return None;
    }
    let name: Vec<char> = name.to_lowercase().replace('_', "-").chars().collect();
    // Of one letter or two there is not enough left once one is changed.
    let allowed = name.len() / 3;
    candidates
        .into_iter()
        .map(|candidate| {
            let letters: Vec<char> = candidate.to_lowercase().replace('_', "-").chars().collect();
            (distance(&name, &letters), candidate)
        })
        .filter(|&(distance, _)| distance <= allowed)
        .min_by_key(|&(distance, _)| distance)
        .map(|(_, candidate)| candidate)
}

/// How many letters have to be changed, added, removed or swapped with their neighbour.
fn distance(a: &[char], b: &[char]) -> usize {
    let mut before: Vec<usize> = Vec::new();
    let mut previous: Vec<usize> = (0..=b.len()).collect();
    for i in 0..a.len() {
        let mut row = vec![i + 1];
        for j in 0..b.len() {
            let changed = previous[j] + usize::from(a[i] != b[j]);
            let mut best = changed.min(previous[j + 1] + 1).min(row[j] + 1);
            if i > 0 && j > 0 && a[i] == b[j - 1] && a[i - 1] == b[j] {
                best = best.min(before[j - 1] + 1);
            }
            row.push(best);
        }
        before = std::mem::replace(&mut previous, row);
    }
    previous[b.len()]
}

/// `a`, `b` and `c`: names in backticks, for messages.
pub(crate) fn listed<'a>(names: impl IntoIterator<Item = &'a str>, last: &str) -> String {
    let names: Vec<String> = names.into_iter().map(|name| format!("`{name}`")).collect();
    match names.as_slice() {
        [] => String::new(),
        [only] => only.clone(),
        [init @ .., end] => format!("{} {last} {end}", init.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comparison_ignores_case_and_nothing_else() {
        assert!(equal("Straße", "STRAßE"));
        assert!(!equal("Straße", "STRASSE"));
        assert!(equal("ÄÖÜ", "äöü"));
        assert!(!equal("ı", "I"), "the dotless i is a letter of its own");
        assert!(!equal("ſ", "S"));
        assert!(!equal("a", "ab"));
        assert_eq!(folded("abc"), "ABC");
        assert_eq!(folded("ABC"), "ABC");
    }

    #[test]
    fn order_is_that_of_utf16() {
        assert_eq!(compare("a", "B"), Ordering::Less);
        assert_eq!(
            compare("_", "a"),
            Ordering::Greater,
            "letters compare as capitals"
        );
        assert_eq!(
            compare("\u{1f600}", "\u{fffd}"),
            Ordering::Less,
            "surrogates come first"
        );
        assert_eq!(compare("\u{1f600}", "\u{1f601}"), Ordering::Less);
        assert_eq!(compare("ab", "a"), Ordering::Greater);
    }

    #[test]
    fn misspelt_names_are_recognised() {
        let keys = ["steps", "runs-on", "needs", "if"];
        assert_eq!(suggestion("stesp", keys), Some("steps"));
        assert_eq!(suggestion("runs_on", keys), Some("runs-on"));
        assert_eq!(suggestion("Needs", keys), Some("needs"));
        assert_eq!(suggestion("IF", keys), Some("if"));
        assert_eq!(suggestion("iff", keys), Some("if"));
        assert_eq!(suggestion("of", keys), None);
        assert_eq!(suggestion("x", ["a", "b"]), None);
        assert_eq!(suggestion("matrix", keys), None);
        assert_eq!(suggestion(&"x".repeat(10_000), keys), None);
    }
}
