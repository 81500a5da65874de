//! `gc`: what it says that it would remove is what it removes, each with its reason, and nothing that is
//! alive; whatever a record looks like.

use std::fs::{self, File};
use std::path::Path;
use std::time::{Duration, SystemTime};

use dormer::host::home::Home;
use dormer::host::reservation::Reservation;
use dormer::image::manifest::{Digest, Manifest};
use dormer::image::recipe::Recipe;
use dormer::image::store::Store;
use dormer::image::vm_container;
use dormer::instance::allowance::Claim;
use dormer::instance::record::{Journal, Process, RECORD_VERSION, Record, State};
use dormer_testkit::docker::docker;
use dormer_testkit::program::wait_until;
use jiff::Timestamp;

use crate::lab::{Lab, shared_home};

const HOUR: Duration = Duration::from_secs(3600);

/// A record of a machine whose process is dead.
fn record(id: &str, state: State, expires: Option<Timestamp>) -> Record {
    Record {
        v: RECORD_VERSION,
        id: id.to_owned(),
        state,
        job: "build".to_owned(),
        image_name: "compat".to_owned(),
        image: Digest::of(b"none"),
        created: Timestamp::now() - HOUR,
        process: Process {
            id: u32::MAX,
            started: 0,
        },
        expires,
        user: "dormer".to_owned(),
        host_key: String::new(),
        claim: Claim::default(),
        standby: None,
    }
}

/// Leaves a machine's directory.
fn leave(lab: &Lab, record: Record) {
    let directory = lab.home().join("instances").join(&record.id);
    fs::create_dir_all(directory.join("host")).expect("a directory");
    Journal::begin(&directory, record).expect("its record");
}

fn write(path: &Path, text: &str) {
    fs::create_dir_all(path.parent().expect("a parent")).expect("a directory");
    fs::write(path, text).expect("a file");
}

/// Makes something as old as that.
fn age(path: &Path, days: u64) {
    let then = SystemTime::now() - Duration::from_secs(days * 86_400);
    let file = File::open(path).expect("it is there");
    file.set_modified(then).expect("it ages");
}

/// Every path below the home.
fn paths(lab: &Lab) -> Vec<String> {
    let (mut found, mut left) = (Vec::new(), vec![lab.home()]);
    while let Some(path) = left.pop() {
        if fs::symlink_metadata(&path).is_ok_and(|about| about.is_dir()) {
            let entries = fs::read_dir(&path).expect("its entries");
            left.extend(entries.map(|entry| entry.expect("an entry").path()));
        }
        found.push(path.display().to_string());
    }
    found.sort();
    found
}

/// An image of no files, under this name.
fn image(store: &Store, name: &str) -> Digest {
    let mut description = Recipe::guest("compat")
        .expect("a recipe")
        .description()
        .expect("JSON");
    description.name = name.to_owned();
    let manifest = Manifest {
        description,
        parent: None,
        blobs: Vec::new(),
        size: 0,
        recipe: Digest::of(b"recipe"),
        made: Timestamp::now(),
    };
    store.publish(manifest).expect("an image").digest
}

fn leave_one_of_each(lab: &Lab) -> Vec<String> {
    let home = lab.home();
    leave(lab, record("bbbbbbbbbb", State::Booting, None));
    leave(
        lab,
        record("cccccccccc", State::Kept, Some(Timestamp::now() - HOUR)),
    );
    fs::create_dir_all(home.join("instances/dddddddddd")).expect("a directory");
    write(
        &home.join("instances/eeeeeeeeee/host/instance.json"),
        "{\"v\": 1, \"id\": \"eeee",
    );

    let label = format!("dormer.owner={}", lab.owner());
    let tag = vm_container::tag();
    let create = [
        "create",
        "--label",
        &label,
        "--label",
        "dormer.instance=ffffffffff",
        &tag,
    ];
    let container = docker(&create)[..12].to_owned();

    let store = Store::open(&home.join("images")).expect("a store");
    let old = image(&store, "example");
    image(&store, "example");
    let blob = "1".repeat(64);
    write(&home.join("images/blobs").join(&blob), "lost");
    fs::create_dir_all(home.join("images/building/gggggggggg")).expect("a directory");

    let [broken, removed] = ["broken", "removed"].map(|what| format!("{what}-{}", "2".repeat(64)));
    write(&home.join("templates").join(&broken).join("ram"), "");
    age(&home.join("templates").join(&broken), 2);
    write(&home.join("templates").join(&removed).join("ram"), "");
    write(&home.join("jobs/hhhhhhhhhh/serial.log"), "");
    age(&home.join("jobs/hhhhhhhhhh"), 15);
    fs::create_dir_all(home.join("passing/left")).expect("a directory");
    let action = format!("octo/act/{}", "3".repeat(40));
    fs::create_dir_all(home.join("actions").join(&action)).expect("a directory");
    age(&home.join("actions").join(&action), 31);

    let unreadable = "its record is unreadable (EOF while parsing a string at line 1 column 20)";
    vec![
        "machine bbbbbbbbbb: its process died while it was booting".to_owned(),
        "machine cccccccccc: its time is over".to_owned(),
        "machine dddddddddd: its process died before it began".to_owned(),
        format!("machine eeeeeeeeee: {unreadable}"),
        format!("container {container}: its machine ffffffffff is gone"),
        "build gggggggggg: it was interrupted".to_owned(),
        format!("image {}: no name means it any more", old.short()),
        format!("image file {}: no image has it", &blob[..12]),
        format!("template {broken}: nothing can wake from it"),
        format!("template {removed}: its removal was interrupted"),
        "evidence of job hhhhhhhhhh: it is older than two weeks".to_owned(),
        "files of 1 run: their process died".to_owned(),
        format!(
            "action octo/act@{}: nothing used it for 30 days",
            "3".repeat(40)
        ),
    ]
}

