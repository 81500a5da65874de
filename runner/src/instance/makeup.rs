//! What a template is good for: everything that has to be the same for a machine to wake from it. Two
//! machines of one makeup have one template.

use std::fs;

use serde::{Deserialize, Serialize};

use crate::image::manifest::Digest;
use crate::instance::trust::TrustScope;
use crate::vmm::arguments;
use crate::vmm::machine::{Accelerator, Machine, Network, Origin};

/// What a frozen state depends on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Makeup {
    /// The image that it is based on.
    pub image: Digest,
    /// The container that QEMU is in, by the engine's id: another build may have another QEMU.
    pub qemu: String,
    /// What runs the virtual CPUs, and which features it gives them.
    pub processor: String,
    /// Virtual CPUs.
    pub cpus: u32,
    /// Memory, in bytes.
    pub memory: u64,
    /// Machine type and devices: QEMU's whole command line, without what differs between a template and
    /// its copies.
    pub devices: Digest,
    /// What was done in it before it was frozen. None by default: nothing but booting.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prepared: Option<Preparation>,
}

/// What a script has done in a machine, as far as it matters to whoever wakes it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Preparation {
    /// The script and its shell.
    pub script: Digest,
    /// What it could reach.
    pub network: Network,
    /// Who may wake what it has prepared.
    pub scope: TrustScope,
}

impl Preparation {
    /// What a script does that says `text` and is run by a shell with this name and these words.
    pub fn of(shell: &[&str], text: &str, network: Network, scope: TrustScope) -> Self {
        // A list of texts always has a form in JSON, in which no two lists are the same.
        let whole = serde_json::to_vec(&(shell, text)).unwrap_or_default();
        Self {
            script: Digest::of(&whole),
            network,
            scope,
        }
    }
}

impl Makeup {
    /// That of a machine that has only booted, on an image, in a container image of this id.
    pub fn of(image: &Digest, machine: &Machine, container_image: &str) -> Self {
        let machine = Machine {
            origin: Origin::Template,
            // The network is no part of the guest: only what it is connected to differs.
            network: Network::None,
            ..machine.clone()
        };
        Self {
            image: image.clone(),
            qemu: container_image.to_owned(),
            processor: processor(machine.accelerator),
            cpus: machine.cpus,
            memory: machine.memory,
            devices: Digest::of(arguments::qemu(&machine).join("\n").as_bytes()),
            prepared: None,
        }
    }

    /// The name of the template of this makeup.
    pub fn key(&self) -> Digest {
        // A value of strings and numbers always has a form in JSON, and always the same.
        Digest::of(&serde_json::to_vec(self).unwrap_or_default())
    }

    /// In which parts another one differs, in words; the devices only where nothing else explains them.
    pub fn differences(&self, other: &Self) -> Vec<&'static str> {
        let parts = [
            (self.image != other.image, "the image"),
            (self.qemu != other.qemu, "the container with QEMU"),
            (self.processor != other.processor, "the processor"),
            (self.cpus != other.cpus, "the number of CPUs"),
            (self.memory != other.memory, "the memory"),
        ];
        let differing = parts.into_iter().filter(|(differs, _)| *differs);
        let mut names: Vec<&str> = differing.map(|(_, name)| name).collect();
        names.extend(self.differences_in_preparation(other));
        if names.is_empty() && self.devices != other.devices {
            names.push("the devices");
        }
        names
    }

    fn differences_in_preparation(&self, other: &Self) -> Vec<&'static str> {
        let (one, other) = match (&self.prepared, &other.prepared) {
            (Some(one), Some(other)) => (one, other),
            (None, None) => return Vec::new(),
            _ => return vec!["the prepare script"],
        };
        let parts = [
            (one.script != other.script, "the prepare script"),
            (
                one.network != other.network,
                "the network of the prepare script",
            ),
            (one.scope != other.scope, "the trust scope"),
        ];
        let differing = parts.into_iter().filter(|(differs, _)| *differs);
        differing.map(|(_, name)| name).collect()
    }
}

