//! All jobs of a workflow, each leg in a machine of its own.
//!
//! ```text
//!   Plan ─> for each job whose needs are over:  if ── does not hold ──> skipped
//!                                               │
//!                                            legs ─> as many as may run at once:
//!                                                      group ─> slot ─> LegRunner ─> result, outputs
//!                                                        └─ a called workflow: its own plan, likewise
//! ```
//!
//! [`board`] says what may happen when, and knows nothing else. [`run`] asks it, and evaluates what the
//! plan left open; [`task`] brings one leg to its end. Who runs a leg is behind [`leg::LegRunner`].

pub mod board;
pub mod cut;
pub mod leg;
pub mod machines;
pub mod run;
mod scope;
mod task;
pub mod verdict;
pub mod whole;

#[cfg(test)]
mod tests;