#[test]
fn each_kind_of_leftover_is_named_with_its_reason_before_it_goes() {
    let lab = Lab::without_images();
    shared_home();
    drop(lab.dormer(["gc"]).run().expect(0));
    let clean = paths(&lab);
    let mut expected = leave_one_of_each(&lab);
    expected.sort();
    let there = paths(&lab);
    let lines = |arguments: &[&str], verb: &str| {
        let said = lab.dormer(arguments).run().expect(0).stdout;
        let lines = said
            .lines()
            .map(|line| line.strip_prefix(verb).expect(line).to_owned());
        let mut lines: Vec<String> = lines.collect();
        lines.sort();
        lines
    };
    assert_eq!(lines(&["gc", "--dry-run"], "would remove "), expected);
    assert_eq!(paths(&lab), there, "it was only a look");
    assert_eq!(lab.containers().len(), 1);
    assert_eq!(lines(&["gc"], "removed "), expected);
    lab.assert_nothing_left();
    let left = paths(&lab);
    let known = [
        "/images/manifests/",
        "/images/names/",
        "/actions",
        "/templates",
        "/passing",
    ];
    let new = left.iter().filter(|path| !clean.contains(path));
    let strange: Vec<&String> = new
        .filter(|path| !known.iter().any(|part| path.contains(part)))
        .collect();
    assert!(strange.is_empty(), "{strange:?}");
}

/// However a record was damaged, a machine that a living process holds stays, and others are listed.
#[test]
fn a_damaged_record_costs_no_machine_that_is_alive() {
    let lab = Lab::without_images();
    let home = Home::at(&lab.home()).expect("the home");
    let mut whole = record("aaaaaaaaaa", State::Ready, None);
    whole.process = Process::this();
    let text = serde_json::to_string_pretty(&whole).expect("JSON");
    let middle = text.find("\"job\"").expect("a line") + 3;
    for damaged in [
        "",
        "\n",
        "\0\0\0\0",
        "[1, 2]",
        "garbage",
        &text[..middle],
        &text[..1],
    ] {
        let held = Reservation::new(&home.instances()).expect("a machine");
        let directory = held.directory().to_owned();
        write(&Journal::path(&directory), damaged);
        leave(
            &lab,
            record("bbbbbbbbbb", State::Kept, Some(Timestamp::now() + HOUR)),
        );
        let listed = lab.dormer(["ps"]).run().expect(0).stdout;
        assert!(listed.contains("bbbbbbbbbb"), "{listed}");
        let said = lab.dormer(["gc"]).run().expect(0).stdout;
        assert_eq!(said, "nothing to remove\n", "{damaged:?}");
        assert!(directory.is_dir());
        // Its process dies.
        drop(held);
        let said = lab.dormer(["gc"]).run().expect(0).stdout;
        assert!(
            said.contains("its record is unreadable"),
            "{damaged:?}: {said}"
        );
        assert!(!directory.exists());
        assert!(home.instances().join("bbbbbbbbbb").is_dir());
    }
    drop(lab.dormer(["stop", "bbbbbbbbbb"]).run().expect(0));
    lab.assert_nothing_left();
}

#[test]
fn a_clock_that_was_set_back_neither_ends_a_kept_machine_nor_lets_it_stay_for_ever() {
    let lab = Lab::without_images();
    let year = HOUR * 24 * 365;
    let mut ahead = record(
        "aaaaaaaaaa",
        State::Kept,
        Some(Timestamp::now() + year + HOUR),
    );
    ahead.created = Timestamp::now() + year;
    leave(&lab, ahead);
    let mut dead = record("bbbbbbbbbb", State::Ready, None);
    dead.created = Timestamp::now() + year;
    leave(&lab, dead);
    let said = lab.dormer(["gc"]).run().expect(0).stdout;
    assert_eq!(said.lines().count(), 1, "{said}");
    assert!(
        said.contains("machine bbbbbbbbbb: its process died"),
        "{said}"
    );
    let directory = lab.home().join("instances/aaaaaaaaaa");
    let kept = Journal::read(&directory)
        .expect("its record")
        .expect("it is there");
    let expires = kept.record().expires.expect("an end");
    assert!(expires <= Timestamp::now() + HOUR, "{expires}");
    drop(lab.dormer(["stop", "aaaaaaaaaa"]).run().expect(0));
    lab.assert_nothing_left();
}

#[test]
fn a_run_that_goes_on_cleans_up_after_others() {
    let lab = Lab::new();
    let config = lab.write("user.toml", "[gc]\nevery = \"1s\"\n");
    let job = lab.job("- shell: bash\n  run: echo sleeping; sleep 300", &[]);
    let job = job.env("DORMER_CONFIG", &config.display().to_string());
    let running = lab.start_until(job, "it runs", |events| events.log(1).contains(&"sleeping"));
    leave(&lab, record("bbbbbbbbbb", State::Ready, None));
    let notice = "removed machine bbbbbbbbbb: its process died while it was ready";
    wait_until("it is removed", || {
        let events = lab.events();
        events.of("notice").any(|event| event["text"] == notice)
    });
    assert_eq!(lab.instances().len(), 1, "its own machine stays");
    running.signal("INT");
    lab.ran(running.finish()).expect(130);
    lab.assert_nothing_left();
}
