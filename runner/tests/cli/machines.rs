//! `dormer ps`, `shell` and `stop`, without an engine.

use dormer::image::manifest::Digest;
use dormer::instance::record::{Journal, Process, RECORD_VERSION, Record, State};
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
