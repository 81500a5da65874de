//! What a machine consists of, as data. Everything that QEMU's command line, the container's limits
//! and the network's rules are made from.

use serde::{Deserialize, Serialize};

/// The parts of a guest's disk image that a machine is started from, and the hardware that its guest
/// has drivers for. Stated by the image.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeviceProfile {
    /// QEMU's machine type, with its version: a frozen state loads only into the same one.
    pub machine: String,
    /// What the disk is connected to.
    pub disk_bus: DiskBus,
    /// The network card.
    pub network_card: NetworkCard,
    /// Whether the guest runs QEMU's guest agent.
    pub guest_agent: bool,
    /// Whether the guest has a driver that tells of memory which it does not use, so that the host gets it
    /// back. Not by default.
    #[serde(default)]
    pub free_page_reporting: bool,
}

/// What a disk is connected to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DiskBus {
    /// A paravirtual block device.
    VirtioBlk,
}

/// The kind of network card.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum NetworkCard {
    /// A paravirtual network card.
    VirtioNet,
}

/// How a guest comes up.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Boot {
    /// QEMU loads a kernel and an initial RAM disk, the image's blobs of these roles.
    Kernel {
        /// The kernel's command line.
        append: String,
    },
}

/// What runs the virtual CPUs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Accelerator {
    /// The host's processor.
    Kvm,
    /// QEMU's own translator.
    Tcg,
}

impl Accelerator {
    /// QEMU's name for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Kvm => "kvm",
            Self::Tcg => "tcg",
        }
    }
}

/// What a guest can reach.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Network {
    /// Nothing at all.
    None,
    /// The outside, but neither this host, nor other machines, nor private networks.
    Full,
}

/// How a machine comes to run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// Its guest boots.
    Boot,
    /// Its guest boots, with its memory in a file, so that it can be frozen into a template.
    BootToFreeze,
    /// It wakes from a template: disk and memory are copy-on-write.
    Template,
}

/// A machine, ready to be built.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Machine {
    /// Virtual CPUs.
    pub cpus: u32,
    /// The guest's memory, in bytes.
    pub memory: u64,
    /// What runs the CPUs.
    pub accelerator: Accelerator,
    /// What the guest can reach.
    pub network: Network,
    /// Its hardware.
    pub profile: DeviceProfile,
    /// How it comes up.
    pub boot: Boot,
    /// How it comes to run.
    pub origin: Origin,
}

/// How fast a machine's disk and network may be. None is unbounded, and the default.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Rates {
    /// Bytes a second that its disk reads and writes, together.
    pub disk_bytes: Option<u64>,
    /// Operations a second of its disk.
    pub disk_operations: Option<u64>,
    /// Bytes a second of its network, in each direction.
    pub network_bytes: Option<u64>,
}

/// What bounds a machine from outside: nothing in its guest can tell or change it, and it is no part of
/// what a template is made for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Bounds {
    /// What its files may grow to on the host, in bytes.
    pub disk: u64,
    /// The host's processors that it runs on; empty for all.
    pub pinned: Vec<u32>,
    /// How fast it may be.
    pub rates: Rates,
}

/// Where a machine finds its files inside the container.
pub mod paths {
    /// The instance's own directory, the only one that can be written.
    pub const OWN: &str = "/vm";
    /// The disk that this instance writes to.
    pub const OVERLAY: &str = "/vm/overlay.qcow2";
    /// What this instance gets on its way: a tar file, as a disk.
    pub const SEED: &str = "/vm/seed.img";
    /// The memory of a machine that is to be frozen.
    pub const RAM: &str = "/vm/ram";
    /// The state of its devices, once it is frozen.
    pub const STATE: &str = "/vm/state";
    /// A template's memory, read-only.
    pub const FROZEN_RAM: &str = "/template/ram";
    /// A template's state of devices, read-only.
    pub const FROZEN_STATE: &str = "/template/state";
    /// A template's disk, an overlay of the image's, read-only.
    pub const FROZEN_DISK: &str = "/template/disk.qcow2";
    /// The image's disk, read-only.
    pub const DISK: &str = "/base/disk.qcow2";
    /// The image's kernel, read-only.
    pub const KERNEL: &str = "/base/kernel";
    /// The image's initial RAM disk, read-only.
    pub const INITRD: &str = "/base/initrd";
}

/// The port of the container's loopback that QEMU forwards to the guest's SSH server.
pub const SSH_PORT: u16 = 2222;

/// The one that leads to the server that is frozen with a guest, if it has one.
pub const LOGIN_PORT: u16 = 2223;
