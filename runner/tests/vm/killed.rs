//! What is left when `dormer` itself is killed, in each phase of a job: nothing, after `gc`.

use std::fs;
use std::os::unix::fs::MetadataExt;

use dormer_testkit::mount::SmallDisk;

use crate::lab::{Lab, shared_home};

const JOB: &str = "- shell: bash\n  run: head -c 50M /dev/zero > big; echo hi";
const WITH_ARTIFACTS: [&str; 4] = ["--artifact", "big", "--out", "out"];

/// Kills a job as soon as it says that it has entered a phase.
fn kill_in(lab: &Lab, phase: &str) {
    let job = lab.job(JOB, &WITH_ARTIFACTS);
    let mut running = lab.start_until(job, phase, |events| events.has_phase(phase));
    assert!(!running.has_ended(), "it ended before it was killed");
    running.signal("KILL");
    assert_eq!(running.finish().code, None, "a signal ended it");
}

/// The blobs' names, sizes and times: a base is never written to.
fn bases() -> Vec<(String, u64, i64)> {
    let blobs = fs::read_dir(shared_home().join("images/blobs")).expect("the blobs");
    let mut found: Vec<_> = blobs
        .map(|entry| {
            let entry = entry.expect("an entry");
            let about = entry.metadata().expect("a file");
            assert_eq!(about.mode() & 0o222, 0, "{:?} is writable", entry.path());
            let name = entry.file_name().to_string_lossy().into_owned();
            (name, about.size(), about.mtime_nsec())
        })
        .collect();
    found.sort();
    found
}

#[test]
fn gc_removes_what_a_killed_process_left_in_any_phase() {
    let lab = Lab::new();
    let before = bases();
    for phase in [
        "resolving_image",
        "creating_overlay",
        "starting_container",
        "waiting_for_guest",
        "running_steps",
        "collecting_artifacts",
        "tearing_down",
    ] {
        kill_in(&lab, phase);
        let planned = lab.dormer(["gc", "--dry-run"]).run().expect(0);
        let left = lab.instances().len();
        let done = lab.dormer(["gc"]).run().expect(0);
        assert_eq!(lab.instances().len(), 0, "{phase}");
        lab.assert_nothing_left();
        if left > 0 {
            assert!(
                planned.stdout.contains("would remove"),
                "{phase}: {}",
                planned.stdout
            );
            assert!(
                done.stdout.contains("removed machine"),
                "{phase}: {}",
                done.stdout
            );
        }
        let again = lab.dormer(["gc"]).run().expect(0);
        assert!(
            again.stdout.contains("nothing to remove"),
            "{phase}: {}",
            again.stdout
        );
    }
    assert_eq!(before, bases());
    let verified = lab.dormer(["image", "verify", "compat"]).run().expect(0);
    assert!(verified.all().contains("compat"));
}

#[test]
fn the_next_run_removes_what_a_killed_one_left() {
    let lab = Lab::new();
    kill_in(&lab, "waiting_for_guest");
    let left = lab.containers();
    assert_eq!(left.len(), 1);
    let ran = lab.run("- run: echo hi", &[]).expect(0);
    assert!(
        ran.finished.stderr.contains("removed machine"),
        "{}",
        ran.finished.stderr
    );
    assert_eq!(ran.events.log(1), ["hi"]);
    lab.assert_nothing_left();
}

#[test]
fn gc_leaves_a_running_job_and_another_homes_machines_alone() {
    let (lab, other) = (Lab::new(), Lab::new());
    let steps = "- shell: bash\n  run: echo sleeping; while [ ! -e /C:/a/go ]; do sleep 0.1; done";
    let sleeps = |events: &dormer_testkit::events::Events| events.log(1).contains(&"sleeping");
    let running = lab.start_until(lab.job(steps, &[]), "the step sleeps", sleeps);
    for gc in [lab.dormer(["gc"]), other.dormer(["gc"])] {
        assert!(gc.run().expect(0).stdout.contains("nothing to remove"));
    }
    let id = lab.events().instance().expect("an instance").to_owned();
    let strange = other.dormer(["stop", &id]).run().expect(2);
    assert!(
        strange.stderr.contains(&format!("`{id}`")),
        "{}",
        strange.stderr
    );
    assert_eq!(lab.containers().len(), 1);

    let shell = lab
        .dormer(["shell", &id])
        .input("echo x>C:\\a\\go\r\nexit\r\n");
    // The machine may go before the shell in it does.
    drop(shell.run());
    lab.ran(running.finish()).expect(0);
    lab.assert_nothing_left();
}

#[test]
fn a_container_without_a_directory_is_found_by_its_label() {
    let lab = Lab::new();
    kill_in(&lab, "waiting_for_guest");
    fs::remove_dir_all(&lab.instances()[0]).expect("the directory goes");
    assert_eq!(lab.containers().len(), 1);
    let done = lab.dormer(["gc"]).run().expect(0);
    assert!(done.stdout.contains("removed container"), "{}", done.stdout);
    lab.assert_nothing_left();
}

#[test]
fn what_cannot_be_removed_keeps_nothing_else_from_it() {
    let lab = Lab::new();
    let instances = lab.home().join("instances");
    let Some(disk) = SmallDisk::mount(&instances.join("aaaaaaaaaa/vm"), "64k") else {
        return;
    };
    fs::create_dir_all(instances.join("bbbbbbbbbb/vm/x")).expect("a directory");
    let done = lab.dormer(["gc"]).run().expect(69);
    assert!(
        done.stdout.contains("removed machine bbbbbbbbbb"),
        "{}",
        done.all()
    );
    for text in ["cannot remove", "aaaaaaaaaa"] {
        assert!(done.stderr.contains(text), "{}", done.stderr);
    }
    // A job runs all the same, and hears of it.
    let ran = lab.run("- run: echo hi", &[]).expect(0);
    assert!(
        ran.finished.stderr.contains("warning: cannot remove"),
        "{}",
        ran.finished.stderr
    );
    drop(disk);
    drop(lab.dormer(["gc"]).run().expect(0));
    lab.assert_nothing_left();
}
