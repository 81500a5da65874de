//! Making a template: a machine boots for nothing but to be frozen. It sees no workspace, no secret and
//! no job.

use std::future::Future;

use crate::event::{Events, JobEvent, Phase};
use crate::failure::{Failure, InfraFailure};
use crate::host::clock::{Deadline, within};
use crate::host::fs::free_space;
use crate::instance::gate::Gate;
use crate::instance::makeup::Makeup;
use crate::instance::provision::{Instance, Order};
use crate::instance::template::Template;
use crate::instance::templates::Templates;
use crate::job::driver::{SETTLES, Surroundings, TEARDOWN};
use crate::vmm::machine::{Network, Origin};

/// Another process that makes the same template takes as long as a slow boot.
const ANOTHER: Deadline = Deadline::seconds("another process that makes the same template", 900);

/// Makes the template of this makeup, unless there is one by now. `stop` ends it; what was made so far
/// is removed, and there is none.
pub async fn make(
    around: &Surroundings,
    order: &Order,
    makeup: Makeup,
    stop: impl Future<Output = ()>,
) -> Result<Option<Template>, Failure> {
    tokio::pin!(stop);
    let templates = Templates::of(&around.home);
    let key = makeup.key();
    let locked = tokio::select! {
        locked = within(ANOTHER, templates.lock(&key)) => locked,
        () = &mut stop => return Ok(None),
    };
    let waited = locked.map_err(|late| InfraFailure::transient("no template").because(late))?;
    let failed = |error| templates.failed(error);
    let _lock = waited.map_err(failed)?;
    if let Some(template) = templates.find(&key) {
        match template.check() {
            Ok(()) => return Ok(Some(template)),
            Err(why) => templates.put_aside(&template, &why).map_err(failed)?,
        }
    }
    templates.clear(&key).map_err(failed)?;
    check_room(around, order.machine.memory)?;
    let mut order = order.clone();
    order.machine.origin = Origin::BootToFreeze;
    order.machine.network = Network::None;
    order.template = None;
    let mut instance = tokio::select! {
        reserved = reserve(around, order) => reserved?,
        () = &mut stop => return Ok(None),
    };
    let frozen = match freeze(&mut instance, stop).await {
        // From here on nothing stops it: the files are being moved.
        Ok(true) => instance.seal(&templates, makeup).await.map(Some),
        Ok(false) => Ok(None),
        Err(failure) => Err(explained(around, &instance, failure).await),
    };
    let removed = within(TEARDOWN, instance.tear_down()).await;
    let template = frozen?;
    removed.map_err(|late| InfraFailure::new("a machine is left").because(late))??;
    Ok(template)
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

/// Waits until there is room for a machine, and gives the order a name. Until that is done, dropping this
/// leaves nothing behind.
pub(super) async fn reserve(around: &Surroundings, order: Order) -> Result<Instance, Failure> {
    let (engine, home, store) = (&around.engine, &around.home, &around.store);
    let gate = Gate::new(
        engine,
        home,
        store,
        order.facts.clone(),
        order.allowance.overcommit,
    );
    let mut waits = false;
    let told = |text| {
        if !std::mem::replace(&mut waits, true) {
            around.events.emit(JobEvent::Phase {
                phase: Phase::WaitingForRoom,
            });
        }
        // Of many jobs that wait for the same, one says so.
        around.told.notice(&around.events, text);
    };
    let permit = gate.enter(&order.need(), told).await?;
    // Until its use is on record, nobody may take the image away: not who removes its name, nor who
    // sweeps away what has none any more.
    let _held = around.store.hold_name(&order.image_name).await?;
    let _unswept = around
        .store
        .adding()
        .await
        .map_err(|error| InfraFailure::new("cannot lock the image store").because(error))?;
    if !around.store.contains(&order.image.digest) {
        let text = format!("the image `{}` was removed meanwhile", order.image_name);
        return Err(InfraFailure::transient(text).into());
    }
    Instance::reserve(
        engine,
        home,
        store,
        &around.masker,
        order,
        permit.claim.clone(),
    )
}

/// Keeps what explains why a machine did not get as far as being frozen, and says where that is.
async fn explained(around: &Surroundings, instance: &Instance, failure: Failure) -> Failure {
    let directory = around.home.jobs().join(instance.id());
    match (failure, instance.gather_evidence(&directory).await) {
        (Failure::Infra(failure), Ok(())) => failure
            .help(format!("what explains it is in {}", directory.display()))
            .into(),
        (failure, _) => failure,
    }
}

/// Brings a machine up and freezes it; false if it was stopped on the way.
async fn freeze(
    instance: &mut Instance,
    mut stop: impl Future<Output = ()> + Unpin,
) -> Result<bool, Failure> {
    // Nobody follows how a template comes up; what fails is told.
    let (events, _unread) = Events::accept("template");
    instance.create_overlay()?;
    if !start(instance, &events, &mut stop).await? {
        return Ok(false);
    }
    let freezing = async {
        // The connection ends here: it must not be in the template.
        drop(instance.wait_for_guest(&events).await?);
        instance.freeze().await
    };
    tokio::select! {
        frozen = freezing => frozen.map(|()| true),
        () = &mut stop => Ok(false),
    }
}

/// Starts the machine; false if it was stopped on the way. As in a job, what the engine is doing can't be
/// called back.
async fn start(
    instance: &mut Instance,
    events: &Events,
    stop: &mut (impl Future<Output = ()> + Unpin),
) -> Result<bool, Failure> {
    let starting = instance.start_container(events);
    tokio::pin!(starting);
    tokio::select! {
        started = &mut starting => return started.map(|()| true),
        () = stop => {}
    }
    let _ = within(SETTLES, starting).await;
    Ok(false)
}
