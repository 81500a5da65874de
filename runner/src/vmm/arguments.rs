//! QEMU's command line, as data from pure functions: one for each part of the machine, the reason
//! beside the odd flag. Nothing here starts anything.

use serde_json::{Value, json};

use crate::vmm::machine::{
    Accelerator, Boot, DiskBus, LOGIN_PORT, Machine, Network, NetworkCard, Origin, SSH_PORT, paths,
};

/// Memory for translated code, in MiB. QEMU would take a quarter of the host's memory otherwise, which
/// the container does not have.
pub const TRANSLATION_CACHE_MIB: u64 = 512;

/// The guest's disk, as QEMU's monitor knows the device.
pub const DISK: &str = "dormer-disk";
/// The file that the disk's writes end up in, as QEMU's monitor knows the node.
pub const OVERLAY_NODE: &str = "overlay-file";

/// The whole command line, without the program's name.
pub fn qemu(machine: &Machine) -> Vec<String> {
    let parts = [
        basics(),
        memory(machine),
        board(machine),
        processors(machine),
        control(),
        disks(machine),
        network(machine),
    ];
    let mut arguments: Vec<String> = parts.into_iter().flatten().collect();
    arguments.extend(extras(machine));
    arguments.extend(boot(machine));
    arguments
}

/// What the container's first program runs: the relays to start, then QEMU.
pub fn container_command(machine: &Machine) -> Vec<String> {
    let relays = [("ssh", SSH_PORT), ("login", LOGIN_PORT)];
    let relay = |(name, port)| ["--relay".to_owned(), format!("{name}:{port}")];
    let mut command: Vec<String> = relays.into_iter().flat_map(relay).collect();
    command.push("--".to_owned());
    command.extend(qemu(machine));
    command
}

fn basics() -> Vec<String> {
    strings([
        "-nodefaults",
        "-no-user-config",
        // A guest that restarts itself is over: nobody waits for it to come back.
        "-no-reboot",
        "-sandbox",
        "on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny",
        "-msg",
        "timestamp=on",
        // The virtual CPUs wait until the network is closed and the serial log is being read.
        "-S",
    ])
}

/// Memory in a file, where a template is made or used. Of the two command lines only what is here may
/// differ: a frozen state loads into the same machine alone.
fn memory(machine: &Machine) -> Vec<String> {
    let (path, mode) = match machine.origin {
        Origin::Boot => return Vec::new(),
        Origin::BootToFreeze => (paths::RAM, "share=on"),
        // Private and copy-on-write: the file is on a read-only mount.
        Origin::Template => (paths::FROZEN_RAM, "share=off,readonly=on,rom=off"),
    };
    let mut arguments = strings([
        "-object",
        &format!(
            "memory-backend-file,id=ram,size={}B,mem-path={path},{mode}",
            machine.memory
        ),
    ]);
    if machine.origin == Origin::Template {
        arguments.extend(strings(["-incoming", "defer"]));
    }
    arguments
}

fn board(machine: &Machine) -> Vec<String> {
    let backend = match machine.origin {
        Origin::Boot => "",
        Origin::BootToFreeze | Origin::Template => ",memory-backend=ram",
    };
    strings([
        "-machine",
        // No HPET: Windows and Linux prefer other clocks, and it is costly to emulate.
        &format!(
            "{},vmport=off,hpet=off,usb=off,smbus=off,dump-guest-core=off{backend}",
            machine.profile.machine
        ),
        "-m",
        &format!("{}B", machine.memory),
        "-rtc",
        "base=utc",
    ])
}

fn processors(machine: &Machine) -> Vec<String> {
    let (accelerator, model) = match machine.accelerator {
        Accelerator::Kvm => ("kvm".to_owned(), "host"),
        Accelerator::Tcg => (
            format!("tcg,thread=multi,tb-size={TRANSLATION_CACHE_MIB}"),
            "max",
        ),
    };
    let cpus = machine.cpus;
    strings([
        "-accel",
        &accelerator,
        "-cpu",
        model,
        // One socket: client editions of Windows limit sockets, not cores.
        "-smp",
        &format!("cpus={cpus},sockets=1,cores={cpus},threads=1"),
    ])
}

