//! Where jobs come from: a workflow file, or a command that was typed. Each becomes a workflow with a
//! job in it; what is done with that is not known here.

pub mod checkout;
pub mod command;
pub mod file;
pub mod files;
pub mod planned;
pub mod run_facts;
