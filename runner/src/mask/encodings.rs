//! The forms in which a secret may come out: those that the official runner knows, and their common
//! variants. Pure text; what is done with the forms is the business of the module above.

use std::collections::BTreeSet;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE};

/// What is shorter than this, in bytes, is looked for in base64 only as the official runner does: its middle
/// would be found anywhere.
const SHORTEST_WITHIN_BASE64: usize = 6;
/// Text longer than this, in bytes, is looked for as it is, in JSON and in base64 only: the other encodings
/// are those of values that are put into command lines and addresses.
const LONGEST_IN_ALL_FORMS: usize = 8 << 10;
/// The quotes around a text are part of what somebody typed, not of the secret, if it has more bytes than
/// this.
const LONGER_THAN_QUOTED: usize = 8;
/// A part of a text, beside an ampersand, that has fewer bytes gives nothing away.
const SHORTEST_FRAGMENT: usize = 6;

/// Every form in which a secret may come out: the whole of it, and each of its lines, since a program that
/// prints a secret of several lines prints them one by one.
pub(super) fn encodings(secret: &str) -> Vec<Arc<[u8]>> {
    let secret = secret.trim_end_matches(['\r', '\n']);
    let lines = secret.split(['\r', '\n']).map(str::trim);
    let texts = std::iter::once(secret).chain(lines.filter(|line| !line.is_empty()));
    let mut forms: BTreeSet<_> = texts.flat_map(encodings_of_one).collect();
    forms.retain(|form| !form.trim_ascii().is_empty());
    forms.into_iter().map(Arc::from).collect()
}

fn encodings_of_one(text: &str) -> Vec<Vec<u8>> {
    let mut forms = in_base64(text.as_bytes());
    forms.push(text.as_bytes().to_vec());
    forms.push(json(text).into_bytes());
    if text.len() <= LONGEST_IN_ALL_FORMS {
        let escaped = [
            in_json(text),
            in_addresses(text),
            in_markup(text),
            quoted(text),
        ];
        forms.extend(escaped.into_iter().flatten().map(String::into_bytes));
        forms.extend(powershell_fragments(text).into_iter().map(Vec::from));
    }
    forms
}

/// The text by itself and from its second and third byte on, with and without padding, as the official
/// runner looks for it; and of a longer one what every base64 text contains that encodes it somewhere
/// inside, at each of the three alignments.
fn in_base64(bytes: &[u8]) -> Vec<Vec<u8>> {
    let mut forms = Vec::new();
    for engine in [&STANDARD, &URL_SAFE] {
        for aligned in (0..3).filter_map(|skipped| bytes.get(skipped..)) {
            forms.push(engine.encode(aligned).into_bytes());
            if bytes.len() >= SHORTEST_WITHIN_BASE64 {
                let whole = aligned.len() / 3 * 3;
                forms.push(engine.encode(&aligned[..whole]).into_bytes());
            }
        }
    }
    forms
}

/// As most libraries write it, without the quotes.
fn json(text: &str) -> String {
    let quoted = serde_json::Value::from(text).to_string();
    quoted[1..quoted.len() - 1].to_owned()
}

/// As libraries write it that keep to ASCII (Python, Windows PowerShell, .NET), or escape the slash.
fn in_json(text: &str) -> Vec<String> {
    let usual = json(text);
    let beyond_ascii = |c: char| !c.is_ascii();
    let in_markup = |c: char| !c.is_ascii() || "<>&'".contains(c);
    let in_dotnet = |c: char| !c.is_ascii() || "<>&'\"+`".contains(c);
    // .NET escapes the quote by its number too, so it starts from the text; control characters are rare.
    let dotnet = escaped_units(&text.replace('\\', "\\\\"), in_dotnet, true);
    vec![
        usual.replace('/', "\\/"),
        escaped_units(&usual, beyond_ascii, false),
        escaped_units(&usual, in_markup, false),
        dotnet,
    ]
}

