//! Which image serves a job, by the labels of its `runs-on`.

use crate::config::Config;
use crate::failure::InputError;

/// What the labels come to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Choice {
    /// Whatever is the default for Windows.
    Default,
    /// This image.
    Image(String),
}

/// Labels that say nothing about the image.
const GENERIC: [&str; 4] = ["self-hosted", "windows", "x64", "x86_64"];

/// Chooses an image; an error names the labels that none serves.
pub fn choose(labels: &[String], config: &Config) -> Result<Choice, InputError> {
    let mut chosen: Option<(String, Choice)> = None;
    let mut unserved = Vec::new();
    for label in labels {
        let lower = label.trim().to_lowercase();
        let choice = match mapped(&lower, config) {
            Some(image) => Choice::Image(image),
            None if lower.starts_with("windows-") => Choice::Default,
            None if GENERIC.contains(&lower.as_str()) => continue,
            None => {
                unserved.push(format!("`{label}`"));
                continue;
            }
        };
        match &chosen {
            Some((other, previous)) if *previous != choice => {
                return Err(InputError::configuration(format!(
                    "the labels `{other}` and `{label}` mean different images"
                ))
                .help("choose one with `--image`"));
            }
            _ => chosen = Some((label.clone(), choice)),
        }
    }
    let is_windows = labels
        .iter()
        .any(|label| label.trim().eq_ignore_ascii_case("windows"));
    match chosen {
        _ if !unserved.is_empty() => Err(unserved_labels(&unserved)),
        Some((_, choice)) => Ok(choice),
        None if is_windows => Ok(Choice::Default),
        None => {
            let labels: Vec<String> = labels.iter().map(|label| format!("`{label}`")).collect();
            Err(unserved_labels(&labels))
        }
    }
}

fn mapped(label: &str, config: &Config) -> Option<String> {
    let found = config
        .labels
        .iter()
        .find(|(name, _)| name.to_lowercase() == label);
    found.map(|(_, image)| image.clone())
}

fn unserved_labels(labels: &[String]) -> InputError {
    let names = if labels.is_empty() {
        "no label".to_owned()
    } else {
        labels.join(", ")
    };
    InputError::configuration(format!("no image serves `runs-on` with {names}")).help(
        "choose an image with `--image NAME`, or map the label in dormer.toml: [labels] \
         \"my-label\" = \"compat\"",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chosen(labels: &[&str]) -> Result<Choice, String> {
        let config = Config {
            labels: vec![("GPU".to_owned(), "big".to_owned())],
            ..Config::default()
        };
        let labels: Vec<String> = labels.iter().map(|label| (*label).to_owned()).collect();
        choose(&labels, &config).map_err(|error| error.message)
    }

    #[test]
    fn windows_labels_mean_the_default_and_others_what_they_are_mapped_to() {
        for labels in [
            &["windows-latest"][..],
            &["self-hosted", "Windows"],
            &["windows", "x64"],
        ] {
            assert_eq!(chosen(labels), Ok(Choice::Default), "{labels:?}");
        }
        assert_eq!(
            chosen(&["self-hosted", "windows", "gpu"]),
            Ok(Choice::Image("big".to_owned()))
        );
    }

    #[test]
    fn labels_that_nothing_serves_are_named() {
        assert!(
            chosen(&["ubuntu-latest"])
                .unwrap_err()
                .contains("`ubuntu-latest`")
        );
        let error = chosen(&["windows", "arm64", "fast"]).unwrap_err();
        assert!(
            error.contains("`arm64`") && error.contains("`fast`"),
            "{error}"
        );
        assert!(
            chosen(&["self-hosted"])
                .unwrap_err()
                .contains("`self-hosted`")
        );
        assert!(chosen(&["windows-2022", "gpu"]).is_err());
        assert!(chosen(&[]).is_err());
    }
}