/// The processor that guests see. QEMU's emulated one depends on QEMU alone, the host's own on the host.
fn processor(accelerator: Accelerator) -> String {
    match accelerator {
        Accelerator::Tcg => "tcg".to_owned(),
        Accelerator::Kvm => {
            let known = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
            format!("kvm {}", Digest::of(features(&known).as_bytes()).short())
        }
    }
}

/// Model, microcode and features of the first processor; not its speed, which changes all the time.
fn features(cpuinfo: &str) -> String {
    const TELLING: [&str; 6] = [
        "vendor_id",
        "cpu family",
        "model",
        "stepping",
        "microcode",
        "flags",
    ];
    let first = cpuinfo.split("\n\n").next().unwrap_or_default();
    let lines = first.lines().filter(|line| {
        let name = line.split(':').next().unwrap_or_default().trim();
        TELLING.contains(&name)
    });
    lines.collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::vmm::arguments::tests::machine;

    pub(crate) fn makeup() -> Makeup {
        let machine = machine(Accelerator::Tcg, Network::None);
        Makeup::of(&Digest::of(b"image"), &machine, "sha256:1")
    }

    #[test]
    fn the_network_and_the_origin_make_no_difference_and_the_rest_does() {
        let image = Digest::of(b"image");
        let key = |machine: &Machine| Makeup::of(&image, machine, "sha256:1").key();
        let plain = machine(Accelerator::Tcg, Network::None);
        let mut other = machine(Accelerator::Tcg, Network::Full);
        other.origin = Origin::BootToFreeze;
        assert_eq!(key(&plain), key(&other));
        let kvm = machine(Accelerator::Kvm, Network::None);
        let small = Machine {
            memory: 1 << 30,
            ..plain.clone()
        };
        let one = Machine {
            cpus: 1,
            ..plain.clone()
        };
        let mut bare = plain.clone();
        bare.profile.guest_agent = false;
        for different in [kvm, small, one, bare] {
            assert_ne!(key(&plain), key(&different));
        }
    }

    #[test]
    fn what_was_prepared_is_part_of_it_and_what_was_not_is_as_ever() {
        let plain = makeup();
        let text = serde_json::to_string(&plain).unwrap();
        // As it was written before there were scripts.
        assert!(!text.contains("prepared"), "{text}");
        assert_eq!(serde_json::from_str::<Makeup>(&text).unwrap(), plain);

        let prepared = |script: &[u8], network, scope| Makeup {
            prepared: Some(Preparation {
                script: Digest::of(script),
                network,
                scope,
            }),
            ..plain.clone()
        };
        let one = prepared(b"a", Network::None, TrustScope::Local);
        let named = TrustScope::named("other").unwrap();
        for (other, differs) in [
            (plain.clone(), "the prepare script"),
            (
                prepared(b"b", Network::None, TrustScope::Local),
                "the prepare script",
            ),
            (
                prepared(b"a", Network::Full, TrustScope::Local),
                "the network of the prepare script",
            ),
            (prepared(b"a", Network::None, named), "the trust scope"),
        ] {
            assert_ne!(one.key(), other.key());
            assert_eq!(one.differences(&other), [differs]);
            assert_eq!(other.differences(&one), [differs]);
        }
        assert!(one.differences(&one).is_empty());
    }

    #[test]
    fn what_differs_is_named() {
        let (one, mut other) = (makeup(), makeup());
        assert!(one.differences(&other).is_empty());
        other.devices = Digest::of(b"others");
        assert_eq!(one.differences(&other), ["the devices"]);
        other.memory = 1;
        other.qemu = "sha256:2".to_owned();
        assert_eq!(
            one.differences(&other),
            ["the container with QEMU", "the memory"]
        );
    }

    #[test]
    fn a_processor_is_known_by_its_features_and_not_by_its_speed() {
        let slow = "model : 1\nflags : fpu\ncpu MHz : 1000\n\nmodel : 1\n";
        let fast = "model : 1\nflags : fpu\ncpu MHz : 3000\n\nmodel : 2\n";
        assert_eq!(features(slow), features(fast));
        assert_ne!(features(slow), features("model : 1\nflags : fpu vme\n"));
    }
}
