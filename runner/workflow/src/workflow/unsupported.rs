//! What Dormer's first version can't run yet, though GitHub can.

use crate::diagnostic::{Problem, Problems};
use crate::source::Span;

use super::model::{Control, Job, Step, StepAction, Workflow};

impl Workflow {
    /// Everything in a job that Dormer can't run yet, sorted by position. Empty where the job can
    /// run, and where there is no such job.
    pub fn unsupported_in(&self, job_id: &str) -> Vec<Problem> {
        let Some(job) = self.job(job_id) else {
            return Vec::new();
        };
        let mut found = job_features(job);
        for step in &job.steps {
            found.extend(step_feature(step));
        }
        let problem = |(span, what): (Span, &str)| {
            Problem::new(
                &self.source,
                span,
                format!("{what} can't be run by Dormer yet"),
            )
        };
        let problems: Vec<Problem> = found.into_iter().map(problem).collect();
        Problems::from(problems).into_vec()
    }
}

impl Workflow {
    /// The keys that are read and change nothing in a run by Dormer: one problem for each, where it
    /// stands first, sorted by position.
    pub(crate) fn without_effect(&self) -> Vec<Problem> {
        let permissions = self.permissions.as_ref().map(|found| found.key);
        let cache_mode = self.cache_mode.as_ref().map(|found| found.span);
        let own = [(permissions, &PERMISSIONS), (cache_mode, &CACHE_MODE)];
        let jobs = self.jobs.iter().flat_map(Job::ignored_keys);
        let mut said: Vec<&str> = Vec::new();
        let mut problems = Vec::new();
        for (span, key) in own.into_iter().chain(jobs) {
            let Some(span) = span.filter(|_| !said.contains(&key.name)) else {
                continue;
            };
            said.push(key.name);
            let message = format!("`{}` has no effect: {}", key.name, key.why);
            problems.push(Problem::new(&self.source, span, message));
        }
        Problems::from(problems).into_vec()
    }
}

/// A key that changes nothing yet.
struct Ignored {
    name: &'static str,
    why: &'static str,
}

const PERMISSIONS: Ignored = Ignored {
    name: "permissions",
    why: "Dormer makes no token",
};

const CACHE_MODE: Ignored = Ignored {
    name: "cache-mode",
    why: "Dormer has no cache service",
};

const ENVIRONMENT: Ignored = Ignored {
    name: "environment",
    why: "Dormer knows no deployment environments, with their rules, variables and secrets",
};

const CANCEL_TIMEOUT: Ignored = Ignored {
    name: "cancel-timeout-minutes",
    why: "Dormer gives every job the same time once it is cancelled",
};

impl Job {
    fn ignored_keys(&self) -> [(Option<Span>, &'static Ignored); 4] {
        let environment = self.environment.as_ref().map(|found| found.key);
        let permissions = self.permissions.as_ref().map(|found| found.key);
        let cache_mode = self.cache_mode.as_ref().map(|found| found.span);
        let cancel_timeout = self.cancel_timeout_minutes.as_ref().map(|_| self.id.span);
        [
            (environment, &ENVIRONMENT),
            (permissions, &PERMISSIONS),
            (cache_mode, &CACHE_MODE),
            (cancel_timeout, &CANCEL_TIMEOUT),
        ]
    }

    /// What no Windows VM can give a job, though GitHub takes it: the key, and what to say of it.
    /// Containers are Linux's, on GitHub too.
    pub(crate) fn beyond_windows(&self) -> Vec<(Span, String)> {
        let container = self.container.as_ref().map(|container| container.key);
        let services = self.services.as_ref().map(|services| services.key);
        let keys = [(container, "`container`"), (services, "`services`")].into_iter();
        keys.filter_map(|(key, what)| {
            let message = format!("{what} can't be had in a Windows VM: Dormer won't run this job");
            Some((key?, message))
        })
        .collect()
    }
}

fn job_features(job: &Job) -> Vec<(Span, &'static str)> {
    let keys = [
        (
            job.container.as_ref().map(|container| container.key),
            "jobs in a `container`",
        ),
        (
            job.services.as_ref().map(|services| services.key),
            "jobs with `services`",
        ),
        (
            job.snapshot.as_ref().map(|snapshot| snapshot.key),
            "jobs with a `snapshot`",
        ),
    ];
    keys.into_iter()
        .filter_map(|(key, what)| Some((key?, what)))
        .collect()
}

fn step_feature(step: &Step) -> Option<(Span, &'static str)> {
    if let StepAction::Control { key, control } = &step.action {
        let what = match control {
            Control::Wait(_) => "steps that `wait` for others",
            Control::WaitAll => "steps that `wait-all`",
            Control::Cancel(_) => "steps that `cancel` others",
            Control::Parallel(_) => "steps in `parallel`",
        };
        return Some((*key, what));
    }
    let background = step
        .background
        .as_ref()
        .filter(|background| background.value)?;
    Some((background.span, "steps in the `background`"))
}
