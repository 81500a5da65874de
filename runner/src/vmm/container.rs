//! The container that a machine runs in, hardened: what it may do and see is decided here, by pure
//! functions, and nowhere else. `docs/security.md` explains each line.

use std::collections::HashMap;

use bollard::models::{
    ContainerCreateBody, DeviceMapping, HostConfig, HostConfigLogConfig, Mount, MountType,
    ResourcesUlimits, RestartPolicy, RestartPolicyNameEnum,
};

use crate::host::processors::listed;
use crate::vmm::arguments::TRANSLATION_CACHE_MIB;
use crate::vmm::machine::{Accelerator, Machine, Network};

/// The label with the instance's id.
pub const INSTANCE_LABEL: &str = "dormer.instance";
/// The label with the id of the home that a container belongs to.
pub const OWNER_LABEL: &str = "dormer.owner";

/// What QEMU takes besides the guest's memory and its own translations.
const QEMU_OVERHEAD: u64 = 384 << 20;
/// QEMU has a thread for each CPU and disk, and up to 64 that wait for files.
const PROCESSES: i64 = 256;

/// Whom a container belongs to.
#[derive(Debug, Clone)]
pub struct Labels {
    /// The home's id.
    pub owner: String,
    /// The instance's id, for what belongs to one.
    pub instance: Option<String>,
}

impl Labels {
    fn to_map(&self) -> HashMap<String, String> {
        let mut labels = HashMap::from([(OWNER_LABEL.to_owned(), self.owner.clone())]);
        labels.extend(
            self.instance
                .clone()
                .map(|id| (INSTANCE_LABEL.to_owned(), id)),
        );
        labels
    }
}

/// A file or directory of the host that a container sees.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SharedPath {
    /// On the host.
    pub host: String,
    /// In the container.
    pub container: String,
    /// Whether the container may write.
    pub writable: bool,
}

/// `/dev/kvm`, and the group that may open it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KvmDevice {
    /// The group's number on the host.
    pub group: u32,
}

/// A container that runs something in the VM image with no rights at all.
#[derive(Debug, Clone)]
pub struct Confined {
    /// The image's tag.
    pub image: String,
    /// The program to start; none for the image's own.
    pub entrypoint: Option<String>,
    /// Its arguments.
    pub command: Vec<String>,
    /// User and group inside, which are the same on the host.
    pub user: (u32, u32),
    /// What is shared with it.
    pub shared: Vec<SharedPath>,
    /// Most memory, in bytes.
    pub memory: u64,
    /// Most processors, in billionths of one.
    pub nano_cpus: i64,
    /// The host's processors that it runs on; empty for all.
    pub pinned: Vec<u32>,
    /// The largest file that it may write, in bytes, by the kernel's own limit.
    pub largest_file: Option<u64>,
    /// `/dev/kvm`, where it is of use.
    pub kvm: Option<KvmDevice>,
    /// The engine's word for the network: `none`, `bridge`, `container:ID`.
    pub network: String,
    /// Whom it belongs to.
    pub labels: Labels,
}

/// What the engine is asked to create.
pub fn create_body(confined: &Confined) -> ContainerCreateBody {
    ContainerCreateBody {
        image: Some(confined.image.clone()),
        entrypoint: confined.entrypoint.clone().map(|program| vec![program]),
        cmd: Some(confined.command.clone()),
        user: Some(format!("{}:{}", confined.user.0, confined.user.1)),
        labels: Some(confined.labels.to_map()),
        // The engine would otherwise copy what it knows of proxies into the container.
        env: Some(vec!["HOME=/tmp".to_owned()]),
        host_config: Some(host_config(confined)),
        ..ContainerCreateBody::default()
    }
}

fn host_config(confined: &Confined) -> HostConfig {
    let memory = i64::try_from(confined.memory).unwrap_or(i64::MAX);
    HostConfig {
        network_mode: Some(confined.network.clone()),
        cap_drop: Some(vec!["ALL".to_owned()]),
        privileged: Some(false),
        security_opt: Some(vec!["no-new-privileges:true".to_owned()]),
        readonly_rootfs: Some(true),
        tmpfs: Some(scratch()),
        mounts: Some(confined.shared.iter().map(bind).collect()),
        devices: confined.kvm.map(|_| vec![kvm_device()]),
        group_add: confined.kvm.map(|kvm| vec![kvm.group.to_string()]),
        memory: Some(memory),
        // The same again: no swap on top.
        memory_swap: Some(memory),
        nano_cpus: Some(confined.nano_cpus),
        cpuset_cpus: (!confined.pinned.is_empty()).then(|| listed(&confined.pinned)),
        pids_limit: Some(PROCESSES),
        ulimits: Some(limits(confined.largest_file)),
        restart_policy: Some(RestartPolicy {
            name: Some(RestartPolicyNameEnum::NO),
            maximum_retry_count: None,
        }),
        // QEMU's own words; a guest that provokes them must not fill the host's disk.
        log_config: Some(HostConfigLogConfig {
            typ: Some("json-file".to_owned()),
            config: Some(HashMap::from([
                ("max-size".to_owned(), "1m".to_owned()),
                ("max-file".to_owned(), "1".to_owned()),
            ])),
        }),
        ipc_mode: Some("private".to_owned()),
        auto_remove: Some(false),
        ..HostConfig::default()
    }
}

