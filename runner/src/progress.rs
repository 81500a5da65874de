//! How work that takes long tells how far it is. A leaf; `report` draws it.

/// Takes news of one piece of work at a time.
pub trait Progress: Send + Sync {
    /// A new stage begins; the one before it, if any, is done.
    fn stage(&self, what: &str);
    /// Something within the stage: a line of a build's log.
    fn detail(&self, line: &str);
    /// How much of the stage is done, in bytes; a total of 0 is unknown.
    fn bytes(&self, done: u64, total: u64);
    /// The last stage is done.
    fn finish(&self);
}

/// Takes news and says nothing.
#[derive(Debug, Clone, Copy)]
pub struct Silent;

impl Progress for Silent {
    fn stage(&self, _what: &str) {}
    fn detail(&self, _line: &str) {}
    fn bytes(&self, _done: u64, _total: u64) {}
    fn finish(&self) {}
}