fn control() -> Vec<String> {
    let mut arguments = Vec::new();
    // Two monitors: a slow command (a screenshot) on one must not hold up the other.
    for name in ["qmp", "qmp-slow"] {
        arguments.extend(socket(name));
        arguments.extend(strings(["-mon", &format!("chardev={name},mode=control")]));
    }
    arguments.extend(socket("serial"));
    arguments.extend(strings(["-serial", "chardev:serial"]));
    arguments
}

fn socket(name: &str) -> Vec<String> {
    let path = paths::OWN;
    strings([
        "-chardev",
        &format!("socket,id={name},path={path}/{name}.sock,server=on,wait=off"),
    ])
}

fn disks(machine: &Machine) -> Vec<String> {
    let mut nodes = vec![
        json!({"driver": "file", "node-name": "base-file", "filename": paths::DISK,
               "read-only": true}),
        json!({"driver": "qcow2", "node-name": "base", "file": "base-file", "read-only": true}),
    ];
    let mut below = "base";
    if machine.origin == Origin::Template {
        nodes.extend([
            json!({"driver": "file", "node-name": "frozen-file", "filename": paths::FROZEN_DISK,
                   "read-only": true}),
            json!({"driver": "qcow2", "node-name": "frozen", "file": "frozen-file",
                   "backing": below, "read-only": true}),
        ]);
        below = "frozen";
    }
    nodes.extend([
        // Thrown away at the end, so nothing is ever flushed: a crash loses only what goes anyway.
        json!({"driver": "file", "node-name": OVERLAY_NODE, "filename": paths::OVERLAY,
               "cache": {"direct": false, "no-flush": true}}),
        json!({"driver": "qcow2", "node-name": "disk", "file": OVERLAY_NODE, "backing": below,
               "discard": "unmap", "cache": {"direct": false, "no-flush": true}}),
        json!({"driver": "file", "node-name": "seed-file", "filename": paths::SEED,
               "read-only": true}),
        json!({"driver": "raw", "node-name": "seed", "file": "seed-file", "read-only": true}),
    ]);
    let mut arguments: Vec<String> = nodes.iter().flat_map(blockdev).collect();
    arguments.extend(strings(["-object", "iothread,id=disk-thread"]));
    for (node, id) in [("disk", DISK), ("seed", "dormer-seed")] {
        let device = match machine.profile.disk_bus {
            DiskBus::VirtioBlk => {
                format!("virtio-blk-pci,id={id},drive={node},serial={id},iothread=disk-thread")
            }
        };
        arguments.extend(strings(["-device", &device]));
    }
    arguments
}

fn blockdev(node: &Value) -> [String; 2] {
    ["-blockdev".to_owned(), node.to_string()]
}

fn network(machine: &Machine) -> Vec<String> {
    let restrict = match machine.network {
        Network::None => "on",
        Network::Full => "off",
    };
    let card = match machine.profile.network_card {
        // No boot code for the card: nothing boots from the network.
        NetworkCard::VirtioNet => "virtio-net-pci,netdev=net,romfile=",
    };
    let forward = |host, guest| format!("hostfwd=tcp:127.0.0.1:{host}-10.0.2.15:{guest}");
    let (ssh, login) = (forward(SSH_PORT, 22), forward(LOGIN_PORT, 222));
    strings([
        "-netdev",
        &format!("user,id=net,ipv6=off,restrict={restrict},{ssh},{login}"),
        "-device",
        card,
    ])
}

fn extras(machine: &Machine) -> Vec<String> {
    let mut arguments = strings([
        "-object",
        "rng-random,id=entropy,filename=/dev/urandom",
        "-device",
        "virtio-rng-pci,rng=entropy",
        // Changes whenever the machine starts or wakes, and tells the guest that it is another one.
        "-device",
        "vmgenid,guid=auto",
        "-display",
        "none",
        // Nobody looks at the screen, but a screenshot tells why a guest did not come up.
        "-device",
        "VGA,edid=off",
    ]);
    if machine.profile.guest_agent {
        arguments.extend(strings(["-device", "virtio-serial-pci"]));
        arguments.extend(socket("qga"));
        arguments.extend(strings([
            "-device",
            "virtserialport,chardev=qga,name=org.qemu.guest_agent.0",
        ]));
        arguments.extend(socket("wake"));
        arguments.extend(strings([
            "-device",
            "virtserialport,chardev=wake,name=dormer.wake",
        ]));
    }
    if machine.profile.free_page_reporting {
        // The guest's memory is never squeezed, as a balloon could: a job gets what it asked for.
        arguments.extend(strings([
            "-device",
            "virtio-balloon-pci,free-page-reporting=on",
        ]));
    }
    arguments
}

