//! Where the parser found something wrong: what seems to be missing there may just not have been
//! understood, and nothing is said of it.

use crate::diagnostic::{MAX_PROBLEMS, Problems};
use crate::source::Span;
use crate::workflow::{Job, Step, Workflow};

/// The places of a file in which something is wrong.
#[derive(Default)]
pub(super) struct Broken {
    /// Where problems begin.
    places: Vec<usize>,
    /// Whether there may be more of them.
    is_cut: bool,
}

impl Broken {
    pub(super) fn new(problems: &Problems) -> Self {
        Self {
            places: problems.iter().map(|problem| problem.span.start).collect(),
            is_cut: problems.len() >= MAX_PROBLEMS,
        }
    }

    /// Whether something is wrong with the `on` of a workflow.
    pub(super) fn has_on(&self, workflow: &Workflow) -> bool {
        self.has(workflow.on.span)
    }

    pub(super) fn has_job(&self, job: &Job) -> bool {
        self.has(whole(job))
    }

    pub(super) fn has_step(&self, step: &Step) -> bool {
        self.has(step.span)
    }

    /// Whether there may be more jobs than are known: something is wrong outside of those that are.
    pub(super) fn has_list(&self, workflow: &Workflow) -> bool {
        let known = || workflow.jobs.iter().map(whole).chain([workflow.on.span]);
        self.is_cut
            || self
                .places
                .iter()
                .any(|place| !known().any(|span| is_in(*place, span)))
    }

    fn has(&self, span: Span) -> bool {
        self.is_cut || self.places.iter().any(|place| is_in(*place, span))
    }
}

fn is_in(place: usize, span: Span) -> bool {
    (span.start..=span.end).contains(&place)
}

/// A job with its id.
fn whole(job: &Job) -> Span {
    job.id.span.to(job.span)
}
