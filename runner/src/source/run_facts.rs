//! What a run is about: from the checkout, the event and its payload to the facts that expressions see.
//! Where the payload says something it counts; what it leaves open comes from the checkout.

use std::path::Path;

use dormer_workflow::expr::{Object, Value};

use crate::host::fs::real_path;
use crate::source::checkout::{CheckedOut, Remote};
use crate::steps::context::{RunFacts, plain_name};

/// The forge of repositories that name none.
const GITHUB: &str = "github.com";

/// What a run's facts are made of.
#[derive(Debug)]
pub struct Given<'a> {
    /// The workflow's name, if its file has one.
    pub name: Option<&'a str>,
    /// The workflow's file; none for a typed command.
    pub file: Option<&'a Path>,
    /// What is checked out.
    pub checkout: &'a CheckedOut,
    /// The directory that comes along, as the repository's name where nothing else tells it.
    pub fallback_name: &'a str,
    /// The event's name.
    pub event_name: &'a str,
    /// The event's payload, where the user gives one: its value and its text.
    pub payload: Option<(Value, String)>,
    /// The workflow's inputs.
    pub inputs: Object,
    /// The configuration variables.
    pub vars: Object,
    /// A number of the run.
    pub run_id: String,
}

/// The facts of a run.
pub fn run_facts(given: Given<'_>) -> RunFacts {
    let payload = given.payload.as_ref().map(|(value, _)| value.clone());
    let payload = payload.unwrap_or_default();
    let checkout = given.checkout;
    let (repository, server_url) = place(checkout.remote.as_ref(), &payload, given.fallback_name);
    let owner = repository.split('/').next().unwrap_or_default().to_owned();
    let workflow_path = path_in(checkout, given.file);
    let mut facts = RunFacts {
        workflow: given.name.unwrap_or(&workflow_path).to_owned(),
        workflow_path,
        repository_id: text(&payload, &["repository", "id"]),
        repository_owner_id: text(&payload, &["repository", "owner", "id"]),
        repository,
        server_url,
        sha: sha(given.event_name, &payload, checkout),
        git_ref: git_ref(given.event_name, &payload, checkout),
        head_ref: text(&payload, &["pull_request", "head", "ref"]),
        base_ref: text(&payload, &["pull_request", "base", "ref"]),
        actor: or(text(&payload, &["sender", "login"]), &owner),
        actor_id: text(&payload, &["sender", "id"]),
        event_name: given.event_name.to_owned(),
        run_id: given.run_id,
        inputs: given.inputs,
        vars: given.vars,
        ..RunFacts::default()
    };
    (facts.event, facts.event_text) = event(given.payload, &facts);
    facts
}

/// `owner/name` of the repository, and the forge that it is at.
fn place(remote: Option<&Remote>, payload: &Value, fallback: &str) -> (String, String) {
    let known = remote.map(|remote| remote.repository.clone());
    let known = known.unwrap_or_else(|| format!("local/{}", plain_name(fallback)));
    let repository = or(text(payload, &["repository", "full_name"]), &known);
    let host = remote.map_or("", |remote| &remote.host);
    let host = if host.is_empty() { GITHUB } else { host };
    (repository, format!("https://{host}"))
}

/// The workflow's file below its repository, with `/`; else its name.
fn path_in(checkout: &CheckedOut, file: Option<&Path>) -> String {
    let Some(file) = file else {
        return String::new();
    };
    let Some(name) = file.file_name() else {
        return String::new();
    };
    // It may be typed from anywhere; the repository is known by where it really is.
    let directory = file
        .parent()
        .filter(|parent| !parent.as_os_str().is_empty());
    let directory = real_path(directory.unwrap_or(Path::new(".")));
    let whole = directory.map_or_else(|_| file.to_owned(), |directory| directory.join(name));
    let root = checkout.root.as_deref();
    let below = root.and_then(|root| whole.strip_prefix(root).ok());
    let path = below.or(Some(Path::new(name)));
    path.map(|path| path.to_string_lossy().into_owned())
        .unwrap_or_default()
}

