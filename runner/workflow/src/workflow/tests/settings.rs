//! What jobs are to GitHub and to containers: permissions, concurrency, environments, calls.

use crate::expr::{Contexts, Object, Value};

use super::*;

#[track_caller]
fn refused(lines: &str) -> String {
    messages(&problems(&with_job(lines)))
}

#[track_caller]
fn odd(lines: &str) -> String {
    messages(&warnings(&with_job(lines)))
}

#[track_caller]
fn job(lines: &str) -> Job {
    read(&with_job(lines)).jobs.remove(0)
}

/// A workflow with one job that calls another, with these lines.
fn calling(lines: &str) -> String {
    let lines: String = lines.lines().map(|line| format!("    {line}\n")).collect();
    format!("on: push\njobs:\n  a:\n    uses: ./.github/workflows/x.yml\n{lines}")
}

fn contexts(json: &str) -> Contexts {
    let values: Value = serde_json::from_str(json).unwrap();
    Contexts {
        values: values.as_object().unwrap().clone(),
        ..Contexts::default()
    }
}

#[test]
fn permissions_are_read() {
    let grant = |text: &str| {
        job(&format!("permissions: {text}"))
            .permissions
            .unwrap()
            .grant
    };
    assert_eq!(grant("read-all"), Grant::All(Access::Read));
    assert_eq!(grant("write-all"), Grant::All(Access::Write));
    assert_eq!(grant("{}"), Grant::Scopes(Vec::new()));
    let Grant::Scopes(scopes) = grant("{contents: read, id-token: write, issues: none}") else {
        panic!()
    };
    let scopes: Vec<_> = scopes
        .iter()
        .map(|p| (p.scope.value.as_str(), p.access))
        .collect();
    assert_eq!(
        scopes,
        [
            ("contents", Access::Read),
            ("id-token", Access::Write),
            ("issues", Access::None)
        ]
    );
    let workflow =
        read("on: push\npermissions: read-all\njobs: {a: {runs-on: x, steps: [run: x]}}\n");
    assert!(workflow.permissions.is_some() && workflow.jobs[0].permissions.is_none());
}

#[test]
fn wrong_permissions_are_refused() {
    for (lines, expected) in [
        (
            "permissions: none",
            "expected a mapping of scopes, `read-all` or `write-all`, found `none`",
        ),
        (
            "permissions: ",
            "expected a mapping of scopes, `read-all` or `write-all`, found nothing",
        ),
        (
            "permissions: []",
            "expected a mapping of scopes, `read-all` or `write-all`, found a sequence",
        ),
        ("permissions: {content: read}", "unknown scope `content`"),
        (
            "permissions: {contents: all}",
            "expected `read`, `write` or `none` for `contents`, found `all`",
        ),
        (
            "permissions: {contents: }",
            "expected a permission, found nothing",
        ),
        (
            "permissions: {contents: [read]}",
            "expected a permission, found a sequence",
        ),
        (
            "permissions: {contents: '${{ x.y }}'}",
            "expressions are not allowed here",
        ),
        (
            "permissions: {id-token: read}",
            "expected `write` or `none` for `id-token`, found `read`",
        ),
        (
            "permissions: {vulnerability-alerts: write}",
            "expected `read` or `none` for `vulnerability-alerts`, found `write`",
        ),
    ] {
        assert_eq!(refused(lines), expected, "{lines}");
    }
    assert_eq!(
        odd("permissions: {models: write}"),
        "`models` can be read only, so `write` is `read`"
    );
    assert_eq!(
        odd("permissions: {time-travel: write}"),
        "unknown scope `time-travel`"
    );
}

