//! Making a template: a machine boots for nothing but to be frozen. It sees no workspace, no secret and
//! no job. If a script is to prepare it, that is all that runs in it, and what it starts goes on.

use std::sync::Arc;

use crate::event::{Events, Level};
use crate::failure::{Failure, InfraFailure};
use crate::guest::channel::GuestChannel;
use crate::guest::environment::Environment;
use crate::host::clock::{Deadline, within};
use crate::host::fs::free_space;
use crate::host::signals::Cancel;
use crate::instance::makeup::Makeup;
use crate::instance::provision::{Instance, Order};
use crate::instance::template::{Prepared, Template};
use crate::instance::templates::Templates;
use crate::job::driver::{Surroundings, TEARDOWN};
use crate::job::prepare::{PrepareEnd, PrepareScript, Preparing};
use crate::job::room;
use crate::vmm::machine::{Network, Origin};

/// Another process that makes the same template takes as long as a slow boot.
const ANOTHER: Deadline = Deadline::seconds("another process that makes the same template", 900);
/// One whose script runs takes as long as that may.
const ANOTHER_PREPARES: Deadline = Deadline::seconds(
    "another process that makes the same template",
    6 * 3600 + 900,
);
/// A reader of the log who has stopped reading is not waited for.
const SHOWN: Deadline = Deadline::seconds("the reporters", 5);
/// Said of a guest that has no rest before it is frozen.
const RESTLESS: &str =
    "what the prepare script left running may keep the guest from coming to rest";

/// What came of making a template.
#[derive(Debug)]
pub enum Made {
    /// Here it is.
    Template(Box<Template>),
    /// It was stopped on the way, and there is none.
    Stopped,
    /// The prepare script failed, with this exit code if it ended by itself, and there is none.
    Unprepared(Option<u32>),
}

/// A template that is to be made.
#[derive(Debug, Clone)]
pub struct Making {
    /// A machine as those that wake from it.
    pub order: Order,
    /// What it is good for.
    pub makeup: Makeup,
    /// What prepares it. None by default: it only boots.
    pub script: Option<PrepareScript>,
}

impl Making {
    /// The order for the machine that is to be frozen. A script reaches what the job would: whoever only
    /// boots needs nothing.
    fn order(&self) -> Order {
        let mut order = self.order.clone();
        order.machine.origin = Origin::BootToFreeze;
        if self.script.is_none() {
            order.machine.network = Network::None;
        }
        order.template = None;
        order
    }
}

/// Makes a template, unless there is one by now. `cancel` ends it; what was made so far is removed, and there
/// is none.
pub async fn make(
    around: &Surroundings,
    making: &Making,
    cancel: &Cancel,
) -> Result<Made, Failure> {
    let templates = Templates::of(&around.home);
    let key = making.makeup.key();
    let patience = match making.script {
        Some(_) => ANOTHER_PREPARES,
        None => ANOTHER,
    };
    let locked = tokio::select! {
        locked = within(patience, templates.lock(&key)) => locked,
        () = cancel.requested() => return Ok(Made::Stopped),
    };
    let waited = locked.map_err(|late| InfraFailure::transient("no template").because(late))?;
    let failed = |error| templates.failed(error);
    let _lock = waited.map_err(failed)?;
    if let Some(exit_code) = around.ledger.unprepared(&making.makeup) {
        return Ok(Made::Unprepared(exit_code));
    }
    if let Some(template) = templates.find(&key) {
        match template.check() {
            Ok(()) => return Ok(Made::Template(Box::new(template))),
            Err(why) => templates.put_aside(&template, &why).map_err(failed)?,
        }
    }
    templates.clear(&key).map_err(failed)?;
    check_room(around, making.order.machine.memory)?;
    let mut made = make_new(around, making, cancel, &templates).await;
    if let Err(Unmade::Crashed(failure)) = &made {
        let why = failure.message();
        let text = format!("QEMU crashed, so another machine is started: {why}");
        around.events.notice(Level::Warning, text);
        made = make_new(around, making, cancel, &templates).await;
    }
    around.progress.finish();
    made.map_err(Unmade::into_failure)
}

/// Why there is no template.
enum Unmade {
    /// QEMU crashed, which another may not.
    Crashed(Failure),
    /// Anything else.
    Failed(Failure),
}

impl Unmade {
    fn into_failure(self) -> Failure {
        match self {
            Self::Crashed(failure) | Self::Failed(failure) => failure,
        }
    }
}

async fn make_new(
    around: &Surroundings,
    making: &Making,
    cancel: &Cancel,
    templates: &Templates,
) -> Result<Made, Unmade> {
    let reserved = tokio::select! {
        reserved = room::reserve(around, making.order()) => reserved,
        () = cancel.requested() => return Ok(Made::Stopped),
    };
    let mut instance = reserved.map_err(Unmade::Failed)?;
    let made = match freeze(&mut instance, around, making, cancel).await {
        // From here on nothing stops it: the files are being moved.
        Ok(Frozen::Whole(environment)) => {
            let prepared = making.script.as_ref().map(|script| Prepared {
                script: script.name.clone(),
                environment,
            });
            let sealed = instance.seal(templates, making.makeup.clone(), prepared);
            sealed
                .await
                .map(|template| Made::Template(Box::new(template)))
        }
        Ok(Frozen::Stopped) => Ok(Made::Stopped),
        Ok(Frozen::Unprepared(exit_code)) => {
            around.ledger.note_unprepared(&making.makeup, exit_code);
            if let Some(text) = evidence(around, &instance).await {
                around.events.notice(Level::Notice, text);
            }
            Ok(Made::Unprepared(exit_code))
        }
        Err(failure) => Err(explained(around, &instance, failure).await),
    };
    let crashed = instance.crashed();
    let removed = within(TEARDOWN, instance.tear_down()).await;
    let made = made.map_err(if crashed {
        Unmade::Crashed
    } else {
        Unmade::Failed
    })?;
    match removed {
        Ok(Ok(())) => Ok(made),
        Ok(Err(failure)) => Err(Unmade::Failed(failure)),
        Err(late) => {
            let failure = InfraFailure::new("a machine is left").because(late);
            Err(Unmade::Failed(failure.into()))
        }
    }
}

