//! Runs legs in local guests, each in one of its own. The part of a job that happens inside a guest is the
//! product's; what is missing is the machine around it.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use dormer::config::Config;
use dormer::config::labels;
use dormer::event::JobEvent;
use dormer::failure::{Failure, InputError};
use dormer::job::graph::leg::{LegOrder, LegRunner};
use dormer::job::limits::Limits;
use dormer::job::outcome::{Ending, JobEnd};
use dormer::job::plan::{JobRequest, JobSettings};
use dormer::job::work::{StepsEnd, Work};
use dormer::mask::Masker;
use dormer::progress::Silent;
use dormer_localguest::LocalGuest;
use dormer_workflow::workflow::RunnerSelector;

/// The outputs of legs, each by the names that events may have for it: its own, or its job's id.
pub(crate) type Outputs = Vec<([String; 2], BTreeMap<String, String>)>;

/// Local guests for legs.
pub(crate) struct LocalLegs {
    pub(crate) masker: Masker,
    pub(crate) settings: JobSettings,
    /// What each leg left for others.
    pub(crate) outputs: Mutex<Outputs>,
}

#[async_trait]
impl LegRunner for LocalLegs {
    fn serves(&self, runs_on: &RunnerSelector) -> Result<(), InputError> {
        labels::choose(&runs_on.labels, &Config::default()).map(drop)
    }

    async fn run(&self, order: LegOrder) -> JobEnd {
        let names = [order.name.clone(), order.job.id.value.clone()];
        let events = order.events.clone();
        let mut limits = Limits::new(order.cancel.clone(), order.deadline.clone());
        let ended = self.steps(order, &mut limits).await;
        let (ending, outputs) = match ended {
            Ok(end) => (Ending::of_steps(end.conclusion, limits.stop()), end.outputs),
            Err(failure) => (Ending::Failed(failure), Vec::new()),
        };
        let (conclusion, exit_code) = (ending.conclusion(), ending.exit_code());
        events.emit(JobEvent::JobCompleted {
            conclusion,
            exit_code,
            infra: ending.infra(None),
        });
        let mut all = self.outputs.lock().expect("no panic");
        all.push((names, outputs.iter().cloned().collect()));
        JobEnd {
            conclusion,
            exit_code,
            outputs,
        }
    }
}

impl LocalLegs {
    async fn steps(&self, order: LegOrder, limits: &mut Limits) -> Result<StepsEnd, Failure> {
        let guest = LocalGuest::new();
        let profile = guest.profile();
        let request = JobRequest {
            workflow: order.workflow,
            job: order.job,
            run: order.run,
            leg: order.facts,
            image: "local".to_owned(),
            secrets: order.secrets.to_vec(),
            settings: self.settings.clone(),
            out_name: String::new(),
            deadline: order.deadline,
        };
        let work = Work {
            request: &request,
            channel: guest.channel(),
            guest: &profile,
            prepared: dormer::guest::environment::Environment::default(),
            facts: request.facts("local", &profile),
            events: &order.events,
            masker: &self.masker,
            progress: Arc::new(Silent),
            tools: guest.path("no-tools"),
        };
        work.prepare().await?;
        work.run_steps(limits).await
    }
}
