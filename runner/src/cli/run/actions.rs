//! Where the actions of other repositories come from, by what was typed and configured.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use dormer_workflow::workflow::Workflow;
use secrecy::SecretString;

use crate::actions::cache::ActionCache;
use crate::actions::git::Git;
use crate::actions::server::Server;
use crate::actions::stand_ins::StandIns;
use crate::cli::args::RunArguments;
use crate::config::Config;
use crate::failure::InputError;
use crate::report::progress::TerminalProgress;
use crate::source::called::{Library, Sources, follow};
use crate::source::checkout::checked_out;
use crate::source::file::wrong;
use crate::source::tree::Tree;

/// Stands above `actions.server` of the user's dormer.toml.
const SERVER: &str = "DORMER_ACTIONS_SERVER";
/// The secret that proves to the server who asks.
const TOKEN: &str = "GITHUB_TOKEN";

/// The host's store of actions, as this run uses it.
pub(super) fn cache(
    arguments: &RunArguments,
    config: &Config,
    root: PathBuf,
    secrets: &[(String, SecretString)],
) -> Result<Arc<ActionCache>, InputError> {
    let mut git = Git::at(actions_server(config)?);
    let token = secrets.iter().find(|(name, _)| name == TOKEN);
    git.token = token.map(|(_, value)| value.clone());
    let mut cache = ActionCache::at(root, git);
    cache.refresh = arguments.refresh_actions;
    Ok(Arc::new(cache))
}

/// The workflows that a run may call: those of its repository, and those of others that it calls, or one
/// of its jobs, fetched where they are not kept.
pub(super) async fn sources(
    workflow: &Arc<Workflow>,
    arguments: &RunArguments,
    workspace: Option<&Path>,
    mapped: &StandIns,
    cache: &ActionCache,
) -> Result<Sources, InputError> {
    // What a workflow calls with `./` begins at the repository, wherever in it the workspace is.
    let repository = workspace.and_then(|workspace| checked_out(workspace).root);
    let root = repository.as_deref().or(workspace);
    let own = Tree::of(root.unwrap_or(Path::new(".")))?;
    let library = Library {
        mapped,
        cache,
        fetches: true,
        progress: &TerminalProgress::new(true),
    };
    let called = follow(workflow, arguments.job.as_deref(), &own, &library).await;
    let called = called.map_err(|problems| wrong("run", &problems))?;
    Ok(Sources { own, called })
}

/// The directories that stand in for actions. Each has to be there, whether a step comes to use it or not.
pub(in crate::cli) fn mapped(typed: &[(String, PathBuf)]) -> Result<StandIns, InputError> {
    match typed.iter().find(|(_, path)| !path.is_dir()) {
        Some((reference, path)) => Err(InputError::usage(format!(
            "`--action {reference}={path}`: `{path}` is not a directory",
            path = path.display()
        ))),
        None => Ok(StandIns::new(typed.iter().cloned())),
    }
}

/// What is said of directories that a run could have used and did not: most likely a wrong ref.
pub(super) fn unused(mapped: &StandIns) -> Vec<String> {
    let unused = mapped.unused();
    let remark = |(reference, path): (&str, &Path)| {
        format!(
            "`--action {reference}={}`: no job that ran used it; check the repository and the ref",
            path.display()
        )
    };
    unused.map(remark).collect()
}

/// The server that the variable names, or the configuration.
pub(in crate::cli) fn actions_server(config: &Config) -> Result<Server, InputError> {
    let named = std::env::var(SERVER).ok();
    server(named.as_deref(), config)
}

fn server(named: Option<&str>, config: &Config) -> Result<Server, InputError> {
    match (
        named.filter(|named| !named.is_empty()),
        &config.actions_server,
    ) {
        (Some(named), _) => Server::parse(named)
            .map_err(|why| InputError::configuration(format!("{SERVER}: {why}"))),
        (None, Some(configured)) => Ok(configured.clone()),
        (None, None) => Ok(Server::default()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::actions::Wanted;

    #[test]
    fn a_directory_that_nothing_used_is_named_as_it_was_typed() {
        let named = ["me/one@v1", "me/two@v1"].map(|name| (name.to_owned(), PathBuf::from("/")));
        let mapped = mapped(&named).unwrap();
        mapped.take(Wanted {
            repository: "me/two",
            git_ref: "v1",
        });
        let expected =
            "`--action me/one@v1=/`: no job that ran used it; check the repository and the ref";
        assert_eq!(unused(&mapped), [expected]);
    }

    #[test]
    fn the_variable_stands_above_the_file_and_the_file_above_github() {
        let mut config = Config::default();
        let url = |named, config: &Config| server(named, config).map(|found| found.to_string());
        assert_eq!(url(None, &config).unwrap(), "https://github.com");
        config.actions_server = Some(Server::parse("https://git.example").unwrap());
        assert_eq!(url(Some(""), &config).unwrap(), "https://git.example");
        assert_eq!(url(Some("file:///srv"), &config).unwrap(), "file:///srv");
        let error = url(Some("http://x"), &config).unwrap_err();
        assert!(error.message.starts_with("DORMER_ACTIONS_SERVER: "));
    }
}