fn boot(machine: &Machine) -> Vec<String> {
    match &machine.boot {
        Boot::Kernel { append } => strings([
            "-kernel",
            paths::KERNEL,
            "-initrd",
            paths::INITRD,
            "-append",
            append,
        ]),
    }
}

fn strings<const N: usize>(parts: [&str; N]) -> Vec<String> {
    parts.map(str::to_owned).to_vec()
}

#[cfg(test)]
pub(crate) mod tests {
    use insta::assert_snapshot;

    use super::*;
    use crate::vmm::machine::DeviceProfile;

    pub(crate) fn machine(accelerator: Accelerator, network: Network) -> Machine {
        Machine {
            cpus: 2,
            memory: 2 << 30,
            accelerator,
            network,
            profile: DeviceProfile {
                machine: "pc-q35-10.0".to_owned(),
                disk_bus: DiskBus::VirtioBlk,
                network_card: NetworkCard::VirtioNet,
                guest_agent: true,
                free_page_reporting: true,
            },
            boot: Boot::Kernel {
                append: "console=ttyS0 quiet".to_owned(),
            },
            origin: Origin::Boot,
        }
    }

    /// One line for each option with its value.
    fn lines(arguments: &[String]) -> String {
        arguments.join(" ").replace(" -", "\n-")
    }

    #[test]
    fn the_command_line_for_emulation_without_network() {
        assert_snapshot!(lines(&qemu(&machine(Accelerator::Tcg, Network::None))));
    }

    #[test]
    fn kvm_and_an_open_network_change_only_their_own_options() {
        let closed = qemu(&machine(Accelerator::Tcg, Network::None));
        let open = qemu(&machine(Accelerator::Kvm, Network::Full));
        let changed: Vec<&String> = open
            .iter()
            .filter(|argument| !closed.contains(argument))
            .collect();
        assert_eq!(
            changed,
            [
                "kvm",
                "host",
                "user,id=net,ipv6=off,restrict=off,hostfwd=tcp:127.0.0.1:2222-10.0.2.15:22,\
                 hostfwd=tcp:127.0.0.1:2223-10.0.2.15:222"
            ]
        );
    }

    #[test]
    fn a_template_and_what_wakes_from_it_are_one_machine() {
        let of = |origin| {
            let mut machine = machine(Accelerator::Tcg, Network::None);
            machine.origin = origin;
            qemu(&machine)
        };
        let (template, clone) = (of(Origin::BootToFreeze), of(Origin::Template));
        let only_in = |one: &[String], other: &[String]| -> Vec<String> {
            let only = one.iter().filter(|argument| !other.contains(argument));
            only.cloned().collect()
        };
        let ram = "memory-backend-file,id=ram,size=2147483648B,mem-path";
        let template_only = only_in(&template, &clone);
        assert_eq!(template_only[0], format!("{ram}=/vm/ram,share=on"));
        assert!(template_only[1].contains("\"backing\":\"base\""));
        assert_eq!(template_only.len(), 2);
        let clone_only = only_in(&clone, &template);
        let private = "share=off,readonly=on,rom=off";
        assert_eq!(clone_only[0], format!("{ram}=/template/ram,{private}"));
        assert_eq!(clone_only[1..3], ["-incoming", "defer"]);
        let nodes = clone_only[3..].iter();
        assert!(nodes.clone().all(|node| node.contains("frozen")));
        assert_eq!(nodes.len(), 3);
    }

    #[test]
    fn a_guest_without_an_agent_gets_no_port_for_it_and_one_without_a_driver_no_balloon() {
        let mut machine = machine(Accelerator::Tcg, Network::None);
        machine.profile.guest_agent = false;
        machine.profile.free_page_reporting = false;
        let lines = lines(&qemu(&machine));
        assert!(!lines.contains("guest_agent") && !lines.contains("balloon"));
    }
}
