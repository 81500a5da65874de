//! The events of GitHub, and which filters each of them has.
//!
//! The source is the schema of GitHub's own parser. GitHub gets new events now and then, so what
//! is not here is not wrong.

/// One event.
pub(super) struct EventRule {
    pub(super) name: &'static str,
    /// The kinds of activity. Empty where there are none to choose from.
    pub(super) types: &'static [&'static str],
    /// The keys it has beside `types`.
    pub(super) filters: &'static [&'static str],
}

/// The key that says which kinds of activity are meant.
pub(super) const TYPES: &str = "types";

const BRANCHES: &[&str] = &["branches", "branches-ignore"];
const BRANCHES_AND_PATHS: &[&str] = &["branches", "branches-ignore", "paths", "paths-ignore"];
const REFS_AND_PATHS: &[&str] = &[
    "branches",
    "branches-ignore",
    "tags",
    "tags-ignore",
    "paths",
    "paths-ignore",
];

const CREATED_EDITED_DELETED: &[&str] = &["created", "edited", "deleted"];
const PULL_REQUEST: &[&str] = &[
    "assigned",
    "unassigned",
    "labeled",
    "unlabeled",
    "opened",
    "edited",
    "closed",
    "reopened",
    "synchronize",
    "converted_to_draft",
    "locked",
    "unlocked",
    "enqueued",
    "dequeued",
    "milestoned",
    "demilestoned",
    "ready_for_review",
    "review_requested",
    "review_request_removed",
    "auto_merge_enabled",
    "auto_merge_disabled",
];

/// What has no filters at all.
const fn plain(name: &'static str) -> EventRule {
    typed(name, &[])
}

const fn typed(name: &'static str, types: &'static [&'static str]) -> EventRule {
    filtered(name, types, &[])
}

const fn filtered(
    name: &'static str,
    types: &'static [&'static str],
    filters: &'static [&'static str],
) -> EventRule {
    EventRule {
        name,
        types,
        filters,
    }
}

/// All events but `repository_dispatch`, whose types are the sender's own, and the three that are
/// no activity: `schedule`, `workflow_call` and `workflow_dispatch`.
const ACTIVITIES: &[EventRule] = &[
    typed("branch_protection_rule", CREATED_EDITED_DELETED),
    typed(
        "check_run",
        &["created", "rerequested", "completed", "requested_action"],
    ),
    typed("check_suite", &["completed"]),
    plain("create"),
    plain("delete"),
    plain("deployment"),
    plain("deployment_status"),
    typed(
        "discussion",
        &[
            "created",
            "edited",
            "deleted",
            "transferred",
            "pinned",
            "unpinned",
            "labeled",
            "unlabeled",
            "locked",
            "unlocked",
            "category_changed",
            "answered",
            "unanswered",
        ],
    ),
    typed("discussion_comment", CREATED_EDITED_DELETED),
    plain("fork"),
    plain("gollum"),
    filtered(
        "image_version",
        &["created", "ready", "deleted"],
        &["names", "versions"],
    ),
    typed("issue_comment", CREATED_EDITED_DELETED),
    typed(
        "issues",
        &[
            "opened",
            "edited",
            "deleted",
            "transferred",
            "pinned",
            "unpinned",
            "closed",
            "reopened",
            "assigned",
            "unassigned",
            "labeled",
            "unlabeled",
            "locked",
            "unlocked",
            "milestoned",
            "demilestoned",
        ],
    ),
    typed("label", CREATED_EDITED_DELETED),
    filtered("merge_group", &["checks_requested"], BRANCHES),
    typed(
        "milestone",
        &["created", "closed", "opened", "edited", "deleted"],
    ),
    plain("page_build"),
    typed(
        "project",
        &["created", "closed", "reopened", "edited", "deleted"],
    ),
    typed(
        "project_card",
        &["created", "moved", "converted", "edited", "deleted"],
    ),
    typed(
        "project_column",
        &["created", "updated", "moved", "deleted"],
    ),
    plain("public"),
    filtered("pull_request", PULL_REQUEST, BRANCHES_AND_PATHS),
    typed("pull_request_comment", CREATED_EDITED_DELETED),
    typed("pull_request_review", &["submitted", "edited", "dismissed"]),
    typed("pull_request_review_comment", CREATED_EDITED_DELETED),
    filtered("pull_request_target", PULL_REQUEST, BRANCHES_AND_PATHS),
    filtered("push", &[], REFS_AND_PATHS),
    typed("registry_package", &["published", "updated"]),
    typed(
        "release",
        &[
            "published",
            "unpublished",
            "created",
            "edited",
            "deleted",
            "prereleased",
            "released",
        ],
    ),
    plain("status"),
    typed("watch", &["started"]),
    filtered(
        "workflow_run",
        &["requested", "completed", "in_progress"],
        &["workflows", "branches", "branches-ignore"],
    ),
];

/// What is known of an event that is an activity.
pub(super) fn rule(name: &str) -> Option<&'static EventRule> {
    ACTIVITIES.iter().find(|rule| rule.name == name)
}

/// The kinds of activity that start a workflow which says nothing of them. Empty where all do.
pub(crate) fn usual_types(event: &str) -> &'static [&'static str] {
    match event {
        "pull_request" | "pull_request_target" => &["opened", "synchronize", "reopened"],
        _ => &[],
    }
}

/// The names of all events.
pub(super) fn names() -> impl Iterator<Item = &'static str> {
    ACTIVITIES.iter().map(|rule| rule.name).chain([
        "repository_dispatch",
        "schedule",
        "workflow_call",
        "workflow_dispatch",
    ])
}
