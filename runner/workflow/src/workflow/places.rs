//! What expressions may use under each key.
//!
//! The source is the schema that GitHub's own parser has (`workflow-v1.0.json`), where a key has what
//! it names itself and what the keys around it have. It says the same as the table of context
//! availability in GitHub's documentation, but for the variables of containers: there the schema takes
//! `steps` too.
//!
//! Functions that are not about files or the status of the job are there everywhere. A key without
//! an entry takes no expressions.

use crate::expr::{Availability, StatusFunctions};

const fn contexts(key: &'static str, contexts: &'static [&'static str]) -> Availability {
    Availability {
        key,
        contexts,
        status: StatusFunctions::None,
        hash_files: false,
    }
}

/// Before there is a job: the event, what was put in, and the variables of the repository.
pub(super) const RUN_NAME: Availability = contexts("run-name", &["github", "inputs", "vars"]);
pub(super) const WORKFLOW_CONCURRENCY: Availability = RUN_NAME.at("concurrency");
pub(super) const WORKFLOW_ENV: Availability =
    contexts("env", &["github", "inputs", "vars", "secrets"]);
pub(super) const INPUT_DEFAULT: Availability = RUN_NAME.at("on.workflow_call.inputs.*.default");

/// When all jobs are over.
pub(super) const CALL_OUTPUT: Availability = contexts(
    "on.workflow_call.outputs.*.value",
    &["github", "inputs", "vars", "jobs"],
);

/// Before the job is split into the legs of its matrix.
pub(super) const STRATEGY: Availability =
    contexts("jobs.*.strategy", &["github", "inputs", "vars", "needs"]);
pub(super) const JOB_IF: Availability = Availability {
    status: StatusFunctions::Job,
    ..STRATEGY.at("jobs.*.if")
};

/// Before a machine is found for the job.
pub(super) const JOB_NAME: Availability = contexts(
    "jobs.*.name",
    &["github", "inputs", "vars", "needs", "strategy", "matrix"],
);
pub(super) const RUNS_ON: Availability = JOB_NAME.at("jobs.*.runs-on");
pub(super) const JOB_TIMEOUT: Availability = JOB_NAME.at("jobs.*.timeout-minutes");
pub(super) const CANCEL_TIMEOUT: Availability = JOB_NAME.at("jobs.*.cancel-timeout-minutes");
pub(super) const JOB_CONTINUE: Availability = JOB_NAME.at("jobs.*.continue-on-error");
pub(super) const JOB_CONCURRENCY: Availability = JOB_NAME.at("jobs.*.concurrency");
pub(super) const ENVIRONMENT: Availability = JOB_NAME.at("jobs.*.environment");
pub(super) const CONTAINER: Availability = JOB_NAME.at("jobs.*.container");
pub(super) const SNAPSHOT: Availability = JOB_NAME.at("jobs.*.snapshot");
pub(super) const CALL_INPUT: Availability = JOB_NAME.at("jobs.*.with");
pub(super) const JOB_ENV: Availability = contexts(
    "jobs.*.env",
    &[
        "github", "inputs", "vars", "needs", "strategy", "matrix", "secrets",
    ],
);
pub(super) const JOB_SECRETS: Availability = JOB_ENV.at("jobs.*.secrets");
pub(super) const JOB_DEFAULTS: Availability = contexts(
    "jobs.*.defaults.run",
    &[
        "github", "inputs", "vars", "needs", "strategy", "matrix", "env",
    ],
);
pub(super) const CONTAINER_CREDENTIALS: Availability = contexts(
    "jobs.*.container.credentials",
    &[
        "github", "inputs", "vars", "needs", "strategy", "matrix", "secrets", "env",
    ],
);

/// On the machine, but not where its files are.
pub(super) const JOB_OUTPUTS: Availability = contexts(
    "jobs.*.outputs",
    &[
        "github", "inputs", "vars", "needs", "strategy", "matrix", "secrets", "steps", "job",
        "runner", "env",
    ],
);
pub(super) const CONTAINER_ENV: Availability = JOB_OUTPUTS.at("jobs.*.container.env");
pub(super) const ENVIRONMENT_URL: Availability = contexts(
    "jobs.*.environment.url",
    &[
        "github", "inputs", "vars", "needs", "strategy", "matrix", "steps", "job", "runner", "env",
    ],
);

/// Within the job.
pub(super) const STEP: Availability = Availability {
    hash_files: true,
    ..JOB_OUTPUTS.at("jobs.*.steps.*")
};
pub(super) const STEP_IF: Availability = Availability {
    status: StatusFunctions::Step,
    hash_files: true,
    ..ENVIRONMENT_URL.at("jobs.*.steps.*.if")
};
