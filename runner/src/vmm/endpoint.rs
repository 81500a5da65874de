//! Which engine to talk to: `DOCKER_HOST`, else the current Docker context, else the usual socket.
//! Only a socket on this host will do, since disks and sockets are shared with the containers as
//! files.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use sha2::{Digest, Sha256};

use crate::failure::InputError;

const DEFAULT_SOCKET: &str = "/var/run/docker.sock";

/// An engine's socket, and who chose it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoint {
    /// The socket's path.
    pub socket: PathBuf,
    /// As in "from DOCKER_HOST".
    pub chosen_by: String,
}

/// The variables that decide, so that tests need not change the process's own.
#[derive(Debug, Clone, Default)]
pub struct Surroundings {
    /// `DOCKER_HOST`.
    pub host: Option<String>,
    /// `DOCKER_CONTEXT`.
    pub context: Option<String>,
    /// The folder of Docker's own configuration.
    pub config: Option<PathBuf>,
}

impl Surroundings {
    /// As this process was started.
    pub fn of_this_process() -> Self {
        let variable = |name| {
            env::var(name)
                .ok()
                .filter(|value: &String| !value.is_empty())
        };
        let config = variable("DOCKER_CONFIG")
            .map(PathBuf::from)
            .or_else(|| variable("HOME").map(|home| PathBuf::from(home).join(".docker")));
        Self {
            host: variable("DOCKER_HOST"),
            context: variable("DOCKER_CONTEXT"),
            config,
        }
    }
}

/// Chooses the engine, as Docker's own client does.
pub fn choose(surroundings: &Surroundings) -> Result<Endpoint, InputError> {
    if let Some(host) = &surroundings.host {
        return local_socket(host, "DOCKER_HOST");
    }
    let context = match &surroundings.context {
        Some(name) => Some(name.clone()),
        None => current_context(surroundings.config.as_deref())?,
    };
    match context.as_deref() {
        None | Some("default") => Ok(Endpoint {
            socket: PathBuf::from(DEFAULT_SOCKET),
            chosen_by: "the default".to_owned(),
        }),
        Some(name) => {
            let host = host_of_context(surroundings.config.as_deref(), name)?;
            local_socket(&host, &format!("the Docker context `{name}`"))
        }
    }
}

fn local_socket(host: &str, chosen_by: &str) -> Result<Endpoint, InputError> {
    let path = host
        .strip_prefix("unix://")
        .filter(|path| Path::new(path).is_absolute());
    match path {
        Some(path) => Ok(Endpoint {
            socket: PathBuf::from(path),
            chosen_by: chosen_by.to_owned(),
        }),
        None => Err(InputError::configuration(format!(
            "cannot use the engine `{host}` from {chosen_by}: Dormer shares files with its \
             containers, so the engine must be on this host"
        ))
        .help("use an address such as unix:///var/run/docker.sock, or unset it")),
    }
}

#[derive(Deserialize)]
struct Config {
    #[serde(rename = "currentContext")]
    current_context: Option<String>,
}

fn current_context(config: Option<&Path>) -> Result<Option<String>, InputError> {
    let Some(path) = config.map(|folder| folder.join("config.json")) else {
        return Ok(None);
    };
    let Ok(text) = fs::read_to_string(&path) else {
        return Ok(None);
    };
    let parsed: Config = serde_json::from_str(&text).map_err(|error| {
        InputError::configuration(format!("cannot read `{}`: {error}", path.display()))
    })?;
    Ok(parsed.current_context.filter(|name| !name.is_empty()))
}

#[derive(Deserialize)]
struct Context {
    #[serde(rename = "Endpoints")]
    endpoints: Endpoints,
}

#[derive(Deserialize)]
struct Endpoints {
    docker: DockerEndpoint,
}

#[derive(Deserialize)]
struct DockerEndpoint {
    #[serde(rename = "Host")]
    host: String,
}

/// Docker keeps a context in a folder named after the digest of its name.
fn host_of_context(config: Option<&Path>, name: &str) -> Result<String, InputError> {
    let missing = |why: String| {
        InputError::configuration(format!("cannot use the Docker context `{name}`: {why}"))
            .help("`docker context ls` shows those that there are")
    };
    let folder = config.ok_or_else(|| missing("there is no folder of contexts".to_owned()))?;
    let digest = hex::encode(Sha256::digest(name.as_bytes()));
    let path = folder.join("contexts/meta").join(digest).join("meta.json");
    let text = fs::read_to_string(&path).map_err(|error| missing(error.to_string()))?;
    let context: Context =
        serde_json::from_str(&text).map_err(|error| missing(error.to_string()))?;
    Ok(context.endpoints.docker.host)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with_host(host: &str) -> Surroundings {
        Surroundings {
            host: Some(host.to_owned()),
            ..Surroundings::default()
        }
    }

    #[test]
    fn a_local_socket_is_taken_and_anything_else_refused() {
        let endpoint = choose(&with_host("unix:///run/user/1000/docker.sock")).unwrap();
        assert_eq!(endpoint.socket, Path::new("/run/user/1000/docker.sock"));
        for host in [
            "tcp://10.0.0.1:2375",
            "ssh://me@there",
            "npipe:////./pipe/d",
            "unix://d",
        ] {
            let error = choose(&with_host(host)).unwrap_err();
            assert!(error.message.contains(host), "{}", error.message);
        }
    }

    #[test]
    fn the_current_context_is_honoured() {
        let config = tempfile::tempdir().unwrap();
        let folder = config
            .path()
            .join("contexts/meta")
            .join(hex::encode(Sha256::digest(b"mine")));
        fs::create_dir_all(&folder).unwrap();
        fs::write(
            config.path().join("config.json"),
            r#"{"currentContext": "mine"}"#,
        )
        .unwrap();
        fs::write(
            folder.join("meta.json"),
            r#"{"Name": "mine", "Endpoints": {"docker": {"Host": "unix:///tmp/mine.sock"}}}"#,
        )
        .unwrap();
        let config = Some(config.path().to_owned());
        let surroundings = Surroundings {
            config,
            ..Surroundings::default()
        };
        assert_eq!(
            choose(&surroundings).unwrap().socket,
            Path::new("/tmp/mine.sock")
        );

        let other = Surroundings {
            context: Some("other".to_owned()),
            ..surroundings.clone()
        };
        assert!(choose(&other).unwrap_err().message.contains("`other`"));
        let default = Surroundings {
            context: Some("default".to_owned()),
            ..surroundings
        };
        assert_eq!(choose(&default).unwrap().socket, Path::new(DEFAULT_SOCKET));
    }

    #[test]
    fn without_any_wish_the_usual_socket_is_used() {
        let endpoint = choose(&Surroundings::default()).unwrap();
        assert_eq!(endpoint.socket, Path::new(DEFAULT_SOCKET));
    }
}
