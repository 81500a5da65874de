//! The container engine, by its API. Knows how to reach it and what to say when that fails; what to
//! run in it is said elsewhere.

use std::io;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::Duration;

use bollard::{API_DEFAULT_VERSION, Docker};
use thiserror::Error;

use crate::failure::{Failure, InfraFailure, InputError, with_causes};
use crate::host::clock::{Deadline, within};
use crate::vmm::endpoint::{self, Endpoint, Surroundings};

/// How long the engine may take to begin its answer. Removing a container with a full disk can take
/// long; a build or an import answers as it goes.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(300);
const FIRST_ANSWER: Deadline = Deadline::seconds("the container engine's first answer", 15);
/// It counts containers and images for that, so it takes longer on a busy host.
const FACTS: Deadline = Deadline::seconds("its answer", 30);

const SEE_ITS_LOG: &str = "see its log: `journalctl -u docker`";

/// A connection to the engine; cheap to clone.
#[derive(Debug, Clone)]
pub struct Engine {
    docker: Docker,
    socket: PathBuf,
}

/// Why there is no engine to talk to.
#[derive(Debug, Error)]
pub enum EngineTrouble {
    /// There is no socket.
    #[error("there is no container engine at `{}`", .0.display())]
    Missing(PathBuf),
    /// There is one, and we may not use it.
    #[error("no permission to use the container engine at `{}`", .0.display())]
    NotPermitted(PathBuf),
    /// There is a socket, and nobody behind it.
    #[error("the container engine at `{}` is not running", .0.display())]
    NotRunning(PathBuf),
    /// It is there, and does not speak as it should.
    #[error("the container engine at `{}` does not answer as it should: {}", .0.display(), .1)]
    Odd(PathBuf, String),
}

impl EngineTrouble {
    /// What to do about it.
    pub fn help(&self) -> &'static str {
        match self {
            Self::Missing(_) => {
                "install Docker Engine (on Debian: `apt-get install docker.io`), or point \
                 DOCKER_HOST at its socket"
            }
            Self::NotPermitted(_) => {
                "join the group that owns the socket (`sudo usermod -aG docker $USER`) and log in \
                 again"
            }
            Self::NotRunning(_) => "start it: `sudo systemctl start docker`",
            Self::Odd(..) => SEE_ITS_LOG,
        }
    }
}

impl From<EngineTrouble> for InfraFailure {
    fn from(trouble: EngineTrouble) -> Self {
        let help = trouble.help();
        Self::new(trouble.to_string()).help(help)
    }
}

/// What the engine says of itself.
#[derive(Debug, Clone, Default)]
pub struct EngineFacts {
    /// Its version.
    pub version: String,
    /// Whether it runs without root.
    pub rootless: bool,
    /// Whether it gives containers' users other numbers than they have on the host.
    pub remaps_users: bool,
    /// CPUs that it may use.
    pub cpus: u32,
    /// Memory that it may use, in bytes.
    pub memory: u64,
}

impl EngineFacts {
    /// Why Dormer can't work with this engine, if it can't.
    pub fn refusal(&self) -> Option<&'static str> {
        if self.rootless {
            return Some(
                "it is rootless: files that a machine writes would belong to a subordinate user, \
                 whom Dormer cannot clean up after",
            );
        }
        self.remaps_users.then_some(
            "it remaps users (userns-remap): a machine's user would not own its own directory",
        )
    }

    /// Refuses a machine with more memory than there is at all. What is free is another matter: that
    /// changes.
    pub fn check_memory(&self, wanted: u64) -> Result<(), InputError> {
        // An engine that does not say is not asked again.
        if self.memory == 0 || wanted <= self.memory {
            return Ok(());
        }
        let size = |bytes| bytesize::ByteSize(bytes).display().iec().to_string();
        Err(InputError::usage(format!(
            "a machine with {} of memory is wanted, and the container engine has {} in all",
            size(wanted),
            size(self.memory)
        ))
        .help("give it less: `--memory`, or `memory` in dormer.toml"))
    }
}

impl Engine {
    /// Connects to the engine that the surroundings choose, and refuses one that will not do.
    pub async fn connect() -> Result<Self, Failure> {
        let endpoint = endpoint::choose(&Surroundings::of_this_process())?;
        let engine = Self::connect_to(&endpoint)
            .await
            .map_err(InfraFailure::from)?;
        let facts = engine.facts().await?;
        if let Some(why) = facts.refusal() {
            return Err(InfraFailure::new(format!(
                "cannot use the container engine at `{}`: {why}",
                endpoint.socket.display()
            ))
            .help("use an engine of the system, without userns-remap; `dormer doctor` checks it")
            .into());
        }
        Ok(engine)
    }

