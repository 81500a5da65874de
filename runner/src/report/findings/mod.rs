//! What a run's steps found and summed up: annotations and summaries, gathered from events to be shown or
//! stored when their job is over. A guest chooses how many there are, so all of it is bounded; what goes
//! beyond is counted.

pub mod annotations;
pub mod files;
pub mod sarif;
pub mod shown;
pub mod summary;

use std::collections::HashMap;
use std::sync::Arc;

use crate::event::{Annotation, JobEvent, Level, Stamped};

/// How much is kept.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Annotations of one severity from one step.
    pub of_a_step: usize,
    /// Annotations from one job.
    pub of_a_job: usize,
    /// Bytes of all texts of a run.
    pub bytes: usize,
    /// Whether the exit codes of failed scripts are among them. The screen tells these by itself.
    pub exits: bool,
}

impl Limits {
    /// As GitHub shows them: ten of each severity from a step, fifty from a job.
    pub const SHOWN: Self = Self {
        of_a_step: 10,
        of_a_job: 50,
        bytes: 4 << 20,
        exits: false,
    };
    /// As they are stored, for programs: more than any tool's findings that somebody reads.
    pub const STORED: Self = Self {
        of_a_step: 10_000,
        of_a_job: 10_000,
        bytes: 32 << 20,
        exits: true,
    };
}

/// What the steps of a run found and summed up.
#[derive(Debug)]
pub struct Findings {
    limits: Limits,
    jobs: Vec<JobFindings>,
    bytes: usize,
}

/// What the steps of one job did.
#[derive(Debug)]
pub struct JobFindings {
    /// What tells it from the others of the run.
    key: Arc<str>,
    /// The job's id, or the name of the leg, as events give it.
    pub job: Arc<str>,
    /// In the order in which they came.
    pub annotations: Vec<Annotation>,
    /// In the order of the steps' ends.
    pub summaries: Vec<Summary>,
    /// How many annotations and summaries were too many.
    pub left_out: usize,
    /// The names of its steps, by number.
    names: HashMap<usize, String>,
    counts: HashMap<(usize, Level), usize>,
}

/// What one step wrote for people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Summary {
    /// The step's number.
    pub number: usize,
    /// Markdown.
    pub text: String,
}

impl Findings {
    /// Nothing yet.
    pub fn new(limits: Limits) -> Self {
        Self {
            limits,
            jobs: Vec::new(),
            bytes: 0,
        }
    }

    /// The jobs that found something, in the order in which they began to.
    pub fn jobs(&self) -> &[JobFindings] {
        &self.jobs
    }

    /// What the job with this key found, if anything.
    pub fn of(&self, key: &str) -> Option<&JobFindings> {
        self.jobs.iter().find(|one| *one.key == *key)
    }

    /// Takes what an event says of findings.
    pub fn take(&mut self, event: &Stamped) {
        match &event.event {
            JobEvent::StepStarted { number, name, .. } => {
                self.job(event).names.insert(*number, name.clone());
            }
            JobEvent::Annotation(found) => self.annotate(event, found),
            JobEvent::StepSummary { number, text } => {
                let has_room = self.has_room(text.len());
                let job = self.job(event);
                if !has_room {
                    job.left_out += 1;
                    return;
                }
                job.summaries.push(Summary {
                    number: *number,
                    text: text.clone(),
                });
            }
            _ => {}
        }
    }

    fn annotate(&mut self, event: &Stamped, found: &Annotation) {
        let limits = self.limits;
        if found.tells_exit() && !limits.exits {
            return;
        }
        let room = self.bytes + size(found) <= limits.bytes;
        let job_findings = self.job(event);
        let kind = (found.number, found.severity);
        let count = job_findings.counts.entry(kind).or_default();
        let is_kept =
            room && *count < limits.of_a_step && job_findings.annotations.len() < limits.of_a_job;
        if !is_kept {
            job_findings.left_out += 1;
            return;
        }
        *count += 1;
        job_findings.annotations.push(found.clone());
        self.bytes += size(found);
    }

    fn has_room(&mut self, bytes: usize) -> bool {
        let has_room = self.bytes + bytes <= self.limits.bytes;
        self.bytes += if has_room { bytes } else { 0 };
        has_room
    }

    fn job(&mut self, event: &Stamped) -> &mut JobFindings {
        let known = self.jobs.iter().position(|one| one.key == event.key);
        let at = known.unwrap_or_else(|| {
            self.jobs.push(JobFindings::new(event));
            self.jobs.len() - 1
        });
        &mut self.jobs[at]
    }
}

