//! The smallest guest there is, the one that proves an accelerator, as an image to run jobs on: it is up at
//! once and never answers. So whatever happens to a machine until its virtual CPUs run, and after they
//! were told to stop, can be tried within seconds; a job on it ends when it is cancelled.

use std::fs;
use std::path::Path;

use base64::Engine as _;
use dormer::host::home::Home;
use dormer::image::manifest::{Blob, Manifest, Role};
use dormer::image::store::Store;
use dormer::image::vm_container;
use dormer::instance::accelerator::Wish;
use dormer::instance::allowance::{Allowance, Claim};
use dormer::instance::provision::{Instance, Order, vm_directory};
use dormer::instance::template;
use dormer::instance::templates::Templates;
use dormer::job::order::{self, Wanted};
use dormer::mask::Masker;
use dormer::vmm::container::Labels;
use dormer::vmm::engine::Engine;
use dormer::vmm::machine::{Bounds, Network, Origin, paths};
use dormer::vmm::making::{self, Files, Surroundings};
use dormer::vmm::vm::Vm;
use dormer_testkit::docker::docker;

use crate::lab::{Lab, shared_home};

/// Its name; the shared guest's, so that nothing is built for it.
pub(crate) const NAME: &str = "compat";
const MEMORY: u64 = 64 << 20;

/// A home whose one image is the tiny guest.
pub(crate) fn lab() -> Lab {
    let lab = Lab::without_images();
    publish(&lab.home().join("images"));
    lab
}

/// Puts the tiny guest into a store.
pub(crate) fn publish(images: &Path) {
    let known = Store::open(&shared_home().join("images")).expect("the store");
    let mut manifest: Manifest = known.get(NAME).expect("the guest").manifest;
    let store = Store::open(images).expect("a store");
    let probe = "cat /usr/lib/dormer/probe.elf";
    let disk = "qemu-img create -q -f qcow2 /tmp/d 1M && cat /tmp/d";
    let files = [
        (Role::Disk, printed(disk)),
        (Role::Kernel, printed(probe)),
        (Role::Initrd, b"nothing".to_vec()),
    ];
    let blobs: Vec<Blob> = files
        .iter()
        .map(|(role, contents)| {
            let path = images.join("building").join(role.as_str());
            fs::write(&path, contents).expect("a file");
            store.add_blob(&path, *role).expect("a blob")
        })
        .collect();
    manifest.size = blobs.iter().map(|blob| blob.size).sum();
    manifest.blobs = blobs;
    manifest.description.disk_size = 1 << 20;
    manifest.description.memory = MEMORY;
    store.publish(manifest).expect("it is put in place");
}

/// What a script prints in the container that machines run in.
fn printed(script: &str) -> Vec<u8> {
    let script = format!("({script}) | base64 -w 0");
    let image = vm_container::tag();
    let text = docker(&["run", "--rm", "--entrypoint", "sh", &image, "-c", &script]);
    let engine = base64::engine::general_purpose::STANDARD;
    engine.decode(text.trim()).expect("base64")
}

/// Makes a template of the tiny guest. It has no agent that could bring it to rest, so its machine is made
/// and frozen here, with the product's own parts.
pub(crate) fn freeze(lab: &Lab) {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    runtime.block_on(freeze_in(lab));
}

async fn freeze_in(lab: &Lab) {
    let home = Home::at(&lab.home()).expect("the home");
    let store = Store::open(&home.images()).expect("its store");
    let engine = Engine::connect().await.expect("the engine");
    let order = order(&engine, &home, &store).await;
    let makeup = order::makeup(&engine, &order, None)
        .await
        .expect("the engine");
    let makeup = makeup.expect("it can be frozen");
    let masker = Masker::default();
    let claim = Claim::default();
    let mut instance = Instance::reserve(&engine, &home, &store, &masker, order.clone(), claim)
        .expect("an instance");
    instance.create_overlay().expect("its files");
    let directory = home.instances().join(instance.id());
    let own = vm_directory(&directory);
    run_and_stop(&engine, &home, &order, instance.id(), &own, &store).await;
    let manifest = template::begin(NAME, makeup, "00", None);
    let aside = directory.join("host/template");
    let templates = Templates::of(&home);
    templates.seal(&own, &aside, manifest).expect("a template");
    instance.tear_down().await.expect("its end");
}

async fn order(engine: &Engine, home: &Home, store: &Store) -> Order {
    let wanted = Wanted {
        job: "template".to_owned(),
        image_name: NAME.to_owned(),
        image: store.get(NAME).expect("the image"),
        cpus: CPUS,
        memory: None,
        network: Network::None,
        opened: Vec::new(),
        accelerator: Wish::Auto,
        allowance: Allowance::default(),
    };
    let (mut order, _) = order::order(engine, home, wanted).await.expect("an order");
    order.machine.origin = Origin::BootToFreeze;
    order
}

/// As many as a job gets when nobody says.
const CPUS: u32 = 2;

async fn run_and_stop(
    engine: &Engine,
    home: &Home,
    order: &Order,
    id: &str,
    own: &Path,
    store: &Store,
) {
    let roles = [
        (Role::Disk, paths::DISK),
        (Role::Kernel, paths::KERNEL),
        (Role::Initrd, paths::INITRD),
    ];
    let blob = |role| order.image.manifest.blob(role).expect("a blob");
    let files = Files {
        own: own.to_owned(),
        read_only: roles
            .map(|(role, path)| (store.blob_path(blob(role)), path))
            .to_vec(),
    };
    let surroundings = Surroundings {
        image: order.container_image.clone(),
        labels: Labels {
            owner: home.owner().to_owned(),
            instance: Some(id.to_owned()),
        },
        user: dormer::host::home::machine_user(),
        kvm: order.kvm,
        engine_cpus: order.facts.cpus,
        rules: Vec::new(),
        bounds: Bounds::default(),
    };
    making::create(engine, id, &order.machine, &files, &surroundings)
        .await
        .expect("a container");
    let vm = Vm::start(engine, id, own).await.expect("its start");
    let monitor = vm.monitor().await.expect("its monitor");
    monitor.resume().await.expect("its CPUs run");
    monitor.freeze().await.expect("it is frozen");
    assert_eq!(vm.died().await.status, 0);
}
