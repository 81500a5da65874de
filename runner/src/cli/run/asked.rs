//! What a run is about, as it was typed: its event, inputs and variables.

use std::fs::{self, File};
use std::io::Read;
use std::path::Path;

use dormer_workflow::expr::{Object, Value};

use crate::cli::args::{RunArguments, is_variable_name};
use crate::failure::InputError;
use crate::source::file::utf8;

/// The largest payload that GitHub sends.
const LARGEST_PAYLOAD: u64 = 25 << 20;
/// Variables are small, and few.
const LARGEST_VARIABLES: u64 = 4 << 20;

/// The event's payload: its value and its text.
pub(super) fn payload(path: &Path) -> Result<(Value, String), InputError> {
    let shown = path.display().to_string();
    let text = read(path, &shown, LARGEST_PAYLOAD)?;
    let text = text.trim_start_matches('\u{feff}').to_owned();
    let value: Value = serde_json::from_str(&text).map_err(|error| {
        InputError::usage(format!("the payload `{shown}` is not JSON: {error}"))
    })?;
    if value.as_object().is_none() {
        let text = format!(
            "the payload `{shown}` is no JSON object, but {}",
            value.kind().to_lowercase()
        );
        return Err(InputError::usage(text).help("an event's payload looks like `{\"ref\": …}`"));
    }
    Ok((value, text))
}

/// The configuration variables: those of the file, and above them those that were typed.
pub(super) fn variables(arguments: &RunArguments) -> Result<Object, InputError> {
    let mut variables = Object::new();
    if let Some(path) = &arguments.var_file {
        let shown = path.display().to_string();
        for (number, line) in read(path, &shown, LARGEST_VARIABLES)?.lines().enumerate() {
            if line.trim().is_empty() || line.trim_start().starts_with('#') {
                continue;
            }
            let pair = line.split_once('=');
            let pair = pair.filter(|(name, _)| is_variable_name(name.trim()));
            let (name, value) = pair.ok_or_else(|| {
                InputError::usage(format!("{shown}:{}:1: expected NAME=value", number + 1))
            })?;
            variables.insert(name.trim(), value);
        }
    }
    for (name, value) in &arguments.vars {
        variables.insert(name.as_str(), value.as_str());
    }
    Ok(variables)
}

/// Reads a file up to a limit.
fn read(path: &Path, shown: &str, largest: u64) -> Result<String, InputError> {
    let cannot = |why: String| InputError::usage(format!("cannot read `{shown}`: {why}"));
    let found = fs::metadata(path).map_err(|error| cannot(error.to_string()))?;
    if !found.is_file() {
        return Err(cannot("it is not a file".to_owned()));
    }
    let file = File::open(path).map_err(|error| cannot(error.to_string()))?;
    let mut bytes = Vec::new();
    // It may grow while it is read.
    let read = file.take(largest + 1).read_to_end(&mut bytes);
    read.map_err(|error| cannot(error.to_string()))?;
    if bytes.len() as u64 > largest {
        return Err(cannot(format!("it is larger than {} MiB", largest >> 20)));
    }
    utf8(bytes, shown)
}

#[cfg(test)]
mod tests {
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
