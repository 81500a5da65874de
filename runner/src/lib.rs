//! Dormer: GitHub-Actions-style jobs in disposable Windows VMs, on Linux.
//!
//! The library behind the command `dormer`. `job` moves a request through its life; `instance`
//! makes and removes machines; `vmm` runs QEMU in a container; `guest` talks to what runs inside;
//! `steps` runs what a workflow asks for. Which module may use which is drawn in
//! `docs/architecture.md` and kept by a test.

pub mod actions;
pub mod artifact;
pub mod cli;
pub mod config;
pub mod event;
pub mod exit_code;
pub mod failure;
pub mod glob;
pub mod guest;
pub mod host;
pub mod image;
pub mod instance;
pub mod job;
pub mod mask;
pub mod progress;
pub mod report;
pub mod source;
pub mod steps;
pub mod tool;
pub mod vmm;
pub mod workspace;
