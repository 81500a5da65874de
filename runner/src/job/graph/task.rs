//! One leg, from its group's turn to its end.

use std::sync::Arc;

use dormer_workflow::expr::{Contexts, EvalError, Object};
use dormer_workflow::plan::{Called, Leg};
use dormer_workflow::workflow::{
    CallSecrets, ConcurrencyGroup, Job, RunnerSelector, WorkflowReference,
};
use secrecy::{ExposeSecret, SecretString};

use crate::event::{Conclusion, Events, Infra, JobEvent, Level};
use crate::exit_code;
use crate::host::signals::Cancel;
use crate::job::concurrency::{Entered, Turn, full};
use crate::job::graph::leg::{LegOrder, Secrets};
use crate::job::graph::run::{self, Graph, Scene};
use crate::job::graph::scope::SecretScope;
use crate::job::graph::verdict::verdict;
use crate::job::limits::until;
use crate::job::outcome::JobEnd;
use crate::job::plan::LegFacts;
use crate::steps::action::site::Origin;
use crate::steps::context::{DefinedIn, RunFacts};

/// The one secret that a called workflow always has.
const TOKEN: &str = "GITHUB_TOKEN";

/// A leg that may start.
pub(super) struct LegTask {
    pub(super) graph: Arc<Graph>,
    pub(super) scene: Arc<Scene>,
    /// The job's id behind those of its callers.
    pub(super) id: String,
    /// What tells it from all other legs of the run.
    pub(super) key: String,
    pub(super) events: Events,
    pub(super) job: Arc<Job>,
    pub(super) leg: Leg,
    pub(super) needs: Object,
    pub(super) cancel: Cancel,
    /// Why nothing serves it, if nothing does.
    pub(super) unserved: Option<String>,
}

/// How a leg ended, and whether its failure counts.
pub(super) struct LegEnd {
    pub(super) end: JobEnd,
    pub(super) forgiven: bool,
}

impl LegEnd {
    /// A leg that panicked.
    pub(super) fn bug() -> Self {
        Self {
            end: ended(Conclusion::Failure, exit_code::BUG),
            forgiven: false,
        }
    }
}

/// Why a leg did not come to run.
enum Prevented {
    /// Somebody stopped it.
    Cancelled,
    /// The run's time is over.
    Deadline,
    /// It can't be run.
    Failed(u8, String),
}

/// Brings a leg to its end, and states that.
pub(super) async fn run(task: LegTask) -> LegEnd {
    let forgiven = task.graph.forgives(&task.leg);
    let end = match task.unserved.clone() {
        Some(why) => task.not_served(why),
        None => match task.try_run().await {
            Ok(end) => end,
            Err(prevented) => task.prevented(prevented),
        },
    };
    LegEnd { end, forgiven }
}

impl LegTask {
    async fn try_run(&self) -> Result<JobEnd, Prevented> {
        let turn = self.turn().await?;
        let running = async {
            match &self.leg.calls {
                Some(_) => self.call().await,
                None => self.in_a_machine().await,
            }
        };
        tokio::pin!(running);
        tokio::select! {
            biased;
            end = &mut running => return end,
            () = asked_to_stop(turn.as_ref()) => {}
        }
        let text = "stopped for the next one of its concurrency group".to_owned();
        self.events.notice(Level::Warning, text);
        self.cancel.request_once();
        running.await
    }

    /// Waits for the turn of the leg's group, if it has one.
    async fn turn(&self) -> Result<Option<Turn>, Prevented> {
        let group = self
            .leg
            .concurrency
            .as_ref()
            .and_then(|group| group.known());
        let Some(group) = group.filter(|_| !self.graph.alone) else {
            return Ok(None);
        };
        let held = &self.scene.held;
        if held
            .iter()
            .any(|name| name.eq_ignore_ascii_case(&group.name))
        {
            let text = format!(
                "the run itself, or a job that calls this one, has the turn of the concurrency \
                 group `{}`: it would wait for ever",
                group.name
            );
            return Err(Prevented::Failed(exit_code::USAGE, text));
        }
        tokio::select! {
            biased;
            prevented = self.stopped() => Err(prevented),
            turn = self.enter(group) => turn.map(Some),
        }
    }

