//! Machines, as things that are made, used once and removed. Hands out a ready machine and takes it
//! back; knows nothing of jobs and steps. What holds a machine (a job, a person's shell) is not known
//! here either.
//!
//! ```text
//!                                                               ┌─> Standby ─> Adopted ─┐
//!   Reserved ─> CreatingOverlay ─> CreatingContainer ─> StartingContainer ──────────> Booting ─> Ready
//!                                                                                                │
//!   any of them ─> TearingDown ─> (nothing is left)                            Freezing, Kept <──┘
//! ```
//!
//! Booting is also what a machine does for the moment in which it wakes from a template. One that was
//! made to be frozen ends as a template (`freeze`), and holds no job before. One that stands by is held by
//! no process; whoever takes it has it wake (`standby`).
//!
//! Each state is written down before what it names is begun, so that whatever a crash leaves behind is
//! found and removed. Everything made is named after the instance's id and labelled with it.
//!
//! Before it is reserved a machine is admitted (`gate`): the host must have room for all that it may grow to
//! (`admission`), and its record then says what that is.
//!
//! An instance's directory has two halves: `host/` is never shown to the machine; `vm/` is, and is
//! hostile from then on.

pub mod accelerator;
pub mod admission;
pub mod allowance;
pub mod evidence;
pub mod freeze;
pub mod gate;
pub mod kept;
pub mod ladder;
pub mod makeup;
pub mod provision;
pub mod reaper;
pub mod record;
pub mod standby;
pub mod teardown;
pub mod template;
pub mod templates;
pub mod trust;
pub mod usage;
