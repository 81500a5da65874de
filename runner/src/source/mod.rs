//! Where jobs come from: a workflow file, or a command that was typed. Each becomes a workflow with a
//! job in it; what is done with that is not known here. `tree` reads the files of a repository for whoever
//! checks, plans or runs them.

pub mod called;
pub mod changes;
pub mod checkout;
pub mod command;
pub mod file;
pub mod payload;
pub mod planned;
pub mod run_facts;
pub mod tree;
