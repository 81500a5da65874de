//! The jobs of a workflow, from the first to the last. One task owns the board; each leg is a task of
//! its own, which tells only how it ended.

use std::collections::HashMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use dormer_workflow::expr::Object;
use dormer_workflow::plan::{Files, Leg, Legs, Plan, PlannedJob};
use dormer_workflow::workflow::Job;
use tokio::sync::Semaphore;
use tokio::task::{Id, JoinError, JoinSet};

use crate::event::{Conclusion, Events, JobEvent, Level, RunEvents};
use crate::exit_code;
use crate::host::signals::Cancel;
use crate::job::concurrency::Groups;
use crate::job::graph::board::{Board, Consequences, JobState, LegResult, Refusal, Rules};
use crate::job::graph::cut::Cut;
use crate::job::graph::leg::{LegRunner, Secrets};
use crate::job::graph::scope::{ConditionScope, Result as JobResult};
use crate::job::graph::task::{self, LegEnd, LegTask};
use crate::job::limits::{Due, until};
use crate::job::outcome::JobEnd;
use crate::steps::context::RunFacts;

/// What all jobs of a run share.
pub struct Graph {
    /// Who runs legs.
    pub runner: Arc<dyn LegRunner>,
    /// Where called workflows come from.
    pub files: Arc<dyn Files + Send + Sync>,
    /// Where facts go.
    pub events: RunEvents,
    /// The groups of which one runs at a time.
    pub groups: Groups,
    /// How many machines run at once.
    pub slots: Arc<Semaphore>,
    /// When the run has to be over.
    pub deadline: Option<Due>,
    /// Whether a job runs by itself: then nothing that it says of its place among others counts.
    pub alone: bool,
    /// Whether a job that nothing serves is skipped, and not a failure.
    pub skip_unmatched: bool,
    /// Whether something was cut short.
    pub cut: Cut,
}

impl Graph {
    /// Whether a failure of this leg counts as a success.
    pub(super) fn forgives(&self, leg: &Leg) -> bool {
        !self.alone && leg.continue_on_error.known() == Some(&true)
    }
}

/// A workflow and what is known where it runs.
pub struct Scene {
    /// Its plan.
    pub plan: Arc<Plan>,
    /// What is known of the run, with the inputs of this workflow.
    pub run: Arc<RunFacts>,
    /// The secrets that it may see.
    pub secrets: Secrets,
    /// What stops it.
    pub cancel: Cancel,
    /// The jobs that called it, as `caller / `. Empty for what is run itself.
    pub callers: String,
    /// What the keys of its jobs begin with: the callers, and which leg of each.
    pub key: String,
    /// Whether a caller is one of several legs.
    pub in_leg: bool,
    /// The groups whose turn the run or a caller has.
    pub held: Vec<String>,
}

/// What became of a workflow.
#[derive(Debug)]
pub struct Finished {
    /// How its jobs ended, leg by leg, as they count.
    pub ends: Vec<JobEnd>,
    /// The `jobs` context.
    pub jobs: Object,
}

/// Runs all jobs of a workflow. Called workflows come here again, hence the box.
pub fn run(graph: Arc<Graph>, scene: Scene) -> Pin<Box<dyn Future<Output = Finished> + Send>> {
    Box::pin(Run::new(graph, scene).run())
}

/// What becomes of a job whose needs are over.
enum Decision {
    /// It does not run.
    Settled(Conclusion, u8),
    /// It runs, in these legs.
    Split(Legs),
}

struct Run {
    graph: Arc<Graph>,
    scene: Arc<Scene>,
    board: Board,
    jobs: Vec<Entry>,
    tasks: JoinSet<LegEnd>,
    /// Which leg a task is.
    legs: HashMap<Id, (usize, usize)>,
    ends: Vec<JobEnd>,
    closed: bool,
}

/// What is known of a job beside its place on the board.
#[derive(Default)]
struct Entry {
    /// What the file says of it.
    job: Option<Arc<Job>>,
    needs: Object,
    legs: Vec<Leg>,
    cancels: Vec<Cancel>,
    outputs: Object,
    /// Whether it did not run because nothing serves it, or a job that it needs.
    unmatched: bool,
}

