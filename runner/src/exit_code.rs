//! What the process ends with. The numbers are public, and `docs/exit-codes.md` explains them; a failed
//! step and a failed machine never share one. A leaf.

/// The job succeeded.
pub const SUCCESS: u8 = 0;
/// A step failed.
pub const STEP_FAILED: u8 = 1;
/// `check` found errors, or the expression of `expr` has no value.
pub const PROBLEMS: u8 = 1;
/// What was typed, or a file named there, is wrong.
pub const USAGE: u8 = 2;
/// The machinery failed.
pub const INFRASTRUCTURE: u8 = 69;
/// Dormer is wrong.
pub const BUG: u8 = 70;
/// The machinery failed, and may well not the next time.
pub const TRANSIENT: u8 = 75;
/// The configuration is wrong.
pub const CONFIGURATION: u8 = 78;
/// The job's time was over.
pub const DEADLINE: u8 = 124;
/// Somebody stopped it.
pub const CANCELLED: u8 = 130;
