//! Which jobs of a run wait, run and are over: a state machine without time, machines or expressions.
//!
//! ```text
//!   a job:   Waiting ──> Running { legs } ──> Over(conclusion)
//!               └─────────────────────────────────^   skipped, cancelled, or it could not be run
//!
//!   a leg:   Queued ──> Running ──> Over
//!               └────────────────────^   another leg failed (`fail-fast`), or the run was cancelled
//! ```
//!
//! A job waits for all that it needs. Whether it then runs, and in how many legs, is for its owner to
//! say, who asks [`Board::decidable`] and answers with [`Board::settle`] or [`Board::split`]. Legs are
//! started as [`Board::startable`] allows and ended by [`Board::end`], which tells what follows.
//!
//! One task owns a board. Jobs and legs are numbered in the order of the file.

use thiserror::Error;

use crate::event::Conclusion;

/// A job's place in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum JobState {
    /// Something that it needs is not over, or nobody has decided yet.
    Waiting,
    /// It has legs that are not over.
    Running,
    /// It is over.
    Over(Conclusion),
}

/// A leg's place in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LegState {
    /// It may start when there is room.
    Queued,
    /// It was started.
    Running,
    /// It is over, and counts so for its job.
    Over(Conclusion),
}

/// The names of the states, for the tables of legal moves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    Waiting,
    Queued,
    Running,
    Over,
}

impl JobState {
    fn stage(self) -> Stage {
        match self {
            Self::Waiting => Stage::Waiting,
            Self::Running => Stage::Running,
            Self::Over(_) => Stage::Over,
        }
    }

    /// The states that this one may follow.
    fn predecessors(self) -> &'static [Stage] {
        match self {
            Self::Waiting => &[],
            Self::Running => &[Stage::Waiting],
            Self::Over(_) => &[Stage::Waiting, Stage::Running],
        }
    }
}

impl LegState {
    fn stage(self) -> Stage {
        match self {
            Self::Queued => Stage::Queued,
            Self::Running => Stage::Running,
            Self::Over(_) => Stage::Over,
        }
    }

    /// The states that this one may follow.
    fn predecessors(self) -> &'static [Stage] {
        match self {
            Self::Queued => &[],
            Self::Running => &[Stage::Queued],
            Self::Over(_) => &[Stage::Queued, Stage::Running],
        }
    }
}

/// Why a move is not made. Whoever asks for one of these has a bug.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum Refusal {
    /// There is no such job.
    #[error("there is no job {0}")]
    NoJob(usize),
    /// The job has no such leg.
    #[error("the job {0} has no leg {1}")]
    NoLeg(usize, usize),
    /// A job that it needs is not over.
    #[error("the job {0} needs one that is not over")]
    NeedsOpen(usize),
    /// A job without legs can't run.
    #[error("the job {0} has no legs")]
    NoLegs(usize),
    /// So many legs of the job may not run at once.
    #[error("as many legs of the job {0} run as may")]
    TooMany(usize),
    /// The state does not follow from the one that it is in.
    #[error("the job {0} is in no state for this")]
    WrongState(usize),
}

/// How the legs of a job stand together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rules {
    /// Whether a leg that fails ends the others.
    pub fail_fast: bool,
    /// How many may run at once; none is all of them.
    pub max_parallel: Option<usize>,
}

impl Default for Rules {
    /// A job without a matrix: there is nothing else to end.
    fn default() -> Self {
        Self {
            fail_fast: true,
            max_parallel: None,
        }
    }
}

/// How a leg ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LegResult {
    /// By itself.
    pub conclusion: Conclusion,
    /// Whether the job goes on as if it had succeeded (`continue-on-error`).
    pub forgiven: bool,
}

impl LegResult {
    /// How it counts for its job. Only a failure is forgiven, nobody's wish to stop.
    fn counted(self) -> Conclusion {
        match self.conclusion {
            Conclusion::Failure if self.forgiven => Conclusion::Success,
            conclusion => conclusion,
        }
    }
}

/// What follows from a move.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Consequences {
    /// Legs that are over without having run.
    pub dropped: Vec<(usize, usize)>,
    /// Legs that run and are to be stopped.
    pub stop: Vec<(usize, usize)>,
    /// Jobs that are over now.
    pub over: Vec<usize>,
}

/// What the ancestors of a job have come to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ancestry {
    /// All of them succeeded, or there are none.
    Succeeded,
    /// One of them failed.
    Failed,
    /// None failed, and not all succeeded: one was skipped or cancelled.
    Incomplete,
}