impl Run {
    fn new(graph: Arc<Graph>, scene: Scene) -> Self {
        let planned = &scene.plan.jobs;
        let needs_of = |job: &PlannedJob| -> Vec<usize> {
            let ids = job.needs.iter().filter(|_| !graph.alone);
            ids.filter_map(|id| number_of(planned, id)).collect()
        };
        let entry = |job: &PlannedJob| Entry {
            job: scene.plan.source_of(job).cloned().map(Arc::new),
            ..Entry::default()
        };
        Self {
            board: Board::new(planned.iter().map(needs_of).collect()),
            jobs: planned.iter().map(entry).collect(),
            tasks: JoinSet::new(),
            legs: HashMap::new(),
            ends: Vec::new(),
            closed: false,
            scene: Arc::new(scene),
            graph,
        }
    }

    async fn run(mut self) -> Finished {
        loop {
            if self.scene.cancel.is_requested() && !self.closed {
                self.close();
            }
            while let Some(job) = self.board.decidable() {
                self.decide(job);
            }
            for (job, leg) in self.board.startable() {
                self.start(job, leg);
            }
            if self.board.is_over() || self.tasks.is_empty() {
                break;
            }
            tokio::select! {
                biased;
                // First: what ended because it was told to must not let anything else begin.
                () = self.scene.cancel.requested(), if !self.closed => self.close(),
                () = until(self.graph.deadline.as_ref()), if !self.closed => self.close(),
                Some(ended) = self.tasks.join_next_with_id() => self.take(ended),
            }
        }
        Finished {
            jobs: self.results(0..self.jobs.len()),
            ends: self.ends,
        }
    }

    /// Nothing starts any more. What runs hears of it itself: it has the same limits.
    fn close(&mut self) {
        self.closed = true;
        let told = self.board.cancel();
        let consequences = self.board_said(told);
        let late = self.graph.deadline.clone();
        let late = late.filter(|_| !self.scene.cancel.is_requested());
        self.drop_legs(consequences.dropped, late.as_ref());
        for job in consequences.over {
            // It never ran; one that had legs is told by them.
            if self.jobs[job].legs.is_empty() {
                self.kept_from_starting(job, None, late.as_ref());
            }
        }
    }

    fn decide(&mut self, job: usize) {
        let needs = self.needs_of(job);
        self.jobs[job].needs = self.results(needs.into_iter());
        let told = match self.decision(job) {
            Decision::Settled(conclusion, code) => {
                self.unrun(job, None, conclusion, code);
                self.board.settle(job, conclusion)
            }
            Decision::Split(legs) => {
                let rules = Rules {
                    fail_fast: legs.fail_fast,
                    max_parallel: legs.max_parallel,
                };
                let cancels = legs.items.iter().map(|_| self.scene.cancel.part());
                self.jobs[job].cancels = cancels.collect();
                self.jobs[job].legs = legs.items;
                let count = self.jobs[job].legs.len();
                self.board.split(job, count, rules)
            }
        };
        self.board_said(told.map(|()| Consequences::default()));
    }

    fn decision(&mut self, job: usize) -> Decision {
        match self.try_decide(job) {
            Ok(decision) => decision,
            Err(text) => {
                self.events(job, None).notice(Level::Error, text);
                Decision::Settled(Conclusion::Failure, exit_code::USAGE)
            }
        }
    }

    fn try_decide(&mut self, job: usize) -> Result<Decision, String> {
        let skipped = Decision::Settled(Conclusion::Skipped, exit_code::SUCCESS);
        if let Some(missing) = self.unmatched_need(job) {
            let text = format!("skipped, since it needs `{missing}`, which nothing can run");
            self.events(job, None).notice(Level::Warning, text);
            self.jobs[job].unmatched = true;
            return Ok(skipped);
        }
        if !self.graph.alone && !self.condition(job)? {
            return Ok(skipped);
        }
        let plan = &self.scene.plan;
        // Known before the run but for a workflow that only a leg of a later matrix calls.
        let unsupported = plan.workflow.unsupported_in(self.id(job));
        if !unsupported.is_empty() {
            let texts: Vec<String> = unsupported.iter().map(ToString::to_string).collect();
            return Err(texts.join("\n"));
        }
        let needs = self.jobs[job].needs.clone();
        let legs = plan.expand(&plan.jobs[job], needs, self.graph.files.as_ref());
        let legs = legs.map_err(|problems| problems.to_string())?;
        if legs.items.is_empty() {
            return Ok(skipped);
        }
        let unserved = |leg: &Leg| self.unserved(leg).is_some();
        if self.graph.skip_unmatched && legs.items.iter().all(unserved) {
            let why = legs.items.iter().find_map(|leg| self.unserved(leg));
            let text = format!("skipped: {}", why.unwrap_or_default());
            self.events(job, None).notice(Level::Warning, text);
            self.jobs[job].unmatched = true;
            return Ok(skipped);
        }
        Ok(Decision::Split(legs))
    }