    async fn enter(&self, group: &ConcurrencyGroup) -> Result<Turn, Prevented> {
        let waits = || {
            let text = format!("waits for the concurrency group `{}`", group.name);
            self.events.notice(Level::Notice, text);
        };
        match self.graph.groups.enter(group, waits).await {
            Ok(Entered::Turn(turn)) => Ok(turn),
            Ok(Entered::Replaced) => {
                let text = format!(
                    "cancelled: a later one waits in the concurrency group `{}`",
                    group.name
                );
                self.events.notice(Level::Warning, text);
                Err(Prevented::Cancelled)
            }
            Ok(Entered::Full) => {
                self.events.notice(Level::Warning, full(&group.name));
                Err(Prevented::Cancelled)
            }
            Err(error) => {
                let text = format!(
                    "cannot enter the concurrency group `{}`: {error}",
                    group.name
                );
                Err(Prevented::Failed(exit_code::INFRASTRUCTURE, text))
            }
        }
    }

    async fn stopped(&self) -> Prevented {
        tokio::select! {
            biased;
            () = self.cancel.requested() => Prevented::Cancelled,
            () = until(self.graph.deadline.as_ref()) => Prevented::Deadline,
        }
    }

    async fn in_a_machine(&self) -> Result<JobEnd, Prevented> {
        let slots = Arc::clone(&self.graph.slots);
        let _slot = tokio::select! {
            biased;
            prevented = self.stopped() => return Err(prevented),
            slot = slots.acquire_owned() => slot,
        };
        // Its clock starts now: what it waited for is not its own time.
        let events = self.events.restarted();
        events.emit(JobEvent::JobAccepted);
        let runs_on = self
            .leg
            .runs_on
            .as_ref()
            .and_then(|runs_on| runs_on.known());
        let order = LegOrder {
            workflow: Arc::clone(&self.scene.plan.workflow),
            job: Arc::clone(&self.job),
            run: Arc::clone(&self.scene.run),
            facts: self.facts(),
            name: self.leg.name.clone(),
            runs_on: runs_on.cloned().unwrap_or_else(RunnerSelector::default),
            secrets: Arc::clone(&self.scene.secrets),
            events,
            cancel: self.cancel.clone(),
            deadline: self.graph.deadline.clone(),
        };
        Ok(self.graph.runner.run(order).await)
    }

    fn facts(&self) -> LegFacts {
        let matrix = self.leg.matrix.clone();
        LegFacts {
            matrix: matrix.map(Into::into).unwrap_or_default(),
            strategy: self.leg.strategy.clone(),
            needs: self.needs.clone(),
        }
    }

    /// Runs the workflow that the leg calls, and states its end as the leg's own.
    async fn call(&self) -> Result<JobEnd, Prevented> {
        let failed = |text: String| Prevented::Failed(exit_code::USAGE, text);
        let called = self.leg.calls.as_ref();
        let plan = called.and_then(|called| called.plan.as_ref());
        let (Some(called), Some(plan)) = (called, plan) else {
            let uses = called
                .map(|called| called.uses.as_str())
                .unwrap_or_default();
            let text =
                format!("`uses: {uses}`: the workflow of that repository is not on this host");
            return Err(failed(text));
        };
        let events = self.events.restarted();
        events.emit(JobEvent::JobAccepted);
        let reference = plan.reference();
        if let Some(WorkflowReference::Remote(remote)) = reference {
            events.emit(JobEvent::ActionPinned {
                uses: remote.to_string(),
                commit: called.commit.clone(),
            });
        }
        let contexts = self
            .scene
            .plan
            .contexts(self.needs.clone(), Some(&self.leg));
        let secrets = self.handed_secrets(&contexts);
        let secrets = secrets.map_err(|error| failed(self.explain(&error)))?;
        let mut held = self.scene.held.clone();
        let own = self
            .leg
            .concurrency
            .as_ref()
            .and_then(|group| group.known());
        held.extend(own.map(|group| group.name.clone()));
        let scene = Scene {
            plan: Arc::new((**plan).clone()),
            run: Arc::new(RunFacts {
                inputs: called.inputs.known().cloned().unwrap_or_default(),
                defined_in: reference.map(|reference| defined_in(reference, called)),
                ..(*self.scene.run).clone()
            }),
            secrets,
            cancel: self.cancel.clone(),
            callers: format!("{} / ", self.id),
            key: format!("{} / ", self.key),
            in_leg: self.scene.in_leg || self.leg.matrix.is_some(),
            held,
        };
        let finished = run::run(Arc::clone(&self.graph), scene).await;
        let (conclusion, exit_code) = verdict(&finished.ends, None);
        let mut end = ended(conclusion, exit_code);
        match outputs(plan, finished.jobs) {
            Ok(outputs) => end.outputs = outputs,
            Err(error) => return Err(failed(self.explain(&error))),
        }
        events.emit(completed(&end, None));
        Ok(end)
    }

