//! Which image a job runs in: the one that was named, or what its labels come to.

use std::sync::Arc;

use dormer_workflow::workflow::RunnerSelector;

use crate::cli::workshop::Base;
use crate::config::Config;
use crate::config::labels::{self, Choice};
use crate::failure::{Failure, InputError, InputPlace};
use crate::image::recipe::{COMPAT_NAME, Recipe};
use crate::image::store::{Store, check_name};
use crate::job::graph::machines::Images;

/// Chooses images for jobs.
#[derive(Clone)]
pub(super) struct Chooser {
    /// What was named on the command line.
    named: Option<String>,
    /// What serves jobs that only want Windows.
    default: String,
    config: Arc<Config>,
    store: Store,
}

impl Chooser {
    pub(super) fn new(
        named: Option<&str>,
        config: &Arc<Config>,
        base: &Base,
    ) -> Result<Self, Failure> {
        Ok(Self {
            named: named.map(str::to_owned),
            default: default_image(config, base)?,
            config: Arc::clone(config),
            store: base.store.clone(),
        })
    }

    /// What should be said about a choice that nobody made.
    pub(super) fn remark(&self, image: &str) -> Option<String> {
        (image == COMPAT_NAME && self.named.is_none()).then(|| {
            "the image `compat` is Debian with Wine, not Windows: what passes here can still fail \
             there"
                .to_owned()
        })
    }

    /// Says who named an image that is not there: the command line, or else a dormer.toml.
    fn unknown(&self, name: &str) -> InputError {
        let unknown = self.store.unknown(name);
        if self.named.is_some() {
            return unknown;
        }
        InputError {
            place: InputPlace::Configuration,
            message: format!("{}, which a dormer.toml names", unknown.message),
            ..unknown
        }
    }

    /// Whether there is such an image, or a recipe for it.
    fn is_there(&self, name: &str) -> bool {
        let is_built = || matches!(self.store.find(name), Ok(Some(_)));
        Recipe::guest(name).is_some() || (check_name(name).is_ok() && is_built())
    }
}

impl Images for Chooser {
    fn choose(&self, runs_on: &RunnerSelector) -> Result<String, InputError> {
        let name = match &self.named {
            Some(name) => name.clone(),
            None => match labels::choose(&runs_on.labels, &self.config)? {
                Choice::Image(name) => name,
                Choice::Default => self.default.clone(),
            },
        };
        if self.is_there(&name) {
            Ok(name)
        } else {
            Err(self.unknown(&name))
        }
    }
}

/// A Windows image if one was built, else the embedded guest.
fn default_image(config: &Config, base: &Base) -> Result<String, Failure> {
    if let Some(name) = &config.default_image {
        return Ok(name.clone());
    }
    for name in base.store.names()? {
        // One that can't be read is no default; who names it hears why.
        let image = base.store.find(&name).ok().flatten();
        if image.is_some_and(|image| image.manifest.description.guest.windows) {
            return Ok(name);
        }
    }
    Ok(COMPAT_NAME.to_owned())
}
