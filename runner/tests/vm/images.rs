//! Images: built from a recipe, stored by content, checked, removed. The builds here are of a recipe of
//! a few files, made by the same code as the embedded guest.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::time::Duration;

use dormer::failure::Failure;
use dormer::host::home::Home;
use dormer::image::build::{self, Workshop};
use dormer::image::handed::Handed;
use dormer::image::recipe::{Recipe, RecipeFile};
use dormer::image::store::{Image, Store};
use dormer::progress::Progress;
use dormer::vmm::engine::Engine;
use dormer_testkit::docker::docker;
use dormer_testkit::mount::SmallDisk;
use dormer_testkit::program::wait_until;
use serde_json::Value;

use crate::lab::{Lab, shared_home};

/// Fails to build unless the host's settings were handed in; says them, which must be masked.
const DOCKERFILE: &str = "\
ARG BASE
FROM ${BASE}
ARG OWNER=nobody
LABEL dormer.build=${OWNER}
COPY common /dormer-build
RUN echo proxy $http_proxy && test -n \"$http_proxy\" && grep -q BEGIN /dormer-build/ca.crt
RUN mkdir -p /boot && echo kernel > /boot/vmlinux && echo initrd > /boot/initrd && rm -rf /dormer-build
";

const TINY: Recipe = Recipe::new(
    "compat",
    &[
        RecipeFile {
            path: "compat/Dockerfile",
            contents: DOCKERFILE.as_bytes(),
        },
        RecipeFile {
            path: "compat/image.json",
            contents: include_bytes!("../../../images/compat/image.json"),
        },
    ],
);

const PASSWORD: &str = "pr0xy-passw0rd";
const CERTIFICATE: &str = "TUFSS0VSLU9GLVRIRS1URVNU";

/// Takes down all that a build says, and does something at one stage.
struct Heard<'a> {
    lines: Mutex<String>,
    at: &'a str,
    act: &'a (dyn Fn() + Sync),
}

impl Heard<'_> {
    fn add(&self, line: &str) {
        let mut lines = self.lines.lock().expect("nobody panics with it");
        lines.push_str(line);
        lines.push('\n');
    }
}

impl Progress for Heard<'_> {
    fn stage(&self, what: &str) {
        self.add(what);
        if what.contains(self.at) {
            (self.act)();
        }
    }

    fn detail(&self, line: &str) {
        self.add(line);
    }

    fn bytes(&self, _done: u64, _total: u64) {}

    fn finish(&self) {}
}

fn handed() -> Handed {
    let proxy = format!("http://user:{PASSWORD}@proxy.invalid:3128");
    let certificate =
        format!("-----BEGIN CERTIFICATE-----\n{CERTIFICATE}\n-----END CERTIFICATE-----\n");
    Handed {
        proxies: [("http_proxy".to_owned(), proxy)].into(),
        ca_bundle: certificate.into_bytes(),
        mirror: None,
    }
}

/// Builds the tiny image for a lab, and returns what was said.
fn build_tiny(lab: &Lab, at: &str, act: &(dyn Fn() + Sync)) -> (Result<Image, Failure>, String) {
    let heard = Heard {
        lines: Mutex::default(),
        at,
        act,
    };
    let runtime = tokio::runtime::Runtime::new().expect("threads");
    let built = runtime.block_on(async {
        let home = Home::at(&lab.home())?;
        let store = Store::open(&home.images())?;
        let engine = Engine::connect().await?;
        let handed = handed();
        let workshop = Workshop {
            engine: &engine,
            home: &home,
            store: &store,
            handed: &handed,
        };
        build::ensure(workshop, &TINY, &heard).await
    });
    let said = heard.lines.lock().expect("nobody panics with it").clone();
    (built, said)
}

fn nothing() {}

fn blobs(lab: &Lab) -> Vec<PathBuf> {
    let entries = fs::read_dir(lab.home().join("images/blobs")).expect("the blobs");
    entries
        .map(|entry| entry.expect("an entry").path())
        .collect()
}

