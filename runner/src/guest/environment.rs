//! What a script leaves for those that run in its guest after it, beside the guest itself. Knows nothing of
//! how it says so, nor of where that is kept.

use serde::{Deserialize, Serialize};

/// Variables and directories of programs that a guest's programs start with.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Environment {
    /// Variables, by name.
    pub variables: Vec<(String, String)>,
    /// Directories of the search path, the first searched first.
    pub path: Vec<String>,
}

impl Environment {
    /// Whether it changes nothing.
    pub fn is_empty(&self) -> bool {
        self.variables.is_empty() && self.path.is_empty()
    }

    /// How many bytes of text it holds.
    pub fn size(&self) -> usize {
        let variables = self.variables.iter();
        let variables = variables.map(|(name, value)| name.len() + value.len());
        let path = self.path.iter().map(String::len);
        variables.chain(path).sum()
    }
}