    /// Why nothing serves a leg, if nothing does.
    fn unserved(&self, leg: &Leg) -> Option<String> {
        let runs_on = leg.runs_on.as_ref()?.known()?;
        let served = self.graph.runner.serves(runs_on);
        served.err().map(|error| error.message)
    }

    /// A job that it needs, however far away, that was skipped because nothing serves it.
    fn unmatched_need(&self, job: usize) -> Option<String> {
        let ancestors = self.board.ancestors(job).into_iter();
        let mut missing = ancestors.filter(|&other| self.jobs[other].unmatched);
        missing.next().map(|other| self.id(other).to_owned())
    }

    fn condition(&self, job: usize) -> Result<bool, String> {
        let condition = self.jobs[job]
            .job
            .as_ref()
            .and_then(|job| job.condition.clone());
        let planned = &self.scene.plan.jobs;
        let scope = ConditionScope {
            contexts: self.scene.plan.contexts(self.jobs[job].needs.clone(), None),
            board: &self.board,
            job,
            number_of: &|id| number_of(planned, id),
        };
        let holds = condition.unwrap_or_default().evaluate(&scope);
        holds.map_err(|error| match self.scene.plan.workflow.problem(&error) {
            Some(problem) => problem.to_string(),
            None => error.to_string(),
        })
    }

    fn start(&mut self, job: usize, leg: usize) {
        let told = self.board.start(job, leg);
        self.board_said(told.map(|()| Consequences::default()));
        let entry = &self.jobs[job];
        let (Some(source), Some(planned)) = (&entry.job, entry.legs.get(leg)) else {
            return;
        };
        let unserved = self.unserved(planned);
        let task = LegTask {
            graph: Arc::clone(&self.graph),
            scene: Arc::clone(&self.scene),
            id: self.path(job),
            key: self.key(job, Some(planned)),
            events: self.events(job, Some(planned)),
            job: Arc::clone(source),
            leg: planned.clone(),
            needs: entry.needs.clone(),
            cancel: entry.cancels[leg].clone(),
            unserved,
        };
        let handle = self.tasks.spawn(task::run(task));
        self.legs.insert(handle.id(), (job, leg));
    }

    /// A leg is over.
    fn take(&mut self, ended: Result<(Id, LegEnd), JoinError>) {
        let (id, end) = match ended {
            Ok(ended) => ended,
            // A panic is told where it happens.
            Err(error) => (error.id(), LegEnd::bug()),
        };
        let Some((job, leg)) = self.legs.remove(&id) else {
            return;
        };
        let result = LegResult {
            conclusion: end.end.conclusion,
            forgiven: end.forgiven,
        };
        for (name, value) in &end.end.outputs {
            self.jobs[job].outputs.insert(name.as_str(), value.as_str());
        }
        self.graph.cut.ended(end.end.exit_code);
        self.ends.push(counted(end.end, result.forgiven));
        let told = self.board.end(job, leg, result);
        self.follow(told);
    }

    /// Does what follows from the end of a leg.
    fn follow(&mut self, told: Result<Consequences, Refusal>) {
        let consequences = self.board_said(told);
        for (job, leg) in consequences.stop {
            if let Some(cancel) = self.jobs[job].cancels.get(leg) {
                cancel.request_once();
            }
        }
        self.drop_legs(consequences.dropped, None);
    }

