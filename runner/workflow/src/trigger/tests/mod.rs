//! Events against filters, and patterns against texts.

mod patterns;

use crate::expr::{Object, Value};
use crate::parse_workflow;
use crate::source::SourceFile;

use super::*;

fn verdict(on: &str, event: &str, github: &str) -> Verdict {
    verdict_on(on, event, github, &Changes::Unknown)
}

fn verdict_on(on: &str, event: &str, github: &str, changes: &Changes) -> Verdict {
    let text = format!("on: {on}\njobs: {{a: {{runs-on: x, steps: [run: x]}}}}\n");
    let workflow = parse_workflow(&SourceFile::new("w.yml", text)).unwrap();
    let github: Value = serde_json::from_str(github).unwrap();
    let none = Object::new();
    let github = github.as_object().unwrap_or(&none);
    judge(workflow.on.event(event).unwrap(), github, changes)
}

/// What does not fit, and with a mark what is not judged, in one line.
fn said(on: &str, event: &str, github: &str) -> String {
    told(&verdict(on, event, github))
}

fn told(verdict: &Verdict) -> String {
    let misfits = verdict.misfits.iter().map(|misfit| misfit.message.clone());
    let unjudged = verdict.unjudged.iter();
    let unjudged = unjudged.map(|unjudged| format!("~ {}: {}", unjudged.filter, unjudged.why));
    misfits.chain(unjudged).collect::<Vec<_>>().join("; ")
}