/// GitHub's page on events tells which commit a run of each is about.
fn sha(event: &str, payload: &Value, checkout: &CheckedOut) -> String {
    let told = match event {
        "push" => text(payload, &["after"]),
        "pull_request" => text(payload, &["pull_request", "merge_commit_sha"]),
        "pull_request_target" => text(payload, &["pull_request", "base", "sha"]),
        _ => String::new(),
    };
    or(told, &checkout.sha)
}

/// And which ref.
fn git_ref(event: &str, payload: &Value, checkout: &CheckedOut) -> String {
    let prefixed = |prefix: &str, name: String, suffix: &str| match name.as_str() {
        "" => String::new(),
        name => format!("{prefix}{name}{suffix}"),
    };
    let told = match event {
        "pull_request" | "pull_request_review" | "pull_request_review_comment" => {
            let number = or(
                text(payload, &["number"]),
                &text(payload, &["pull_request", "number"]),
            );
            prefixed("refs/pull/", number, "/merge")
        }
        "pull_request_target" => prefixed(
            "refs/heads/",
            text(payload, &["pull_request", "base", "ref"]),
            "",
        ),
        "release" => prefixed("refs/tags/", text(payload, &["release", "tag_name"]), ""),
        "push" | "workflow_dispatch" => text(payload, &["ref"]),
        _ => String::new(),
    };
    or(told, &checkout.git_ref)
}

/// What the event tells. Where the user says nothing it is the least that GitHub would send; inputs are
/// part of it wherever the event has them.
fn event(payload: Option<(Value, String)>, facts: &RunFacts) -> (Value, String) {
    let has_inputs = facts.event_name == "workflow_dispatch";
    match payload {
        // As it was written: large numbers would not survive being read and written again.
        Some((value, text)) if !has_inputs || facts.inputs.is_empty() => (value, text),
        Some((value, _)) => {
            let mut object = value.as_object().cloned().unwrap_or_default();
            object.insert("inputs", as_sent(&facts.inputs));
            written(object)
        }
        None => written(least(facts)),
    }
}

fn written(object: Object) -> (Value, String) {
    let value = Value::from(object);
    let text = value.to_json();
    (value, text)
}

fn least(facts: &RunFacts) -> Object {
    let owner = Object::from_iter([("login", facts.owner())]);
    let mut repository = Object::new();
    let name = facts.repository.split('/').next_back().unwrap_or_default();
    repository.insert("name", name);
    repository.insert("full_name", facts.repository.as_str());
    repository.insert("owner", owner);
    repository.insert(
        "html_url",
        format!("{}/{}", facts.server_url, facts.repository),
    );
    let mut object = Object::new();
    match facts.event_name.as_str() {
        "push" => {
            object.insert("ref", facts.git_ref.as_str());
            object.insert("after", facts.sha.as_str());
        }
        "workflow_dispatch" => {
            object.insert("ref", facts.git_ref.as_str());
            object.insert("workflow", facts.workflow_path.as_str());
            object.insert("inputs", as_sent(&facts.inputs));
        }
        _ => {}
    }
    object.insert("repository", repository);
    object.insert(
        "sender",
        Object::from_iter([("login", facts.actor.as_str())]),
    );
    object
}

/// The payload tells inputs as text, whatever their type; none at all are null.
fn as_sent(inputs: &Object) -> Value {
    if inputs.is_empty() {
        return Value::Null;
    }
    let sent = inputs.iter().map(|(name, value)| (name, value.to_text()));
    Value::from(Object::from_iter(sent))
}

/// A text or number in a payload; empty if it is not there.
fn text(value: &Value, path: &[&str]) -> String {
    let mut at = value;
    for name in path {
        match at.as_object().and_then(|object| object.get(name)) {
            Some(inner) => at = inner,
            None => return String::new(),
        }
    }
    match at {
        Value::String(_) | Value::Number(_) => at.to_text(),
        _ => String::new(),
    }
}