    /// States the end of legs that never ran, since the job is over before their turn.
    fn drop_legs(&mut self, legs: Vec<(usize, usize)>, late: Option<&Due>) {
        for (job, leg) in legs {
            let leg = self.jobs[job].legs.get(leg).cloned();
            self.kept_from_starting(job, leg.as_ref(), late);
        }
    }

    /// States the end of what does not start any more: the time that is over, if that is why, or somebody's wish.
    fn kept_from_starting(&mut self, job: usize, leg: Option<&Leg>, late: Option<&Due>) {
        let code = match late {
            Some(due) => {
                let text = due.kept_from_starting();
                self.events(job, leg).notice(Level::Error, text);
                exit_code::DEADLINE
            }
            None => exit_code::CANCELLED,
        };
        self.unrun(job, leg, Conclusion::Cancelled, code);
    }

    /// A refusal is a bug of ours: it is told, and the run goes on without that move.
    fn board_said(&self, told: Result<Consequences, Refusal>) -> Consequences {
        told.unwrap_or_else(|refusal| {
            let text = format!("a bug in Dormer: {refusal}");
            self.graph.events.own().notice(Level::Error, text);
            Consequences::default()
        })
    }

    /// States and counts the end of what never ran.
    fn unrun(&mut self, job: usize, leg: Option<&Leg>, conclusion: Conclusion, exit_code: u8) {
        self.events(job, leg).emit(JobEvent::JobCompleted {
            conclusion,
            exit_code,
            infra: None,
        });
        self.graph.cut.ended(exit_code);
        self.ends.push(JobEnd {
            conclusion,
            exit_code,
            outputs: Vec::new(),
        });
    }

    fn events(&self, job: usize, leg: Option<&Leg>) -> Events {
        let in_leg = self.scene.in_leg;
        let name = match leg {
            Some(leg) => (in_leg || leg.matrix.is_some()).then_some(&leg.name),
            None => in_leg.then_some(&self.scene.plan.jobs[job].name),
        };
        let name = name.map(String::as_str);
        let key = self.key(job, leg);
        let events = self.graph.events.leg(&key, &self.path(job), name);
        if leg.is_some_and(|leg| self.graph.forgives(leg)) {
            events.forgiven()
        } else {
            events
        }
    }

    fn id(&self, job: usize) -> &str {
        &self.scene.plan.jobs[job].id
    }

    /// What tells a leg from all others of the run: its place, not its name.
    fn key(&self, job: usize, leg: Option<&Leg>) -> String {
        let index = leg.filter(|leg| leg.matrix.is_some()).map(|leg| leg.index);
        let index = index.map(|index| format!("#{index}")).unwrap_or_default();
        format!("{}{}{index}", self.scene.key, self.id(job))
    }

    /// The job's id behind those of its callers.
    fn path(&self, job: usize) -> String {
        format!("{}{}", self.scene.callers, self.id(job))
    }

    fn needs_of(&self, job: usize) -> Vec<usize> {
        let planned = &self.scene.plan.jobs;
        let ids = planned[job].needs.iter().filter(|_| !self.graph.alone);
        ids.filter_map(|id| number_of(planned, id)).collect()
    }

    /// The results and outputs of jobs, as a context.
    fn results(&self, jobs: impl Iterator<Item = usize>) -> Object {
        let mut results = Object::new();
        for job in jobs {
            let Some(JobState::Over(conclusion)) = self.board.job(job) else {
                continue;
            };
            let result = JobResult {
                result: conclusion.as_str(),
                outputs: self.jobs[job].outputs.clone(),
            };
            results.insert(self.id(job), result.context());
        }
        results
    }
}

/// A failure that is forgiven counts as a success, for the exit code too.
fn counted(end: JobEnd, forgiven: bool) -> JobEnd {
    if forgiven && end.conclusion == Conclusion::Failure {
        JobEnd {
            conclusion: Conclusion::Success,
            exit_code: exit_code::SUCCESS,
            ..end
        }
    } else {
        end
    }
}

/// The number of the job of an id, in any case.
fn number_of(jobs: &[PlannedJob], id: &str) -> Option<usize> {
    jobs.iter().position(|job| job.id.eq_ignore_ascii_case(id))
}
