//! The process ends as a crash ends it, at every place where a machine's state is written down. After each:
//! `gc` leaves nothing, nothing that is shared was changed, and the next run works.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use dormer::host::crash::{AT, TRACE};
use dormer::image::store::digest_of;
use dormer::instance::record::State;
use dormer_testkit::events::Events;
use dormer_testkit::program::{Finished, Program};

use crate::lab::Lab;
use crate::tiny;

/// What a machine has to do for a state to be written down.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum When {
    /// Run, as any guest does, and be cancelled.
    Runs,
    /// Have a guest that answers.
    Answers,
    /// Stand by, and be taken by a job.
    StandsBy,
    /// Be frozen, which takes a guest that comes to rest.
    IsFrozen,
}

/// Every state has its place here: a new one does not compile without.
fn when(state: State) -> When {
    match state {
        State::Reserved
        | State::CreatingOverlay
        | State::CreatingContainer
        | State::StartingContainer
        | State::Booting
        | State::TearingDown => When::Runs,
        State::Ready | State::Kept => When::Answers,
        State::Standby | State::Adopted => When::StandsBy,
        State::Freezing => When::IsFrozen,
    }
}

fn points_of(wanted: When) -> Vec<String> {
    let states = State::all().into_iter();
    let states = states.filter(|state| when(*state) == wanted);
    states.flat_map(State::crash_points).collect()
}

/// The points that were passed, in their order, each once.
fn passed(trace: &Path) -> Vec<String> {
    let text = fs::read_to_string(trace).expect("a trace");
    let mut points: Vec<String> = Vec::new();
    for line in text.lines() {
        if !points.iter().any(|point| point == line) {
            points.push(line.to_owned());
        }
    }
    points
}

/// Everything below a home with what is in it; without the machines, what is kept to explain failures,
/// how often something woke, and the two directories that templates come to.
fn contents(home: &Path) -> BTreeMap<PathBuf, String> {
    let mut found = BTreeMap::new();
    let mut left = vec![home.to_owned()];
    while let Some(path) = left.pop() {
        let about = fs::symlink_metadata(&path).expect("it is there");
        let name = path.file_name().unwrap_or_default();
        if about.is_dir() && name != "jobs" && name != "instances" {
            let entries = fs::read_dir(&path).expect("its entries");
            left.extend(entries.map(|entry| entry.expect("an entry").path()));
        }
        if about.is_dir() && name != "templates" && name != "locks" {
            found.insert(path.clone(), "a directory".to_owned());
        }
        if about.is_file() && name != "uses" {
            found.insert(path.clone(), look(&path, &about));
        }
    }
    found
}

/// What a file is like: its contents too, unless they take longer to read than machines to wake. Of those
/// `image verify` reads every byte in the end.
fn look(path: &Path, about: &fs::Metadata) -> String {
    const READ: u64 = 128 << 20;
    let digest = (about.len() <= READ).then(|| digest_of(path, |_| {}).expect("its contents").0);
    format!(
        "{:o} {} {digest:?} {}",
        about.mode(),
        about.ino(),
        about.mtime_nsec()
    )
}

fn job(lab: &Lab, more: &[&str]) -> Program {
    // What the one before has written must not be taken for this one's.
    let _ = fs::remove_file(lab.path("events.jsonl"));
    lab.job("- shell: bash\n  run: echo hi", more)
}

fn has_started(events: &Events) -> bool {
    events.of("started").next().is_some()
}

/// Runs a job and cancels it when its machine's virtual CPUs run.
fn run_and_cancel(lab: &Lab, job: Program) -> Finished {
    let mut running = lab.start_until(job, "it starts", has_started);
    if !running.has_ended() {
        running.signal("INT");
    }
    running.finish()
}

/// Checks that `gc` does what it says it would, leaves nothing of the machines, and changes nothing else.
fn assert_cleaned(lab: &Lab, before: &BTreeMap<PathBuf, String>, point: &str) {
    drop(lab.dormer(["ps"]).run().expect(0));
    let planned = lab.dormer(["gc", "--dry-run"]).run().expect(0).stdout;
    let done = lab.dormer(["gc"]).run().expect(0).stdout;
    assert_eq!(planned.replace("would remove", "removed"), done, "{point}");
    lab.assert_nothing_left();
    let again = lab.dormer(["gc"]).run().expect(0).stdout;
    assert!(again.contains("nothing to remove"), "{point}: {again}");
    assert_same(lab, before, point);
}

/// Checks that nothing came, went or changed.
fn assert_same(lab: &Lab, before: &BTreeMap<PathBuf, String>, point: &str) {
    let now = contents(&lab.home());
    let paths = before.keys().chain(now.keys());
    let changed: BTreeSet<&PathBuf> = paths
        .filter(|path| before.get(*path) != now.get(*path))
        .collect();
    assert!(changed.is_empty(), "{point}: {changed:?}");
}

/// What there is when nothing was left.
fn clean(lab: &Lab) -> BTreeMap<PathBuf, String> {
    drop(lab.dormer(["gc"]).run().expect(0));
    contents(&lab.home())
}

fn mode(lab: &Lab) -> String {
    let events = lab.events();
    let started = events.of("started").last().expect("it started");
    started["mode"].as_str().expect("a mode").to_owned()
}

fn assert_unchanged(lab: &Lab) {
    let verified = lab.dormer(["image", "verify", tiny::NAME]).run().expect(0);
    assert!(verified.all().contains(tiny::NAME), "{}", verified.all());
}

