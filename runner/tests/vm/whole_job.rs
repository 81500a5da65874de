//! A job from its file to its artifact, as the README shows it, and what its events say.

use std::fs;
use std::path::Path;

use dormer_testkit::events::Events;
use serde_json::Value;

use crate::lab::{Lab, Ran};

const FIXTURES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../fixtures/jobs");

#[test]
fn the_hello_job_builds_tests_and_brings_back_a_program() {
    let lab = Lab::new();
    let workflow = format!("{FIXTURES}/hello.yml");
    let workspace = format!("{FIXTURES}/hello");
    let run = lab.dormer(["run", &workflow, "--workspace", &workspace]);
    let run = run.args(["--artifact", r"DIST\**", "--out", "out"]);
    let ran = lab
        .ran(run.args(["--events", "events.jsonl"]).run())
        .expect(0);

    let out = lab.path("out");
    let program = fs::read(out.join("dist/wordfreq.exe")).expect("the program came back");
    assert!(program.starts_with(b"MZ"));
    let report = fs::read_to_string(out.join("dist/report.txt")).expect("the report came back");
    let size = format!("{} bytes, all tests passed", program.len());
    assert!(report.contains(&size), "{report}");
    assert!(report.contains("Microsoft Windows"), "{report}");
    the_manifest_lists_what_came_back(&out, &ran.events);

    let log = ran.events.log(3).join("\n");
    assert!(log.contains("all tests passed"), "{log}");
    let shown = ran.finished.all();
    assert!(
        shown.contains("is Debian with Wine, not Windows"),
        "{shown}"
    );
    assert!(!shown.contains('\x1b'), "no colour without a terminal");
    every_event_has_its_fields(&ran.events);
    the_job_went_through_its_phases(&ran.events);
    lab.assert_nothing_left();
}

fn the_manifest_lists_what_came_back(out: &Path, events: &Events) {
    let text = fs::read_to_string(out.join("manifest.json")).expect("a manifest");
    let manifest: Value = serde_json::from_str(&text).expect("JSON");
    let listed = manifest["artifacts"].as_array().expect("a list");
    assert_eq!(listed.len(), 2, "{text}");
    for one in listed {
        let path = out.join(one["path"].as_str().expect("a path"));
        let bytes = fs::read(&path).expect("what the manifest lists is there");
        assert_eq!(one["size"], bytes.len() as u64);
        let digest = dormer::image::manifest::Digest::of(&bytes);
        assert_eq!(one["sha256"], digest.hex());
        let told = events
            .of("artifact")
            .find(|event| event["path"] == one["path"]);
        let told = told.expect("an event for each file");
        assert_eq!(
            (&told["size"], &told["sha256"]),
            (&one["size"], &one["sha256"])
        );
    }
}

/// The fields that `docs/events.md` promises for each kind of event.
fn fields(kind: &str) -> &'static [&'static str] {
    match kind {
        "job_accepted" => &[],
        "phase" => &["phase"],
        "started" => &["mode"],
        "rung" => &["rung", "ms"],
        "step_started" => &["number", "stage", "id", "name"],
        "step_header" => &["number", "stage", "lines"],
        "log" => &["number", "stream", "text"],
        "step_finished" => &[
            "number",
            "stage",
            "id",
            "name",
            "outcome",
            "conclusion",
            "exit_code",
            "ms",
        ],
        "artifact" => &["path", "size", "sha256"],
        "torn_down" => &["ms"],
        "job_completed" => &["conclusion", "exit_code", "infra"],
        "notice" => &["level", "text"],
        other => panic!("an event `{other}` that nobody promised"),
    }
}