/// Writes some characters as `\u` and the four digits of each of their UTF-16 units.
fn escaped_units(text: &str, is_escaped: impl Fn(char) -> bool, upper: bool) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        if !is_escaped(c) {
            escaped.push(c);
            continue;
        }
        for unit in c.encode_utf16(&mut [0; 2]) {
            escaped += &if upper {
                format!("\\u{unit:04X}")
            } else {
                format!("\\u{unit:04x}")
            };
        }
    }
    escaped
}

/// In the parts of an address: as `Uri.EscapeDataString`, `encodeURIComponent`, `encodeURI` and forms write
/// them, with either kind of digits.
fn in_addresses(text: &str) -> Vec<String> {
    let with = |plain: &'static [u8]| {
        move |byte: u8| byte.is_ascii_alphanumeric() || plain.contains(&byte)
    };
    let mut forms = Vec::new();
    for upper in [true, false] {
        forms.push(percent_escaped(text, with(b"-_.~"), upper));
        forms.push(percent_escaped(text, with(b"-_.~/"), upper));
        forms.push(percent_escaped(text, with(b"-_.!~*'()"), upper));
        forms.push(percent_escaped(text, with(b"-_.!~*'();/?:@&=+$,#"), upper));
        let plus = percent_escaped(text, with(b"-_.~ "), upper).replace(' ', "+");
        forms.push(plus);
    }
    forms
}

fn percent_escaped(text: &str, plain: impl Fn(u8) -> bool, upper: bool) -> String {
    let mut escaped = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii() && plain(byte) {
            escaped.push(char::from(byte));
        } else if upper {
            escaped += &format!("%{byte:02X}");
        } else {
            escaped += &format!("%{byte:02x}");
        }
    }
    escaped
}

/// In XML, within an attribute and as text, and in HTML as several libraries write its quotes.
fn in_markup(text: &str) -> Vec<String> {
    let inner = text
        .replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;");
    let quotes = [
        ("&quot;", "&apos;"),
        ("&quot;", "&#39;"),
        ("&quot;", "&#x27;"),
        ("&#34;", "&#39;"),
    ];
    let quoted = quotes.map(|(double, single)| inner.replace('"', double).replace('\'', single));
    let mut forms = vec![inner.replace('"', "&quot;"), inner];
    forms.extend(quoted);
    forms
}

/// Within the quotes of an expression, a command line, or a batch file; and without its own.
fn quoted(text: &str) -> Vec<String> {
    let mut forms = vec![
        text.replace('\'', "''"),
        text.replace('"', "\\\""),
        text.replace('"', "\"\""),
        windows_argument(text),
    ];
    let inner = text.strip_prefix('"').and_then(|t| t.strip_suffix('"'));
    let inner = inner.filter(|_| text.len() > LONGER_THAN_QUOTED);
    forms.extend(inner.map(str::to_owned));
    forms
}

/// As a Windows program's start-up code reads it between quotes: a backslash is doubled before a quote.
fn windows_argument(text: &str) -> String {
    let mut written = String::with_capacity(text.len());
    let mut backslashes = 0;
    for c in text.chars() {
        if c == '"' {
            written.extend(std::iter::repeat_n('\\', backslashes + 1));
        }
        backslashes = if c == '\\' { backslashes + 1 } else { 0 };
        written.push(c);
    }
    written
}

/// PowerShell colours an error's text from an ampersand on, which cuts it: before `&+` and behind the
/// character after it, or else around the last ampersand. The longer fragments give a secret away.
fn powershell_fragments(text: &str) -> Vec<&str> {
    let mut fragments = Vec::new();
    if let Some(at) = text.find("&+") {
        let behind = &text[at + 2..];
        let coloured = behind.chars().next().map_or(0, char::len_utf8);
        fragments.extend([&text[..at + 2], &behind[coloured..]]);
    }
    for at in text.find('&').into_iter().chain(text.rfind('&')) {
        fragments.extend([&text[..at], &text[at + 1..]]);
    }
    fragments.retain(|fragment| fragment.len() >= SHORTEST_FRAGMENT);
    fragments
}

