//! Pools of machines that stand by: filled up to a number with those that fit a makeup, and emptied down
//! to it. What such a machine is, and how one is taken, is the affair of `instance::standby`.

use std::future::Future;
use std::time::Duration;

use jiff::Timestamp;

use crate::failure::{Failure, InfraFailure};
use crate::host::clock::{Deadline, within};
use crate::instance::makeup::Makeup;
use crate::instance::provision::{Instance, Order};
use crate::instance::standby::{self, Fit};
use crate::instance::templates::Templates;
use crate::job::driver::{Surroundings, TEARDOWN};
use crate::job::order;
use crate::job::room;

/// Another process that fills the same pool takes half a second for each machine.
const ANOTHER: Deadline = Deadline::seconds("another process that fills the same pool", 300);

/// What is wanted of a pool.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pool {
    /// How many machines stand by.
    pub count: usize,
    /// How long each does.
    pub lives: Duration,
}

/// What became of a pool.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Filled {
    /// How many machines stand by now.
    pub there: usize,
    /// How many were removed.
    pub retired: usize,
}

/// Has as many machines stand by as are wanted, for jobs whose machine would be of this order. None if
/// there is no template for them, or if `stop` came before it began; else `stop` ends it early.
pub async fn fill(
    around: &Surroundings,
    order: &Order,
    makeup: &Makeup,
    pool: Pool,
    stop: impl Future<Output = ()>,
) -> Result<Option<Filled>, Failure> {
    tokio::pin!(stop);
    let (templates, key) = (Templates::of(&around.home), makeup.key());
    let locked = tokio::select! {
        locked = within(ANOTHER, templates.lock_pool(&key)) => locked,
        () = &mut stop => return Ok(None),
    };
    let locked =
        locked.map_err(|late| InfraFailure::transient("no machine stands by").because(late))?;
    let _lock = locked.map_err(|error| templates.failed(error))?;
    let Some(template) = templates.find(&key) else {
        return Ok(None);
    };
    let order = order::woken(order.clone(), template);
    let Some(fit) = Fit::wanted(&around.home, &around.store, &order)? else {
        return Ok(None);
    };
    let fitting = standby::fitting(&around.home, &fit)?;
    let (mut there, mut retired) = (fitting.len(), 0);
    // The oldest have the least time left.
    for id in fitting.iter().take(there.saturating_sub(pool.count)) {
        retired += usize::from(standby::retire(&around.engine, &around.home, id).await?);
        // One that somebody has taken meanwhile is gone as well.
        there -= 1;
    }
    while there < pool.count && add(around, &order, pool.lives, &mut stop).await? {
        there += 1;
    }
    Ok(Some(Filled { there, retired }))
}

/// Makes one machine that stands by; false if it was stopped on the way.
async fn add(
    around: &Surroundings,
    order: &Order,
    lives: Duration,
    stop: &mut (impl Future<Output = ()> + Unpin),
) -> Result<bool, Failure> {
    if let Some(template) = &order.template {
        template.check().map_err(|why| {
            let name = &order.image_name;
            InfraFailure::new("no machine can stand by: the template is damaged")
                .because(why)
                .help(format!("`dormer image verify {name}` puts it aside"))
        })?;
    }
    if standby::is_host_short() {
        let text = "no machine can stand by: the host is short of memory";
        return Err(InfraFailure::transient(text).into());
    }
    let mut order = order.clone();
    order.job = "standby".to_owned();
    let mut instance = room::settle_in(around, order, standby::claim()).await?;
    let made = match make(&mut instance, stop).await {
        Ok(true) => {
            let expires = Timestamp::now().checked_add(lives);
            instance
                .stand_by(expires.unwrap_or(Timestamp::MAX))
                .map(|()| true)
        }
        made => made,
    };
    if let Ok(true) = made {
        // From here on nobody holds it.
        return Ok(true);
    }
    let removed = within(TEARDOWN, instance.tear_down()).await;
    let made = made?;
    removed.map_err(|late| InfraFailure::new("a machine is left").because(late))??;
    Ok(made)
}

/// Makes its files and starts its container; false if it was stopped on the way.
async fn make(
    instance: &mut Instance,
    stop: &mut (impl Future<Output = ()> + Unpin),
) -> Result<bool, Failure> {
    instance.create_overlay()?;
    match room::settled(instance.get_set(), stop).await {
        Ok(started) => started.map(|()| true),
        Err(()) => Ok(false),
    }
}
