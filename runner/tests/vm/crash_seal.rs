//! The process ends while what a frozen machine has left becomes a template, between any two steps of that:
//! there is a whole one then or none, and the next one can be made.

use std::fs;
use std::path::PathBuf;

use dormer::host::crash::{AT, TRACE};
use dormer::host::fs::remove_tree;
use dormer::host::home::Home;
use dormer::image::manifest::Digest;
use dormer::instance::makeup::Makeup;
use dormer::instance::template::{self, Template};
use dormer::instance::templates::Templates;
use dormer::vmm::machine::{
    Accelerator, Boot, DeviceProfile, DiskBus, Machine, Network, NetworkCard, Origin,
};
use dormer_testkit::mount::SmallDisk;
use dormer_testkit::program::Program;

/// What is passed on the way, in order.
const POINTS: [&str; 6] = [
    "at taking ram",
    "at taking state",
    "at taking disk.qcow2",
    "before the manifest",
    "at the manifest",
    "at its place",
];

const CHILD: &str = "crash_seal::seals_in_the_home_that_is_named";

fn makeup() -> Makeup {
    let machine = Machine {
        cpus: 1,
        memory: 1 << 20,
        accelerator: Accelerator::Tcg,
        network: Network::None,
        profile: DeviceProfile {
            machine: "pc-q35-10.0".to_owned(),
            disk_bus: DiskBus::VirtioBlk,
            network_card: NetworkCard::VirtioNet,
            guest_agent: true,
            free_page_reporting: false,
        },
        boot: Boot::Kernel {
            append: String::new(),
        },
        origin: Origin::Boot,
    };
    Makeup::of(&Digest::of(b"image"), &machine, "sha256:1")
}

/// A process of its own that seals a template, as `dormer` does when a machine is frozen.
fn sealing(home: &Home) -> Program {
    let binary = std::env::current_exe().expect("this program");
    Program::new(&binary.display().to_string(), home.root()).args(["--ignored", "--exact", CHILD])
}

#[test]
#[ignore = "run by another test, in a process of its own"]
fn seals_in_the_home_that_is_named() {
    let home = Home::open().expect("the home");
    let machine = machine_of(&home);
    let (own, aside) = (machine.join("vm"), machine.join("host/template"));
    fs::create_dir_all(&own).expect("a directory");
    for name in ["ram", "state", "overlay.qcow2"] {
        fs::write(own.join(name), name).expect("a file");
    }
    let manifest = template::begin("compat", makeup(), "00", None);
    let sealed = Templates::of(&home).seal(&own, &aside, manifest);
    drop(sealed.expect("a template"));
}

fn machine_of(home: &Home) -> PathBuf {
    home.instances().join("aaaaaaaaaa")
}

/// There is a whole template or none, and nothing else.
fn found(home: &Home, point: &str) -> Option<Template> {
    let templates = Templates::of(home);
    let found = templates.find(&makeup().key());
    if let Some(template) = &found {
        template.verify().expect(point);
    }
    let unusable = templates.unusable();
    assert!(unusable.is_empty(), "{point}: {unusable:?}");
    found
}

#[test]
fn a_crash_while_a_template_is_sealed_leaves_a_whole_one_or_none() {
    let scratch = tempfile::tempdir().expect("a directory");
    let home_at = |name: &str| Home::at(&scratch.path().join(name)).expect("a home");
    let trace = scratch.path().join("trace");
    let first = sealing(&home_at("whole")).env(TRACE, &trace.display().to_string());
    drop(first.run().expect(0));
    let points = fs::read_to_string(trace).expect("a trace");
    let points: Vec<&str> = points.lines().collect();
    assert_eq!(points, POINTS);
    for (number, point) in points.iter().enumerate() {
        let home = home_at(&format!("home {number}"));
        let ended = sealing(&home).env(AT, point).run();
        assert_eq!(ended.code, None, "{point}: {}", ended.all());
        let before = found(&home, point);
        assert_eq!(before.is_some(), *point == "at its place", "{point}");
        // As the reaper does with the machine.
        remove_tree(&machine_of(&home)).expect("the machine goes");
        drop(sealing(&home).run().expect(0));
        let after = found(&home, point).expect("a template");
        assert!(before.is_none_or(|before| before == after), "{point}");
    }
}

#[test]
fn a_crash_while_a_template_takes_the_place_of_what_is_none_leaves_a_whole_one_or_none() {
    let scratch = tempfile::tempdir().expect("a directory");
    let home = Home::at(scratch.path()).expect("a home");
    let place = home.templates().join(makeup().key().hex());
    fs::create_dir_all(&place).expect("a directory");
    fs::write(place.join("ram"), "of a template that was lost").expect("a file");
    let point = "at an emptied place";
    let ended = sealing(&home).env(AT, point).run();
    assert_eq!(ended.code, None, "{}", ended.all());
    assert!(found(&home, point).is_none());
    remove_tree(&machine_of(&home)).expect("the machine goes");
    drop(sealing(&home).run().expect(0));
    assert!(found(&home, point).is_some());
}

#[test]
fn a_disk_that_is_full_while_a_template_is_sealed_leaves_none() {
    let scratch = tempfile::tempdir().expect("a directory");
    let Some(disk) = SmallDisk::mount(&scratch.path().join("home"), "256k") else {
        return;
    };
    let home = Home::at(&scratch.path().join("home")).expect("a home");
    let filler = home.root().join("filler");
    let machine = machine_of(&home);
    for room in 0..16 {
        fs::create_dir_all(machine.join("host")).expect("a directory");
        for name in ["ram", "state", "overlay.qcow2"] {
            let own = machine.join("vm");
            fs::create_dir_all(&own).expect("a directory");
            fs::write(own.join(name), name).expect("a file");
        }
        fs::write(&filler, vec![1; 256 << 10]).expect_err("it is full");
        let filled = fs::metadata(&filler).expect("the filler").len();
        let file = fs::File::options().write(true).open(&filler);
        let left = filled.saturating_sub(room * 4096);
        file.expect("the filler").set_len(left).expect("some room");
        let manifest = template::begin("compat", makeup(), "00", None);
        let (own, aside) = (machine.join("vm"), machine.join("host/template"));
        let sealed = Templates::of(&home).seal(&own, &aside, manifest);
        assert_eq!(
            found(&home, "a full disk").is_some(),
            sealed.is_ok(),
            "{room}"
        );
        remove_tree(&machine).expect("the machine goes");
        fs::remove_file(&filler).expect("the filler");
        if let Ok(template) = sealed {
            assert!(room > 0, "there was no room");
            Templates::of(&home).remove(&template).expect("it goes");
        }
    }
    drop(disk);
}
