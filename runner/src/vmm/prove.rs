//! Which accelerator really works. `/dev/kvm` can exist, be opened, make a VM, even run the firmware,
//! and then run nothing more; so a tiny guest has to enter 64-bit mode and leave again, in the same
//! hardened container as a job's machine.

use std::fs;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::failure::InfraFailure;
use crate::host::clock::Deadline;
use crate::host::home::machine_user;
use crate::vmm::container::{Confined, KvmDevice, Labels, create_body};
use crate::vmm::engine::Engine;
use crate::vmm::machine::Accelerator;
use crate::vmm::run;

/// The guest itself has two seconds; the rest is the container's.
const PROOF: Deadline = Deadline::seconds("the end of the accelerator's proof", 60);
const DEVICE: &str = "/dev/kvm";

/// What is known of KVM on this host.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum Kvm {
    /// There is no such device.
    Missing,
    /// It is there, and works.
    Works {
        /// The group that may open it.
        group: u32,
    },
    /// It is there, and the machine's user may not open it.
    NotPermitted {
        /// Who may, as `user:group mode`.
        access: String,
    },
    /// It is there, may be opened, and runs nothing.
    Unusable {
        /// What QEMU said, or that it hung.
        why: String,
    },
}

impl Kvm {
    /// One line for people.
    pub fn describe(&self) -> String {
        match self {
            Self::Missing => "there is no /dev/kvm".to_owned(),
            Self::Works { .. } => "KVM works".to_owned(),
            Self::NotPermitted { access } => {
                format!("/dev/kvm may not be opened by the machine's user ({access})")
            }
            Self::Unusable { why } => format!("/dev/kvm is there but runs no guest: {why}"),
        }
    }

    /// What to pass into a container.
    pub fn device(&self) -> Option<KvmDevice> {
        match self {
            Self::Works { group } => Some(KvmDevice { group: *group }),
            _ => None,
        }
    }
}

/// Finds out about KVM, by trying.
pub async fn kvm(
    engine: &Engine,
    image: &str,
    user: (u32, u32),
    labels: &Labels,
) -> Result<Kvm, InfraFailure> {
    let group = match presence_for(user) {
        Ok(group) => group,
        Err(kvm) => return Ok(kvm),
    };
    let device = KvmDevice { group };
    let confined = probe(image, Accelerator::Kvm, user, Some(device), labels);
    Ok(match prove(engine, confined, labels).await? {
        Ok(()) => Kvm::Works { group },
        Err(why) => Kvm::Unusable { why },
    })
}

/// The device's group if there is one that a machine may open; else why not. Proves nothing.
pub fn presence() -> Result<u32, Kvm> {
    presence_for(machine_user())
}

fn presence_for(user: (u32, u32)) -> Result<u32, Kvm> {
    match device_group(Path::new(DEVICE), user) {
        None => Err(Kvm::Missing),
        Some(Err(access)) => Err(Kvm::NotPermitted { access }),
        Some(Ok(group)) => Ok(group),
    }
}

/// Proves that emulation works, which it does unless the image or the container is broken.
pub async fn tcg(
    engine: &Engine,
    image: &str,
    user: (u32, u32),
    labels: &Labels,
) -> Result<(), InfraFailure> {
    let confined = probe(image, Accelerator::Tcg, user, None, labels);
    prove(engine, confined, labels).await?.map_err(|why| {
        InfraFailure::new("QEMU's own emulation runs no guest in the VM container").because(why)
    })
}

/// The group through which the machine's user opens the device, or who else may; none without one.
fn device_group(device: &Path, user: (u32, u32)) -> Option<Result<u32, String>> {
    let found = fs::metadata(device)
        .ok()
        .filter(|found| found.file_type().is_char_device())?;
    let (mode, owner, group) = (found.mode() & 0o777, found.uid(), found.gid());
    let may = mode & 0o006 == 0o006
        // The container is given the device's group, whatever it is, but for root's.
        || (mode & 0o060 == 0o060 && group != 0)
        || (mode & 0o600 == 0o600 && owner == user.0);
    Some(if may {
        Ok(group)
    } else {
        Err(format!("{owner}:{group} {mode:o}"))
    })
}

fn probe(
    image: &str,
    accelerator: Accelerator,
    user: (u32, u32),
    kvm: Option<KvmDevice>,
    labels: &Labels,
) -> Confined {
    Confined {
        image: image.to_owned(),
        entrypoint: Some("/usr/lib/dormer/prove".to_owned()),
        command: vec![accelerator.as_str().to_owned()],
        user,
        shared: Vec::new(),
        memory: 512 << 20,
        nano_cpus: 1_000_000_000,
        pinned: Vec::new(),
        largest_file: None,
        kvm,
        network: "none".to_owned(),
        labels: labels.clone(),
    }
}

async fn prove(
    engine: &Engine,
    confined: Confined,
    labels: &Labels,
) -> Result<Result<(), String>, InfraFailure> {
    let instance = labels.instance.as_deref().unwrap_or("doctor");
    let name = format!("dormer-{instance}-proof");
    let finished = run::to_end(engine, &name, create_body(&confined), PROOF).await?;
    Ok(match finished.status {
        0 => Ok(()),
        // What timeout(1) ends with.
        124 | 137 => Err("a guest did not reach 64-bit mode within two seconds".to_owned()),
        status => Err(format!(
            "QEMU ended with {status}: {}",
            finished.output.trim()
        )),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_device_that_only_root_may_open_is_not_permitted() {
        // Character devices that every Linux has, with known access.
        assert_eq!(
            device_group(Path::new("/dev/null"), (1000, 1000)),
            Some(Ok(0))
        );
        assert_eq!(
            device_group(Path::new("/dev/no-such-device"), (1000, 1000)),
            None
        );
        assert_eq!(device_group(Path::new("/etc/passwd"), (1000, 1000)), None);
    }
}
