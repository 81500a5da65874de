//! What a machine's container is made from, and its creation. Whether one machine can stand in for another
//! is told by that alone.

use std::path::{Path, PathBuf};

use crate::failure::InfraFailure;
use crate::host::network::own_addresses;
use crate::vmm::arguments::container_command;
use crate::vmm::bounds::file_limit;
use crate::vmm::container::{
    Confined, KvmDevice, Labels, SharedPath, cpu_limit, create_body, memory_limit, network_mode,
};
use crate::vmm::engine::Engine;
use crate::vmm::isolation;
use crate::vmm::machine::{Bounds, Machine, Network, paths};
use crate::vmm::run;
use crate::vmm::vm::container_name;

/// The files of an instance that its machine works with.
#[derive(Debug, Clone)]
pub struct Files {
    /// The directory that is `/vm` inside, with the overlay and the seed in it.
    pub own: PathBuf,
    /// Further files, read-only, with their path inside.
    pub read_only: Vec<(PathBuf, &'static str)>,
}

/// What a machine's container is made from, besides the machine.
#[derive(Debug, Clone)]
pub struct Surroundings {
    /// The VM image's tag.
    pub image: String,
    /// Whom the container belongs to.
    pub labels: Labels,
    /// The user inside, who owns the files outside.
    pub user: (u32, u32),
    /// `/dev/kvm`, if the machine uses it.
    pub kvm: Option<KvmDevice>,
    /// Processors of the engine.
    pub engine_cpus: u32,
    /// What closes its network, in the words of the one-shot container that does; see [`closing_rules`].
    pub rules: Vec<String>,
    /// What bounds the machine.
    pub bounds: Bounds,
}

/// What closes a machine's network as this host is now, but for the private prefixes that the user
/// opened.
pub fn closing_rules(network: Network, opened: &[String]) -> Vec<String> {
    match network {
        Network::None => Vec::new(),
        Network::Full => isolation::rules(&own_addresses(), opened),
    }
}

/// Creates the container of a machine; nothing runs yet.
pub async fn create(
    engine: &Engine,
    instance: &str,
    machine: &Machine,
    files: &Files,
    surroundings: &Surroundings,
) -> Result<(), InfraFailure> {
    let body = create_body(&confined(machine, files, surroundings));
    run::create(engine, &container_name(instance), body).await
}

/// Everything that a machine, its container and its network are made from, but for what is each one's own:
/// name, label and directory. Of two with the same text, one can stand in for the other.
pub fn likeness(machine: &Machine, files: &Files, surroundings: &Surroundings) -> String {
    let mut common = confined(machine, files, surroundings);
    common.labels.instance = None;
    common.shared.retain(|shared| !shared.writable);
    // A value of texts, numbers and maps by texts always has a form in JSON.
    let mut body = serde_json::to_value(create_body(&common)).unwrap_or_default();
    body.sort_all_objects();
    // What a machine is made of may be put into force otherwise than by its container. How fast its disk is
    // is said to QEMU when it is set going.
    let (rules, rate) = (
        surroundings.rules.join(" "),
        surroundings.bounds.rates.network_bytes,
    );
    format!("{machine:?}\n{body}\n{rules}\n{rate:?}")
}

fn confined(machine: &Machine, files: &Files, surroundings: &Surroundings) -> Confined {
    let read_only = files
        .read_only
        .iter()
        .map(|(host, container)| shared(host, container, false));
    Confined {
        image: surroundings.image.clone(),
        entrypoint: None,
        command: container_command(machine),
        user: surroundings.user,
        shared: std::iter::once(shared(&files.own, paths::OWN, true))
            .chain(read_only)
            .collect(),
        memory: memory_limit(machine),
        nano_cpus: cpu_limit(machine, surroundings.engine_cpus),
        pinned: surroundings.bounds.pinned.clone(),
        largest_file: file_limit(surroundings.bounds.disk),
        kvm: surroundings.kvm,
        network: network_mode(machine.network).to_owned(),
        labels: surroundings.labels.clone(),
    }
}

fn shared(host: &Path, container: &str, writable: bool) -> SharedPath {
    let host = host.to_string_lossy().into_owned();
    SharedPath {
        host,
        container: container.to_owned(),
        writable,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vmm::arguments::tests::machine;
    use crate::vmm::machine::Accelerator;

    #[test]
    fn one_machine_can_stand_in_for_another_that_is_made_from_the_same() {
        let machine = machine(Accelerator::Tcg, Network::Full);
        let files = |own: &str| Files {
            own: PathBuf::from(own),
            read_only: vec![(PathBuf::from("/t/ram"), paths::FROZEN_RAM)],
        };
        let around = |instance: Option<&str>, opened: &[&str]| Surroundings {
            image: "dormer-vm:1".to_owned(),
            labels: Labels {
                owner: "o".to_owned(),
                instance: instance.map(str::to_owned),
            },
            user: (1000, 1000),
            kvm: None,
            engine_cpus: 2,
            rules: isolation::rules(
                &[],
                &opened.iter().map(ToString::to_string).collect::<Vec<_>>(),
            ),
            bounds: Bounds::default(),
        };
        let made = likeness(&machine, &files("/i/a/vm"), &around(Some("a"), &[]));
        let wanted = likeness(&machine, &files(""), &around(None, &[]));
        assert_eq!(made, wanted);
        let opened = likeness(&machine, &files(""), &around(None, &["10.0.0.0/8"]));
        let closed = Machine {
            network: Network::None,
            ..machine.clone()
        };
        let closed = likeness(&closed, &files(""), &around(None, &[]));
        let mut elsewhere = files("");
        elsewhere.read_only[0].0 = PathBuf::from("/other/ram");
        let elsewhere = likeness(&machine, &elsewhere, &around(None, &[]));
        let larger = Surroundings {
            engine_cpus: 8,
            ..around(None, &[])
        };
        let larger = likeness(&machine, &files(""), &larger);
        for other in [opened, closed, elsewhere, larger] {
            assert_ne!(other, wanted);
        }
    }
}
