//! The secrets of `dormer run`, from the environment and from a file. Each that is named must be there.
//! No message shows a value, nor anything that could be one.

use std::env::{self, VarError};
use std::fs;
use std::path::Path;

use secrecy::SecretString;

use crate::cli::args::{RunArguments, is_variable_name};
use crate::failure::InputError;
use crate::host::fs::real_path;
use crate::source::tree::utf8;
use crate::workspace::tracked::{find_repository, tracked_files};

type Secret = (String, SecretString);

pub(super) fn secrets(arguments: &RunArguments) -> Result<Vec<Secret>, InputError> {
    let mut secrets = match &arguments.secret_file {
        Some(path) => in_file(path)?,
        None => Vec::new(),
    };
    for name in &arguments.secrets {
        let value = in_environment(name)?;
        secrets.retain(|(other, _)| !other.eq_ignore_ascii_case(name));
        secrets.push((name.clone(), value));
    }
    Ok(secrets)
}

/// The warning for a file of secrets that git tracks in the workspace at `root`. It is not sent as one
/// of the user's files then, but as one of the repository's, and anyone who has that has it.
pub(super) fn come_along(file: &Path, root: &Path) -> Option<String> {
    let path = real_path(file).ok()?;
    let repository = find_repository(path.parent()?)?;
    let tracked = tracked_files(&repository, &repository.root).ok()?;
    let inside = path.strip_prefix(&repository.root).ok()?;
    let known = path.starts_with(root) && tracked.iter().any(|one| one == inside);
    known.then(|| {
        format!(
            "git tracks the secrets in `{}`, so they come along with the workspace (`git rm --cached` \
             ends that; earlier commits keep them)",
            file.display()
        )
    })
}

fn in_environment(name: &str) -> Result<SecretString, InputError> {
    // What follows the name may well be the secret.
    if let Some((name, _)) = name.split_once('=') {
        return Err(
            InputError::usage(format!("`--secret {name}` is given a value"))
                .help("give only its name; the value is read from the environment variable"),
        );
    }
    if !is_variable_name(name) {
        return Err(InputError::usage("`--secret` is given no name"));
    }
    env::var(name).map(SecretString::from).map_err(|error| {
        let what = match error {
            VarError::NotPresent => "is missing",
            VarError::NotUnicode(_) => "is not UTF-8",
        };
        InputError::usage(format!("the secret `{name}` {what}"))
            .help(format!("set the environment variable `{name}`"))
    })
}

fn in_file(path: &Path) -> Result<Vec<Secret>, InputError> {
    let shown = path.display().to_string();
    let cannot =
        |why: String| InputError::usage(format!("cannot read the secrets in `{shown}`: {why}"));
    let bytes = fs::read(path).map_err(|error| cannot(error.to_string()))?;
    let text = utf8(bytes).map_err(cannot)?;
    let mut secrets = Vec::new();
    for (number, line) in text.lines().enumerate() {
        let line = line.trim_end_matches('\r');
        if line.trim().is_empty() || line.trim_start().starts_with('#') {
            continue;
        }
        // The line itself may be a secret, so it is not shown.
        let (name, value) = line
            .split_once('=')
            .filter(|(name, _)| is_variable_name(name.trim()))
            .ok_or_else(|| {
                InputError::usage(format!("{shown}:{}:1: expected NAME=value", number + 1))
            })?;
        secrets.push((name.trim().to_owned(), SecretString::from(value)));
    }
    Ok(secrets)
}
