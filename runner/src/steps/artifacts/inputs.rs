//! Inputs of the actions for artifacts, read as GitHub's toolkit reads them.

use crate::steps::state::Variables;

/// The value of an input without blanks around it; none if it is empty or not given.
pub(super) fn text<'v>(inputs: &'v Variables, name: &str) -> Option<&'v str> {
    let value = inputs.get(name).map(str::trim);
    value.filter(|value| !value.is_empty())
}

/// A yes or no, as YAML's core schema writes it; no if it is not given.
pub(super) fn flag(inputs: &Variables, name: &str) -> Result<bool, String> {
    match text(inputs, name) {
        Some("true" | "True" | "TRUE") => Ok(true),
        None | Some("false" | "False" | "FALSE") => Ok(false),
        Some(other) => Err(format!(
            "the input `{name}` is neither `true` nor `false`: `{other}`"
        )),
    }
}

/// The names of inputs that are none of these.
pub(super) fn others(inputs: &Variables, known: &[&str]) -> Vec<String> {
    let names = inputs.iter().map(|(name, _)| name.to_lowercase());
    names
        .filter(|name| !known.contains(&name.as_str()))
        .collect()
}

#[cfg(test)]
pub(super) fn given(pairs: &[(&str, &str)]) -> Variables {
    let pairs = pairs.iter();
    pairs
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn inputs_are_read_as_the_toolkit_reads_them() {
        let inputs = given(&[("A", " x\n"), ("b", " "), ("c", "TRUE"), ("d", "yes")]);
        assert_eq!(text(&inputs, "a"), Some("x"));
        assert_eq!(text(&inputs, "b"), None);
        assert_eq!(flag(&inputs, "c"), Ok(true));
        assert_eq!(flag(&inputs, "b"), Ok(false));
        assert!(flag(&inputs, "d").unwrap_err().contains("`yes`"));
        assert_eq!(others(&inputs, &["a", "b"]), ["c", "d"]);
    }
}
