//! `actions/checkout` of the current repository, served from the user's workspace: what is tested is
//! what is there, committed or not. The workspace itself comes from the job; steps only ask for it.

use async_trait::async_trait;

use crate::steps::state::Variables;

/// Serves the workspace into a directory of the guest.
#[async_trait]
pub trait WorkspaceSource: Send + Sync {
    /// Whether there is a workspace at all.
    fn is_there(&self) -> bool;
    /// Puts a copy of it into a directory, given in Windows form. An error is for people.
    async fn serve(&self, directory: &str) -> Result<(), String>;
}

/// Whether a `uses:` is this action, of whatever version.
pub fn is_checkout(reference: &str) -> bool {
    let name = reference.split('@').next().unwrap_or_default();
    name.eq_ignore_ascii_case("actions/checkout")
}

/// What a checkout asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Asked {
    /// The workspace where it is.
    Workspace,
    /// A copy of it in this directory, given below the workspace.
    CopyIn(String),
}

/// What the inputs of a checkout ask for; an error names what can't be served.
pub fn asked(inputs: &Variables, repository: &str) -> Result<Asked, String> {
    let given = |name: &str| {
        inputs
            .get(name)
            .map(str::trim)
            .filter(|value| !value.is_empty())
    };
    if let Some(other) = given("repository").filter(|name| !name.eq_ignore_ascii_case(repository)) {
        return Err(format!(
            "actions/checkout of `{other}` is not supported yet; only the current repository \
             (`{repository}`) is, from the workspace"
        ));
    }
    match given("path").map(|path| path.replace('/', "\\")) {
        None => Ok(Asked::Workspace),
        Some(path) if path == "." => Ok(Asked::Workspace),
        Some(path) => {
            let leaves = path.split('\\').any(|part| part == "..");
            let absolute = path.starts_with('\\') || crate::guest::profile::has_drive(&path);
            if leaves || absolute {
                return Err(format!(
                    "actions/checkout: the path `{path}` leaves the workspace"
                ));
            }
            Ok(Asked::CopyIn(path))
        }
    }
}

/// Inputs that change nothing here, and that people should know of.
pub fn ignored_inputs(inputs: &Variables) -> Vec<String> {
    let heeded = ["repository", "path"];
    // Credentials and depth mean nothing without a fetch.
    let harmless = [
        "token",
        "persist-credentials",
        "fetch-depth",
        "fetch-tags",
        "clean",
        "show-progress",
    ];
    let names = inputs.iter().map(|(name, _)| name.to_lowercase());
    names
        .filter(|name| !heeded.contains(&name.as_str()) && !harmless.contains(&name.as_str()))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn inputs(pairs: &[(&str, &str)]) -> Variables {
        pairs
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect()
    }

    #[test]
    fn only_the_current_repository_is_served() {
        assert!(is_checkout("actions/checkout@v4") && is_checkout("Actions/Checkout@main"));
        assert!(!is_checkout("actions/checkout-more@v4"));
        assert_eq!(asked(&inputs(&[]), "me/it"), Ok(Asked::Workspace));
        assert_eq!(
            asked(&inputs(&[("repository", "Me/It")]), "me/it"),
            Ok(Asked::Workspace)
        );
        assert!(
            asked(&inputs(&[("repository", "other/one")]), "me/it")
                .unwrap_err()
                .contains("other/one")
        );
    }

    #[test]
    fn a_path_stays_in_the_workspace() {
        assert_eq!(
            asked(&inputs(&[("path", "a/b")]), "x"),
            Ok(Asked::CopyIn(r"a\b".to_owned()))
        );
        for path in ["../x", "/x", "C:/x", "a/../../x"] {
            assert!(asked(&inputs(&[("path", path)]), "x").is_err(), "{path}");
        }
        assert_eq!(
            ignored_inputs(&inputs(&[("ref", "v1"), ("fetch-depth", "0")])),
            ["ref"]
        );
    }
}
