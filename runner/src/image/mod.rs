//! Images: the disks that machines start from, and the container image that holds QEMU. Recipes say
//! how they are made, the store keeps them by content. Knows nothing of instances or jobs.
//!
//! ```text
//!   recipe ──digest──> is it in the store? ──no──> base ─> build ─> export ─> disk ─> digests ─> rename
//! ```
//!
//! A base is never written to: its blobs are read-only on disk and mounted so, and an overlay on top
//! takes every change.

pub mod base;
pub mod build;
pub mod context;
pub mod handed;
pub mod manifest;
pub mod recipe;
pub mod store;
pub mod uses;
pub mod vm_container;
