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
        let (number, after) = placeholder(&rest[at..])
            .map_err(|reason| invalid(pattern, pattern.len() - rest.len() + at, reason))?;
        if number >= arguments {
            return Err(missing(number, arguments));
        }
        segments.push(Segment::Argument(number));
        rest = after;
    }
    segments.push(Segment::Text(rest));
    Ok(segments)
}

const LONE_BRACE: &str = "a brace that is meant as one is written twice";

/// GitHub reads format specifiers, as in `{0:x}`, for a type that no expression can make, so that all
/// but an empty one are errors. `}}` after the colon is a brace of the specifier.
const SPECIFIER: &str = "nothing can be said about an argument after a colon";

/// The number in `{0}`, and what follows.
fn placeholder(rest: &str) -> Result<(usize, &str), &'static str> {
    let inner = rest.strip_prefix('{').ok_or(LONE_BRACE)?;
    let after = inner.trim_start_matches(|c: char| c.is_ascii_digit());
    let number: u8 = inner[..inner.len() - after.len()]
        .parse()
        .map_err(|_| LONE_BRACE)?;
    let after = match after.strip_prefix(':') {
        Some(specifier) if !specifier.contains('}') => return Err(LONE_BRACE),
        Some(specifier) if specifier.starts_with("}}") => return Err(SPECIFIER),
        Some(specifier) => specifier.strip_prefix('}').ok_or(SPECIFIER)?,
        None => after.strip_prefix('}').ok_or(LONE_BRACE)?,
    };
    Ok((usize::from(number), after))
}

fn missing(number: usize, arguments: usize) -> String {
    let (verb, plural) = if arguments == 1 {
        ("is", "")
    } else {
        ("are", "s")
    };
    format!(
        "the format string asks for `{{{number}}}`, but there {verb} {arguments} argument{plural} \
         after it"
    )
}

/// What is wrong with a pattern at a byte of it.
fn invalid(pattern: &str, at: usize, reason: &str) -> String {
    const LIMIT: usize = 60;
    let at = pattern[..at].chars().count() + 1;
    let shown: String = pattern.chars().take(LIMIT).collect();
    let more = if shown.len() < pattern.len() {
        "…"
    } else {
        ""
    };
    format!("the format string `{shown}{more}` is wrong at character {at}: {reason}")
}
