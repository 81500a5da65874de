//! What is handed to a workflow, and what it gives back.

use crate::expr::{EvalError, Scope, Template, Value};
use crate::number;
use crate::source::Spanned;
use crate::text;

use crate::reader::Setting;

/// An input of a workflow that is started by hand or called.
#[derive(Debug, Clone, PartialEq)]
pub struct Input {
    /// The name; found in any case.
    pub name: Spanned<String>,
    /// What it is for. None by default.
    pub description: Option<Spanned<String>>,
    /// Why it should not be used any more. None by default.
    pub deprecation: Option<Spanned<String>>,
    /// The type. A string by default, where the workflow is started by hand; a workflow that is
    /// called must say it.
    pub kind: InputKind,
    /// Whether it must be given. False by default.
    pub required: bool,
    /// What it is where it is not given, of the type of the input. None by default.
    pub default: Option<Spanned<Setting<Value>>>,
}

/// The type of an input.
#[derive(Debug, Clone, PartialEq)]
pub enum InputKind {
    /// Any text.
    String,
    /// `true` or `false`.
    Boolean,
    /// Any number.
    Number,
    /// One of these texts; at least one. Only where the workflow is started by hand.
    Choice(Vec<Spanned<String>>),
    /// The name of a deployment environment. Only where the workflow is started by hand.
    Environment,
}

/// What a workflow that can be called takes and gives: `on.workflow_call`.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Call {
    /// What it takes. Empty by default.
    pub inputs: Vec<Input>,
    /// The secrets it takes. Empty by default.
    pub secrets: Vec<SecretInput>,
    /// What it gives back. Empty by default.
    pub outputs: Vec<CallOutput>,
}

/// A secret that a workflow takes.
#[derive(Debug, Clone, PartialEq)]
pub struct SecretInput {
    /// The name; found in any case.
    pub name: Spanned<String>,
    /// What it is for. None by default.
    pub description: Option<Spanned<String>>,
    /// Whether it must be given. False by default.
    pub required: bool,
}

/// What a workflow gives back to the one that calls it.
#[derive(Debug, Clone, PartialEq)]
pub struct CallOutput {
    /// The name; found in any case.
    pub name: Spanned<String>,
    /// What it is. None by default.
    pub description: Option<Spanned<String>>,
    /// The text, which sees the contexts `github`, `inputs`, `vars` and `jobs`.
    pub value: Template,
}

impl InputKind {
    /// The name of the type, as it is written in a file.
    pub fn name(&self) -> &'static str {
        match self {
            InputKind::String => "string",
            InputKind::Boolean => "boolean",
            InputKind::Number => "number",
            InputKind::Choice(_) => "choice",
            InputKind::Environment => "environment",
        }
    }

    /// What an input is that is not given and has no default.
    pub fn empty(&self) -> Value {
        match self {
            InputKind::Boolean => Value::Bool(false),
            InputKind::Number => Value::Number(0.0),
            _ => Value::String(String::new()),
        }
    }

    /// The value of a text that somebody typed for an input of this type.
    ///
    /// # Errors
    ///
    /// What was expected instead, such as ``expected `true` or `false`, found `maybe` ``.
    pub fn read(&self, typed: &str) -> Result<Value, String> {
        let expected = match self {
            InputKind::String | InputKind::Environment => return Ok(typed.into()),
            InputKind::Boolean if text::equal(typed, "true") => return Ok(Value::Bool(true)),
            InputKind::Boolean if text::equal(typed, "false") => return Ok(Value::Bool(false)),
            InputKind::Boolean => "`true` or `false`".to_owned(),
            InputKind::Number => match number::decimal(typed.trim()) {
                Some(value) => return Ok(Value::Number(value)),
                None => "a number".to_owned(),
            },
            InputKind::Choice(options) => {
                let names = || options.iter().map(|option| option.value.as_str());
                if names().any(|option| option == typed) {
                    return Ok(typed.into());
                }
                text::listed(names(), "or")
            }
        };
        Err(format!("expected {expected}, found `{typed}`"))
    }
}

impl Input {
    /// What the input is where it is not given.
    ///
    /// # Errors
    ///
    /// An expression that failed.
    pub fn absent(&self, scope: &dyn Scope) -> Result<Value, EvalError> {
        match &self.default {
            None => Ok(self.kind.empty()),
            Some(default) => default.value.evaluate(scope),
        }
    }
}

impl Call {
    /// The input of a name, in any case.
    pub fn input(&self, name: &str) -> Option<&Input> {
        self.inputs
            .iter()
            .find(|input| text::equal(&input.name.value, name))
    }

    /// The secret of a name, in any case.
    pub fn secret(&self, name: &str) -> Option<&SecretInput> {
        self.secrets
            .iter()
            .find(|secret| text::equal(&secret.name.value, name))
    }

    /// The output of a name, in any case.
    pub fn output(&self, name: &str) -> Option<&CallOutput> {
        self.outputs
            .iter()
            .find(|output| text::equal(&output.name.value, name))
    }
}
