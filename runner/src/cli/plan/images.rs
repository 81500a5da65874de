//! Which image the labels of a job come to, as `dormer run` chooses it.

use crate::cli::run::default_image;
use crate::cli::workshop::Base;
use crate::config::Config;
use crate::config::labels::{self, Choice};

/// The images that there are for jobs.
pub(super) struct Images {
    config: Config,
    /// Where nothing else is chosen.
    default: String,
}

impl Images {
    pub(super) fn new(config: Config) -> Self {
        // A home that can't be looked at is no reason not to plan.
        let named = Base::look().and_then(|base| default_image(&config, &base));
        Self {
            config,
            default: named.unwrap_or_else(|_| "the default".to_owned()),
        }
    }

    /// The image for a job with these labels, or that there is none.
    pub(super) fn of(&self, labels: &[String]) -> String {
        match labels::choose(labels, &self.config) {
            Ok(Choice::Image(name)) => name,
            Ok(Choice::Default) => self.default.clone(),
            Err(_) => "no image".to_owned(),
        }
    }
}
