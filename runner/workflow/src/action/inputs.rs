//! What an action gets as inputs, and what its user is told about them.

use std::borrow::Cow;
use std::collections::HashMap;
use std::collections::hash_map::Entry;

use crate::expr::{EvalError, Scope};
use crate::text;

use super::model::{Action, ActionInput, Runs};

/// Names that every Docker action takes beside its own.
const DOCKER_INPUTS: [&str; 2] = ["entryPoint", "args"];

/// The inputs of one use of an action.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct GivenInputs {
    /// Names, as they were first written, and values: those that were given, then the defaults of
    /// the others.
    pub values: Vec<(String, String)>,
    /// Warnings for the step's log, in the words of GitHub's runner. Empty by default.
    pub warnings: Vec<String>,
    /// Inputs that are required and were neither given nor have a default. GitHub's runner lets
    /// them pass, and leaves it to the action to complain. Empty by default.
    pub missing: Vec<String>,
}

impl GivenInputs {
    /// The environment variables for the inputs.
    pub fn variables(&self) -> impl Iterator<Item = (String, &str)> {
        self.values
            .iter()
            .map(|(name, value)| (input_variable(name), value.as_str()))
    }
}

/// The name of the environment variable that holds an input: `INPUT_` and the name in upper case,
/// with `_` for blanks and nothing else changed.
pub fn input_variable(name: &str) -> String {
    let name = name.replace(' ', "_");
    let name: Cow<'_, str> = text::folded(&name);
    format!("INPUT_{name}")
}

impl Action {
    /// What the action gets where a step gives it these inputs. `scope` is that of defaults.
    ///
    /// An input that the action does not know is handed over all the same, with a warning.
    ///
    /// # Errors
    ///
    /// A default whose expression failed.
    pub fn inputs(
        &self,
        given: &[(String, String)],
        scope: &dyn Scope,
    ) -> Result<GivenInputs, EvalError> {
        let mut result = GivenInputs::default();
        // Both lists may be long.
        let mut places: HashMap<Cow<'_, str>, usize> = HashMap::new();
        for (name, value) in given {
            match places.entry(text::folded(name)) {
                Entry::Occupied(place) => result.values[*place.get()].1.clone_from(value),
                Entry::Vacant(place) => {
                    place.insert(result.values.len());
                    result.values.push((name.clone(), value.clone()));
                }
            }
        }
        result.warnings = self.input_warnings(&result.values);
        for input in &self.inputs {
            let name = &input.name.value;
            if places.contains_key(&text::folded(name)) {
                continue;
            }
            let value = match &input.default {
                Some(default) => default.render(scope)?,
                None => String::new(),
            };
            if input.required && input.default.is_none() {
                result.missing.push(name.clone());
            }
            result.values.push((name.clone(), value));
        }
        Ok(result)
    }

    /// Deprecation messages first, then unknown inputs, as GitHub's runner says them.
    fn input_warnings(&self, given: &[(String, String)]) -> Vec<String> {
        let known: HashMap<Cow<'_, str>, &ActionInput> = self
            .inputs
            .iter()
            .map(|input| (text::folded(&input.name.value), input))
            .collect();
        let deprecated = given.iter().filter_map(|(name, _)| {
            let input = known.get(&text::folded(name))?;
            let message = input.deprecation_message.as_ref()?;
            Some(format!(
                "Input '{name}' has been deprecated with message: {}",
                message.value
            ))
        });
        let mut warnings: Vec<String> = deprecated.collect();
        let extra: &[&str] = match self.runs {
            Runs::Docker(_) => &DOCKER_INPUTS,
            _ => &[],
        };
        let is_valid = |name: &str| {
            known.contains_key(&text::folded(name))
                || extra.iter().any(|extra| text::equal(extra, name))
        };
        let unexpected: Vec<&str> = given
            .iter()
            .map(|(name, _)| name.as_str())
            .filter(|name| !is_valid(name))
            .collect();
        if !unexpected.is_empty() {
            let own = self.inputs.iter().map(|input| input.name.value.as_str());
            let valid: Vec<&str> = extra.iter().copied().chain(own).collect();
            warnings.push(format!(
                "Unexpected input(s) '{}', valid inputs are ['{}']",
                unexpected.join("', '"),
                valid.join("', '")
            ));
        }
        warnings
    }
}
