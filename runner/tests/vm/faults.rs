//! Machines, containers and disks that fail under a job.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use dormer::image::manifest::Manifest;
use dormer::image::store::Store;
use dormer_testkit::docker::{docker, try_docker};
use dormer_testkit::events::Events;
use dormer_testkit::mount::SmallDisk;
use dormer_testkit::program::{crash, kill};

use crate::lab::{Lab, shared_home};
use crate::warm::warnings;

const SLEEPS: &str = "- shell: bash\n  run: echo sleeping; sleep 300";

fn sleeps(events: &Events) -> bool {
    events.log(1).contains(&"sleeping")
}

/// The directory with what explains the failure, as the events name it.
fn evidence(events: &Events) -> PathBuf {
    let named = events.completed()["infra"]["evidence"].as_str();
    PathBuf::from(named.expect("evidence is kept of a failed job"))
}

/// The numbers of a container's processes of one name, as the host sees them.
pub(crate) fn processes(container: &str, name: &str) -> Vec<String> {
    // One that is not started yet, or gone, has none.
    let (_, list) = try_docker(&["top", container, "-eo", "pid,comm"]);
    let found = list.lines().filter(|line| line.contains(name));
    found
        .filter_map(|line| line.split_whitespace().next())
        .map(str::to_owned)
        .collect()
}

#[test]
fn a_qemu_that_crashes_before_the_guest_answers_is_replaced() {
    let lab = Lab::new();
    let job = lab.job("- run: echo hi", &["--start", "cold"]);
    let running = lab.start_until(job, "its CPUs run", |events| {
        events.of("started").next().is_some()
    });
    crash(&processes(&lab.containers()[0], "qemu-system")[0]);
    let ran = lab.ran(running.finish()).expect(0);
    assert_eq!(ran.events.of("started").count(), 2);
    let told = warnings(&ran);
    assert!(
        told.contains("QEMU crashed, so another machine is started"),
        "{told}"
    );
    lab.assert_nothing_left();
}

#[test]
fn a_qemu_that_is_killed_ends_the_job_as_infrastructure() {
    let lab = Lab::new();
    let running = lab.start_until(lab.job(SLEEPS, &[]), "the step sleeps", sleeps);
    let qemu = processes(&lab.containers()[0], "qemu-system");
    assert_eq!(qemu.len(), 1, "{qemu:?}");
    kill("KILL", &qemu[0]);
    let ran = lab.ran(running.finish()).expect(75);
    assert!(ran.finished.took < Duration::from_secs(60));
    let infra = &ran.events.completed()["infra"];
    assert_eq!(infra["transient"], true);
    let message = infra["message"].as_str().expect("a message");
    assert!(message.contains("the machine ended"), "{message}");
    assert!(evidence(&ran.events).join("serial.log").is_file());
    lab.assert_nothing_left();
}

#[test]
fn a_container_that_is_removed_from_outside_ends_the_job_as_infrastructure() {
    let lab = Lab::new();
    let running = lab.start_until(lab.job(SLEEPS, &[]), "the step sleeps", sleeps);
    docker(&["rm", "--force", &lab.containers()[0]]);
    let ran = lab.ran(running.finish()).expect(75);
    assert!(ran.finished.took < Duration::from_secs(60));
    assert!(!ran.events.completed()["infra"].is_null());
    lab.assert_nothing_left();
}

#[test]
fn a_guest_that_never_answers_is_given_up_with_evidence() {
    let lab = Lab::without_images();
    hasty_image(&lab.home().join("images"));
    let ran = lab.run("- run: echo hi", &["--image", "compat"]).expect(75);
    let infra = &ran.events.completed()["infra"];
    let message = infra["message"].as_str().expect("a message");
    assert!(message.contains("the guest agent"), "{message}");
    let evidence = evidence(&ran.events);
    for name in ["serial.log", "serial-tail.txt", "qemu.log"] {
        assert!(evidence.join(name).is_file(), "{name}");
    }
    let png = fs::read(evidence.join("screenshot.png")).expect("a screenshot");
    assert!(png.starts_with(b"\x89PNG"));
    assert!(
        ran.finished.stderr.contains("serial"),
        "{}",
        ran.finished.stderr
    );
    lab.assert_nothing_left();
}