#[test]
fn concurrency_groups_are_known_when_their_expressions_are() {
    let scope = contexts(
        r#"{"vars": {"G": "g", "O": "{\"group\": \"o\", \"queue\": \"max\"}", "B": "true", "E": ""}}"#,
    );
    let group = |text: &str| {
        let concurrency = job(&format!("concurrency: {text}")).concurrency.unwrap();
        let group = concurrency.evaluate(&scope);
        group.map(|group| (group.name, group.cancel_in_progress, group.queue))
    };
    let ok = |name: &str, cancel, queue| Ok((name.to_owned(), cancel, queue));
    assert_eq!(group("deploy"), ok("deploy", false, Queue::Single));
    assert_eq!(group("x-${{ vars.G }}"), ok("x-g", false, Queue::Single));
    assert_eq!(
        group("{group: a, cancel-in-progress: true}"),
        ok("a", true, Queue::Single)
    );
    assert_eq!(
        group("{group: a, cancel-in-progress: '${{ fromJSON(vars.B) }}'}"),
        ok("a", true, Queue::Single)
    );
    assert_eq!(group("{group: a, queue: max}"), ok("a", false, Queue::Max));
    assert_eq!(
        group("{group: a, queue: single, cancel-in-progress: true}"),
        ok("a", true, Queue::Single)
    );
    assert_eq!(group("${{ fromJSON(vars.O) }}"), ok("o", false, Queue::Max));
    let failed = |text| group(text).unwrap_err().message().to_owned();
    assert_eq!(
        failed("${{ vars.E }}"),
        "expected the name of a group, found a string"
    );
    assert_eq!(
        failed("{group: a, queue: '${{ vars.G }}'}"),
        "expected `single` or `max`, found a string"
    );
    assert_eq!(
        failed("{group: a, cancel-in-progress: '${{ vars.B }}'}"),
        "expected a boolean, found a string"
    );
}

#[test]
fn wrong_concurrency_is_refused() {
    let long = format!("concurrency: {}", "x".repeat(401));
    for (lines, expected) in [
        (
            "concurrency: ",
            "expected the name of a group, found nothing",
        ),
        (
            "concurrency: [a]",
            "expected a string or a mapping, found a sequence",
        ),
        (
            "concurrency: {cancel-in-progress: true}",
            "`concurrency` has no `group`",
        ),
        (
            "concurrency: {group: ''}",
            "expected the name of a group, found nothing",
        ),
        (
            "concurrency: {group: a, cancel: true}",
            "unknown key `cancel` in `concurrency`",
        ),
        (
            "concurrency: {group: a, cancel-in-progress: yes}",
            "expected a boolean or an expression, found a string",
        ),
        (
            "concurrency: {group: a, queue: 5}",
            "expected `single` or `max`, found `5`",
        ),
        (
            "concurrency: {group: a, queue: max, cancel-in-progress: true}",
            "`cancel-in-progress: true` can't be used with `queue: max`",
        ),
        (
            "concurrency: ${{ secrets.X }}",
            "the context `secrets` is not available in `jobs.*.concurrency`",
        ),
        (
            &long,
            "the name of a group can't be longer than 400 characters",
        ),
    ] {
        assert_eq!(refused(lines), expected, "{lines}");
    }
    let of_workflow = |text: &str| {
        format!("on: push\nconcurrency: {text}\njobs: {{a: {{runs-on: x, steps: [run: x]}}}}\n")
    };
    assert!(read(&of_workflow("")).concurrency.is_none());
    assert!(read(&of_workflow("x")).concurrency.is_some());
    assert!(
        problems(&of_workflow("${{ needs.x }}")).contains("the context `needs` is not available")
    );
}

#[test]
fn environments_are_read() {
    let environment = |text: &str| job(&format!("environment: {text}")).environment;
    assert_eq!(environment(""), None);
    assert_eq!(environment("''"), None);
    assert_eq!(environment("prod").unwrap().name.text(), "prod");
    let full = environment(
        "{name: '${{ matrix.e }}', url: 'https://${{ steps.x.outputs.y }}', deployment: false}",
    )
    .unwrap();
    assert_eq!(full.url.unwrap().text(), "https://${{ steps.x.outputs.y }}");
    assert_eq!(full.deployment, Some(Setting::Literal(false)));
    for (lines, expected) in [
        ("environment: {url: x}", "`environment` has no `name`"),
        (
            "environment: {name: x, link: y}",
            "unknown key `link` in `environment`",
        ),
        (
            "environment: {name: [x]}",
            "expected a string, found a sequence",
        ),
        (
            "environment: {name: '${{ steps.x }}'}",
            "the context `steps` is not available in `jobs.*.environment`",
        ),
        (
            "environment: {name: x, deployment: 1}",
            "expected a boolean or an expression, found a number",
        ),
        (
            "environment: [x]",
            "expected a string or a mapping, found a sequence",
        ),
    ] {
        assert_eq!(refused(lines), expected, "{lines}");
    }
}

