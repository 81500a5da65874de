//! JSON with comments and trailing commas, which the official runner's reader takes too.

/// The text with blanks for what strict JSON does not have. Lines and columns stay.
pub(super) fn strict(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    // Where in `out` a comma stands that nothing but blanks has followed.
    let mut comma = None;
    while let Some(c) = rest.chars().next() {
        let len = match c {
            '"' => string_len(rest),
            '/' => comment_len(rest),
            _ => c.len_utf8(),
        };
        let (token, after) = rest.split_at(len);
        rest = after;
        match c {
            '/' if len > 1 => {
                out.extend(token.chars().map(|c| if c == '\n' { c } else { ' ' }));
                continue;
            }
            ',' => comma = Some(out.len()),
            ']' | '}' => {
                if let Some(at) = comma.take() {
                    out.replace_range(at..=at, " ");
                }
            }
            c if c.is_whitespace() => {}
            _ => comma = None,
        }
        out.push_str(token);
    }
    out
}

/// The length of a string with its quotes, or of the rest where it has no end.
fn string_len(text: &str) -> usize {
    let mut escaped = false;
    let end = text.bytes().skip(1).position(|byte| {
        let ends = byte == b'"' && !escaped;
        escaped = byte == b'\\' && !escaped;
        ends
    });
    end.map_or(text.len(), |end| end + 2)
}

/// The length of a comment; 1 where the slash begins none.
fn comment_len(text: &str) -> usize {
    if text.starts_with("//") {
        text.find('\n').unwrap_or(text.len())
    } else if text.starts_with("/*") {
        text.find("*/").map_or(text.len(), |end| end + 2)
    } else {
        1
    }
}
