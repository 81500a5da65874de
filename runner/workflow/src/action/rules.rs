//! Which keys an action file has, and what expressions may use under each.
//!
//! The source is the schema of GitHub's runner (`action_yaml.json`). At the top level and in an
//! input it takes any key, and ignores those it does not know; elsewhere it refuses them.

use crate::expr::{Availability, StatusFunctions};
use crate::reader::Keys;
use crate::workflow::StepRules;

const fn contexts(key: &'static str, contexts: &'static [&'static str]) -> Availability {
    Availability {
        key,
        contexts,
        status: StatusFunctions::None,
        hash_files: false,
    }
}

pub(super) const ACTION: Keys = Keys {
    of: "an action",
    keys: &[
        "name",
        "author",
        "description",
        "inputs",
        "outputs",
        "runs",
        "branding",
    ],
};

pub(super) const INPUT: Keys = Keys {
    of: "an input",
    keys: &["description", "required", "default", "deprecationMessage"],
};

pub(super) const OUTPUT: Keys = Keys {
    of: "an output",
    keys: &["description", "value"],
};

/// Which keys there are depends on `using`.
pub(super) const RUNS: Keys = Keys {
    of: "`runs`",
    keys: &[],
};

pub(super) const COMPOSITE: Keys = Keys {
    of: "`runs` of a composite action",
    keys: &["using", "steps"],
};

pub(super) const NODE: Keys = Keys {
    of: "`runs` of a JavaScript action",
    keys: &["using", "main", "pre", "pre-if", "post", "post-if"],
};

pub(super) const DOCKER: Keys = Keys {
    of: "`runs` of a Docker action",
    keys: &[
        "using",
        "image",
        "entrypoint",
        "args",
        "env",
        "pre-entrypoint",
        "pre-if",
        "post-entrypoint",
        "post-if",
    ],
};

pub(super) const PLUGIN: Keys = Keys {
    of: "`runs` with a `plugin`",
    keys: &["plugin"],
};

pub(super) const INPUT_DEFAULT: Availability = Availability {
    hash_files: true,
    ..contexts(
        "inputs.*.default",
        &["github", "strategy", "matrix", "job", "runner"],
    )
};

pub(super) const OUTPUT_VALUE: Availability = contexts(
    "outputs.*.value",
    &[
        "github", "strategy", "matrix", "steps", "inputs", "job", "runner", "env",
    ],
);

pub(super) const CONTAINER: Availability = contexts("runs", &["inputs"]);

/// Hooks run as steps of the job, so that their conditions see what those of steps see.
pub(super) const HOOK_IF: Availability = Availability {
    status: StatusFunctions::Step,
    hash_files: true,
    ..contexts(
        "runs.*-if",
        &[
            "github", "inputs", "vars", "needs", "strategy", "matrix", "steps", "job", "runner",
            "env",
        ],
    )
};

const STEP: Availability = Availability {
    hash_files: true,
    ..contexts(
        "runs.steps.*",
        &[
            "github", "inputs", "strategy", "matrix", "steps", "job", "runner", "env",
        ],
    )
};

pub(super) static STEPS: StepRules = StepRules {
    kinds: &["run", "uses"],
    run: Keys {
        of: "an action's step with `run`",
        keys: &[
            "name",
            "id",
            "if",
            "run",
            "env",
            "continue-on-error",
            "working-directory",
            "shell",
        ],
    },
    uses: Keys {
        of: "an action's step with `uses`",
        keys: &[
            "name",
            "id",
            "if",
            "uses",
            "continue-on-error",
            "with",
            "env",
        ],
    },
    values: STEP,
    condition: Availability {
        status: StatusFunctions::Step,
        ..STEP.at("runs.steps.*.if")
    },
    shell: STEP,
    needs_shell: true,
};
