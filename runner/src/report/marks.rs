//! Lines that a step's workflow commands leave in its log, which begin with a mark such as `##[error]` as in
//! GitHub's own logs, put as people read them.

use std::borrow::Cow;

/// What people see of a line; none of one that only ends a group.
pub fn readable(line: &str) -> Option<Cow<'_, str>> {
    let Some((mark, rest)) = line
        .strip_prefix("##[")
        .and_then(|inner| inner.split_once(']'))
    else {
        return Some(Cow::Borrowed(line));
    };
    let word = match mark {
        "error" => "Error: ",
        "warning" => "Warning: ",
        "notice" => "Notice: ",
        "debug" => "Debug: ",
        "group" => "▸ ",
        "endgroup" => return None,
        _ => return Some(Cow::Borrowed(line)),
    };
    Some(Cow::Owned(format!("{word}{rest}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_become_words_and_other_lines_stay() {
        for (line, expected) in [
            ("##[error]no", Some("Error: no")),
            ("##[group]Build", Some("▸ Build")),
            ("##[endgroup]", None),
            ("##[other]x", Some("##[other]x")),
            ("##[", Some("##[")),
            ("x ##[error]y", Some("x ##[error]y")),
        ] {
            assert_eq!(readable(line).as_deref(), expected);
        }
    }
}