#[test]
fn containers_are_read() {
    let container = |text: &str| job(&format!("container: {text}")).container.unwrap();
    assert_eq!(container("node:20").image.unwrap().text(), "node:20");
    assert!(container("{image: ''}").image.is_none());
    let full = container(
        "{image: x, env: {A: '${{ secrets.X }}'}, ports: [80, '1:2'], volumes: ['/a:/b'], options: --cpus 1, credentials: {username: u, password: '${{ secrets.P }}'}}",
    );
    assert_eq!((full.ports.len(), full.volumes.len()), (2, 1));
    assert_eq!(full.env.get("a").unwrap().text(), "${{ secrets.X }}");
    assert_eq!(full.credentials.unwrap().username.unwrap().text(), "u");
    let services =
        job("services: {db: {image: postgres, entrypoint: a, command: b}, cache: redis}")
            .services
            .unwrap();
    let names: Vec<_> = services
        .services
        .iter()
        .map(|s| s.name.value.as_str())
        .collect();
    assert_eq!(names, ["db", "cache"]);
    assert!(services.services[0].container.command.is_some() && services.whole.is_none());
    assert!(
        job("services: ${{ fromJSON('{}') }}")
            .services
            .unwrap()
            .whole
            .is_some()
    );
}

#[test]
fn wrong_containers_are_refused() {
    for (lines, expected) in [
        (
            "container: [x]",
            "expected an image or a mapping, found a sequence",
        ),
        ("container: {imag: x}", "unknown key `imag` in `container`"),
        (
            "container: {image: x, command: y}",
            "unknown key `command` in `container`",
        ),
        ("container: 'docker://'", "expected an image, found nothing"),
        (
            "container: {image: x, ports: 80}",
            "expected a sequence, each a port, found a number",
        ),
        (
            "container: {image: x, volumes: ['']}",
            "expected a volume, found nothing",
        ),
        (
            "container: {image: x, credentials: {user: y}}",
            "unknown key `user` in `credentials`",
        ),
        (
            "container: {image: x, credentials: {username: ''}}",
            "expected a name, found nothing",
        ),
        (
            "container: {image: '${{ env.X }}'}",
            "the context `env` is not available in `jobs.*.container`",
        ),
        (
            "container: {image: x, env: [y]}",
            "expected a mapping of names and strings, found a sequence",
        ),
        (
            "services: [x]",
            "expected a mapping of names and containers, found a sequence",
        ),
        ("services: {db: ''}", "expected an image, found nothing"),
        ("services: {db: {}}", "the service has no `image`"),
        (
            "services: {db: {image: x, port: 1}}",
            "unknown key `port` in a service",
        ),
        (
            "services: {'': x}",
            "expected the name of a service, found nothing",
        ),
    ] {
        assert_eq!(refused(lines), expected, "{lines}");
    }
}

