//! `dormer ps`, `shell` and `stop`, without an engine.

use std::time::{Duration, Instant};

use dormer::image::manifest::Digest;
use dormer::instance::allowance::Claim;
use dormer::instance::record::{Journal, Process, RECORD_VERSION, Record, State};
use dormer_testkit::program::wait_until;
use jiff::Timestamp;
use serde_json::Value;

use super::{Host, USAGE, asks_for_the_engine, assert_orderly, assert_says, refused};

/// A name as machines have them.
const ID: &str = "abcdefghij";

/// Leaves a machine behind, as a process does that was killed.
fn leave_machine(host: &Host) {
    let directory = host.path().join("dormer/instances").join(ID);
    std::fs::create_dir_all(directory.join("host")).expect("its directory");
    let record = Record {
        v: RECORD_VERSION,
        id: ID.to_owned(),
        state: State::Ready,
        job: "build".to_owned(),
        image_name: "compat".to_owned(),
        image: Digest::of(b"image"),
        created: Timestamp::now(),
        process: Process {
            id: u32::MAX,
            started: 0,
        },
        expires: None,
        claim: Claim::default(),
        user: "dormer".to_owned(),
        host_key: String::new(),
        standby: None,
    };
    Journal::begin(&directory, record).expect("its record");
}

#[test]
fn an_empty_home_has_no_machines() {
    let host = Host::new();
    let finished = host.dormer(["ps"]).run().expect(0);
    assert_orderly(&finished);
    assert_eq!(finished.stdout, "");
    assert_eq!(finished.stderr, "note: nothing runs and nothing was kept\n");
    let finished = host.dormer(["ps", "--format", "json"]).run().expect(0);
    assert_eq!(
        (finished.stdout, finished.stderr),
        ("[]\n".to_owned(), String::new())
    );
}

#[test]
fn a_machine_whose_process_died_is_shown_as_abandoned() {
    let host = Host::new();
    leave_machine(&host);
    let finished = host.dormer(["ps"]).run().expect(0);
    assert_says(
        &finished.stdout,
        &["ID", "STATE", ID, "abandoned", "build", "compat"],
    );
    let finished = host.dormer(["ps", "--format", "json"]).run().expect(0);
    let listed: Value = serde_json::from_str(&finished.stdout).unwrap();
    assert_eq!(listed[0]["id"], ID);
    assert_eq!(listed[0]["state"], "abandoned");
    assert_eq!(listed[0]["process"], Value::Null);
}

#[test]
fn without_an_engine_what_machines_take_is_not_known_and_that_is_said() {
    let host = Host::new();
    leave_machine(&host);
    let finished = host.dormer(["ps", "--format", "json"]).run().expect(0);
    assert_orderly(&finished);
    assert_says(
        &finished.stderr,
        &["warning: ", "is not known", "no container engine"],
    );
    let listed: Value = serde_json::from_str(&finished.stdout).unwrap();
    let unknown = [
        "cpu_percent",
        "cpu_time_s",
        "memory_bytes",
        "memory_private_bytes",
    ];
    let more = [
        "memory_shared_bytes",
        "network_received_bytes",
        "network_sent_bytes",
    ];
    for field in unknown.iter().chain(&more) {
        assert_eq!(listed[0].get(field), Some(&Value::Null), "{field}");
    }
    assert_eq!(listed[0]["disk_bytes"], 0);
    assert_eq!(listed[0]["claim"]["cpus"], 0);
}

#[test]
fn watching_goes_on_until_somebody_stops_it() {
    let host = Host::new();
    leave_machine(&host);
    let watch = host.dormer(["ps", "--watch", "--format", "json"]).start();
    let begun = Instant::now();
    wait_until("two lists", || begun.elapsed() > Duration::from_secs(5));
    watch.signal("INT");
    let finished = watch.finish().expect(130);
    assert_orderly(&finished);
    let lists: Vec<Value> = finished
        .stdout
        .lines()
        .map(|line| serde_json::from_str(line).expect("a list a line"))
        .collect();
    assert!(lists.len() >= 2, "{}", finished.stdout);
    assert!(lists.iter().all(|list| list[0]["id"] == ID));
}

#[test]
fn a_machine_that_is_not_there_is_named_with_those_that_are() {
    let host = Host::new();
    for command in ["shell", "stop"] {
        let said = refused(host.dormer([command, "nobody"]), USAGE);
        assert_says(
            &said,
            &[
                "there is no machine `nobody`\n",
                "nothing runs and nothing was kept",
            ],
        );
    }
    leave_machine(&host);
    for command in ["shell", "stop"] {
        for wrong in ["nobody", "../instances/abcdefghij", ""] {
            let said = refused(host.dormer([command, wrong]), USAGE);
            assert_eq!(
                said,
                format!("error: there is no machine `{wrong}`\n help: the machines are: {ID}\n")
            );
        }
        asks_for_the_engine(host.dormer([command, ID]));
    }
}

/// The reaper deals with what is unreadable; nobody else has to stumble over it.
#[test]
fn an_unreadable_record_does_not_hide_the_others() {
    let host = Host::new();
    leave_machine(&host);
    host.write("dormer/instances/bbbbbbbbbb/host/instance.json", "{");
    let finished = host.dormer(["ps"]).run().expect(0);
    assert_orderly(&finished);
    assert_says(&finished.stdout, &[ID]);
}
