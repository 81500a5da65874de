//! The `github` context and the variables made of it. The names, and which of them are variables, are
//! those of GitHub's pages on contexts and on variables; the list of the latter is the official runner's.

use dormer_workflow::expr::{Object, Value};

use crate::guest::profile::PathStyle;
use crate::steps::context::{JobFacts, RunFacts, StepFacts};

/// A property that is text, or a path in the guest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Fact {
    /// Text, the same for everybody.
    Text(String),
    /// A path, which a shell may write its own way.
    Path(String),
}

impl Fact {
    pub(super) fn text_of(text: &str) -> Self {
        Self::Text(text.to_owned())
    }

    pub(super) fn path_of(path: &str) -> Self {
        Self::Path(path.to_owned())
    }

    /// As an expression sees it.
    pub(super) fn text(self) -> String {
        match self {
            Self::Text(text) | Self::Path(text) => text,
        }
    }

    /// As a program of a shell sees it.
    pub(super) fn for_shell(&self, shell: PathStyle) -> String {
        match self {
            Self::Text(text) => text.clone(),
            Self::Path(path) => shell.write(path),
        }
    }
}

/// Properties by name.
pub(super) type Facts = Vec<(&'static str, Fact)>;

/// The official runner's list: these properties of the context become variables, no others.
const VARIABLES: [&str; 37] = [
    "action",
    "action_path",
    "action_ref",
    "action_repository",
    "actor",
    "actor_id",
    "api_url",
    "base_ref",
    "env",
    "event_name",
    "event_path",
    "graphql_url",
    "head_ref",
    "job",
    "output",
    "path",
    "ref",
    "ref_name",
    "ref_protected",
    "ref_type",
    "repository",
    "repository_id",
    "repository_owner",
    "repository_owner_id",
    "retention_days",
    "run_attempt",
    "run_id",
    "run_number",
    "server_url",
    "sha",
    "state",
    "step_summary",
    "triggering_actor",
    "workflow",
    "workflow_ref",
    "workflow_sha",
    "workspace",
];

/// Whether a property is a variable too.
pub(super) fn is_variable(name: &str) -> bool {
    VARIABLES.contains(&name)
}

/// What is known of a run.
pub(super) fn of_run(run: &RunFacts) -> Facts {
    let ref_type = if run.git_ref.starts_with("refs/tags/") {
        "tag"
    } else {
        "branch"
    };
    let (api, graphql) = interfaces(&run.server_url);
    let texts = [
        ("workflow", run.workflow.as_str()),
        ("workflow_sha", &run.sha),
        ("repository", &run.repository),
        ("repository_id", &run.repository_id),
        ("repository_owner", run.owner()),
        ("repository_owner_id", &run.repository_owner_id),
        ("sha", &run.sha),
        ("ref", &run.git_ref),
        ("ref_name", run.ref_name()),
        ("ref_type", ref_type),
        ("ref_protected", "false"),
        ("head_ref", &run.head_ref),
        ("base_ref", &run.base_ref),
        ("actor", &run.actor),
        ("actor_id", &run.actor_id),
        ("triggering_actor", &run.actor),
        ("event_name", &run.event_name),
        ("run_id", &run.run_id),
        ("run_number", "1"),
        ("run_attempt", "1"),
        ("retention_days", "90"),
        ("secret_source", "Actions"),
        ("server_url", &run.server_url),
    ];
    let mut facts: Facts = texts.map(|(name, text)| (name, Fact::text_of(text))).into();
    facts.push(("workflow_ref", Fact::Text(run.workflow_ref())));
    facts.push(("api_url", Fact::Text(api)));
    facts.push(("graphql_url", Fact::Text(graphql)));
    let address = run.server_url.trim_start_matches("https://");
    let address = format!("git://{address}/{}.git", run.repository);
    facts.push(("repositoryUrl", Fact::Text(address)));
    facts
}

/// What is known of a step.
pub(super) fn of_step(job: &JobFacts, step: &StepFacts) -> Facts {
    let mut facts = of_run(&job.run);
    facts.extend([
        ("job", Fact::text_of(&job.job)),
        ("workspace", Fact::path_of(&job.workspace)),
        ("event_path", Fact::Path(job.event_path())),
        ("action", Fact::text_of(&step.action)),
        ("action_repository", Fact::text_of(&step.action_repository)),
        ("action_ref", Fact::text_of(&step.action_ref)),
    ]);
    if !step.action_path.is_empty() {
        facts.push(("action_path", Fact::path_of(&step.action_path)));
    }
    if let Some(status) = step.action_status {
        facts.push(("action_status", Fact::text_of(status.as_str())));
    }
    facts
}

/// The context of these facts.
pub(super) fn object(facts: &Facts, run: &RunFacts, token: &str) -> Object {
    let facts = facts.iter().cloned();
    let mut object: Object = facts.map(|(name, fact)| (name, fact.text())).collect();
    object.insert("token", token);
    let event = match &run.event {
        Value::Null => Value::from(Object::new()),
        event => event.clone(),
    };
    object.insert("event", event);
    object
}

/// Where a forge's interfaces are: github.com has hosts for them, a server of one's own has paths.
fn interfaces(server: &str) -> (String, String) {
    if server.is_empty() || server.eq_ignore_ascii_case("https://github.com") {
        (
            "https://api.github.com".to_owned(),
            "https://api.github.com/graphql".to_owned(),
        )
    } else {
        (format!("{server}/api/v3"), format!("{server}/api/graphql"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_of_ones_own_has_its_interfaces_below_it() {
        let own = interfaces("https://git.example.org").0;
        assert_eq!(own, "https://git.example.org/api/v3");
        assert_eq!(interfaces("https://GitHub.com").0, "https://api.github.com");
    }

    #[test]
    fn every_variable_of_a_run_is_a_property() {
        let facts = of_step(
            &JobFacts::default(),
            &StepFacts {
                action_path: "x".to_owned(),
                ..StepFacts::default()
            },
        );
        // Each step has files of its own for these.
        let files = ["env", "output", "path", "state", "step_summary"];
        let there = |name: &&str| facts.iter().any(|(known, _)| known == name);
        let missing: Vec<&&str> = VARIABLES.iter().filter(|name| !there(name)).collect();
        assert!(
            missing.iter().all(|name| files.contains(name)),
            "{missing:?}"
        );
    }
}
