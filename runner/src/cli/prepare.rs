//! The prepare script that was named, read and put into a scope of trust.

use std::fs;
use std::path::Path;

use crate::cli::args::PrepareArguments;
use crate::failure::InputError;
use crate::instance::trust::TrustScope;
use crate::job::prepare::PrepareScript;
use crate::source::tree::utf8;

/// A script that people write; more bytes than this are something else.
const LARGEST: u64 = 1 << 20;

/// The script, if one was named.
pub(super) fn script(typed: &PrepareArguments) -> Result<Option<PrepareScript>, InputError> {
    let Some(path) = &typed.prepare else {
        return Ok(None);
    };
    let name = path.file_name().unwrap_or(path.as_os_str());
    Ok(Some(PrepareScript {
        name: name.to_string_lossy().into_owned(),
        text: read(path)?,
        shell: typed.prepare_shell.clone(),
        scope: scope(typed.trust_scope.as_deref(), |name| {
            std::env::var(name).unwrap_or_default()
        })?,
    }))
}

fn read(path: &Path) -> Result<String, InputError> {
    let shown = path.display();
    let cannot =
        |why: String| InputError::usage(format!("cannot read the prepare script `{shown}`: {why}"));
    let found = fs::metadata(path).map_err(|error| cannot(error.to_string()))?;
    if !found.is_file() {
        return Err(cannot("it is no file".to_owned()));
    }
    if found.len() > LARGEST {
        return Err(cannot("it has more than 1 MiB".to_owned()));
    }
    let bytes = fs::read(path).map_err(|error| cannot(error.to_string()))?;
    utf8(bytes).map_err(cannot)
}

/// The scope of that name; else that of the run of a forge that this process is in; else the user's own.
fn scope(typed: Option<&str>, variable: impl Fn(&str) -> String) -> Result<TrustScope, InputError> {
    if let Some(name) = typed {
        let named = TrustScope::named(name);
        return named.map_err(|why| InputError::usage(format!("`--trust-scope {name}`: {why}")));
    }
    let repository = variable("GITHUB_REPOSITORY");
    if variable("GITHUB_ACTIONS") != "true" || repository.is_empty() {
        return Ok(TrustScope::Local);
    }
    let server = variable("GITHUB_SERVER_URL");
    let event = variable("GITHUB_EVENT_NAME");
    Ok(TrustScope::of_run(&server, &repository, &event))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_inside_of_a_forges_is_in_the_scope_of_that_and_a_name_stands_above_it() {
        let inside = |event: &'static str| {
            move |name: &str| {
                let value = match name {
                    "GITHUB_ACTIONS" => "true",
                    "GITHUB_REPOSITORY" => "me/it",
                    "GITHUB_SERVER_URL" => "https://github.com",
                    "GITHUB_EVENT_NAME" => event,
                    _ => "",
                };
                value.to_owned()
            }
        };
        let shown = |scope: Result<TrustScope, InputError>| scope.unwrap().to_string();
        let by_push = shown(scope(None, inside("push")));
        assert_eq!(by_push, "https://github.com/me/it (trusted)");
        let by_stranger = shown(scope(None, inside("pull_request")));
        assert_eq!(by_stranger, "https://github.com/me/it (untrusted)");
        assert_eq!(shown(scope(Some("ours"), inside("push"))), "`ours`");
        assert_eq!(shown(scope(None, |_| String::new())), "local");
        assert!(scope(Some(""), inside("push")).is_err());
    }

    #[test]
    fn what_is_no_script_is_refused_by_its_name() {
        let directory = tempfile::tempdir().unwrap();
        let at = |name: &str| directory.path().join(name);
        fs::write(at("latin.sh"), b"echo \xe4\n").unwrap();
        fs::write(at("large.sh"), vec![b'x'; (1 << 20) + 1]).unwrap();
        for (name, why) in [
            ("absent.sh", "No such file"),
            (".", "it is no file"),
            ("latin.sh", "it is not UTF-8"),
            ("large.sh", "more than 1 MiB"),
        ] {
            let error = read(&at(name)).unwrap_err();
            assert!(error.message.contains(why), "{}", error.message);
            assert!(error.message.contains(name), "{}", error.message);
        }
    }
}