    /// Connects to one engine, whatever it is like.
    pub async fn connect_to(endpoint: &Endpoint) -> Result<Self, EngineTrouble> {
        let socket = endpoint.socket.clone();
        reachable(&socket)?;
        let odd = |error: String| EngineTrouble::Odd(socket.clone(), error);
        let docker = Docker::connect_with_unix(
            &socket.to_string_lossy(),
            ANSWER_TIMEOUT.as_secs(),
            API_DEFAULT_VERSION,
        )
        .map_err(|error| odd(error.to_string()))?;
        let docker = within(FIRST_ANSWER, docker.negotiate_version())
            .await
            .map_err(|late| odd(late.to_string()))?
            .map_err(|error| odd(with_causes(&error)))?;
        Ok(Self { docker, socket })
    }

    /// The API itself.
    pub fn api(&self) -> &Docker {
        &self.docker
    }

    /// Its socket's path, for messages.
    pub fn socket(&self) -> &Path {
        &self.socket
    }

    /// What it says of itself.
    pub async fn facts(&self) -> Result<EngineFacts, InfraFailure> {
        let failed =
            || InfraFailure::new("cannot ask the container engine about itself").help(SEE_ITS_LOG);
        let info = within(FACTS, self.docker.info())
            .await
            .map_err(|late| failed().because(late))?
            .map_err(|error| failed().because(error))?;
        let options = info.security_options.unwrap_or_default();
        let has = |name: &str| options.iter().any(|option| option.contains(name));
        Ok(EngineFacts {
            version: info.server_version.unwrap_or_default(),
            rootless: has("name=rootless"),
            remaps_users: has("name=userns"),
            cpus: info
                .ncpu
                .and_then(|cpus| u32::try_from(cpus).ok())
                .unwrap_or(1),
            memory: info
                .mem_total
                .and_then(|memory| u64::try_from(memory).ok())
                .unwrap_or(0),
        })
    }
}

/// Tells apart what a failed request would not.
fn reachable(socket: &Path) -> Result<(), EngineTrouble> {
    match UnixStream::connect(socket) {
        Ok(_) => Ok(()),
        Err(error) => Err(match error.kind() {
            io::ErrorKind::NotFound => EngineTrouble::Missing(socket.to_owned()),
            io::ErrorKind::PermissionDenied => EngineTrouble::NotPermitted(socket.to_owned()),
            io::ErrorKind::ConnectionRefused => EngineTrouble::NotRunning(socket.to_owned()),
            _ => EngineTrouble::Odd(socket.to_owned(), error.to_string()),
        }),
    }
}

/// Whether the engine says that there is no such thing.
pub fn is_not_found(error: &bollard::errors::Error) -> bool {
    status(error) == Some(404)
}

/// Whether the engine says that it is doing that already, or that it conflicts with something.
pub fn is_conflict(error: &bollard::errors::Error) -> bool {
    status(error) == Some(409)
}

fn status(error: &bollard::errors::Error) -> Option<u16> {
    match error {
        bollard::errors::Error::DockerResponseServerError { status_code, .. } => Some(*status_code),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_a_dead_and_a_forbidden_engine_are_told_apart() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("docker.sock");
        assert!(matches!(reachable(&path), Err(EngineTrouble::Missing(_))));
        drop(std::os::unix::net::UnixListener::bind(&path).unwrap());
        assert!(matches!(
            reachable(&path),
            Err(EngineTrouble::NotRunning(_))
        ));
        let _listener = {
            std::fs::remove_file(&path).unwrap();
            std::os::unix::net::UnixListener::bind(&path).unwrap()
        };
        assert!(reachable(&path).is_ok());
    }

    #[test]
    fn a_machine_larger_than_its_host_is_refused_with_what_there_is() {
        let facts = EngineFacts {
            memory: 8 << 30,
            ..EngineFacts::default()
        };
        assert!(facts.check_memory(8 << 30).is_ok());
        let refused = facts.check_memory(900 << 30).unwrap_err();
        assert!(refused.message.contains("900.0 GiB"), "{}", refused.message);
        assert!(refused.message.contains("8.0 GiB"), "{}", refused.message);
        assert!(EngineFacts::default().check_memory(900 << 30).is_ok());
    }

    #[test]
    fn engines_whose_users_are_not_ours_are_refused() {
        let facts = EngineFacts {
            rootless: true,
            ..EngineFacts::default()
        };
        assert!(facts.refusal().unwrap().contains("rootless"));
        assert!(EngineFacts::default().refusal().is_none());
    }
}
