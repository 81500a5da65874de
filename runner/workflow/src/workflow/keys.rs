//! Which keys there are, level by level.
//!
//! The source is the schema of GitHub's own parser (`workflow-v1.0.json`), and its documentation
//! of workflow syntax for what is newer (`parallel`, `cache-mode`).

pub(super) use crate::reader::Keys;

pub(super) const WORKFLOW: Keys = Keys {
    of: "a workflow",
    keys: &[
        "name",
        "description",
        "run-name",
        "on",
        "env",
        "defaults",
        "permissions",
        "cache-mode",
        "concurrency",
        "jobs",
    ],
};

pub(super) const DEFAULTS: Keys = Keys {
    of: "`defaults`",
    keys: &["run"],
};

pub(super) const DEFAULTS_RUN: Keys = Keys {
    of: "`defaults.run`",
    keys: &["shell", "working-directory"],
};

/// A job with steps.
pub(super) const JOB: Keys = Keys {
    of: "a job",
    keys: &[
        "name",
        "needs",
        "if",
        "runs-on",
        "strategy",
        "env",
        "defaults",
        "steps",
        "outputs",
        "timeout-minutes",
        "cancel-timeout-minutes",
        "continue-on-error",
        "environment",
        "concurrency",
        "permissions",
        "cache-mode",
        "container",
        "services",
        "snapshot",
    ],
};

/// A job that calls another workflow.
pub(super) const CALLING_JOB: Keys = Keys {
    of: "a job that calls a workflow with `uses`",
    keys: &[
        "name",
        "uses",
        "with",
        "secrets",
        "needs",
        "if",
        "permissions",
        "cache-mode",
        "concurrency",
        "strategy",
    ],
};

pub(super) const STRATEGY: Keys = Keys {
    of: "`strategy`",
    keys: &["matrix", "fail-fast", "max-parallel"],
};

pub(super) const RUNS_ON: Keys = Keys {
    of: "`runs-on`",
    keys: &["group", "labels"],
};

pub(super) const RUN_STEP: Keys = Keys {
    of: "a step with `run`",
    keys: &[
        "name",
        "id",
        "if",
        "run",
        "shell",
        "working-directory",
        "env",
        "continue-on-error",
        "timeout-minutes",
        "background",
    ],
};

pub(super) const USES_STEP: Keys = Keys {
    of: "a step with `uses`",
    keys: &[
        "name",
        "id",
        "if",
        "uses",
        "with",
        "env",
        "continue-on-error",
        "timeout-minutes",
        "background",
    ],
};

/// Keys of a step that controls other steps, beside the one that says how.
pub(super) const CONTROL_STEP: Keys = Keys {
    of: "a step that controls other steps",
    keys: &[
        "name",
        "id",
        "continue-on-error",
        "wait",
        "wait-all",
        "cancel",
        "parallel",
    ],
};

/// The keys of which a step has exactly one.
pub(super) const ACTIONS: [&str; 6] = ["run", "uses", "wait", "wait-all", "cancel", "parallel"];

/// What `cache-mode` can be.
pub(super) const CACHE_MODES: [&str; 4] = ["read", "write", "write-only", "none"];

pub(super) const DISPATCH: Keys = Keys {
    of: "`workflow_dispatch`",
    keys: &["inputs"],
};

pub(super) const CALL: Keys = Keys {
    of: "`workflow_call`",
    keys: &["inputs", "secrets", "outputs"],
};

pub(super) const DISPATCH_INPUT: Keys = Keys {
    of: "an input",
    keys: &[
        "description",
        "deprecationMessage",
        "type",
        "required",
        "default",
        "options",
    ],
};

pub(super) const CALL_INPUT: Keys = Keys {
    of: "an input of `workflow_call`",
    keys: &[
        "description",
        "deprecationMessage",
        "type",
        "required",
        "default",
    ],
};

pub(super) const CALL_SECRET: Keys = Keys {
    of: "a secret",
    keys: &["description", "required"],
};

pub(super) const CALL_OUTPUT: Keys = Keys {
    of: "an output of `workflow_call`",
    keys: &["description", "value"],
};

pub(super) const SCHEDULE: Keys = Keys {
    of: "an item of `schedule`",
    keys: &["cron", "timezone"],
};

pub(super) const CONCURRENCY: Keys = Keys {
    of: "`concurrency`",
    keys: &["group", "cancel-in-progress", "queue"],
};

pub(super) const ENVIRONMENT: Keys = Keys {
    of: "`environment`",
    keys: &["name", "url", "deployment"],
};

pub(super) const CONTAINER: Keys = Keys {
    of: "`container`",
    keys: &["image", "env", "ports", "volumes", "options", "credentials"],
};

pub(super) const SERVICE: Keys = Keys {
    of: "a service",
    keys: &[
        "image",
        "env",
        "ports",
        "volumes",
        "options",
        "credentials",
        "entrypoint",
        "command",
    ],
};

pub(super) const CREDENTIALS: Keys = Keys {
    of: "`credentials`",
    keys: &["username", "password"],
};
