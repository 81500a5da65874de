//! QEMU in a container: its command line, its monitor, its sockets, its network, its end. Above this
//! module nobody knows a path in a machine's directory or a container's name; they dial
//! ([`vm::Vm::dial`]) and ask for evidence. Nothing in here knows of jobs or workflows.

pub mod agent;
pub mod arguments;
pub mod bounds;
pub mod container;
pub mod dormant;
pub mod endpoint;
pub mod engine;
pub mod isolation;
pub mod listing;
pub mod machine;
pub mod making;
pub mod monitor;
pub mod prove;
pub mod qcow2;
pub mod run;
pub mod serial;
pub mod usage;
pub mod vm;
pub mod wake;