#[test]
fn what_a_job_hands_over_keeps_its_type() {
    let mut workflow = read(&calling(
        "with: {a: 1, b: true, C: x, d: , e: '5', f: '${{ matrix.x }}'}\nsecrets: {T: '${{ secrets.X }}'}",
    ));
    let job = workflow.jobs.remove(0);
    let value = |name: &str| &argument(&job.with, name).unwrap().value.value;
    assert_eq!(*value("a"), Setting::Literal(1.0.into()));
    assert_eq!(*value("b"), Setting::Literal(true.into()));
    assert_eq!(*value("c"), Setting::Literal("x".into()));
    assert_eq!(*value("d"), Setting::Literal(Value::Null));
    assert_eq!(*value("e"), Setting::Literal("5".into()));
    let mut scope = Contexts::default();
    scope
        .values
        .insert("matrix", Object::from_iter([("x", 7.0)]));
    assert_eq!(value("f").evaluate(&scope).unwrap(), Value::Number(7.0));
    assert!(matches!(&job.secrets, CallSecrets::Only(map) if map.get("t").is_some()));
    assert!(matches!(
        read(&calling("secrets: inherit")).jobs[0].secrets,
        CallSecrets::Inherit(_)
    ));
    assert_eq!(read(&calling("")).jobs[0].secrets, CallSecrets::Nothing);
}

#[test]
fn wrong_calls_are_refused() {
    for (lines, expected) in [
        (
            "with: ",
            "expected a mapping of inputs and values, found nothing",
        ),
        (
            "with: {a: [x]}",
            "expected a string, a boolean or a number, found a sequence",
        ),
        (
            "with: {a: '${{ secrets.x }}'}",
            "the context `secrets` is not available in `jobs.*.with`",
        ),
        (
            "with: {'': x}",
            "expected the name of an input, found nothing",
        ),
        (
            "secrets: inherited",
            "expected a mapping of secrets or `inherit`, found a string",
        ),
        (
            "secrets: {a: '${{ env.x }}'}",
            "the context `env` is not available in `jobs.*.secrets`",
        ),
        (
            "secrets: {'${{ x }}': y}",
            "expressions are not allowed here",
        ),
        (
            "env: {a: b}",
            "`env` can't be used in a job that calls a workflow with `uses`",
        ),
    ] {
        assert_eq!(messages(&problems(&calling(lines))), expected, "{lines}");
    }
    let uses = |reference: &str| {
        let text = format!("on: push\njobs: {{a: {{uses: '{reference}'}}}}\n");
        messages(&problems(&text))
    };
    for (reference, expected) in [
        (
            "./x.yml",
            "the workflow `./x.yml` is not in `.github/workflows`, where all workflows are",
        ),
        (
            "./.github/workflows/a/x.yml",
            "the workflow `./.github/workflows/a/x.yml` is in a folder below `.github/workflows`, where GitHub finds no workflows",
        ),
        (
            "./.github/workflows/x.yml@v1",
            "the workflow `./.github/workflows/x.yml@v1` can't have a version: a local workflow is that of the same commit",
        ),
        (
            "o/r/.github/workflows/x.yml",
            "the workflow `o/r/.github/workflows/x.yml` has no version, and does not begin with `./`",
        ),
        (
            "./.github/workflows/x",
            "the workflow `./.github/workflows/x` is no file with the ending `.yml` or `.yaml`",
        ),
        ("o@v1", "the workflow `o@v1` names no file of a repository"),
        ("", "expected the reference of a workflow, found nothing"),
    ] {
        assert_eq!(uses(reference), expected, "{reference}");
    }
    read("on: push\njobs: {a: {uses: o/r/.github/workflows/x.yaml@v1}}\n");
}

#[test]
fn shells_that_cannot_run_a_script_are_warned_of() {
    let step = |shell: &str| messages(&warnings(&with_step(&format!("run: x\nshell: {shell}"))));
    for shell in [
        "pwsh",
        "cmd",
        "Bash",
        "perl {0}",
        "bash -l {0}",
        "'powershell'",
    ] {
        assert_eq!(step(shell), "", "{shell}");
    }
    assert_eq!(step("perl"), "the shell `perl` can't run a script");
    assert_eq!(step("bash -l"), "the shell `bash -l` can't run a script");
    assert_eq!(
        odd("defaults: {run: {shell: zsh}}"),
        "the shell `zsh` can't run a script"
    );
    assert_eq!(odd("defaults: {run: {shell: '${{ vars.X }}'}}"), "");
}
