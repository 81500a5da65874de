//! Which accelerator a machine gets: the best that is proved to work, or the one that was asked for.
//! A proof costs a second, so it is kept for as long as the host is up.

use std::fs;

use serde::{Deserialize, Serialize};

use crate::failure::{Failure, InfraFailure};
use crate::host::fs::write_atomically;
use crate::host::home::{Home, machine_user};
use crate::host::reservation::Reservation;
use crate::vmm::container::{KvmDevice, Labels};
use crate::vmm::engine::Engine;
use crate::vmm::machine::Accelerator;
use crate::vmm::prove::{self, Kvm};

/// What was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wish {
    /// KVM where it works, else emulation.
    Auto,
    /// Only this one.
    Only(Accelerator),
}

/// What a machine gets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Choice {
    /// The accelerator.
    pub accelerator: Accelerator,
    /// The device, for KVM.
    pub kvm: Option<KvmDevice>,
    /// Why it is not KVM, for the user.
    pub why_not_kvm: Option<String>,
}

/// A proof, with what it holds for.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Proof {
    boot: String,
    image: String,
    user: (u32, u32),
    kvm: Kvm,
}

/// Chooses the accelerator.
pub async fn choose(
    engine: &Engine,
    home: &Home,
    image: &str,
    wish: Wish,
) -> Result<Choice, Failure> {
    let emulated = |why_not_kvm| Choice {
        accelerator: Accelerator::Tcg,
        kvm: None,
        why_not_kvm,
    };
    if wish == Wish::Only(Accelerator::Tcg) {
        return Ok(emulated(None));
    }
    let kvm = proved(engine, home, image).await?;
    match (kvm.device(), wish) {
        (Some(device), _) => Ok(Choice {
            accelerator: Accelerator::Kvm,
            kvm: Some(device),
            why_not_kvm: None,
        }),
        (None, Wish::Auto) => Ok(emulated(Some(kvm.describe()))),
        (None, Wish::Only(_)) => Err(InfraFailure::new("cannot use KVM, which was asked for")
            .because(kvm.describe())
            .help("`dormer doctor` tells what to do; without `--accel kvm` the machine is emulated")
            .into()),
    }
}

/// What is known of KVM, from an earlier proof of the same boot or from a new one.
pub async fn proved(engine: &Engine, home: &Home, image: &str) -> Result<Kvm, InfraFailure> {
    let path = home.images().join("accelerator.json");
    let boot = fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default();
    let user = machine_user();
    let known = fs::read(&path)
        .ok()
        .and_then(|text| serde_json::from_slice::<Proof>(&text).ok());
    if let Some(proof) = known
        && proof.boot == boot
        && proof.image == image
        && proof.user == user
    {
        return Ok(proof.kvm);
    }
    let kvm = prove_now(engine, home, image).await?;
    let proof = Proof {
        boot,
        image: image.to_owned(),
        user,
        kvm,
    };
    // A proof that can't be kept is made again.
    let _ = serde_json::to_vec(&proof).map(|text| write_atomically(&path, &text));
    Ok(proof.kvm)
}

async fn prove_now(engine: &Engine, home: &Home, image: &str) -> Result<Kvm, InfraFailure> {
    let reservation = Reservation::new(&home.instances()).map_err(|error| {
        InfraFailure::new(format!("cannot write to `{}`", home.instances().display()))
            .because(error)
    })?;
    let instance = Some(reservation.id().to_owned());
    let labels = Labels {
        owner: home.owner().to_owned(),
        instance,
    };
    let kvm = prove::kvm(engine, image, machine_user(), &labels).await;
    let _ = reservation.remove();
    kvm
}
