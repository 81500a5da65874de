//! What jobs leave behind: found in the guest by patterns, fetched, checked name by name, written
//! below one directory of the host and nowhere else. Everything that the guest says is hostile.

pub mod collect;
pub mod free;
pub mod judge;
mod listed;
pub mod manifest;
pub mod names;
pub mod picked;
pub mod rules;
pub mod selection;
pub mod shelf;
mod unpack;
pub mod write;
