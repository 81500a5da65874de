//! The variables of a run, as they were typed.

use dormer_workflow::expr::Object;

use crate::cli::args::{RunArguments, is_variable_name};
use crate::failure::InputError;
use crate::source::tree::read_named;

/// The configuration variables: those of the file, and above them those that were typed.
pub(super) fn variables(arguments: &RunArguments) -> Result<Object, InputError> {
    let mut variables = Object::new();
    if let Some(path) = &arguments.var_file {
        let file = read_named(path, "the variables in")?;
        for (number, line) in file.text().lines().enumerate() {
            if line.trim().is_empty() || line.trim_start().starts_with('#') {
                continue;
            }
            let pair = line.split_once('=');
            let pair = pair.filter(|(name, _)| is_variable_name(name.trim()));
            let (name, value) = pair.ok_or_else(|| {
                let shown = file.name();
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