#[derive(Debug)]
struct Entry {
    needs: Vec<usize>,
    state: JobState,
    rules: Rules,
    legs: Vec<LegState>,
    /// Whether what is queued is not to start any more.
    closed: bool,
}

/// All jobs of a run.
#[derive(Debug)]
pub struct Board {
    jobs: Vec<Entry>,
}

impl Board {
    /// Jobs by what each of them needs. The reader of workflows has refused circles and unknown names;
    /// what is unknown here is left out.
    pub fn new(needs: Vec<Vec<usize>>) -> Self {
        let count = needs.len();
        let entry = |mut needs: Vec<usize>| {
            needs.retain(|need| *need < count);
            Entry {
                needs,
                state: JobState::Waiting,
                rules: Rules::default(),
                legs: Vec::new(),
                closed: false,
            }
        };
        Self {
            jobs: needs.into_iter().map(entry).collect(),
        }
    }

    /// Where a job is in its life.
    pub fn job(&self, job: usize) -> Option<JobState> {
        self.jobs.get(job).map(|entry| entry.state)
    }

    /// Where a leg is in its life.
    pub fn leg(&self, job: usize, leg: usize) -> Option<LegState> {
        self.jobs.get(job)?.legs.get(leg).copied()
    }

    /// Whether every job is over.
    pub fn is_over(&self) -> bool {
        self.jobs
            .iter()
            .all(|entry| matches!(entry.state, JobState::Over(_)))
    }

    /// The first job that waits for nothing but a decision.
    pub fn decidable(&self) -> Option<usize> {
        (0..self.jobs.len())
            .find(|&job| self.jobs[job].state == JobState::Waiting && self.has_what_it_needs(job))
    }

    fn has_what_it_needs(&self, job: usize) -> bool {
        let is_over = |need: &usize| matches!(self.jobs[*need].state, JobState::Over(_));
        self.jobs[job].needs.iter().all(is_over)
    }

    /// Every job that a job needs, and those that they need.
    pub fn ancestors(&self, job: usize) -> Vec<usize> {
        let mut found = vec![false; self.jobs.len()];
        let mut open: Vec<usize> = vec![job];
        while let Some(at) = open.pop() {
            let needs = self.jobs.get(at).map_or(&[][..], |entry| &entry.needs);
            for &need in needs {
                if !std::mem::replace(&mut found[need], true) {
                    open.push(need);
                }
            }
        }
        (0..found.len()).filter(|&other| found[other]).collect()
    }

    /// What the ancestors of a job have come to.
    pub fn ancestry(&self, job: usize) -> Ancestry {
        self.outlook(&self.ancestors(job))
    }

    /// What some jobs have come to.
    pub fn outlook(&self, jobs: &[usize]) -> Ancestry {
        let of = |conclusion| {
            let is = |job: &usize| self.job(*job) == Some(JobState::Over(conclusion));
            jobs.iter().filter(|job| is(job)).count()
        };
        if of(Conclusion::Failure) > 0 {
            Ancestry::Failed
        } else if of(Conclusion::Success) == jobs.len() {
            Ancestry::Succeeded
        } else {
            Ancestry::Incomplete
        }
    }

    /// Ends a job that never ran: it was skipped or cancelled, or could not be run.
    pub fn settle(&mut self, job: usize, conclusion: Conclusion) -> Result<(), Refusal> {
        let entry = self.decided(job)?;
        entry.enter(job, JobState::Over(conclusion))
    }

    /// Lets a job run, in so many legs.
    pub fn split(&mut self, job: usize, legs: usize, rules: Rules) -> Result<(), Refusal> {
        let entry = self.decided(job)?;
        if legs == 0 {
            return Err(Refusal::NoLegs(job));
        }
        entry.enter(job, JobState::Running)?;
        entry.rules = rules;
        entry.legs = vec![LegState::Queued; legs];
        Ok(())
    }

    /// A job that waits for a decision.
    fn decided(&mut self, job: usize) -> Result<&mut Entry, Refusal> {
        let state = self.job(job).ok_or(Refusal::NoJob(job))?;
        if state != JobState::Waiting {
            return Err(Refusal::WrongState(job));
        }
        if !self.has_what_it_needs(job) {
            return Err(Refusal::NeedsOpen(job));
        }
        Ok(&mut self.jobs[job])
    }

    /// The legs that may start now, in their order.
    pub fn startable(&self) -> Vec<(usize, usize)> {
        let of_job = |(job, entry): (usize, &Entry)| {
            let queued = entry.in_state(LegState::Queued);
            let queued: Vec<usize> = queued.take(entry.room()).collect();
            queued.into_iter().map(move |leg| (job, leg))
        };
        self.jobs.iter().enumerate().flat_map(of_job).collect()
    }