fn scratch() -> HashMap<String, String> {
    let options = "rw,noexec,nosuid,nodev,size=64m,mode=1777".to_owned();
    HashMap::from([("/tmp".to_owned(), options)])
}

fn bind(shared: &SharedPath) -> Mount {
    Mount {
        typ: Some(MountType::BIND),
        source: Some(shared.host.clone()),
        target: Some(shared.container.clone()),
        read_only: Some(!shared.writable),
        ..Mount::default()
    }
}

fn kvm_device() -> DeviceMapping {
    let path = Some("/dev/kvm".to_owned());
    DeviceMapping {
        path_on_host: path.clone(),
        path_in_container: path,
        cgroup_permissions: Some("rw".to_owned()),
    }
}

fn limits(largest_file: Option<u64>) -> Vec<ResourcesUlimits> {
    let mut limits = vec![limit("core", 0), limit("nofile", 1024)];
    let largest = largest_file.and_then(|bytes| i64::try_from(bytes).ok());
    limits.extend(largest.map(|bytes| limit("fsize", bytes)));
    limits
}

fn limit(name: &str, value: i64) -> ResourcesUlimits {
    ResourcesUlimits {
        name: Some(name.to_owned()),
        soft: Some(value),
        hard: Some(value),
    }
}

/// The memory that a machine's container needs: the guest's and QEMU's.
pub fn memory_limit(machine: &Machine) -> u64 {
    let translations = match machine.accelerator {
        Accelerator::Kvm => 0,
        Accelerator::Tcg => TRANSLATION_CACHE_MIB << 20,
    };
    machine.memory + QEMU_OVERHEAD + translations
}

/// The processors that a machine's container may use: one for each virtual CPU and half a one for
/// disk and network, but never more than there are.
pub fn cpu_limit(machine: &Machine, cpus_of_engine: u32) -> i64 {
    let wanted = i64::from(machine.cpus) * 1_000_000_000 + 500_000_000;
    wanted.min(i64::from(cpus_of_engine) * 1_000_000_000)
}

/// The engine's word for a machine's network.
pub fn network_mode(network: Network) -> &'static str {
    match network {
        Network::None => "none",
        Network::Full => "bridge",
    }
}

/// The one-shot container that closes a machine's network, or bounds its rate. It alone holds a capability,
/// and root inside, because only root can; it sees no file of the host.
pub fn network_changer(
    image: &str,
    machine: &str,
    program: &str,
    arguments: Vec<String>,
    labels: Labels,
) -> Confined {
    Confined {
        image: image.to_owned(),
        entrypoint: Some(program.to_owned()),
        command: arguments,
        user: (0, 0),
        shared: Vec::new(),
        memory: 64 << 20,
        nano_cpus: 1_000_000_000,
        pinned: Vec::new(),
        largest_file: None,
        kvm: None,
        network: format!("container:{machine}"),
        labels,
    }
}

/// As [`create_body`], with the one capability that changing a network takes.
pub fn network_changer_body(confined: &Confined) -> ContainerCreateBody {
    let mut body = create_body(confined);
    if let Some(host) = &mut body.host_config {
        host.cap_add = Some(vec!["NET_ADMIN".to_owned()]);
    }
    body
}

#[cfg(test)]
mod tests {
    use insta::assert_snapshot;

    use super::*;
    use crate::vmm::arguments::tests::machine;

    fn confined(kvm: Option<KvmDevice>) -> Confined {
        let machine = machine(Accelerator::Tcg, Network::None);
        Confined {
            image: "dormer-vm:0123456789ab".to_owned(),
            entrypoint: None,
            command: vec!["--".to_owned()],
            user: (1000, 1000),
            shared: vec![SharedPath {
                host: "/home/me/blob".to_owned(),
                container: "/base/disk.qcow2".to_owned(),
                writable: false,
            }],
            memory: memory_limit(&machine),
            nano_cpus: cpu_limit(&machine, 8),
            pinned: vec![2, 3],
            largest_file: Some(10 << 30),
            kvm,
            network: network_mode(machine.network).to_owned(),
            labels: Labels {
                owner: "o".to_owned(),
                instance: Some("i".to_owned()),
            },
        }
    }

    #[test]
    fn what_the_engine_is_asked_for() {
        let body = create_body(&confined(None));
        let mut value = serde_json::to_value(body).unwrap();
        value.sort_all_objects();
        assert_snapshot!(serde_json::to_string_pretty(&value).unwrap());
    }

    #[test]
    fn kvm_comes_with_the_group_that_may_open_it() {
        let body = create_body(&confined(Some(KvmDevice { group: 104 })));
        let host = body.host_config.unwrap();
        assert_eq!(host.group_add.unwrap(), ["104"]);
        assert_eq!(host.devices.unwrap().len(), 1);
        assert_eq!(host.cap_drop.unwrap(), ["ALL"]);
    }

    #[test]
    fn a_machine_never_asks_for_more_processors_than_there_are() {
        let machine = machine(Accelerator::Kvm, Network::None);
        assert_eq!(cpu_limit(&machine, 8), 2_500_000_000);
        assert_eq!(cpu_limit(&machine, 2), 2_000_000_000);
    }
}
