//! The steps of one job, run in order over a guest's channel. Follows the official runner; what it does
//! is written down in `docs/steps.md`. Knows nothing of machines: how the guest came to be and what
//! becomes of it is the job's affair.
//!
//! ```text
//!   for each step:  gate ─> environment ─> condition ─> run ─> command files ─> outcome ─> gate
//!                                              └── does not hold ──> skipped
//! ```
//!
//! Everything that one step leaves for the next is in one value, [`state::ExecutorState`], which can be
//! cloned and stored: that is where a debugger, a retry or a replay take hold.

pub mod checkout;
pub mod command_files;
pub mod commands;
pub mod context;
pub mod effects;
pub mod executor;
pub mod gate;
pub mod guest_file;
pub mod hash_files;

pub mod output;
pub mod script;
pub mod shell;
pub mod state;
pub mod stop;