    /// The secrets that a called workflow sees.
    fn handed_secrets(&self, contexts: &Contexts) -> Result<Secrets, EvalError> {
        let own = &self.scene.secrets;
        let given = match &self.job.secrets {
            CallSecrets::Inherit(_) => return Ok(Arc::clone(own)),
            CallSecrets::Nothing => Vec::new(),
            CallSecrets::Only(given) => {
                let pairs = own.iter();
                let pairs = pairs.map(|(name, value)| (name.as_str(), value.expose_secret()));
                let secrets = pairs.collect();
                given.render(&SecretScope { contexts, secrets })?
            }
        };
        let token = own.iter().filter(|(name, _)| name == TOKEN).cloned();
        let given = given.into_iter();
        let given = given.map(|(name, value)| (name, SecretString::from(value)));
        Ok(Arc::new(token.chain(given).collect()))
    }

    fn explain(&self, error: &EvalError) -> String {
        match self.scene.plan.workflow.problem(error) {
            Some(problem) => problem.to_string(),
            None => error.to_string(),
        }
    }

    fn tell_limit(&self) {
        if let Some(due) = &self.graph.deadline {
            self.events.notice(Level::Error, due.kept_from_starting());
        }
    }

    fn not_served(&self, why: String) -> JobEnd {
        if self.graph.skip_unmatched {
            self.events
                .notice(Level::Warning, format!("skipped: {why}"));
            let end = ended(Conclusion::Skipped, exit_code::SUCCESS);
            self.events.emit(completed(&end, None));
            return end;
        }
        self.prevented(Prevented::Failed(exit_code::CONFIGURATION, why))
    }

    /// States the end of a leg that did not come to run.
    fn prevented(&self, prevented: Prevented) -> JobEnd {
        let (end, infra) = match prevented {
            Prevented::Cancelled => (ended(Conclusion::Cancelled, exit_code::CANCELLED), None),
            Prevented::Deadline => {
                self.tell_limit();
                (ended(Conclusion::Cancelled, exit_code::DEADLINE), None)
            }
            Prevented::Failed(code, message) => {
                let infra = Infra {
                    message,
                    help: None,
                    transient: false,
                    evidence: None,
                };
                (ended(Conclusion::Failure, code), Some(infra))
            }
        };
        self.events.emit(completed(&end, infra));
        end
    }
}

/// The file that defines the jobs of a called workflow.
fn defined_in(reference: &WorkflowReference, called: &Called) -> DefinedIn {
    match reference {
        WorkflowReference::Local(path) => DefinedIn::Own(path.clone()),
        WorkflowReference::Remote(remote) => DefinedIn::Other {
            repository: Origin {
                repository: format!("{}/{}", remote.owner, remote.repository),
                git_ref: remote.version.clone(),
            },
            path: remote.path.clone(),
            commit: called.commit.clone().unwrap_or_default(),
        },
    }
}

/// Returns when somebody wants the turn; never, if there is none.
async fn asked_to_stop(turn: Option<&Turn>) {
    match turn {
        Some(turn) => turn.asked_to_stop().await,
        None => std::future::pending().await,
    }
}

/// What a called workflow gives back.
fn outputs(
    plan: &dormer_workflow::plan::Plan,
    jobs: Object,
) -> Result<Vec<(String, String)>, EvalError> {
    let Some(call) = plan.workflow.on.call() else {
        return Ok(Vec::new());
    };
    let mut contexts = plan.contexts.clone();
    contexts.values.insert("jobs", jobs);
    let mut outputs = Vec::new();
    for output in &call.outputs {
        let value = output.value.render(&contexts)?;
        if !value.is_empty() {
            outputs.push((output.name.value.clone(), value));
        }
    }
    Ok(outputs)
}

fn ended(conclusion: Conclusion, exit_code: u8) -> JobEnd {
    JobEnd {
        conclusion,
        exit_code,
        outputs: Vec::new(),
    }
}

fn completed(end: &JobEnd, infra: Option<Infra>) -> JobEvent {
    JobEvent::JobCompleted {
        conclusion: end.conclusion,
        exit_code: end.exit_code,
        infra,
    }
}
