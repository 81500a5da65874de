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

/// The events of GitHub. It gets new ones now and then.
pub(super) const EVENTS: [&str; 37] = [
    "branch_protection_rule",
    "check_run",
    "check_suite",
    "create",
    "delete",
    "deployment",
    "deployment_status",
    "discussion",
    "discussion_comment",
    "fork",
    "gollum",
    "image_version",
    "issue_comment",
    "issues",
    "label",
    "merge_group",
    "milestone",
    "page_build",
    "project",
    "project_card",
    "project_column",
    "public",
    "pull_request",
    "pull_request_comment",
    "pull_request_review",
    "pull_request_review_comment",
    "pull_request_target",
    "push",
    "registry_package",
    "release",
    "repository_dispatch",
    "schedule",
    "status",
    "watch",
    "workflow_call",
    "workflow_dispatch",
    "workflow_run",
];
