//! What can go wrong with a job's surroundings, as three types that are never mixed up: what was
//! asked for cannot be done ([`InputError`]), the machinery failed ([`InfraFailure`]), or Dormer
//! itself is wrong ([`Bug`]). A step that failed is none of them: that is a conclusion.
//!
//! A leaf: it knows nothing else of Dormer, and everyone may use it. Messages are fragments that
//! read after `error: `, name things in backticks and hold no secret.

use std::error::Error;
use std::fmt;
use std::io;

/// What helps whoever meets a full disk, wherever it shows first.
const FULL_DISK: &str = "a full disk: `dormer gc` removes what is dead, `dormer doctor` shows what is \
    free, and DORMER_HOME may be on a larger one";

/// The cause behind a failure, as its own error.
pub type Cause = Box<dyn Error + Send + Sync>;

/// What was asked for is wrong: a flag, a file, a name.
#[derive(Debug)]
pub struct InputError {
    /// Where the mistake is, which decides the exit code.
    pub place: InputPlace,
    /// What was asked for and why it can't be, after `error: `.
    pub message: String,
    /// What to do about it.
    pub help: Option<String>,
}

/// Where a mistaken input came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum InputPlace {
    /// The command line, or a file named on it.
    Usage,
    /// The configuration or the surroundings: `dormer.toml`, `DOCKER_HOST`, labels.
    Configuration,
}

impl InputError {
    /// A mistake on the command line or in a file named there.
    pub fn usage(message: impl Into<String>) -> Self {
        Self {
            place: InputPlace::Usage,
            message: message.into(),
            help: None,
        }
    }

    /// A mistake in the configuration.
    pub fn configuration(message: impl Into<String>) -> Self {
        Self {
            place: InputPlace::Configuration,
            message: message.into(),
            help: None,
        }
    }

    /// Adds what to do about it.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }
}

/// The machinery failed: the engine, the machine, the disk, the network.
#[derive(Debug)]
pub struct InfraFailure {
    /// What was attempted, on what, after `error: `.
    pub message: String,
    /// What to do about it.
    pub help: Option<String>,
    /// Whether the same request may well succeed when tried again.
    pub transient: bool,
    cause: Option<Cause>,
}

impl InfraFailure {
    /// A failure that trying again will not mend.
    pub fn new(message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            help: None,
            transient: false,
            cause: None,
        }
    }

    /// A failure that may be gone the next time.
    pub fn transient(message: impl Into<String>) -> Self {
        Self {
            transient: true,
            ..Self::new(message)
        }
    }

    /// Adds why it failed, and what to do about that where it is always the same.
    #[must_use]
    pub fn because(mut self, cause: impl Into<Cause>) -> Self {
        let cause = cause.into();
        if self.help.is_none() && is_full_disk(cause.as_ref()) {
            self.help = Some(FULL_DISK.to_owned());
        }
        self.cause = Some(cause);
        self
    }

    /// Adds what to do about it.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }
}

impl fmt::Display for InfraFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl Error for InfraFailure {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.cause
            .as_ref()
            .map(|cause| cause.as_ref() as &(dyn Error + 'static))
    }
}

fn is_full_disk(cause: &(dyn Error + 'static)) -> bool {
    let full = |error: &io::Error| {
        matches!(
            error.kind(),
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded
        )
    };
    let mut causes = std::iter::successors(Some(cause), |&cause| cause.source());
    causes.any(|cause| cause.downcast_ref().is_some_and(full))
}

/// Dormer is wrong: a state that cannot be was reached.
#[derive(Debug)]
pub struct Bug {
    /// What was found.
    pub message: String,
}

/// Any of the three.
#[derive(Debug)]
pub enum Failure {
    /// See [`InputError`].
    Input(InputError),
    /// See [`InfraFailure`].
    Infra(InfraFailure),
    /// See [`Bug`].
    Bug(Bug),
}

impl Failure {
    /// The message, with every cause behind it, on one line.
    pub fn message(&self) -> String {
        match self {
            Self::Input(error) => error.message.clone(),
            Self::Infra(failure) => with_causes(failure),
            Self::Bug(bug) => format!("this is a bug in Dormer: {}", bug.message),
        }
    }

    /// What to do about it.
    pub fn help(&self) -> Option<&str> {
        match self {
            Self::Input(error) => error.help.as_deref(),
            Self::Infra(failure) => failure.help.as_deref(),
            Self::Bug(_) => Some("please report it, with the command and what it printed"),
        }
    }
}

impl From<InputError> for Failure {
    fn from(error: InputError) -> Self {
        Self::Input(error)
    }
}

impl From<InfraFailure> for Failure {
    fn from(failure: InfraFailure) -> Self {
        Self::Infra(failure)
    }
}

impl From<Bug> for Failure {
    fn from(bug: Bug) -> Self {
        Self::Bug(bug)
    }
}

/// An error with its causes, `what: why: why`; a cause that only repeats its effect is left out.
pub fn with_causes(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        let inner_text = inner.to_string();
        if !text.contains(&inner_text) {
            text.push_str(": ");
            text.push_str(&inner_text);
        }
        cause = inner.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn causes_follow_their_effect_once() {
        let disk = std::io::Error::other("no space left");
        let failure = InfraFailure::new("cannot write `a`").because(disk);
        assert_eq!(
            Failure::from(failure).message(),
            "cannot write `a`: no space left"
        );
    }

    #[test]
    fn a_full_disk_is_told_wherever_it_shows() {
        let full = || io::Error::from(io::ErrorKind::StorageFull);
        let wrapped = || InfraFailure::new("cannot write `b`").because(full());
        let failures = [
            InfraFailure::new("cannot write `a`").because(full()),
            InfraFailure::new("cannot write `a`").because(wrapped()),
        ];
        for failure in failures {
            assert_eq!(failure.help.as_deref(), Some(FULL_DISK));
        }
        let other =
            InfraFailure::new("cannot write `a`").because(io::Error::other("it is read-only"));
        assert_eq!(other.help, None);
        let said = InfraFailure::new("cannot write `a`")
            .help("other")
            .because(full());
        assert_eq!(said.help.as_deref(), Some("other"));
    }
}
