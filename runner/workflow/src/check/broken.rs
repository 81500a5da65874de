//! Where the parser found something wrong: what seems to be missing there may just not have been
//! understood, and nothing is said of it.
//!
//! ```text
//!  job:      ┐
//!    neds: a ├─ gap, with a problem: what its keys may be is asked of its text
//!    steps:  ┘
//!      - …   known step: what is wrong in it is wrong with nothing else
//!      - rum ── gap: a step that was lost, with its id if it has one
//!      - …   known step
//! ```

use crate::diagnostic::{MAX_PROBLEMS, Problems};
use crate::source::{SourceFile, Span};
use crate::text;
use crate::workflow::{Job, Step, StepAction, Workflow};

/// How much text is looked through for a key. A longer one may have any.
const LONGEST_TEXT: usize = 4000;

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

    /// Whether something is wrong with a part of a file, but not within the steps that are known.
    pub(super) fn has_around(&self, part: Span, steps: &[&Step]) -> bool {
        self.is_cut || gaps(part, steps).any(|gap| self.has(gap))
    }

    /// Whether a part of a file may have steps with ids beside those that are known.
    pub(super) fn may_have_ids(&self, source: &SourceFile, part: Span, steps: &[&Step]) -> bool {
        let unclear = steps
            .iter()
            .filter(|step| step.id.is_none() || matches!(step.action, StepAction::Control { .. }));
        let mut texts = gaps(part, steps).chain(unclear.map(|step| step.span));
        self.is_cut || texts.any(|span| self.has(span) && has_key(source, span, "id"))
    }

    /// Whether a job may need others beside those that are known.
    pub(super) fn may_have_needs(&self, source: &SourceFile, job: &Job, steps: &[&Step]) -> bool {
        if let [first, .., last] | [first @ last] = job.needs.as_slice() {
            return self.has(first.span.to(last.span));
        }
        let mut texts = gaps(whole(job), steps);
        self.has_around(whole(job), steps) && texts.any(|gap| has_key(source, gap, "needs"))
    }

    fn has(&self, span: Span) -> bool {
        self.is_cut || self.places.iter().any(|place| is_in(*place, span))
    }
}

/// What lies in a part of a file between the steps that are known, which are in their order.
fn gaps(part: Span, steps: &[&Step]) -> impl Iterator<Item = Span> {
    let mut gaps = Vec::new();
    let mut at = part.start;
    for step in steps {
        if step.span.start > at {
            gaps.push(Span::new(at, step.span.start - 1));
        }
        at = at.max(step.span.end.saturating_add(1));
    }
    if at <= part.end {
        gaps.push(Span::new(at, part.end));
    }
    gaps.into_iter()
}

/// Whether a text may have a key, or one that is meant to be it.
fn has_key(source: &SourceFile, span: Span, key: &str) -> bool {
    let text = source.slice(span);
    if text.len() > LONGEST_TEXT {
        return true;
    }
    let is_other = |c: char| !c.is_alphanumeric() && c != '_' && c != '-';
    let mut words = text.split(':').map(|before| {
        let before = before.trim_end_matches(['"', '\'', ' ']);
        before.rsplit(is_other).next().unwrap_or_default()
    });
    words.any(|word| text::suggestion(word, [key]).is_some())
}

fn is_in(place: usize, span: Span) -> bool {
    (span.start..=span.end).contains(&place)
}

/// A job with its id.
pub(super) fn whole(job: &Job) -> Span {
    job.id.span.to(job.span)
}
