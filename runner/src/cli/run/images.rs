//! Which image a job runs in: the one that was named, or what its labels come to; and which jobs of a run
//! none can.

use std::collections::BTreeSet;
use std::sync::Arc;

use dormer_workflow::plan::{Leg, Plan, Planned};
use dormer_workflow::workflow::RunnerSelector;

use crate::cli::workshop::Base;
use crate::config::Config;
use crate::config::labels::{self, Choice};
use crate::failure::{Failure, InputError, InputPlace};
use crate::image::recipe::{COMPAT_NAME, Recipe};
use crate::image::store::{Store, check_name};
use crate::job::graph::machines::Images;
use crate::source::planned::Prepared;

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
pub(in crate::cli) fn default_image(config: &Config, base: &Base) -> Result<String, Failure> {
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

/// The images of all jobs, as far as their labels are known. Jobs that none serves make the run fail at
/// once with their names, unless they are to be skipped.
pub(super) fn images(
    prepared: &Prepared,
    chooser: &Chooser,
    skip_unmatched: bool,
) -> Result<BTreeSet<String>, InputError> {
    let mut images = BTreeSet::new();
    let mut unserved = Vec::new();
    for (name, runs_on) in known_labels(prepared)? {
        match chooser.choose(&runs_on) {
            Ok(image) => drop(images.insert(image)),
            Err(error) => unserved.push((name, error)),
        }
    }
    if skip_unmatched || unserved.is_empty() {
        return Ok(images);
    }
    if prepared.is_single()
        && let Some((_, error)) = unserved.pop()
    {
        return Err(error);
    }
    let list = unserved
        .iter()
        .map(|(name, error)| format!("\n  `{name}`: {}", error.message));
    let place = unserved.first().map(|(_, error)| error.place);
    let text = format!("nothing can run these jobs:{}", list.collect::<String>());
    let mut error = InputError::configuration(text)
        .help("`--skip-unmatched` leaves them out, and `--image NAME` runs all jobs in one image");
    error.place = place.unwrap_or(error.place);
    Err(error)
}

/// The labels of every leg that are known by now, with its name.
fn known_labels(prepared: &Prepared) -> Result<Vec<(String, RunnerSelector)>, InputError> {
    let mut known = Vec::new();
    for job in &prepared.plan.jobs {
        let Some(legs) = prepared.legs_of(job)? else {
            continue;
        };
        for leg in &legs.items {
            take_labels(leg, &mut known);
        }
    }
    Ok(known)
}

fn take_labels(leg: &Leg, known: &mut Vec<(String, RunnerSelector)>) {
    if let Some(Planned::Now(runs_on)) = &leg.runs_on {
        known.push((leg.name.clone(), runs_on.clone()));
    }
    let called: Option<&Plan> = leg.calls.as_ref().and_then(|called| called.plan.as_deref());
    for job in called.iter().flat_map(|plan| &plan.jobs) {
        for leg in job.legs.known().iter().flat_map(|legs| &legs.items) {
            take_labels(leg, known);
        }
    }
}