fn or(text: String, other: &str) -> String {
    if text.is_empty() {
        other.to_owned()
    } else {
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn facts(event_name: &str, payload: Option<&str>, inputs: Object) -> RunFacts {
        let checkout = CheckedOut {
            root: Some("/w".into()),
            sha: "head".to_owned(),
            git_ref: "refs/heads/main".to_owned(),
            remote: Some(Remote {
                host: "git.example.org".to_owned(),
                repository: "me/it".to_owned(),
            }),
        };
        run_facts(Given {
            name: None,
            file: Some(Path::new("/w/.github/workflows/a.yml")),
            checkout: &checkout,
            fallback_name: "w",
            event_name,
            payload: payload.map(|text| (serde_json::from_str(text).unwrap(), text.to_owned())),
            inputs,
            vars: Object::new(),
            run_id: "1".to_owned(),
        })
    }

    #[test]
    fn the_workflows_path_begins_at_the_repository_however_it_is_typed() {
        let directory = tempfile::tempdir().unwrap();
        let root = real_path(directory.path()).unwrap();
        let workflows = root.join(".github/workflows");
        std::fs::create_dir_all(&workflows).unwrap();
        std::fs::create_dir(root.join("sub")).unwrap();
        let checkout = CheckedOut {
            root: Some(root.clone()),
            ..CheckedOut::default()
        };
        for (typed, expected) in [
            (workflows.join("w.yml"), ".github/workflows/w.yml"),
            (
                root.join("sub/../.github/workflows/w.yml"),
                ".github/workflows/w.yml",
            ),
            (Path::new("w.yml").to_owned(), "w.yml"),
            (Path::new("/nowhere/w.yml").to_owned(), "w.yml"),
        ] {
            assert_eq!(path_in(&checkout, Some(&typed)), expected, "{typed:?}");
        }
    }

    #[test]
    fn the_ref_and_the_commit_are_those_that_the_event_is_about() {
        let pull = r#"{"number": 7, "pull_request": {"merge_commit_sha": "m",
            "head": {"ref": "topic"}, "base": {"ref": "main", "sha": "b"}}}"#;
        for (event, payload, expected) in [
            ("push", "{}", ("refs/heads/main", "head", "", "")),
            (
                "push",
                r#"{"ref": "refs/tags/v1", "after": "x"}"#,
                ("refs/tags/v1", "x", "", ""),
            ),
            (
                "pull_request",
                pull,
                ("refs/pull/7/merge", "m", "topic", "main"),
            ),
            (
                "pull_request_target",
                pull,
                ("refs/heads/main", "b", "topic", "main"),
            ),
            (
                "release",
                r#"{"release": {"tag_name": "v2"}}"#,
                ("refs/tags/v2", "head", "", ""),
            ),
            (
                "issues",
                r#"{"ref": "x", "issue": {}}"#,
                ("refs/heads/main", "head", "", ""),
            ),
            (
                "push",
                r#"{"ref": {"no": "text"}}"#,
                ("refs/heads/main", "head", "", ""),
            ),
        ] {
            let facts = facts(event, Some(payload), Object::new());
            let found = (
                facts.git_ref.as_str(),
                facts.sha.as_str(),
                facts.head_ref.as_str(),
                facts.base_ref.as_str(),
            );
            assert_eq!(found, expected, "{event} {payload}");
            assert_eq!(facts.event_text, payload);
        }
    }

    #[test]
    fn without_a_payload_there_is_the_least_of_one() {
        let inputs = Object::from_iter([("deep", Value::from(true))]);
        let facts = facts("workflow_dispatch", None, inputs);
        let event: serde_json::Value = serde_json::from_str(&facts.event_text).unwrap();
        assert_eq!(event["inputs"]["deep"], "true");
        assert_eq!(event["repository"]["full_name"], "me/it");
        assert_eq!(event["workflow"], ".github/workflows/a.yml");
        assert_eq!(event["sender"]["login"], "me");
        assert_eq!(facts.server_url, "https://git.example.org");
        assert_eq!(facts.workflow, ".github/workflows/a.yml");
    }

    #[test]
    fn the_payload_says_who_and_where() {
        let payload = r#"{"repository": {"full_name": "you/other", "id": 12, "owner": {"id": 3}},
            "sender": {"login": "mona", "id": 4}}"#;
        let facts = facts("push", Some(payload), Object::new());
        assert_eq!(facts.repository, "you/other");
        assert_eq!(
            (facts.repository_id.as_str(), facts.actor_id.as_str()),
            ("12", "4")
        );
        assert_eq!((facts.actor.as_str(), facts.owner()), ("mona", "you"));
    }
}
