//! What a job hands to the workflow that it calls.

use crate::expr::Value;
use crate::source::{Span, Spanned};
use crate::text;

use crate::reader::Setting;
use crate::reader::TemplateMap;

/// An input that a job gives to the workflow it calls (`with`).
#[derive(Debug, Clone, PartialEq)]
pub struct Argument {
    /// The name of the input, in any case.
    pub name: Spanned<String>,
    /// The value, with the type that it was written with.
    pub value: Spanned<Setting<Value>>,
}

/// The secrets that a job gives to the workflow it calls.
#[derive(Debug, Clone, PartialEq, Default)]
pub enum CallSecrets {
    /// None at all.
    #[default]
    Nothing,
    /// All that the caller has: `secrets: inherit`. Where that stands.
    Inherit(Span),
    /// These. Names are found in any case.
    Only(TemplateMap),
}

/// The argument of a name, in any case.
pub fn argument<'a>(arguments: &'a [Argument], name: &str) -> Option<&'a Argument> {
    arguments
        .iter()
        .find(|argument| text::equal(&argument.name.value, name))
}