fn leftovers_of_builds(lab: &Lab) -> String {
    let label = format!("label=dormer.build={}", lab.owner());
    let all = docker(&[
        "images",
        "-aq",
        "--no-trunc",
        "--filter",
        "label=dormer.build",
    ]);
    let mut found = String::new();
    for id in all.split_whitespace() {
        let labels = docker(&["inspect", "--format", "{{.Config.Labels}}", id]);
        if labels.contains(lab.owner()) {
            found.push_str(&format!("{label}: {id} {labels}"));
        }
    }
    let building = fs::read_dir(lab.home().join("images/building"));
    found.extend(
        building
            .into_iter()
            .flatten()
            .map(|entry| format!("{entry:?}")),
    );
    found
}

#[test]
fn a_build_gets_the_hosts_settings_and_keeps_none() {
    let lab = Lab::without_images();
    let (built, said) = build_tiny(&lab, "-", &nothing);
    let image = built.expect("the build works with them, and only with them");
    assert!(said.contains("proxy ***"), "{said}");
    for secret in [PASSWORD, CERTIFICATE] {
        assert!(!said.contains(secret), "{said}");
        assert!(!image.manifest.to_text().contains(secret));
        for blob in blobs(&lab) {
            let bytes = fs::read(&blob).expect("a blob");
            let found = bytes
                .windows(secret.len())
                .any(|part| part == secret.as_bytes());
            assert!(!found, "{secret} in {}", blob.display());
        }
    }
    assert_eq!(leftovers_of_builds(&lab), "");
    lab.assert_nothing_left();

    // The engine's own images are made in the same way: their history says nothing either.
    let vm = dormer::image::vm_container::tag();
    let known = docker(&["history", "--no-trunc", &vm]) + &docker(&["inspect", &vm]);
    for word in ["_proxy=", "_PROXY=", "BEGIN CERTIFICATE"] {
        assert!(!known.contains(word), "{word} in {known}");
    }
}

#[test]
fn an_image_is_built_once_and_found_by_the_digest_of_its_inputs() {
    let lab = Lab::without_images();
    std::thread::scope(|scope| {
        let builds = [(); 2].map(|()| scope.spawn(|| build_tiny(&lab, "-", &nothing)));
        let [one, two] = builds.map(|build| build.join().expect("it ends").0.expect("it builds"));
        assert_eq!(one.digest, two.digest);
        assert_eq!(one.manifest.made, two.manifest.made, "built once");
    });
    let (_, said) = build_tiny(&lab, "-", &nothing);
    assert_eq!(said, "", "nothing is left to do");
    assert_eq!(leftovers_of_builds(&lab), "");
}

#[test]
fn a_changed_byte_is_found_before_anything_boots() {
    let lab = Lab::without_images();
    build_tiny(&lab, "-", &nothing).0.expect("it builds");
    let fine = lab.dormer(["image", "verify", "compat"]).run().expect(0);
    assert!(fine.all().contains("compat"), "{}", fine.all());

    let disk = blobs(&lab)
        .into_iter()
        .max_by_key(|path| size(path))
        .expect("a disk");
    assert_eq!(mode(&disk) & 0o222, 0, "a base is read-only");
    fs::set_permissions(&disk, fs::Permissions::from_mode(0o644)).expect("it is ours");
    let mut bytes = fs::read(&disk).expect("a blob");
    let last = bytes.len() - 1;
    bytes[last] ^= 1;
    fs::write(&disk, bytes).expect("it is ours");

    let name = disk
        .file_name()
        .expect("a name")
        .to_string_lossy()
        .into_owned();
    let found = lab.dormer(["image", "verify", "compat"]).run().expect(69);
    assert!(found.stderr.contains(&name[..12]), "{}", found.stderr);
    assert!(found.stderr.contains("help:"), "{}", found.stderr);
}

fn size(path: &Path) -> u64 {
    path.metadata().map_or(0, |about| about.len())
}

fn mode(path: &Path) -> u32 {
    path.metadata().expect("a file").permissions().mode()
}

