//! Freezing a machine and waking another from what was frozen, in the words of QEMU's monitor. The
//! memory is in a file of its own that both share, so the state that is saved and loaded holds the
//! devices alone, less than a megabyte.

use std::time::Duration;

use qapi::{Command, qmp};

use crate::failure::InfraFailure;
use crate::host::clock::{Deadline, pause, within};
use crate::vmm::machine::paths;
use crate::vmm::monitor::MonitorError;
use crate::vmm::vm::QemuMonitor;

const ANSWERS: Deadline = Deadline::seconds("the answer of QEMU's monitor", 30);
/// The state of the devices is small; what takes long is a disk's cache that is written out.
const SAVES: Deadline = Deadline::seconds("the machine's state to be saved", 120);
const LOADS: Deadline = Deadline::seconds("the machine's state to be loaded", 30);
const LOOK: Duration = Duration::from_millis(5);

/// Why a machine did not take a template's state.
#[derive(Debug)]
pub enum NotLoaded {
    /// QEMU says that it can't: the state is not what it should be.
    Refused(InfraFailure),
    /// Something else went wrong on the way, and the state may be as good as ever.
    Failed(InfraFailure),
}

/// What QEMU says, or that it says nothing.
enum Trouble {
    Said(String),
    Lost(String),
}

impl Trouble {
    fn words(self) -> String {
        match self {
            Self::Said(words) | Self::Lost(words) => words,
        }
    }
}

impl QemuMonitor {
    /// Stops the virtual CPUs for good, saves the state of the devices beside the memory, and ends QEMU.
    pub async fn freeze(&self) -> Result<(), InfraFailure> {
        let failed =
            |why: Trouble| InfraFailure::new("the machine cannot be frozen").because(why.words());
        self.ask(qmp::stop {}).await.map_err(failed)?;
        self.share_memory().await.map_err(failed)?;
        let save = qmp::migrate {
            uri: Some(format!("file:{}", paths::STATE)),
            channels: None,
            detach: None,
            resume: None,
        };
        self.ask(save).await.map_err(failed)?;
        self.migrated(SAVES).await.map_err(failed)?;
        // It may end before it has answered.
        let _ = self.ask(qmp::quit {}).await;
        Ok(())
    }

    /// Loads a template's state into a machine that waits for it. Its CPUs stay halted.
    pub async fn load(&self) -> Result<(), NotLoaded> {
        let failed = |why: Trouble| {
            let failure = InfraFailure::transient("the machine does not take the template's state");
            match why {
                Trouble::Said(words) => NotLoaded::Refused(failure.because(words)),
                Trouble::Lost(words) => NotLoaded::Failed(failure.because(words)),
            }
        };
        self.share_memory().await.map_err(failed)?;
        let load = qmp::migrate_incoming {
            uri: Some(format!("file:{}", paths::FROZEN_STATE)),
            channels: None,
            // A QEMU that ends by itself could not say why.
            exit_on_error: Some(false),
        };
        self.ask(load).await.map_err(failed)?;
        self.migrated(LOADS).await.map_err(failed)
    }

    /// Memory stays where it is: the state does not hold it.
    async fn share_memory(&self) -> Result<(), Trouble> {
        let capability = qmp::MigrationCapabilityStatus {
            capability: qmp::MigrationCapability::x_ignore_shared,
            state: true,
        };
        let capabilities = vec![capability];
        self.ask(qmp::migrate_set_capabilities { capabilities })
            .await
            .map(drop)
    }

    async fn migrated(&self, deadline: Deadline) -> Result<(), Trouble> {
        let looking = async {
            loop {
                let info = self.ask(qmp::query_migrate {}).await?;
                match info.status {
                    Some(qmp::MigrationStatus::completed) => return Ok(()),
                    Some(qmp::MigrationStatus::failed | qmp::MigrationStatus::cancelled) => {
                        let why = info
                            .error_desc
                            .unwrap_or_else(|| "QEMU does not say why".into());
                        return Err(Trouble::Said(why));
                    }
                    _ => pause(LOOK).await,
                }
            }
        };
        within(deadline, looking)
            .await
            .unwrap_or_else(|late| Err(Trouble::Lost(late.to_string())))
    }

    async fn ask<C: Command>(&self, command: C) -> Result<C::Ok, Trouble> {
        let answer = self.monitor().ask(command, ANSWERS).await;
        answer.map_err(|error| match error {
            MonitorError::Refused { .. } => Trouble::Said(error.to_string()),
            _ => Trouble::Lost(error.to_string()),
        })
    }
}
