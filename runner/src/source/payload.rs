//! The payload of an event, which the user gives as a file.

use std::path::Path;

use dormer_workflow::expr::Value;

use crate::failure::InputError;
use crate::source::tree::read_named_within;

/// The largest payload that GitHub sends.
const LARGEST: u64 = 25 << 20;

/// What the event tells: its value, an object, and its text.
///
/// # Errors
///
/// The file can't be read, or holds something else.
pub fn payload(path: &Path) -> Result<(Value, String), InputError> {
    const WHAT: &str = "the payload";
    let file = read_named_within(path, WHAT, LARGEST)?;
    let shown = file.name();
    let text = file.text().trim_start_matches('\u{feff}');
    let value: Value = serde_json::from_str(text)
        .map_err(|error| InputError::usage(format!("{WHAT} `{shown}` is not JSON: {error}")))?;
    if value.as_object().is_none() {
        let kind = value.kind().to_lowercase();
        let error = format!("{WHAT} `{shown}` is no JSON object, but {kind}");
        return Err(InputError::usage(error).help("an event's payload looks like `{\"ref\": …}`"));
    }
    Ok((value, text.to_owned()))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn payload_of(bytes: &[u8]) -> Result<(Value, String), InputError> {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("p.json");
        fs::write(&path, bytes).unwrap();
        payload(&path)
    }

    #[test]
    fn a_payload_is_an_object_of_a_size_that_github_would_send() {
        let (value, text) = payload_of(b"\xef\xbb\xbf{\"number\": 7}").unwrap();
        assert_eq!(
            value.as_object().unwrap().get("number"),
            Some(&Value::Number(7.0))
        );
        assert_eq!(text, "{\"number\": 7}");
        let deep = [b"{\"a\":".as_slice(), &b"[".repeat(100_000)].concat();
        let large = [b"{\"a\":\"".as_slice(), &b"x".repeat(26 << 20), b"\"}"].concat();
        for (bytes, expected) in [
            (&b"[1]"[..], "no JSON object, but array"),
            (b"{", "is not JSON"),
            (b"{\"a\": \"\xff\"}", "not UTF-8"),
            (&deep, "is not JSON"),
            (&large, "larger than 25 MiB"),
        ] {
            let error = payload_of(bytes).unwrap_err();
            assert!(error.message.contains(expected), "{}", error.message);
            assert!(error.message.len() < 1000);
        }
    }
}