#[test]
fn a_push_is_judged_by_the_filters_of_its_kind_of_ref() {
    let said = |filters: &str, git_ref: &str| {
        let on = format!("{{push: {{{filters}}}}}");
        said(&on, "push", &format!(r#"{{"ref": "{git_ref}"}}"#))
    };
    let (main, topic) = ("refs/heads/main", "refs/heads/my/topic");
    let tag = "refs/tags/v1.0";
    for (filters, git_ref, expected) in [
        ("", topic, ""),
        ("", tag, ""),
        ("branches: [main]", main, ""),
        ("branches: main", main, ""),
        (
            "branches: [main]",
            topic,
            "the branch `my/topic` does not fit `branches`",
        ),
        (
            "branches: ['*']",
            topic,
            "the branch `my/topic` does not fit `branches`",
        ),
        ("branches: ['**']", topic, ""),
        ("branches: ['**', '!my/**']", main, ""),
        (
            "branches: ['**', '!my/**']",
            topic,
            "the branch `my/topic` does not fit `branches`",
        ),
        // The order matters.
        ("branches: ['!my/**', '**']", topic, ""),
        ("branches: ['**', '!my/**', my/topic]", topic, ""),
        (
            "branches-ignore: ['my/**']",
            topic,
            "`branches-ignore` leaves out the branch `my/topic`",
        ),
        ("branches-ignore: ['my/**']", main, ""),
        ("tags: ['v[0-9].*']", tag, ""),
        ("tags: ['w*']", tag, "the tag `v1.0` does not fit `tags`"),
        (
            "tags-ignore: ['v*']",
            tag,
            "`tags-ignore` leaves out the tag `v1.0`",
        ),
        (
            "tags: ['v*']",
            main,
            "with `tags` alone only tags start it, and `main` is a branch",
        ),
        (
            "branches-ignore: [x]",
            tag,
            "with `branches-ignore` alone only branches start it, and `v1.0` is a tag",
        ),
        ("branches: [x], tags: ['v*']", tag, ""),
        ("branches: [main], tags: [x]", main, ""),
        ("branches: []", topic, ""),
        (
            "branches: [main], tags: [x]",
            "",
            "~ branches: neither the payload nor the checkout tells a branch or tag; \
             ~ tags: neither the payload nor the checkout tells a branch or tag",
        ),
    ] {
        assert_eq!(said(filters, git_ref), expected, "{filters} {git_ref}");
    }
}

#[test]
fn changed_files_are_those_of_the_commits() {
    let said =
        |filters: &str, github: &str| said(&format!("{{push: {{{filters}}}}}"), "push", github);
    let push = |commits: &str| {
        format!(r#"{{"ref": "refs/heads/main", "event": {{"commits": [{commits}]}}}}"#)
    };
    let commit = r#"{"added": ["notes/a.md"], "modified": ["src/x.rs"], "removed": []}"#;
    let two = push(&format!(
        r#"{commit}, {{"added": [], "modified": [], "removed": ["notes/b/c.md"]}}"#
    ));
    let one = push(r#"{"added": ["notes/a.md"], "modified": [], "removed": []}"#);
    for (filters, github, expected) in [
        ("paths: ['src/**']", &two, ""),
        ("paths: ['notes/*/c.md']", &two, ""),
        ("paths: ['**.rs', '!src/**', '**/c.md']", &two, ""),
        (
            "paths: ['*.md', '**.rs', '!src/**']",
            &two,
            "none of the 3 changed files, such as `notes/a.md`, fits `paths`",
        ),
        (
            "paths: [src]",
            &one,
            "the changed file `notes/a.md` does not fit `paths`",
        ),
        ("paths-ignore: ['notes/**']", &two, ""),
        (
            "paths-ignore: ['notes/**']",
            &one,
            "`paths-ignore` leaves out the changed file `notes/a.md`",
        ),
        (
            "paths-ignore: ['**']",
            &two,
            "`paths-ignore` leaves out all 3 changed files, such as `notes/a.md`",
        ),
        (
            "branches: [x], paths: [y]",
            &one,
            "the branch `main` does not fit `branches`; the changed file `notes/a.md` does not fit `paths`",
        ),
    ] {
        assert_eq!(said(filters, github), expected, "{filters}");
    }
    let unknown = "~ paths: the payload does not tell the changed files of all commits";
    let half = push(&format!("{commit}, {{}}"));
    let forced = one.replace(r#""commits""#, r#""forced": true, "commits""#);
    for github in [&push(""), &half, &forced, &"{}".to_owned()] {
        assert_eq!(said("paths: [x]", github), unknown, "{github}");
    }
    // GitHub compares no files of a tag.
    let tag = one.replace("refs/heads/main", "refs/tags/v1");
    assert_eq!(said("paths: [x]", &tag), "");
}

#[test]
fn activities_have_types_and_pull_requests_the_usual_ones() {
    let labeled = r#"{"event": {"action": "labeled"}}"#;
    let opened = r#"{"event": {"action": "opened"}}"#;
    for (on, event, github, expected) in [
        ("issues", "issues", labeled, ""),
        ("{issues: {types: [labeled]}}", "issues", labeled, ""),
        (
            "{issues: {types: [opened, closed]}}",
            "issues",
            labeled,
            "the type `labeled` is not among `types`",
        ),
        (
            "{issues: {types: opened}}",
            "issues",
            "{}",
            "~ types: the payload does not tell `action`",
        ),
        ("pull_request", "pull_request", opened, ""),
        ("pull_request", "pull_request", "{}", ""),
        (
            "pull_request_target",
            "pull_request_target",
            labeled,
            "without `types` it is started by `opened`, `synchronize` and `reopened`, and the type is `labeled`",
        ),
        (
            "{pull_request: {types: [labeled]}}",
            "pull_request",
            labeled,
            "",
        ),
        (
            "{repository_dispatch: {types: [mine]}}",
            "repository_dispatch",
            opened,
            "the type `opened` is not among `types`",
        ),
    ] {
        assert_eq!(said(on, event, github), expected, "{on} {github}");
    }
}

#[test]
fn other_events_are_judged_by_the_branch_and_the_workflow_that_they_tell() {
    let run = |name: &str, branch: &str| {
        format!(
            r#"{{"event": {{"action": "completed", "workflow_run": {{"name": "{name}", "head_branch": "{branch}"}}}}}}"#
        )
    };
    let merge = r#"{"event": {"action": "checks_requested", "merge_group": {"base_ref": "refs/heads/main"}}}"#;
    let pull = r#"{"base_ref": "dev", "event": {"action": "opened"}}"#;
    let on_run = "{workflow_run: {workflows: ['Build *', 'C++'], branches: [main]}}";
    for (on, event, github, expected) in [
        (on_run, "workflow_run", run("Build it", "main"), ""),
        (on_run, "workflow_run", run("C++", "main"), ""),
        (
            on_run,
            "workflow_run",
            run("Test", "x"),
            "the branch `x` does not fit `branches`; the workflow `Test` does not fit `workflows`",
        ),
        (
            on_run,
            "workflow_run",
            "{}".to_owned(),
            "~ branches: the payload does not tell `workflow_run.head_branch`; \
             ~ workflows: the payload does not tell `workflow_run.name`",
        ),
        (
            "{merge_group: {branches: [main]}}",
            "merge_group",
            merge.to_owned(),
            "",
        ),
        (
            "{pull_request: {branches: [main], paths: [x]}}",
            "pull_request",
            pull.to_owned(),
            "the branch `dev` does not fit `branches`; \
             ~ paths: the payload of a pull request does not tell the changed files",
        ),
        (
            "{pull_request: {branches: [main]}}",
            "pull_request",
            "{}".to_owned(),
            "~ branches: the payload does not tell `pull_request.base.ref`",
        ),
        (
            "workflow_dispatch",
            "workflow_dispatch",
            "{}".to_owned(),
            "",
        ),
    ] {
        assert_eq!(said(on, event, &github), expected, "{on} {github}");
    }
}

#[test]
fn a_verdict_says_whether_the_workflow_starts() {
    let starts = |github: &str| {
        let on = "{push: {branches: [main], paths: [x]}}";
        verdict(on, "push", github).starts
    };
    assert_eq!(starts(r#"{"ref": "refs/heads/main"}"#), None);
    assert_eq!(starts(r#"{"ref": "refs/heads/x"}"#), Some(false));
    assert_eq!(verdict("push", "push", "{}").starts, Some(true));
    let written = serde_json::to_value(verdict(
        "{push: {branches: [main]}}",
        "push",
        r#"{"ref": "refs/heads/x"}"#,
    ));
    let expected = serde_json::json!({
        "starts": false,
        "misfits": [{
            "filter": "branches", "value": "x",
            "message": "the branch `x` does not fit `branches`",
        }],
        "unjudged": [],
    });
    assert_eq!(written.unwrap(), expected);
}

#[test]
fn patterns_that_take_too_long_are_not_judged() {
    let pattern = "**a".repeat(1000);
    let files = vec![format!("\"{}b\"", "a".repeat(200)); 2000].join(",");
    let github = format!(
        r#"{{"event": {{"commits": [{{"added": [{files}], "modified": [], "removed": []}}]}}}}"#
    );
    let said = said(
        &format!("{{push: {{paths: ['{pattern}']}}}}"),
        "push",
        &github,
    );
    assert_eq!(said, "~ paths: its patterns take too long to compare");
}

#[test]
fn known_changes_stand_above_what_the_payload_tells() {
    let files = |names: &[&str]| Changes::Files(names.iter().map(ToString::to_string).collect());
    let many: Vec<String> = (0..400).map(|n| format!("a/{n}")).collect();
    let last = {
        let mut many = many.clone();
        many.push("z.rs".to_owned());
        Changes::Files(many)
    };
    let forced = r#"{"ref": "refs/heads/main", "event": {"forced": true, "commits": []}}"#;
    let lost = Changes::Missing("the checkout lacks a commit".to_owned());
    for (event, github, changes, expected) in [
        ("pull_request", "{}", files(&["a.md", "b.rs"]), ""),
        (
            "pull_request",
            "{}",
            files(&["a.md"]),
            "the changed file `a.md` does not fit `paths`",
        ),
        (
            "push",
            forced,
            files(&["a.md", "b.md"]),
            "none of the 2 changed files, such as `a.md`, fits `paths`",
        ),
        ("push", forced, files(&["b.rs"]), ""),
        (
            "push",
            forced,
            files(&[]),
            "with `paths` no push or pull request without a change starts it",
        ),
        (
            "push",
            forced,
            last,
            "none of the first 300 changed files, such as `a/0`, fits `paths`",
        ),
        (
            "pull_request",
            "{}",
            lost.clone(),
            "~ paths: the payload of a pull request does not tell the changed files, and the checkout \
             lacks a commit",
        ),
        // A tag has no changes.
        ("push", r#"{"ref": "refs/tags/v1"}"#, lost, ""),
    ] {
        let on = format!("{{{event}: {{paths: ['**.rs']}}}}");
        let verdict = verdict_on(&on, event, github, &changes);
        assert_eq!(told(&verdict), expected, "{changes:?}");
    }
}
