//! Which engine is chosen, and what is said of one that will not do.

use std::os::unix::net::UnixListener;
use std::path::Path;

use dormer_testkit::program::Program;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::fake_engine::{Fake, listen};
use super::{CONFIGURATION, Host, INFRASTRUCTURE, assert_orderly, assert_says, refused};

fn address(socket: &Path) -> String {
    format!("unix://{}", socket.display())
}

/// A host on which an engine of this kind listens, and `dormer gc` there: the shortest way to it.
fn beside(fake: Fake) -> (Host, Program) {
    let host = Host::new();
    let socket = host.path().join("engine.sock");
    listen(&socket, fake);
    let program = host.dormer(["gc"]).env("DOCKER_HOST", &address(&socket));
    (host, program)
}

#[test]
fn an_engine_that_is_not_on_this_host_is_refused() {
    let host = Host::with_good_job();
    for remote in [
        "tcp://10.0.0.1:2375",
        "ssh://me@there",
        "unix://relative.sock",
    ] {
        let said = refused(
            host.run_good([""; 0]).env("DOCKER_HOST", remote),
            CONFIGURATION,
        );
        assert_says(
            &said,
            &[
                &format!("cannot use the engine `{remote}` from DOCKER_HOST"),
                "the engine must be on this host",
                "unix:///var/run/docker.sock",
            ],
        );
    }
}

#[test]
fn a_missing_engine_and_one_that_is_not_running_are_told_apart() {
    let host = Host::with_good_job();
    let socket = host.path().join("no-engine.sock");
    let shown = socket.display();
    let said = refused(host.run_good([""; 0]), INFRASTRUCTURE);
    assert_eq!(
        said,
        format!(
            "error: there is no container engine at `{shown}`\n help: install Docker Engine (on \
             Debian: `apt-get install docker.io`), or point DOCKER_HOST at its socket\n"
        )
    );
    drop(UnixListener::bind(&socket).unwrap());
    let said = refused(host.run_good([""; 0]), INFRASTRUCTURE);
    assert_eq!(
        said,
        format!(
            "error: the container engine at `{shown}` is not running\n help: start it: `sudo \
             systemctl start docker`\n"
        )
    );
}

#[test]
fn an_engine_that_says_nothing_is_not_waited_for_long() {
    let (_host, program) = beside(Fake::Silent);
    let said = refused(program, INFRASTRUCTURE);
    assert_says(
        &said,
        &[
            "first answer did not come within 15s",
            "journalctl -u docker",
        ],
    );
}

#[test]
fn an_engine_that_falls_silent_is_not_waited_for_long() {
    let (_host, program) = beside(Fake::Half);
    let said = refused(program, INFRASTRUCTURE);
    assert_says(
        &said,
        &[
            "cannot ask the container engine about itself: its answer did not come within 30s",
            "journalctl -u docker",
        ],
    );
}

#[test]
fn what_is_no_engine_is_said_to_answer_oddly() {
    for fake in [Fake::Garbage, Fake::HangsUp, Fake::OtherServer] {
        let (_host, program) = beside(fake);
        let said = refused(program, INFRASTRUCTURE);
        assert_says(
            &said,
            &["does not answer as it should: ", "journalctl -u docker"],
        );
    }
}

#[test]
fn a_rootless_engine_is_refused_with_the_reason() {
    let (_host, program) = beside(Fake::Rootless);
    let said = refused(program, INFRASTRUCTURE);
    assert_says(
        &said,
        &["cannot use the container engine at `", "it is rootless"],
    );
}

