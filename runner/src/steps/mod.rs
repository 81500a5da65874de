//! The steps of one job, run in order over a guest's channel. Follows the official runner; what it does
//! is written down in `docs/steps.md`. Knows nothing of machines: how the guest came to be and what
//! becomes of it is the job's affair.
//!
//! ```text
//!   actions of other repositories are placed in the guest            action::prepare
//!      │
//!   pre     of those actions, in the order of the file           ┐
//!   main    of every step, in the order of the file              ├── executor: one turn after the other
//!   post    of every action that began, the last first (a stack) ┘
//!      │
//!   what the steps left running is ended                             orphans
//!
//!   a turn:  gate ─> environment ─> condition ─> act ─> continue-on-error ─> gate      step
//!                                       │         ├── run:  script ── program          run
//!                                       │         └── uses: ┬ checkout, artifacts      uses
//!                        skipped <──────┘                   ├ JavaScript ── program    node
//!                                                           └ composite ── turns       composite
//! ```
//!
//! A composite action takes turns too, in surroundings of its own: [`frame`] holds what differs between
//! them and the job's, [`view`] is what expressions see of both. Everything that one step leaves for the
//! next is in one value, [`state::ExecutorState`], which can be cloned and stored: that is where a
//! debugger, a retry or a replay take hold.

pub mod action;
pub mod alone;
pub mod artifacts;
pub mod checkout;
pub mod command_files;
pub mod commands;
mod composite;
pub mod context;
pub mod effects;
pub mod executor;
pub mod findings;
mod frame;
pub mod gate;
pub mod guest_file;
pub mod hash_files;
mod header;
mod in_time;
mod log;
pub mod matchers;
mod names;
mod node;
mod orphans;
pub mod output;
pub mod place;
pub mod post;
mod presence;
mod run;
pub mod script;
pub mod shell;
pub mod state;
mod step;
pub mod stop;
pub mod tools;
mod turn;
mod uses;
mod view;