/// The shared guest, in a store where it has a second to boot.
fn hasty_image(images: &Path) {
    let shared = shared_home().join("images");
    fs::create_dir_all(images).expect("a directory");
    for part in ["blobs", "verified"] {
        std::os::unix::fs::symlink(shared.join(part), images.join(part)).expect("a link");
    }
    let known = Store::open(&shared).expect("the store").get("compat");
    let mut manifest: Manifest = known.expect("the guest").manifest;
    manifest.description.boot_seconds = 1;
    let store = Store::open(images).expect("a store");
    store.publish(manifest).expect("it is put in place");
}

#[test]
fn a_disk_that_fills_up_under_a_machine_ends_the_job() {
    let lab = Lab::without_images();
    let Some(disk) = SmallDisk::mount(&lab.home().join("instances"), "96m") else {
        return;
    };
    let images = shared_home().join("images");
    std::os::unix::fs::symlink(images, lab.home().join("images")).expect("a link");
    let steps = "- shell: bash\n  run: dd if=/dev/urandom of=big bs=1M count=600; sync; sleep 300";
    let ran = lab.run(steps, &[]).expect(69);
    let message = &ran.events.completed()["infra"]["message"];
    let message = message.as_str().expect("a message");
    assert!(
        message.contains("disk") && message.contains("full"),
        "{message}"
    );
    assert!(ran.finished.took < Duration::from_secs(120));
    lab.assert_nothing_left();
    drop(disk);
}

#[test]
fn a_disk_without_room_for_the_machines_files_is_told() {
    let lab = Lab::without_images();
    let Some(disk) = SmallDisk::mount(&lab.home().join("instances"), "64k") else {
        return;
    };
    let images = shared_home().join("images");
    std::os::unix::fs::symlink(images, lab.home().join("images")).expect("a link");
    let ran = lab.run("- run: echo hi", &[]).finished.expect(69);
    assert!(ran.stderr.contains("error:"), "{}", ran.stderr);
    lab.assert_nothing_left();
    drop(disk);
}

#[test]
fn a_guest_that_floods_its_output_loses_no_line_and_no_time() {
    let lab = Lab::new();
    let lines = 200_000;
    let steps = format!("- shell: bash\n  run: seq 1 {lines}\n- run: exit /b 9");
    let ran = lab.run(&steps, &[]).expect(1);
    let log = ran.events.log(1);
    assert_eq!(log.len(), lines);
    let in_order = log
        .iter()
        .zip(1_u64..)
        .all(|(line, number)| *line == number.to_string());
    assert!(in_order, "a line is not where it was printed");
    assert_eq!(ran.events.step(2)["exit_code"], 9);
    lab.assert_nothing_left();
}

#[test]
fn a_disk_that_fills_up_while_the_guest_boots_ends_the_job_at_once() {
    let lab = Lab::without_images();
    let instances = lab.home().join("instances");
    let Some(disk) = SmallDisk::mount(&instances, "8m") else {
        return;
    };
    let images = shared_home().join("images");
    std::os::unix::fs::symlink(images, lab.home().join("images")).expect("a link");
    let job = lab.job("- run: echo hi", &[]);
    let running = lab.start_until(job, "it boots", |events| {
        events.has_phase("waiting_for_guest")
    });
    // All that is left, so that the first thing that the boot writes finds no room.
    fs::write(instances.join("filler"), vec![1; 8 << 20]).expect_err("it is full");
    let ran = lab.ran(running.finish()).expect(69);
    assert!(ran.events.of("step_started").next().is_none());
    let message = &ran.events.completed()["infra"]["message"];
    let message = message.as_str().expect("a message");
    assert!(
        message.contains("disk") && message.contains("full"),
        "{message}"
    );
    fs::remove_file(instances.join("filler")).expect("the filler");
    lab.assert_nothing_left();
    drop(disk);
}

#[test]
fn a_home_whose_instances_are_deleted_under_a_job_is_torn_down_without_a_word() {
    let lab = Lab::new();
    let steps = "- shell: bash\n  run: echo sleeping; sleep 8";
    let running = lab.start_until(lab.job(steps, &[]), "the step sleeps", sleeps);
    fs::remove_dir_all(lab.home().join("instances")).expect("they go");
    let ran = lab.ran(running.finish()).expect(0);
    assert!(
        !ran.finished.stderr.contains("was not removed"),
        "{}",
        ran.finished.stderr
    );
    lab.assert_nothing_left();
}

#[test]
fn a_machine_that_is_larger_than_the_host_is_refused_before_it_is_made() {
    let lab = Lab::new();
    let ran = lab
        .run("- run: echo hi", &["--memory", "900G"])
        .finished
        .expect(2);
    assert!(
        ran.stderr.contains("the container engine has"),
        "{}",
        ran.stderr
    );
    lab.assert_nothing_left();
}