fn every_event_has_its_fields(events: &Events) {
    let mut last = 0;
    let mut instance = None;
    for event in &events.0 {
        let kind = event["event"].as_str().expect("a kind");
        for field in ["v", "t_ms", "ts", "job"].iter().chain(fields(kind)) {
            assert!(event.get(field).is_some(), "`{field}` of {event}");
        }
        assert_eq!(event["v"], 1);
        let at = event["t_ms"].as_u64().expect("a number");
        assert!(at >= last, "time goes back at {event}");
        last = at;
        let named = event.get("instance").cloned();
        assert!(instance.is_none() || named == instance, "{event}");
        instance = named;
    }
    assert!(instance.is_some(), "the job had an instance");
}

fn the_job_went_through_its_phases(events: &Events) {
    let of = |kind, field| -> Vec<String> {
        let found = events.of(kind).map(|event| event[field].clone());
        found
            .map(|value| value.as_str().expect("a text").to_owned())
            .collect()
    };
    assert_eq!(
        of("phase", "phase"),
        [
            "accepted",
            "resolving_image",
            "creating_overlay",
            "starting_container",
            "waiting_for_guest",
            "running_steps",
            "collecting_artifacts",
            "tearing_down",
            "completed",
        ]
    );
    assert_eq!(
        of("rung", "rung"),
        [
            "container_up",
            "qmp",
            "guest_agent",
            "ssh_banner",
            "command"
        ]
    );
    let kinds: Vec<&str> = events
        .0
        .iter()
        .filter_map(|event| event["event"].as_str())
        .collect();
    let at = |kind| kinds.iter().position(|other| *other == kind).expect(kind);
    assert_eq!(at("job_accepted"), 0);
    assert!(at("started") < at("step_started"));
    assert!(at("artifact") < at("torn_down"));
    assert_eq!(at("job_completed"), kinds.len() - 1);
}

#[test]
fn one_command_needs_no_file_and_tells_its_exit_code() {
    let lab = Lab::new();
    let fine = lab.dormer(["run", "--image", "compat", "-c", "ver & echo hi"]);
    let fine = fine.run().expect(0);
    assert!(fine.stdout.contains("Microsoft Windows"), "{}", fine.stdout);
    assert!(fine.stdout.contains("hi"), "{}", fine.stdout);
    assert!(!fine.stdout.contains('\r'), "{:?}", fine.stdout);

    let failing = lab.dormer([
        "run", "--image", "compat", "-c", "exit 57", "--shell", "bash",
    ]);
    let failing = failing.run().expect(1);
    assert!(failing.stderr.contains("57"), "{}", failing.stderr);
    lab.assert_nothing_left();
}

#[test]
fn the_formats_for_programs_say_the_same() {
    let lab = Lab::new();
    let steps = "- run: echo one\n- name: Bad\n  run: echo two>&2& exit /b 3";
    let ran = lab.run(steps, &["--format", "json"]).expect(1);
    let printed: Vec<Value> = ran
        .finished
        .stdout
        .lines()
        .map(|line| serde_json::from_str(line).expect("a JSON line"))
        .collect();
    assert_eq!(printed, ran.events.0, "the file and the terminal agree");

    let Ran { finished, events } = lab.run(steps, &["--format", "github"]).expect(1);
    let shown = finished.all();
    for part in ["::group::", "::endgroup::", "::error", "Bad"] {
        assert!(shown.contains(part), "{part} in\n{shown}");
    }
    assert_eq!(events.step(2)["exit_code"], 3);
    lab.assert_nothing_left();
}

#[test]
fn a_failing_step_is_repeated_at_the_end_with_its_last_lines() {
    let lab = Lab::new();
    let steps = "- name: Long\n  run: |\n    for /L %%i in (1,1,40) do @echo line %%i\n    exit /b \
                 4\n- run: echo never";
    let ran = lab.run(steps, &[]).expect(1);
    let end = ran.finished.stderr;
    assert!(end.contains("Long") && end.contains("line 40"), "{end}");
    assert_eq!(ran.events.step(1)["exit_code"], 4);
    assert_eq!(ran.events.step(2)["outcome"], "skipped");
    lab.assert_nothing_left();
}