/// Docker's own configuration with a context `mine` for this engine, which is the current one.
fn write_context(host: &Host, engine: &str) {
    let digest = hex::encode(Sha256::digest(b"mine"));
    let meta = json!({"Name": "mine", "Endpoints": {"docker": {"Host": engine}}});
    host.write(
        &format!("docker/contexts/meta/{digest}/meta.json"),
        meta.to_string(),
    );
    host.write("docker/config.json", r#"{"currentContext": "mine"}"#);
}

fn in_context(host: &Host) -> Program {
    let config = host.path().join("docker").display().to_string();
    host.dormer(["gc"])
        .env("DOCKER_HOST", "")
        .env("DOCKER_CONFIG", &config)
}

#[test]
fn dockers_current_context_is_honoured() {
    let host = Host::new();
    let socket = host.path().join("mine.sock");
    write_context(&host, &address(&socket));
    let said = refused(in_context(&host), INFRASTRUCTURE);
    assert_says(
        &said,
        &[&format!("no container engine at `{}`", socket.display())],
    );
    write_context(&host, "tcp://10.0.0.1:2376");
    let said = refused(in_context(&host), CONFIGURATION);
    assert_says(
        &said,
        &["cannot use the engine `tcp://10.0.0.1:2376` from the Docker context `mine`"],
    );
}

#[test]
fn a_context_that_is_not_there_or_unreadable_is_a_mistake_in_the_configuration() {
    let host = Host::new();
    write_context(&host, "unix:///mine.sock");
    let said = refused(
        in_context(&host).env("DOCKER_CONTEXT", "other"),
        CONFIGURATION,
    );
    assert_says(
        &said,
        &[
            "cannot use the Docker context `other`",
            "`docker context ls`",
        ],
    );
    let broken = host.write("docker/config.json", "{");
    let said = refused(in_context(&host), CONFIGURATION);
    assert_says(&said, &[&format!("cannot read `{}`", broken.display())]);
}

#[test]
fn docker_host_stands_above_the_context() {
    let host = Host::new();
    write_context(&host, "tcp://10.0.0.1:2376");
    let program = in_context(&host).env("DOCKER_HOST", "unix:///none/docker.sock");
    assert_says(&refused(program, INFRASTRUCTURE), &["`/none/docker.sock`"]);
}

/// What `dormer doctor` finds of an engine at this address.
fn diagnosed(host: &Host, engine: &str) -> Value {
    let program = host.dormer(["doctor", "--format", "json"]);
    let finished = program
        .env("DOCKER_HOST", engine)
        .run()
        .expect(INFRASTRUCTURE);
    assert_orderly(&finished);
    assert_eq!(finished.stderr, "");
    let report: Value = serde_json::from_str(&finished.stdout).expect("JSON");
    assert_eq!(report["ok"], false);
    let checks = report["checks"].as_array().expect("checks");
    for check in checks {
        let state = check["state"].as_str().expect("a state");
        assert!(["ok", "warning", "error"].contains(&state), "{check}");
        for field in ["name", "finding", "detail"] {
            let text = check[field].as_str();
            assert!(text.is_some_and(|text| !text.is_empty()), "{check}");
        }
        assert_eq!(check["help"].is_string(), state != "ok", "{check}");
    }
    let names: Vec<&str> = checks
        .iter()
        .filter_map(|check| check["name"].as_str())
        .collect();
    assert_eq!(
        names,
        ["engine", "kvm", "memory", "disk", "file system", "git"]
    );
    assert_eq!(checks[0]["state"], "error");
    checks[0].clone()
}

#[test]
fn the_doctor_tells_engines_apart_and_says_what_to_do() {
    let host = Host::new();
    let at = |name: &str| host.path().join(name);
    drop(UnixListener::bind(at("dead")).unwrap());
    listen(&at("odd"), Fake::OtherServer);
    listen(&at("rootless"), Fake::Rootless);
    let cases = [
        ("tcp://10.0.0.1:2375".to_owned(), "refused"),
        (address(&at("none")), "missing"),
        (address(&at("dead")), "not_running"),
        (address(&at("odd")), "odd"),
        (address(&at("rootless")), "rootless"),
    ];
    for (engine, finding) in cases {
        assert_eq!(diagnosed(&host, &engine)["finding"], finding, "{engine}");
    }
}

#[test]
fn the_doctor_tells_people_the_same() {
    let host = Host::new();
    let finished = host.dormer(["doctor"]).run().expect(INFRASTRUCTURE);
    assert_orderly(&finished);
    assert_says(
        &finished.stdout,
        &[
            "✗ engine: there is no container engine at `",
            "\n    install Docker Engine",
        ],
    );
}
