//! Freezing a machine that is ready: it comes to rest, its state is saved, and what it leaves becomes a
//! template. Only a machine that was made for it has its memory in a file; one that ran a job has not,
//! and can't be frozen.

use crate::failure::{Bug, Failure, InfraFailure};
use crate::host::clock::{Deadline, within};
use crate::instance::makeup::Makeup;
use crate::instance::provision::Instance;
use crate::instance::record::State;
use crate::instance::template::{self, Prepared, Template};
use crate::instance::templates::Templates;
use crate::vmm::machine::Origin;

/// The guest's own limit is two minutes, plus the programs that it runs first.
const SETTLES: Deadline = Deadline::seconds("the guest to come to rest", 240);
const ENDS: Deadline = Deadline::seconds("QEMU's end", 60);

impl Instance {
    /// Freezes the machine, which is over then.
    pub async fn freeze(&mut self) -> Result<(), Failure> {
        let settle = self.settle_command()?;
        let (Some(vm), Some(monitor)) = (&self.vm, &self.monitor) else {
            return Err(bug("a machine is frozen that does not run").into());
        };
        vm.agent_run(&settle, SETTLES).await?;
        self.journal.advance(State::Freezing)?;
        monitor.freeze().await?;
        let cannot = || InfraFailure::new("the machine cannot be frozen");
        let death = within(ENDS, vm.died()).await;
        let death = death.map_err(|late| cannot().because(late))?;
        // A machine that was killed, or that nobody knows of any more, may not have written everything,
        // or still be writing.
        if death.status != 0 {
            return Err(cannot().because(death.describe()).into());
        }
        Ok(())
    }

    /// Makes a template of this makeup of what the frozen machine has left, which a script has prepared, if
    /// any did. Not to be dropped half-way: the files are being moved.
    pub async fn seal(
        &self,
        templates: &Templates,
        makeup: Makeup,
        prepared: Option<Prepared>,
    ) -> Result<Template, Failure> {
        let record = self.journal.record();
        let manifest = template::begin(&record.image_name, makeup, &record.host_key, prepared);
        let (templates, own) = (templates.clone(), self.vm_directory());
        // Below the instance, so that it goes with it if this process dies.
        let aside = self.host_directory().join("template");
        let sealing = tokio::task::spawn_blocking(move || templates.seal(&own, &aside, manifest));
        let cannot = || InfraFailure::new("cannot put the template in place");
        let sealed = sealing.await.map_err(|error| cannot().because(error))?;
        Ok(sealed.map_err(|error| cannot().because(error))?)
    }

    fn settle_command(&self) -> Result<Vec<String>, Bug> {
        if self.order.machine.origin != Origin::BootToFreeze {
            return Err(bug("a machine is frozen that was not made for it"));
        }
        let dormancy = self.guest().dormancy.as_ref();
        let dormancy = dormancy.ok_or_else(|| bug("a guest is frozen that cannot be"))?;
        Ok(dormancy.settle.clone())
    }
}

fn bug(message: &str) -> Bug {
    Bug {
        message: message.to_owned(),
    }
}
