//! What expressions may use under each key: GitHub's table of context availability.
//!
//! Functions that are not about files or the status of the job are there everywhere. A key without
//! an entry takes no expressions.

use crate::expr::{Availability, StatusFunctions};

const fn contexts(contexts: &'static [&'static str]) -> Availability {
    Availability {
        contexts,
        status: StatusFunctions::None,
        hash_files: false,
    }
}

/// Before there is a job: the event, what was put in, and the variables of the repository.
pub(super) const RUN_NAME: Availability = contexts(&["github", "inputs", "vars"]);
pub(super) const WORKFLOW_CONCURRENCY: Availability = RUN_NAME;
pub(super) const WORKFLOW_ENV: Availability = contexts(&["github", "inputs", "vars", "secrets"]);
pub(super) const INPUT_DEFAULT: Availability = RUN_NAME;

/// When all jobs are over.
pub(super) const CALL_OUTPUT: Availability = contexts(&["github", "inputs", "vars", "jobs"]);

/// Before the job is split into the legs of its matrix.
pub(super) const STRATEGY: Availability = contexts(&["github", "inputs", "vars", "needs"]);
pub(super) const JOB_IF: Availability = Availability {
    status: StatusFunctions::Job,
    ..STRATEGY
};

/// Before a machine is found for the job.
pub(super) const JOB: Availability =
    contexts(&["github", "inputs", "vars", "needs", "strategy", "matrix"]);
pub(super) const JOB_SECRETS: Availability = contexts(&[
    "github", "inputs", "vars", "needs", "strategy", "matrix", "secrets",
]);
pub(super) const JOB_ENV: Availability = JOB_SECRETS;
pub(super) const JOB_DEFAULTS: Availability = contexts(&[
    "github", "inputs", "vars", "needs", "strategy", "matrix", "env",
]);
pub(super) const CONTAINER_CREDENTIALS: Availability = contexts(&[
    "github", "inputs", "vars", "needs", "strategy", "matrix", "secrets", "env",
]);

/// On the machine, but not where its files are.
pub(super) const JOB_OUTPUTS: Availability = contexts(&[
    "github", "inputs", "vars", "needs", "strategy", "matrix", "secrets", "steps", "job", "runner",
    "env",
]);
pub(super) const CONTAINER_ENV: Availability = JOB_OUTPUTS;
pub(super) const ENVIRONMENT_URL: Availability = contexts(&[
    "github", "inputs", "vars", "needs", "strategy", "matrix", "steps", "job", "runner", "env",
]);

/// Within the job.
pub(super) const STEP: Availability = Availability {
    hash_files: true,
    ..JOB_OUTPUTS
};
pub(super) const STEP_IF: Availability = Availability {
    status: StatusFunctions::Step,
    hash_files: true,
    ..ENVIRONMENT_URL
};