/// The memory of a machine that is to be frozen is a file, and QEMU does not survive one that can't grow.
fn check_room(around: &Surroundings, memory: u64) -> Result<(), InfraFailure> {
    let root = around.home.root();
    // Where that can't be told, it is tried.
    let free = free_space(root).unwrap_or(u64::MAX);
    if free >= memory {
        return Ok(());
    }
    let size = |bytes| bytesize::ByteSize(bytes).display().iec();
    let text = format!(
        "there is too little room for a template in `{}`",
        root.display()
    );
    let why = format!(
        "{} are free, and the guest's memory has {}",
        size(free),
        size(memory)
    );
    Err(InfraFailure::new(text)
        .because(why)
        .help("make room, set DORMER_HOME to a larger disk, or use less `--memory`"))
}

/// Keeps what explains why a machine did not get as far as being frozen, and says where that is.
async fn explained(around: &Surroundings, instance: &Instance, failure: Failure) -> Failure {
    match (failure, evidence(around, instance).await) {
        (Failure::Infra(mut failure), Some(text)) => {
            let help = failure.help.take().map(|help| format!("{help}; {text}"));
            failure.help(help.unwrap_or(text)).into()
        }
        (failure, _) => failure,
    }
}

/// Keeps what a machine that was to be frozen leaves behind; where that is, for people.
async fn evidence(around: &Surroundings, instance: &Instance) -> Option<String> {
    let directory = around.home.jobs().join(instance.id());
    instance.gather_evidence(&directory).await.ok()?;
    Some(format!("what explains it is in {}", directory.display()))
}

/// How far a machine has come that was to be frozen.
enum Frozen {
    /// With what the script leaves for those that wake.
    Whole(Environment),
    Stopped,
    Unprepared(Option<u32>),
}

/// Brings a machine up, prepares it and freezes it.
async fn freeze(
    instance: &mut Instance,
    around: &Surroundings,
    making: &Making,
    cancel: &Cancel,
) -> Result<Frozen, Failure> {
    let Some(channel) = come_up(instance, around, cancel).await? else {
        return Ok(Frozen::Stopped);
    };
    // The connection ends in either case: it must not be in the template.
    let end = match &making.script {
        Some(script) => prepare(instance, around, script, channel, cancel).await?,
        None => {
            drop(channel);
            PrepareEnd::Done(Environment::default())
        }
    };
    let left = match end {
        PrepareEnd::Done(environment) => environment,
        PrepareEnd::Failed(exit_code) => return Ok(Frozen::Unprepared(exit_code)),
        PrepareEnd::Stopped => return Ok(Frozen::Stopped),
    };
    around.progress.stage("freezing it");
    tokio::select! {
        frozen = instance.freeze() => match frozen {
            Err(Failure::Infra(failure)) if making.script.is_some() && failure.help.is_none() => {
                Err(failure.help(RESTLESS).into())
            }
            frozen => frozen.map(|()| Frozen::Whole(left)),
        },
        () = cancel.requested() => Ok(Frozen::Stopped),
    }
}

/// Boots a machine; none if that was stopped.
async fn come_up(
    instance: &mut Instance,
    around: &Surroundings,
    cancel: &Cancel,
) -> Result<Option<Arc<dyn GuestChannel>>, Failure> {
    // Nobody follows how a template comes up; what fails is told.
    let (events, _unread) = Events::accept("template");
    around.progress.stage("booting a machine to freeze it");
    instance.create_overlay()?;
    let starting = instance.start_container(&events);
    match room::settled(starting, cancel.requested()).await {
        Ok(started) => started?,
        Err(()) => return Ok(None),
    }
    tokio::select! {
        channel = instance.wait_for_guest(&events) => Ok(Some(channel?)),
        () = cancel.requested() => Ok(None),
    }
}

/// Runs the script in the machine, which may end meanwhile.
async fn prepare(
    instance: &mut Instance,
    around: &Surroundings,
    script: &PrepareScript,
    channel: Arc<dyn GuestChannel>,
    cancel: &Cancel,
) -> Result<PrepareEnd, Failure> {
    around.progress.finish();
    let guest = instance.guest().clone();
    let preparing = Preparing {
        script,
        channel,
        guest: &guest,
        events: &around.events,
        masker: &around.masker,
        cancel,
    };
    // It stops by itself when it is told to.
    let end = tokio::select! {
        biased;
        end = preparing.run() => end?,
        trouble = instance.trouble() => return Err(trouble.into()),
    };
    // What it printed stands above what comes next.
    let _ = within(SHOWN, around.events.flush()).await;
    Ok(end)
}
