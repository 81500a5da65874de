//! Runs legs in machines, each in one of its own.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use dormer_workflow::workflow::RunnerSelector;
use secrecy::ExposeSecret;

use crate::artifact::shelf::FOLDER;
use crate::event::{Conclusion, Infra, JobEvent, Level};
use crate::exit_code;
use crate::failure::InputError;
use crate::host::home::Home;
use crate::image::store::Store;
use crate::job::driver::{self, Surroundings};
use crate::job::graph::leg::{LegOrder, LegRunner};
use crate::job::outcome::JobEnd;
use crate::job::plan::{JobRequest, JobSettings};
use crate::job::standby::Makeups;
use crate::job::told::Told;
use crate::mask::Masker;
use crate::progress::Progress;
use crate::vmm::engine::Engine;

/// Which image serves which labels.
pub trait Images: Send + Sync {
    /// The image's name; an error names the labels that none serves.
    fn choose(&self, runs_on: &RunnerSelector) -> Result<String, InputError>;
}

/// Everything that machines for legs take.
pub struct Machines {
    /// The engine.
    pub engine: Engine,
    /// The home.
    pub home: Home,
    /// Its images.
    pub store: Store,
    /// Which of them serves whom.
    pub images: Arc<dyn Images>,
    /// What is kept out of everything.
    pub masker: Masker,
    /// Shows transfers.
    pub progress: Arc<dyn Progress>,
    /// How jobs are run.
    pub settings: JobSettings,
    /// Whether there is only one leg, which then needs no directory of its own.
    pub is_single: bool,
    /// What is said of the image's choice when a job begins.
    pub remark: Option<String>,
    /// The directories of legs.
    pub directories: Directories,
    /// What is said once, and not by each job.
    pub told: Told,
    /// What the machines could wake from.
    pub makeups: Makeups,
}

/// The directories that legs have below `--out`. No two have the same, on any system that it may be on.
#[derive(Debug, Default)]
pub struct Directories(Mutex<HashSet<String>>);

impl Directories {
    /// A directory for a leg of this name, with a number behind it if another leg has that already.
    fn of_leg(&self, name: &str) -> String {
        let plain = directory_name(name);
        // Each change is a single one, so that none is ever half made.
        let mut taken = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut free = plain.clone();
        let mut number = 1;
        while !taken.insert(free.to_lowercase()) {
            number += 1;
            free = format!("{plain}-{number}");
        }
        free
    }
}

#[async_trait]
impl LegRunner for Machines {
    fn serves(&self, runs_on: &RunnerSelector) -> Result<(), InputError> {
        self.images.choose(runs_on).map(drop)
    }

    async fn run(&self, order: LegOrder) -> JobEnd {
        if let Some(remark) = &self.remark {
            order.events.notice(Level::Notice, remark.clone());
        }
        let image = match self.images.choose(&order.runs_on) {
            Ok(image) => image,
            Err(error) => return refused(&order, error),
        };
        let out_name = if self.is_single {
            String::new()
        } else {
            self.directories.of_leg(&order.name)
        };
        // A secret of a called workflow may be a part of one that the user gave.
        let secrets = order.secrets.iter().map(|(_, value)| value.expose_secret());
        self.masker.add_all(secrets);
        let around = Surroundings {
            engine: self.engine.clone(),
            home: self.home.clone(),
            store: self.store.clone(),
            events: order.events,
            cancel: order.cancel,
            masker: self.masker.clone(),
            progress: Arc::clone(&self.progress),
            told: self.told.clone(),
            makeups: self.makeups.clone(),
        };
        let request = JobRequest {
            workflow: order.workflow,
            job: order.job,
            run: order.run,
            leg: order.facts,
            image,
            secrets: order.secrets.to_vec(),
            settings: self.settings.clone(),
            out_name,
            deadline: order.deadline,
        };
        driver::run(&request, &around).await
    }
}

/// States the end of a leg that no image serves.
fn refused(order: &LegOrder, error: InputError) -> JobEnd {
    let (conclusion, exit_code) = (Conclusion::Failure, exit_code::CONFIGURATION);
    let infra = Infra {
        message: error.message,
        help: error.help,
        transient: false,
        evidence: None,
    };
    order.events.emit(JobEvent::JobCompleted {
        conclusion,
        exit_code,
        infra: Some(infra),
    });
    JobEnd {
        conclusion,
        exit_code,
        outputs: Vec::new(),
    }
}

/// A leg's name as one for a directory: letters, digits and `-_.` stay, whatever else there is becomes
/// one `-`. The directory of what steps upload is nobody's own.
pub fn directory_name(name: &str) -> String {
    const LONGEST: usize = 100;
    let mut plain = String::new();
    for c in name.chars().take(LONGEST) {
        if c.is_alphanumeric() || "-_.".contains(c) {
            plain.push(c);
        } else if !plain.ends_with('-') {
            plain.push('-');
        }
    }
    let plain = plain.trim_matches(['-', '.']);
    if plain.is_empty() {
        "job".to_owned()
    } else if plain.eq_ignore_ascii_case(FOLDER) {
        format!("{plain}-job")
    } else {
        plain.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_legs_have_one_directory() {
        let directories = Directories::default();
        let names = [
            "build (c)",
            "build (c++)",
            "Build (c#)",
            "build-c-2",
            "test",
        ];
        let given = names.map(|name| directories.of_leg(name));
        assert_eq!(
            given,
            ["build-c", "build-c-2", "Build-c-3", "build-c-2-2", "test"]
        );
    }

    #[test]
    fn a_legs_directory_has_a_name_that_leads_nowhere_else() {
        for (name, expected) in [
            ("build", "build"),
            ("test (windows, 3.11)", "test-windows-3.11"),
            ("call / inner", "call-inner"),
            ("../../etc", "etc"),
            ("..", "job"),
            ("Artifacts", "Artifacts-job"),
            ("a\\b:c", "a-b-c"),
        ] {
            assert_eq!(directory_name(name), expected);
        }
    }
}
