//! Names that are looked up many times, in any case.

use std::collections::HashMap;

use crate::text;

/// How many names are compared with one that is misspelt.
const MAX_COMPARED: usize = 1000;

/// Longer lists are no help.
const MAX_LISTED: usize = 20;

/// Names in their order. Of two that differ in case only, the first counts.
#[derive(Debug, Default)]
pub(crate) struct Names {
    names: Vec<String>,
    positions: HashMap<String, usize>,
}

impl<'a> FromIterator<&'a str> for Names {
    fn from_iter<I: IntoIterator<Item = &'a str>>(iter: I) -> Self {
        let mut names = Self::default();
        for name in iter {
            let position = names.names.len();
            names.names.push(name.to_owned());
            let folded = text::folded(name).into_owned();
            names.positions.entry(folded).or_insert(position);
        }
        names
    }
}

impl Names {
    /// Where a name is in the list.
    pub(crate) fn position(&self, name: &str) -> Option<usize> {
        self.positions.get(&*text::folded(name)).copied()
    }

    pub(crate) fn contains(&self, name: &str) -> bool {
        self.position(name).is_some()
    }

    /// What was most likely meant.
    pub(crate) fn suggestion(&self, name: &str) -> Option<String> {
        let known = self.names.iter().take(MAX_COMPARED).map(String::as_str);
        text::suggestion(name, known).map(|known| format!("did you mean `{known}`?"))
    }

    /// What was most likely meant, or all there is. `what` is what they are names of.
    pub(crate) fn help(&self, name: &str, what: &str) -> String {
        if let Some(suggestion) = self.suggestion(name) {
            return suggestion;
        }
        let listed = || text::listed(self.names.iter().map(String::as_str), "and");
        match self.names.len() {
            0 => format!("there are no {what}s at all"),
            1 => format!("the only {what} is {}", listed()),
            count if count > MAX_LISTED => format!("none of the {count} {what}s is similar"),
            _ => format!("the {what}s are {}", listed()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_found_in_any_case_and_the_first_counts() {
        let names: Names = ["Tag", "b", "TAG"].into_iter().collect();
        assert_eq!(names.position("tag"), Some(0));
        assert_eq!(names.position("B"), Some(1));
        assert!(!names.contains("c"));
    }

    #[test]
    fn help_is_a_suggestion_or_a_list() {
        let help = |names: &[&str]| {
            names
                .iter()
                .copied()
                .collect::<Names>()
                .help("version", "input")
        };
        assert_eq!(help(&["verison", "x"]), "did you mean `verison`?");
        assert_eq!(help(&[]), "there are no inputs at all");
        assert_eq!(help(&["x"]), "the only input is `x`");
        assert_eq!(help(&["x", "y"]), "the inputs are `x` and `y`");
        assert_eq!(help(&["x"; 21]), "none of the 21 inputs is similar");
    }
}
