//! KVM: there, permitted, and really working. Without it jobs run all the same, ten times slower.

use crate::cli::doctor::{Check, State};
use crate::cli::workshop::Base;
use crate::image::base;
use crate::image::vm_container;
use crate::instance::accelerator;
use crate::vmm::engine::Engine;
use crate::vmm::prove::{Kvm, presence};

const NAME: &str = "kvm";

const EMULATED: &str = "jobs run all the same, emulated and some ten times slower";

pub(super) async fn check(engine: Option<&Engine>, home: &Base) -> Check {
    let kvm = match presence() {
        Err(kvm) => kvm,
        Ok(_) => match proved(engine, home).await {
            Ok(kvm) => kvm,
            Err(check) => return check,
        },
    };
    describe(&kvm)
}

/// The proof takes the VM container; without it nothing is claimed.
async fn proved(engine: Option<&Engine>, home: &Base) -> Result<Kvm, Check> {
    let unproved = |why: &str| {
        let detail =
            format!("/dev/kvm is there and may be opened; whether it works is not proved: {why}");
        Check::bad(
            NAME,
            State::Warning,
            "unproved",
            detail,
            "the first job proves it",
        )
    };
    let engine = engine.ok_or_else(|| unproved("there is no engine to try it in"))?;
    let image = vm_container::tag();
    match base::exists(engine, &image).await {
        Ok(true) => {}
        _ => return Err(unproved("the VM container is not built yet")),
    }
    accelerator::proved(engine, &home.home, &image)
        .await
        .map_err(|failure| unproved(&failure.to_string()))
}

fn describe(kvm: &Kvm) -> Check {
    let detail = kvm.describe();
    match kvm {
        Kvm::Works { .. } => Check::ok(NAME, "works", detail),
        Kvm::Missing => {
            let help = format!(
                "turn virtualisation on in the firmware and load the module (`sudo modprobe kvm_intel` \
                 or `kvm_amd`); inside a VM, nested virtualisation has to be on. {EMULATED}"
            );
            Check::bad(NAME, State::Warning, "missing", detail, help)
        }
        Kvm::NotPermitted { .. } => {
            let help = format!(
                "give it to the group kvm: `sudo groupadd -f -r kvm && sudo chown root:kvm /dev/kvm && \
                 sudo chmod 660 /dev/kvm`. {EMULATED}"
            );
            Check::bad(NAME, State::Warning, "not_permitted", detail, help)
        }
        Kvm::Unusable { .. } => {
            let help = format!(
                "often a VM without nested virtualisation; nothing can be done inside it. {EMULATED}"
            );
            Check::bad(NAME, State::Warning, "unusable", detail, help)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_state_of_kvm_is_told_apart_and_none_stops_jobs() {
        let states = [
            (Kvm::Missing, "missing"),
            (
                Kvm::NotPermitted {
                    access: "0:0 600".to_owned(),
                },
                "not_permitted",
            ),
            (
                Kvm::Unusable {
                    why: "it hung".to_owned(),
                },
                "unusable",
            ),
        ];
        for (kvm, finding) in states {
            let check = describe(&kvm);
            assert_eq!((check.finding, check.state), (finding, State::Warning));
            assert!(check.help.is_some());
        }
        assert_eq!(describe(&Kvm::Works { group: 104 }).state, State::Ok);
    }
}