/// Goes through all that a machine does which is cancelled as soon as its virtual CPUs run, and ends the
/// process at each point.
fn crash_everywhere(lab: &Lab, how: &str, more: &[&str]) {
    let trace = lab.path("trace");
    let traced = job(lab, more).env(TRACE, &trace.display().to_string());
    drop(run_and_cancel(lab, traced).expect(130));
    assert_eq!(mode(lab), how);
    lab.assert_nothing_left();
    let (points, before) = (passed(&trace), clean(lab));
    for point in points_of(When::Runs) {
        assert!(points.contains(&point), "{point} is not among {points:?}");
    }
    for point in points {
        let ended = run_and_cancel(lab, job(lab, more).env(AT, &point));
        assert_eq!(ended.code, None, "{point}: {}", ended.all());
        assert_cleaned(lab, &before, &point);
        drop(run_and_cancel(lab, job(lab, more)).expect(130));
        assert_eq!(mode(lab), how, "{point}");
        lab.assert_nothing_left();
    }
    assert_unchanged(lab);
}

#[test]
fn a_crash_at_any_state_of_a_machine_that_boots_leaves_nothing() {
    let lab = tiny::lab();
    crash_everywhere(&lab, "cold", &["--network", "full"]);
}

#[test]
fn a_crash_at_any_state_of_a_machine_that_wakes_leaves_nothing() {
    let lab = tiny::lab();
    tiny::freeze(&lab);
    crash_everywhere(&lab, "warm", &["--network", "none"]);
}

#[test]
fn a_crash_at_any_state_of_a_machine_that_stands_by_leaves_nothing() {
    let lab = tiny::lab();
    tiny::freeze(&lab);
    let network = ["--network", "none"];
    let fill = |count: &str| {
        let warm = ["image", "warm", tiny::NAME, "--standby", count];
        lab.dormer([&warm[..], &network].concat())
    };
    drop(fill("1").run().expect(0));
    drop(run_and_cancel(&lab, job(&lab, &network)).expect(130));
    let before = clean(&lab);
    for point in points_of(When::StandsBy) {
        let ended = if point.contains(State::Standby.as_str()) {
            fill("1").env(AT, &point).run()
        } else {
            drop(fill("1").run().expect(0));
            run_and_cancel(&lab, job(&lab, &network).env(AT, &point))
        };
        assert_eq!(ended.code, None, "{point}: {}", ended.all());
        // One that is not taken yet stands by, whoever died beside it.
        drop(fill("0").run().expect(0));
        assert_cleaned(&lab, &before, &point);
        drop(run_and_cancel(&lab, job(&lab, &network)).expect(130));
        assert_eq!(mode(&lab), "warm", "{point}");
        lab.assert_nothing_left();
    }
    assert_unchanged(&lab);
}

/// One job on the embedded guest for each state, ended there; what the next one does shows that it can.
fn crash_once_at_each(lab: &Lab, how: &str, states: &[State], more: &[&str]) {
    let before = clean(lab);
    for state in states {
        let point = state.crash_points()[1].clone();
        let keep = if *state == State::Kept {
            "always"
        } else {
            "never"
        };
        let more = [&["--network", "none", "--keep", keep][..], more].concat();
        let ended = job(lab, &more).env(AT, &point).run();
        assert_eq!(ended.code, None, "{point}: {}", ended.all());
        if *state == State::Kept {
            // It was to be kept, and is.
            let left = lab.dormer(["gc"]).run().expect(0).stdout;
            assert!(!left.contains("machine"), "{left}");
            let id = lab.events().instance().expect("an instance").to_owned();
            drop(lab.dormer(["stop", &id]).run().expect(0));
        }
        assert_cleaned(lab, &before, &point);
    }
    let ran = lab.ran(job(lab, more).run()).expect(0);
    assert_eq!(ran.events.log(1), ["hi"]);
    assert_eq!(mode(lab), how);
    lab.assert_nothing_left();
    assert_same(lab, &before, "in the end");
    assert_unchanged(lab);
}

#[test]
fn a_crash_at_each_state_of_the_embedded_guest_that_boots_leaves_nothing() {
    let lab = Lab::new();
    // What is made once: the proof of the accelerator, directories.
    drop(run_and_cancel(&lab, job(&lab, &[])).expect(130));
    let states = [
        State::StartingContainer,
        State::Booting,
        State::Ready,
        State::TearingDown,
    ];
    crash_once_at_each(&lab, "cold", &states, &["--start", "cold"]);
}

#[test]
fn a_crash_while_a_template_is_made_or_used_leaves_nothing() {
    let lab = Lab::new();
    drop(run_and_cancel(&lab, job(&lab, &[])).expect(130));
    let warm = || lab.dormer(["image", "warm", tiny::NAME]);
    let [_, frozen] = State::Freezing.crash_points();
    assert!(points_of(When::IsFrozen).contains(&frozen));
    let before = clean(&lab);
    for point in [frozen.as_str(), "at taking ram"] {
        let ended = warm().env(AT, point).run();
        assert_eq!(ended.code, None, "{point}: {}", ended.all());
        assert_cleaned(&lab, &before, point);
    }
    drop(warm().run().expect(0));
    lab.assert_nothing_left();
    let mut states = State::all();
    states.retain(|state| !matches!(when(*state), When::IsFrozen | When::StandsBy));
    crash_once_at_each(&lab, "warm", &states, &[]);
}
