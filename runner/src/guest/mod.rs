//! What runs inside a machine, as Dormer talks to it: commands that look like `std::process::Command`,
//! bundles, files. Knows nothing of jobs, workflows or QEMU.
//!
//! ```text
//!   GuestChannel ── what callers see: run this, with these files, in that directory
//!        │
//!   dialect ─────── how that is put to this kind of guest: a POSIX shell's text, as data
//!        │
//!   transport ───── how text and bytes get there: SSH
//! ```

pub mod bundle;
pub mod channel;
pub mod command;
pub mod dialect;
pub mod environment;
#[cfg(test)]
pub(crate) mod fake;
pub mod keys;
pub mod pipe;
pub mod profile;
pub mod pulse;
pub mod readiness;
pub mod ssh;
pub mod transfer;
pub mod transport;
