//! How a machine of any kind comes to be on this host, as jobs, templates and pools have it: it waits for
//! room, gets a name, and the engine is let finish what it does for it.

use std::future::Future;

use crate::event::{JobEvent, Phase};
use crate::failure::{Failure, InfraFailure};
use crate::host::clock::{Deadline, within};
use crate::instance::allowance::Claim;
use crate::instance::gate::{Gate, Permit};
use crate::instance::provision::{Instance, Order};
use crate::job::driver::Surroundings;

/// A container that is being created or started is waited for, since it can't be removed before it is
/// there.
const SETTLES: Deadline = Deadline::seconds("the container's start", 90);

/// Waits until there is room for a machine, and gives the order a name. Until that is done, dropping this
/// leaves nothing behind.
pub(super) async fn reserve(around: &Surroundings, order: Order) -> Result<Instance, Failure> {
    let permit = admit(around, &order).await?;
    settle_in(around, order, permit.claim.clone()).await
}

/// Waits until there is room for a machine.
pub(super) async fn admit(around: &Surroundings, order: &Order) -> Result<Permit, Failure> {
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
    gate.enter(&order.need(), told).await
}

/// Gives the order a name, and puts down what it claims.
pub(super) async fn settle_in(
    around: &Surroundings,
    order: Order,
    claim: Claim,
) -> Result<Instance, Failure> {
    let (engine, home, store) = (&around.engine, &around.home, &around.store);
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
    Instance::reserve(engine, home, store, &around.masker, order, claim)
}

/// Has the engine do something for a machine, unless `stop` comes before: what that returns is the error.
/// What the engine is doing can't be called back, and is let finish; what comes of it is removed with the
/// rest.
pub(super) async fn settled<T, S>(
    starting: impl Future<Output = T>,
    stop: impl Future<Output = S>,
) -> Result<T, S> {
    tokio::pin!(starting);
    let stopped = tokio::select! {
        biased;
        started = &mut starting => return Ok(started),
        stopped = stop => stopped,
    };
    let _ = within(SETTLES, starting).await;
    Err(stopped)
}