    /// A leg was started.
    pub fn start(&mut self, job: usize, leg: usize) -> Result<(), Refusal> {
        let entry = self.jobs.get_mut(job).ok_or(Refusal::NoJob(job))?;
        if entry.legs.get(leg) == Some(&LegState::Queued) && entry.room() == 0 {
            return Err(Refusal::TooMany(job));
        }
        entry.enter_leg(job, leg, LegState::Running)
    }

    /// A leg that ran is over.
    pub fn end(
        &mut self,
        job: usize,
        leg: usize,
        result: LegResult,
    ) -> Result<Consequences, Refusal> {
        let entry = self.jobs.get_mut(job).ok_or(Refusal::NoJob(job))?;
        if entry.legs.get(leg) == Some(&LegState::Queued) {
            return Err(Refusal::WrongState(job));
        }
        let counted = result.counted();
        entry.enter_leg(job, leg, LegState::Over(counted))?;
        let mut consequences = Consequences::default();
        if counted == Conclusion::Failure && entry.rules.fail_fast {
            entry.close(job, &mut consequences);
        }
        entry.conclude(job, &mut consequences)?;
        Ok(consequences)
    }

    /// Nothing starts any more: what waits is cancelled, what runs is to be stopped.
    pub fn cancel(&mut self) -> Result<Consequences, Refusal> {
        let mut consequences = Consequences::default();
        for (job, entry) in self.jobs.iter_mut().enumerate() {
            match entry.state {
                JobState::Over(_) => {}
                JobState::Waiting => {
                    entry.enter(job, JobState::Over(Conclusion::Cancelled))?;
                    consequences.over.push(job);
                }
                JobState::Running => {
                    entry.close(job, &mut consequences);
                    entry.conclude(job, &mut consequences)?;
                }
            }
        }
        Ok(consequences)
    }
}

impl Entry {
    fn enter(&mut self, job: usize, state: JobState) -> Result<(), Refusal> {
        if !state.predecessors().contains(&self.state.stage()) {
            return Err(Refusal::WrongState(job));
        }
        self.state = state;
        Ok(())
    }

    fn enter_leg(&mut self, job: usize, leg: usize, state: LegState) -> Result<(), Refusal> {
        let now = self.legs.get_mut(leg).ok_or(Refusal::NoLeg(job, leg))?;
        if !state.predecessors().contains(&now.stage()) {
            return Err(Refusal::WrongState(job));
        }
        *now = state;
        Ok(())
    }

    fn in_state(&self, state: LegState) -> impl Iterator<Item = usize> {
        let legs = self.legs.iter().enumerate();
        legs.filter(move |(_, leg)| **leg == state)
            .map(|(leg, _)| leg)
    }

    /// How many more legs may start.
    fn room(&self) -> usize {
        let running = self.in_state(LegState::Running).count();
        let most = self.rules.max_parallel.unwrap_or(usize::MAX);
        if self.closed {
            0
        } else {
            most.saturating_sub(running)
        }
    }

    /// No leg starts any more; those that run are to stop. Nobody is told twice.
    fn close(&mut self, job: usize, consequences: &mut Consequences) {
        if std::mem::replace(&mut self.closed, true) {
            return;
        }
        let running = self.in_state(LegState::Running);
        consequences.stop.extend(running.map(|leg| (job, leg)));
        let queued: Vec<usize> = self.in_state(LegState::Queued).collect();
        for leg in queued {
            self.legs[leg] = LegState::Over(Conclusion::Cancelled);
            consequences.dropped.push((job, leg));
        }
    }

    /// Ends the job when its last leg is over.
    fn conclude(&mut self, job: usize, consequences: &mut Consequences) -> Result<(), Refusal> {
        let ends = self.legs.iter().map(|leg| match leg {
            LegState::Over(conclusion) => Some(*conclusion),
            LegState::Queued | LegState::Running => None,
        });
        let Some(ends) = ends.collect::<Option<Vec<Conclusion>>>() else {
            return Ok(());
        };
        self.enter(job, JobState::Over(combined(&ends)))?;
        consequences.over.push(job);
        Ok(())
    }
}

/// What several conclusions come to: a failure before a cancellation before a success. Only where
/// everything was skipped is the whole skipped.
pub fn combined(ends: &[Conclusion]) -> Conclusion {
    let order = [
        Conclusion::Failure,
        Conclusion::Cancelled,
        Conclusion::Success,
    ];
    let found = order.into_iter().find(|one| ends.contains(one));
    found.unwrap_or(Conclusion::Skipped)
}

#[cfg(test)]
#[path = "board_tests.rs"]
mod tests;
