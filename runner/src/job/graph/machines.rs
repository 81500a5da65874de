//! Runs legs in machines, each in one of its own.

use std::sync::Arc;

use async_trait::async_trait;
use dormer_workflow::workflow::RunnerSelector;

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
            directory_name(&order.name)
        };
        let around = Surroundings {
            engine: self.engine.clone(),
            home: self.home.clone(),
            store: self.store.clone(),
            events: order.events,
            cancel: order.cancel,
            masker: self.masker.clone(),
            progress: Arc::clone(&self.progress),
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
            timeout: order.timeout,
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
