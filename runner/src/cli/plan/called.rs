//! Workflows of other repositories, as far as they are on this host: a plan asks no server.

use std::sync::Arc;

use dormer_workflow::workflow::Workflow;

use crate::actions::cache::ActionCache;
use crate::actions::git::Git;
use crate::cli::args::PlanArguments;
use crate::cli::plan::PLANNED;
use crate::cli::run::{actions_server, mapped};
use crate::config;
use crate::failure::Failure;
use crate::host::home::Home;
use crate::progress::Silent;
use crate::source::called::{Library, Sources, follow};
use crate::source::file::wrong;
use crate::source::tree::Tree;

/// The files of the workflow's repository, and those of others that are kept or named.
pub(super) async fn sources(
    arguments: &PlanArguments,
    own: Tree,
    workflow: &Arc<Workflow>,
) -> Result<Sources, Failure> {
    let mapped = mapped(&arguments.actions)?;
    let loaded = config::load(Some(own.root()))?;
    let server = actions_server(&loaded.config)?;
    let cache = ActionCache::at(Home::look()?.actions(), Git::at(server));
    let library = Library {
        mapped: &mapped,
        cache: &cache,
        fetches: false,
        progress: &Silent,
    };
    let called = follow(workflow, None, &own, &library).await;
    let called = called.map_err(|problems| wrong(PLANNED, &problems))?;
    Ok(Sources { own, called })
}
