//! Machines that stand by: what they take, who takes them, and when they go.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use dormer_testkit::docker::{docker, memory};
use dormer_testkit::events::Events;
use dormer_testkit::program::{Program, wait_until};
use serde_json::Value;

use crate::lab::Lab;

/// What one may take until it is woken, in bytes.
const MOST_MEMORY: u64 = 60_000_000;

fn machines(lab: &Lab) -> Vec<Value> {
    let listed = lab.dormer(["ps", "--format", "json"]).run().expect(0);
    serde_json::from_str(&listed.stdout).expect("JSON")
}

/// The ids of those that stand by.
pub(crate) fn standing_by(lab: &Lab) -> BTreeSet<String> {
    let machines = machines(lab).into_iter();
    let found = machines.filter(|one| one["state"] == "standby");
    found
        .map(|one| one["id"].as_str().expect("an id").to_owned())
        .collect()
}

fn first_of(ids: &BTreeSet<String>) -> &str {
    ids.first().expect("one")
}

/// Has so many stand by, for jobs without a network.
pub(crate) fn fill(lab: &Lab, count: &str, more: &[&str]) {
    let fill = [
        "image",
        "warm",
        "compat",
        "--network",
        "none",
        "--standby",
        count,
    ];
    drop(lab.dormer([&fill[..], more].concat()).run().expect(0));
}

/// A command in a machine with this network, with events in a file of its own.
fn job(lab: &Lab, name: &str, network: &str, more: &[&str]) -> (Program, PathBuf) {
    let events = lab.path(&format!("{name}.jsonl"));
    let path = events.display().to_string();
    let run = [
        "run",
        "-c",
        "echo hi",
        "--network",
        network,
        "--events",
        &path,
    ];
    (lab.dormer([&run[..], more].concat()), events)
}

/// The last start that a job's events tell of: how, whether the machine stood by, and its id.
fn started(events: &Path) -> (String, bool, String) {
    let events = Events::read(events);
    let started = events.of("started").last().expect("it started");
    let text = |key: &str| started[key].as_str().expect("a text").to_owned();
    let stood_by = started["standby"].as_bool().expect("a truth value");
    (text("mode"), stood_by, text("instance"))
}

#[test]
fn machines_stand_by_and_two_jobs_take_two_of_them() {
    let lab = Lab::with_template();
    fill(&lab, "2", &[]);
    let ids = standing_by(&lab);
    assert_eq!(ids.len(), 2);
    assert!(machines(&lab).iter().all(|one| one["process"].is_null()));
    for container in lab.containers() {
        let memory = memory(&container);
        assert!(memory < MOST_MEMORY, "{memory} bytes");
    }
    // Who made them is gone, and they are no strays.
    let nothing = lab.dormer(["gc"]).run().expect(0).stdout;
    assert!(nothing.contains("nothing to remove"), "{nothing}");

    let jobs = ["one", "two"].map(|name| job(&lab, name, "none", &[]));
    let running = jobs.map(|(job, events)| (job.start(), events));
    let mut taken = BTreeSet::new();
    for (running, events) in running {
        drop(running.finish().expect(0));
        let (mode, stood_by, id) = started(&events);
        assert_eq!((mode.as_str(), stood_by), ("warm", true));
        taken.insert(id);
    }
    assert_eq!(taken, ids);
    lab.assert_nothing_left();
}

#[test]
fn a_job_fills_the_pool_for_the_next_and_takes_only_what_fits() {
    let lab = Lab::with_template();
    let (first, events) = job(&lab, "first", "none", &["--standby", "1"]);
    let told = first.run().expect(0);
    assert!(
        told.stderr.contains("1 machine stands by"),
        "{}",
        told.stderr
    );
    assert!(!started(&events).1);
    let pool = standing_by(&lab);
    assert_eq!(pool.len(), 1);

    // With another network it is another machine.
    let (other, events) = job(&lab, "other", "full", &[]);
    drop(other.run().expect(0));
    let (mode, stood_by, _) = started(&events);
    assert_eq!((mode.as_str(), stood_by), ("warm", false));
    assert_eq!(standing_by(&lab), pool);

    fill(&lab, "0", &[]);
    lab.assert_nothing_left();
}

#[test]
fn one_that_is_dead_is_passed_over_and_removed() {
    let lab = Lab::with_template();
    fill(&lab, "2", &[]);
    let in_order = machines(&lab);
    let [oldest, other] = [0, 1].map(|at| in_order[at]["id"].as_str().expect("an id"));
    let own = lab.home().join("instances").join(oldest).join("vm");
    fs::remove_file(own.join("qmp.sock")).expect("its monitor");
    let (passing, events) = job(&lab, "passing", "none", &[]);
    drop(passing.run().expect(0));
    let expected = ("warm".to_owned(), true, other.to_owned());
    assert_eq!(started(&events), expected);
    let told = fs::read_to_string(&events).expect("events");
    assert!(told.contains("stood by did not wake"), "{told}");
    lab.assert_nothing_left();

    fill(&lab, "1", &[]);
    drop(docker(&["kill", &lab.containers()[0]]));
    let done = lab.dormer(["gc"]).run().expect(0).stdout;
    assert!(done.contains("its container does not run"), "{done}");
    lab.assert_nothing_left();
}

#[test]
fn machines_stand_by_for_a_time_or_until_they_are_stopped() {
    let lab = Lab::with_template();
    fill(&lab, "1", &["--standby-for", "1s"]);
    wait_until("its time is over", || {
        machines(&lab)[0]["state"] == "expired"
    });
    let planned = lab.dormer(["gc", "--dry-run"]).run().expect(0);
    assert!(
        planned.stdout.contains("its time is over"),
        "{}",
        planned.stdout
    );
    drop(lab.dormer(["gc"]).run().expect(0));
    lab.assert_nothing_left();

    fill(&lab, "2", &[]);
    let first = first_of(&standing_by(&lab)).to_owned();
    drop(lab.dormer(["stop", &first]).run().expect(0));
    fill(&lab, "1", &[]);
    assert_eq!(standing_by(&lab).len(), 1);
    assert!(!standing_by(&lab).contains(&first));
    fill(&lab, "0", &[]);
    lab.assert_nothing_left();
}

#[test]
fn one_whose_taker_was_killed_is_removed() {
    let lab = Lab::with_template();
    fill(&lab, "1", &[]);
    let (taking, events) = job(&lab, "taking", "none", &[]);
    let mut running = taking.start();
    wait_until("it is taken", || {
        Events::read(&events).of("rung").next().is_some() || running.has_ended()
    });
    running.signal("KILL");
    assert_eq!(running.finish().code, None, "a signal ended it");
    let done = lab.dormer(["gc"]).run().expect(0).stdout;
    assert!(done.contains("its process died while it was"), "{done}");
    lab.assert_nothing_left();
}
