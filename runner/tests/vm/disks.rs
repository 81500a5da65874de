//! Disks that are full at any write, and a QEMU that is killed before there is a job.

use std::fs;
use std::os::unix::fs::symlink;

use dormer_testkit::mount::SmallDisk;
use dormer_testkit::program::{Finished, crash, kill, wait_until};

use crate::faults::processes;
use crate::lab::{Lab, shared_home};
use crate::tiny;
use crate::warm::template;

/// How much room a home has, in KiB: from none at all to more than a machine takes that only just runs.
const LEVELS: [u32; 16] = [
    4, 8, 12, 16, 20, 24, 28, 32, 48, 64, 96, 128, 192, 256, 384, 512,
];

/// Has machines let in though the disk has no room for all that they may write, which is what is tried.
const FACTOR: &str = "DORMER_OVERCOMMIT_DISK";

/// A home on a disk of its own, whose images are elsewhere.
fn on_a_disk(images: &std::path::Path, size: &str) -> Option<(Lab, SmallDisk)> {
    let lab = Lab::without_images();
    let disk = SmallDisk::mount(&lab.home(), size)?;
    symlink(images, lab.home().join("images")).expect("a link");
    Some((lab, disk))
}

#[test]
fn a_disk_that_is_full_at_any_write_ends_a_run_and_leaves_nothing() {
    let store = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("a directory");
    tiny::publish(store.path());
    let mut started = Vec::new();
    for level in LEVELS {
        let Some((lab, disk)) = on_a_disk(store.path(), &format!("{level}k")) else {
            return;
        };
        let job = lab.job("- run: echo hi", &["--network", "none", "--start", "cold"]);
        let job = job.env(FACTOR, "100");
        let mut running = lab.start_until(job, "it starts", |events| {
            events.of("started").next().is_some()
        });
        if running.has_ended() {
            let ended = running.finish();
            let fine = matches!(ended.code, Some(69 | 75));
            assert!(fine, "{level}k: {:?}: {}", ended.code, ended.all());
            assert!(ended.stderr.contains("error:"), "{level}k: {}", ended.all());
        } else {
            running.signal("INT");
            let ended = running.finish();
            assert_eq!(ended.code, Some(130), "{level}k: {}", ended.all());
            started.push(level);
        }
        // On the full disk: what is removed makes room.
        drop(lab.dormer(["gc"]).run().expect(0));
        lab.assert_nothing_left();
        drop(disk);
    }
    assert!(started.len() > 1, "{started:?}");
    assert!(started.len() < LEVELS.len() - 4, "{started:?}");
    assert!(started.is_sorted(), "{started:?}");
}

#[test]
fn a_disk_that_fills_up_while_a_template_is_made_leaves_none() {
    let images = shared_home().join("images");
    // For the memory, which is a file, there is room at first.
    let Some((lab, disk)) = on_a_disk(&images, "640m") else {
        return;
    };
    let warm = || {
        let warm = lab.dormer(["image", "warm", "compat", "--memory", "512M"]);
        warm.env(FACTOR, "100")
    };
    let mut running = warm().start();
    let boots = || {
        let machines = lab.instances();
        let ram = machines.first().map(|machine| machine.join("vm/ram"));
        ram.is_some_and(|ram| fs::metadata(ram).is_ok_and(|ram| allocated(&ram) > 16 << 20))
    };
    wait_until("it boots", || boots() || running.has_ended());
    let filler = lab.home().join("filler");
    fs::write(&filler, vec![1; 640 << 20]).expect_err("it is full");
    let ended = running.finish();
    assert!(matches!(ended.code, Some(69 | 75)), "{}", ended.all());
    assert!(ended.stderr.contains("full disk"), "{}", ended.stderr);
    lab.assert_nothing_left();
    fs::remove_file(&filler).expect("the filler");
    let templates = lab
        .dormer(["image", "list", "--format", "json"])
        .run()
        .expect(0);
    assert!(
        templates.stdout.contains("\"templates\": []"),
        "{}",
        templates.stdout
    );
    // Less than the memory is said before anything is made.
    disk.resize("256m");
    let refused = warm().run().expect(69);
    assert!(
        refused.stderr.contains("too little room"),
        "{}",
        refused.stderr
    );
    lab.assert_nothing_left();
    drop(disk);
}

fn allocated(file: &fs::Metadata) -> u64 {
    use std::os::unix::fs::MetadataExt;
    file.blocks() * 512
}

/// Makes a template, and ends the first QEMU.
fn warm_and_end(lab: &Lab, end: impl FnOnce(&str)) -> Finished {
    let running = lab.dormer(["image", "warm", "compat"]).start();
    let mut qemu = Vec::new();
    wait_until("QEMU runs", || {
        let containers = lab.containers();
        qemu = containers
            .first()
            .map_or(Vec::new(), |one| processes(one, "qemu-system"));
        !qemu.is_empty()
    });
    end(&qemu[0]);
    running.finish()
}

#[test]
fn a_qemu_that_crashes_while_a_template_is_made_is_replaced() {
    let lab = Lab::new();
    let ended = warm_and_end(&lab, crash).expect(0);
    assert!(
        ended
            .stderr
            .contains("QEMU crashed, so another machine is started"),
        "{}",
        ended.stderr
    );
    drop(template(&lab));
    lab.assert_nothing_left();
}

#[test]
fn a_qemu_that_is_killed_while_a_template_is_made_leaves_none() {
    let lab = Lab::new();
    let ended = warm_and_end(&lab, |qemu| kill("KILL", qemu));
    assert!(matches!(ended.code, Some(69 | 75)), "{}", ended.all());
    assert!(ended.stderr.contains("QEMU was killed"), "{}", ended.stderr);
    lab.assert_nothing_left();
    let gc = lab.dormer(["gc"]).run().expect(0).stdout;
    assert_eq!(gc, "nothing to remove\n");
}

#[test]
fn a_qemu_that_is_killed_as_it_wakes_is_followed_by_one_that_boots() {
    let lab = tiny::lab();
    tiny::freeze(&lab);
    let job = lab.job("- run: echo hi", &["--network", "none"]);
    let modes = |events: &dormer_testkit::events::Events| {
        let started = events.of("started");
        let modes = started.filter_map(|event| event["mode"].as_str());
        modes.map(str::to_owned).collect::<Vec<_>>()
    };
    let mut running = lab.start_until(job, "it wakes", |events| !modes(events).is_empty());
    assert!(!running.has_ended());
    kill("KILL", &processes(&lab.containers()[0], "qemu-system")[0]);
    wait_until("another boots", || {
        modes(&lab.events()).len() == 2 || running.has_ended()
    });
    running.signal("INT");
    let ran = lab.ran(running.finish()).expect(130);
    assert_eq!(modes(&ran.events), ["warm", "cold"]);
    lab.assert_nothing_left();
    // It was no fault of the template's.
    let verified = lab.dormer(["image", "verify", tiny::NAME]).run().expect(0);
    assert!(verified.stdout.contains("template"), "{}", verified.stdout);
}