#[test]
fn an_image_in_use_is_not_removed_and_one_that_is_not_is_gone_whole() {
    let lab = Lab::without_images();
    copy_store(&shared_home().join("images"), &lab.home().join("images"));
    let stand_by = || {
        let warm = ["image", "warm", "compat", "--standby", "1"];
        let warm = lab.dormer(warm).args(["--network", "none"]);
        drop(warm.patient().run().expect(0));
    };
    stand_by();
    let flags = ["--keep", "always", "--network", "none"];
    let ran = lab.run("- run: echo hi", &flags).expect(0);
    let id = ran.events.instance().expect("an instance").to_owned();
    let refused = lab.dormer(["image", "remove", "compat"]).run();
    assert_ne!(refused.code, Some(0));
    assert!(refused.stderr.contains(&id), "{}", refused.stderr);
    drop(lab.dormer(["stop", &id]).run().expect(0));
    // What stands by uses it for nobody, and goes with it.
    stand_by();
    assert_eq!(lab.containers().len(), 1);
    drop(lab.dormer(["image", "remove", "compat"]).run().expect(0));
    assert!(blobs(&lab).is_empty());
    lab.assert_nothing_left();
    let gone = lab.dormer(["image", "verify", "compat"]).run();
    assert_ne!(gone.code, Some(0));
    let listed = lab
        .dormer(["image", "list", "--format", "json"])
        .run()
        .expect(0);
    let listed: Value = serde_json::from_str(&listed.stdout).expect("JSON");
    assert!(
        listed.to_string().contains("compat"),
        "it can be built again: {listed}"
    );
}

/// A store of its own, which a test may spoil.
fn copy_store(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("a directory");
    for entry in fs::read_dir(from).expect("a directory") {
        let entry = entry.expect("an entry").path();
        let name = entry.file_name().expect("a name");
        // Neither what was checked of other files, nor who uses the other store.
        if entry.is_dir() && name != "verified" && name != "uses" {
            copy_store(&entry, &to.join(name));
        } else if entry.is_file() {
            fs::copy(&entry, to.join(name)).expect("a copy");
        }
    }
}

#[test]
fn an_image_describes_itself() {
    let lab = Lab::new();
    let text = lab
        .dormer(["image", "inspect", "compat"])
        .run()
        .expect(0)
        .stdout;
    let manifest: Value = serde_json::from_str(&text).expect("JSON");
    for field in [
        "digest",
        "parent",
        "blobs",
        "device_profile",
        "guest",
        "boot",
        "size",
        "recipe",
        "made",
    ] {
        assert!(manifest.get(field).is_some(), "`{field}` in {text}");
    }
    let table = lab.dormer(["image", "list"]).run().expect(0).stdout;
    assert!(table.contains("compat"), "{table}");
}

#[test]
fn a_disk_that_is_too_small_or_fills_up_ends_a_build_and_leaves_nothing() {
    let lab = Lab::without_images();
    let Some(disk) = SmallDisk::mount(&lab.home(), "1g") else {
        return;
    };
    let small = lab
        .dormer(["run", "--image", "compat", "-c", "ver"])
        .run()
        .expect(69);
    assert!(small.stderr.contains("not enough room"), "{}", small.stderr);

    disk.resize("8g");
    let (built, said) = build_tiny(&lab, "exporting", &|| disk.resize("8m"));
    let failure = built.expect_err("the disk is full");
    assert!(said.contains("exporting"), "{said}");
    assert!(matches!(failure, Failure::Infra(_)), "{failure:?}");
    assert!(
        failure.message().contains("No space left"),
        "{}",
        failure.message()
    );
    assert_eq!(leftovers_of_builds(&lab), "");
    assert!(blobs(&lab).is_empty());
    lab.assert_nothing_left();
}

#[test]
fn an_interrupted_build_leaves_nothing() {
    let lab = Lab::without_images();
    for signal in ["KILL", "INT"] {
        let mut running = lab.dormer(["image", "build", "compat"]).patient().start();
        wait_until("the engine builds", || {
            assert!(!running.has_ended(), "it ended too early");
            leftovers_of_builds(&lab).contains("label=dormer.build")
        });
        running.signal(signal);
        let ended = running.finish();
        assert!(ended.took < Duration::from_secs(120));
        if signal == "INT" {
            assert_eq!(ended.code, Some(130), "{}", ended.all());
        } else {
            drop(lab.dormer(["gc"]).run().expect(0));
        }
        assert_eq!(leftovers_of_builds(&lab), "", "{signal}");
        assert!(blobs(&lab).is_empty(), "{signal}");
        lab.assert_nothing_left();
    }
}