#[cfg(test)]
mod tests {
    use super::*;

    fn forms(secret: &str) -> Vec<String> {
        let forms = encodings(secret);
        forms
            .iter()
            .map(|form| String::from_utf8(form.to_vec()).unwrap())
            .collect()
    }

    fn assert_forms(secret: &str, expected: &[&str]) {
        let forms = forms(secret);
        for form in expected {
            assert!(forms.iter().any(|one| one == form), "{form} in {forms:#?}");
        }
    }

    #[test]
    fn base64_is_known_at_each_alignment_also_of_short_secrets() {
        assert_forms("abc", &["YWJj", "YmM=", "Yw=="]);
        assert_forms(
            "secret>?",
            &["c2VjcmV0Pj8=", "c2VjcmV0", "c2VjcmV0Pj8=", "c2VjcmV0Pj8="],
        );
        let secret = "a?>~~~?>";
        for before in ["", "x", "xy"] {
            for after in ["", "x", "xy"] {
                let text = format!("{before}{secret}{after}");
                for encoded in [STANDARD.encode(&text), URL_SAFE.encode(&text)] {
                    let known = forms(secret)
                        .iter()
                        .any(|form| encoded.contains(form.as_str()));
                    assert!(known, "{text} as {encoded}");
                }
            }
        }
    }

    #[test]
    fn quotes_and_backslashes_are_known_as_command_lines_and_expressions_write_them() {
        assert_forms(
            r#"a\"b\c"#,
            &[r#"a\\\"b\c"#, r#"a\\"b\c"#, r#"a\""b\c"#, r#"a\\\"b\\c"#],
        );
        assert_forms("it's", &["it''s"]);
    }

    #[test]
    fn quotes_around_a_long_secret_are_no_part_of_it() {
        assert_forms("\"password\"", &["password"]);
        assert!(!forms("\"pass\"").contains(&"pass".to_owned()));
    }

    #[test]
    fn json_is_known_in_the_dialects_of_windows() {
        assert_forms(
            "ä<\"+/😀",
            &[
                "ä<\\\"+/😀",
                "ä<\\\"+\\/😀",
                "\\u00e4<\\\"+/\\ud83d\\ude00",
                "\\u00e4\\u003c\\\"+/\\ud83d\\ude00",
                "\\u00E4\\u003C\\u0022\\u002B/\\uD83D\\uDE00",
            ],
        );
    }

    #[test]
    fn addresses_and_markup_are_known_as_libraries_write_them() {
        assert_forms(
            "a b/ü(&",
            &[
                "a%20b%2F%C3%BC%28%26",
                "a%20b%2f%c3%bc%28%26",
                "a+b%2F%C3%BC%28%26",
            ],
        );
        assert_forms(
            "a b/ü(&",
            &["a%20b%2F%C3%BC(%26", "a%20b/%C3%BC%28%26", "a%20b/%C3%BC(&"],
        );
        assert_forms(
            "<'\"&>",
            &[
                "&lt;&apos;&quot;&amp;&gt;",
                "&lt;'\"&amp;&gt;",
                "&lt;&#39;&#34;&amp;&gt;",
            ],
        );
    }

    #[test]
    fn the_fragments_of_powershell_are_the_long_ones_around_an_ampersand() {
        assert_eq!(
            powershell_fragments("secret1&+secret2&secret3")[..2],
            ["secret1&+", "ecret2&secret3"]
        );
        assert_eq!(powershell_fragments("abc&ghijkl"), ["ghijkl", "ghijkl"]);
        let around = powershell_fragments("first1&second&third3");
        assert!(
            around.contains(&"first1&second") && around.contains(&"third3"),
            "{around:?}"
        );
        assert!(powershell_fragments("ab&cd").is_empty());
        assert!(powershell_fragments("ab&+").is_empty());
    }

    #[test]
    fn each_line_is_a_secret_however_lines_end() {
        assert_forms(
            "one-line\rtwo-line\r\n  three-line \n",
            &["one-line", "two-line", "three-line"],
        );
    }
}
