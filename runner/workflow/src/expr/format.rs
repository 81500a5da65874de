//! The patterns of `format`: `{0}` is an argument, `{{` and `}}` are braces.

/// A part of a pattern.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Segment<'a> {
    Text(&'a str),
    Argument(usize),
}

/// Takes a pattern apart. `arguments` is how many there are.
pub(super) fn segments(pattern: &str, arguments: usize) -> Result<Vec<Segment<'_>>, String> {
    let mut segments = Vec::new();
    let mut rest = pattern;
    while let Some(at) = rest.find(['{', '}']) {
        let brace = &rest[at..=at];
        if rest[at + 1..].starts_with(brace) {
            segments.push(Segment::Text(&rest[..=at]));
            rest = &rest[at + 2..];
            continue;
        }
        segments.push(Segment::Text(&rest[..at]));
        let (number, after) =
            placeholder(&rest[at..]).ok_or_else(|| invalid(pattern, &rest[at..]))?;
        if number >= arguments {
            return Err(format!(
                "the format string asks for `{{{number}}}`, but there are {arguments} arguments \
                 after it"
            ));
        }
        segments.push(Segment::Argument(number));
        rest = after;
    }
    segments.push(Segment::Text(rest));
    Ok(segments)
}

/// The number in `{0}`, and what follows. GitHub has format specifiers (`{0:x}`) for a type that
/// no expression can make: only an empty one (`{0:}`) works.
fn placeholder(rest: &str) -> Option<(usize, &str)> {
    let inner = rest.strip_prefix('{')?;
    let end = inner.find('}')?;
    let digits = inner[..end].strip_suffix(':').unwrap_or(&inner[..end]);
    if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    Some((usize::from(digits.parse::<u8>().ok()?), &inner[end + 1..]))
}

fn invalid(pattern: &str, rest: &str) -> String {
    const LIMIT: usize = 60;
    let at = pattern[..pattern.len() - rest.len()].chars().count() + 1;
    let shown: String = pattern.chars().take(LIMIT).collect();
    let more = if shown.len() < pattern.len() {
        "…"
    } else {
        ""
    };
    format!(
        "the format string `{shown}{more}` is wrong at character {at}: a brace that is meant as \
         one is written twice"
    )
}
