//! Programs for guests that are no part of an image: Node.js for Windows, which actions in JavaScript
//! run in. One is fetched to the host when a job first needs it, and used from there from then on.
//!
//! Knows nothing of guests: where a tool goes inside one is data of the guest's profile, and who puts it
//! there asks here for the file.

mod catalogue;
mod package;
pub mod store;

pub use catalogue::{Tool, find};
