//! The machine that Dormer runs on: processes, signals, the clock, locks, directories. Knows nothing
//! of jobs, images or machines; everything below the command line may use it.

pub mod clock;
pub mod crash;
pub mod fs;
pub mod holes;
pub mod home;
pub mod lock;
pub mod look;
pub mod memory;
pub mod network;
pub mod passing;
pub mod process;
pub mod processors;
pub mod reservation;
pub mod signals;
pub mod tickets;
pub mod tree;
