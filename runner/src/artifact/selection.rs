//! What is looked for in a guest, and what it will be called here.

/// Where a pattern looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Root {
    /// Below the workspace.
    Workspace,
    /// Below a drive, by its letter in upper case.
    Drive(char),
}

/// A directory of the guest to look through, or a file to look at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// Where it begins.
    pub root: Root,
    /// The names below the root that lead there, in whatever case.
    pub start: Vec<String>,
    /// Whether all that is below it is wanted: the guest need not say first what there is.
    pub whole: bool,
}

/// Files of a guest that somebody wants.
pub trait Selection: Send + Sync {
    /// Where to look.
    fn places(&self) -> Vec<Place>;
    /// Whether a file below a place's root, with `/` between the parts of its name, is wanted.
    fn wants(&self, root: Root, path: &str) -> bool;
    /// What that file is called below the output directory. Its name has been checked.
    fn out_name(&self, root: Root, path: &str) -> String;
    /// The patterns as they were given, for people.
    fn texts(&self) -> &[String];
}
