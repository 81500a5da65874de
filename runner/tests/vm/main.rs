//! The built binary with a real engine and real machines. Needs Docker; the first test to run builds the
//! images, which all share. See `CONTRIBUTING.md`.

mod lab;
mod tiny;

mod actions;
mod artifacts;
mod commands;
mod containers;
mod corpus;
mod crash;
mod crash_seal;
mod disks;
mod engine;
mod faults;
mod gc;
mod graph;
mod images;
mod isolation;
mod javascript;
mod killed;
mod lifecycle;
mod login;
mod network;
mod prepared;
mod resources;
mod shells;
mod standby;
mod steps;
mod stopping;
mod uploads;
mod warm;
mod whole_job;
mod workspace;