impl JobFindings {
    fn new(event: &Stamped) -> Self {
        Self {
            key: Arc::clone(&event.key),
            job: Arc::clone(event.whose()),
            annotations: Vec::new(),
            summaries: Vec::new(),
            left_out: 0,
            names: HashMap::new(),
            counts: HashMap::new(),
        }
    }

    /// A step's name; empty if it never began.
    pub fn name_of(&self, number: usize) -> &str {
        self.names.get(&number).map_or("", String::as_str)
    }
}

/// What an annotation takes, more or less.
fn size(found: &Annotation) -> usize {
    const AROUND: usize = 128;
    let others = [&found.title, &found.file, &found.code, &found.matcher];
    let others = others.into_iter().flatten().map(String::len);
    AROUND + found.message.len() + others.sum::<usize>()
}

/// The word for a severity, as workflow commands have it.
pub fn word(severity: Level) -> &'static str {
    match severity {
        Level::Notice => "notice",
        Level::Warning => "warning",
        Level::Error => "error",
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use jiff::Timestamp;

    use super::*;
    use crate::event::Stage;

    pub(crate) fn event(job: &str, event: JobEvent) -> Stamped {
        Stamped {
            v: 1,
            t_ms: 1,
            ts: Timestamp::UNIX_EPOCH,
            job: job.into(),
            leg: None,
            instance: None,
            key: job.into(),
            may_fail: false,
            event,
        }
    }

    pub(crate) fn started(number: usize, name: &str) -> JobEvent {
        JobEvent::StepStarted {
            number,
            stage: Stage::Main,
            id: None,
            name: name.to_owned(),
        }
    }

    pub(crate) fn annotation(number: usize, severity: Level, message: &str) -> Annotation {
        Annotation {
            severity,
            ..Annotation::error(number, message.to_owned())
        }
    }

    pub(crate) fn found(annotation: Annotation) -> JobEvent {
        JobEvent::Annotation(Box::new(annotation))
    }

    pub(crate) fn summary(number: usize, text: &str) -> JobEvent {
        JobEvent::StepSummary {
            number,
            text: text.to_owned(),
        }
    }

    #[test]
    fn what_is_shown_is_capped_as_on_github_and_the_rest_is_counted() {
        let mut findings = Findings::new(Limits::SHOWN);
        for step in 1..=9 {
            for number in 0..12 {
                let message = format!("{number}");
                for severity in [Level::Error, Level::Warning] {
                    let one = annotation(step, severity, &message);
                    findings.take(&event("build", found(one)));
                }
            }
        }
        let job = findings.of("build").unwrap();
        assert_eq!(job.annotations.len(), 50);
        let of_the_first = job.annotations.iter().filter(|one| one.number == 1);
        assert_eq!(of_the_first.count(), 20);
        assert_eq!(job.left_out, 9 * 24 - 50);
    }

    #[test]
    fn what_is_stored_is_bounded_by_its_bytes() {
        let mut findings = Findings::new(Limits {
            bytes: 1000,
            ..Limits::STORED
        });
        findings.take(&event("a", summary(1, &"x".repeat(600))));
        findings.take(&event("a", summary(2, &"x".repeat(600))));
        findings.take(&event(
            "b",
            found(annotation(1, Level::Error, &"x".repeat(600))),
        ));
        findings.take(&event("b", found(annotation(1, Level::Error, "short"))));
        let (a, b) = (findings.of("a").unwrap(), findings.of("b").unwrap());
        assert_eq!((a.summaries.len(), a.left_out), (1, 1));
        assert_eq!((b.annotations.len(), b.left_out), (1, 1));
    }

    #[test]
    fn jobs_that_are_called_the_same_have_findings_of_their_own() {
        let mut findings = Findings::new(Limits::STORED);
        for key in ["a#0", "a#1"] {
            for fact in [started(1, key), found(annotation(1, Level::Error, key))] {
                findings.take(&Stamped {
                    key: key.into(),
                    ..event("same", fact)
                });
            }
        }
        let jobs = findings.jobs().iter();
        let jobs: Vec<_> = jobs.map(|one| (&*one.job, one.name_of(1))).collect();
        assert_eq!(jobs, [("same", "a#0"), ("same", "a#1")]);
    }

    #[test]
    fn what_the_screen_says_of_exit_codes_is_no_finding_there() {
        for (limits, expected) in [(Limits::SHOWN, 0), (Limits::STORED, 1)] {
            let mut findings = Findings::new(limits);
            findings.take(&event("a", started(1, "One")));
            findings.take(&event("a", found(Annotation::of_exit(1, 0xC000_0005))));
            let kept = &findings.of("a").unwrap().annotations;
            assert_eq!(kept.len(), expected);
            let text = "Process completed with exit code -1073741819.";
            assert!(kept.iter().all(|one| one.message == text));
        }
    }
}
