//! Characters that are written as their codes within a command.
//!
//! Codes count in upper case only, and what is not in a place's list stays as it is written.

/// Which characters a place in a command can't hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// The message of `::name::message`.
    Message,
    /// The value of a property in `::name key=value::`.
    Property,
    /// The message, or the value of a property, in `##[name key=value]message`.
    Old,
}

impl Place {
    fn escapes(self) -> &'static [(char, &'static str)] {
        match self {
            Self::Message => &[('%', "%25"), ('\r', "%0D"), ('\n', "%0A")],
            Self::Property => &[
                ('%', "%25"),
                ('\r', "%0D"),
                ('\n', "%0A"),
                (':', "%3A"),
                (',', "%2C"),
            ],
            Self::Old => &[
                ('%', "%25"),
                ('\r', "%0D"),
                ('\n', "%0A"),
                (';', "%3B"),
                (']', "%5D"),
            ],
        }
    }
}

/// A text as it has to be written at a place.
pub fn escape(text: &str, place: Place) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match place.escapes().iter().find(|(plain, _)| *plain == c) {
            Some((_, code)) => out.push_str(code),
            None => out.push(c),
        }
    }
    out
}

/// What is written at a place as text. Codes are undone once: `%250A` is `%0A`.
pub fn unescape(text: &str, place: Place) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('%') {
        out.push_str(&rest[..at]);
        rest = &rest[at..];
        let found = place
            .escapes()
            .iter()
            .find_map(|(plain, code)| Some((*plain, rest.strip_prefix(code)?)));
        match found {
            Some((plain, after)) => {
                out.push(plain);
                rest = after;
            }
            None => {
                out.push('%');
                rest = &rest[1..];
            }
        }
    }
    out.push_str(rest);
    out
}
