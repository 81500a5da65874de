//! One line as a command.
//!
//! The new form, `::name key=value,key=value::message`, stands at the beginning of a line, after
//! blanks. The old one, `##[name key=value;key=value]message`, stands anywhere. Both are looked for
//! in this order, and a name that nobody knows makes a line ordinary output.

use crate::text;

use super::escape::{Place, unescape};

const NEW: &str = "::";
const OLD: &str = "##[";

/// A command as it is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Command<'a> {
    /// The name as written; case does not matter.
    pub(super) name: &'a str,
    /// Keys, which differ in more than case, with their values.
    properties: Vec<(&'a str, String)>,
    /// The message; may be empty and may have several lines.
    pub(super) data: String,
}

impl<'a> Command<'a> {
    /// The command in a line, if there is one whose name is known.
    pub(super) fn parse(line: &'a str, is_known: impl Fn(&str) -> bool) -> Option<Self> {
        Self::parse_new(line, &is_known).or_else(|| Self::parse_old(line, &is_known))
    }

    fn parse_new(line: &'a str, is_known: impl Fn(&str) -> bool) -> Option<Self> {
        let line = line.trim_start().strip_prefix(NEW)?;
        let (info, data) = line.split_once(NEW)?;
        let (name, properties) = info.split_once(' ').unwrap_or((info, ""));
        is_known(name).then(|| Self {
            name,
            properties: parse_properties(properties.trim(), ',', Place::Property),
            data: unescape(data, Place::Message),
        })
    }

    fn parse_old(line: &'a str, is_known: impl Fn(&str) -> bool) -> Option<Self> {
        let (_, line) = line.split_once(OLD)?;
        let (info, data) = line.split_once(']')?;
        let (name, properties) = info.split_once(' ').unwrap_or((info, ""));
        is_known(name).then(|| Self {
            name,
            properties: parse_properties(properties, ';', Place::Old),
            data: unescape(data, Place::Old),
        })
    }

    /// The value of a property; none where it is not there, and never empty.
    pub(super) fn property(&self, key: &str) -> Option<&str> {
        let mut properties = self.properties.iter();
        let (_, value) = properties.rfind(|(known, _)| text::equal(known, key))?;
        Some(value)
    }
}

/// The properties between a name and a message. What has no value is no property; further `=`
/// before or after the key are dropped, as .NET's `Split` does it for the official runner.
fn parse_properties(text: &str, separator: char, place: Place) -> Vec<(&str, String)> {
    let property = |part| {
        let (key, value) = str::trim_start_matches(part, '=').split_once('=')?;
        let value = value.trim_start_matches('=');
        (!value.is_empty()).then(|| (key, unescape(value, place)))
    };
    text.split(separator).filter_map(property).collect()
}
