//! All jobs of a workflow, each leg in a machine of its own.

pub mod board;
