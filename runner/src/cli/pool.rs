//! Machines that stand by, as they are asked for with `--standby`.

use std::sync::Arc;

use crate::cli::args::StandbyArguments;
use crate::cli::output;
use crate::cli::warm;
use crate::cli::workshop::{Base, Equipped};
use crate::config::Config;
use crate::event::Events;
use crate::failure::{Failure, InputError};
use crate::host::home::Home;
use crate::host::signals::Cancel;
use crate::instance::makeup::Makeup;
use crate::instance::provision::Order;
use crate::instance::standby;
use crate::job::driver::Surroundings;
use crate::job::ledger::Ledger;
use crate::job::order;
use crate::job::standby::{Pool, fill as fill_pool};
use crate::mask::Masker;
use crate::progress::Silent;
use crate::vmm::engine::Engine;

/// What is wanted of pools, by what was typed and configured; none if nobody sees to them.
pub(super) fn wanted(typed: StandbyArguments, config: &Config) -> Result<Option<Pool>, InputError> {
    let Some(count) = typed.standby.or(config.standby) else {
        if typed.standby_for.is_some() {
            let text = "`--standby-for` says how long machines stand by, but not how many do";
            return Err(InputError::usage(text).help("add `--standby N`"));
        }
        return Ok(None);
    };
    Ok(Some(Pool {
        count: usize::try_from(count).unwrap_or(usize::MAX),
        lives: typed.standby_for.unwrap_or(config.standby_for),
    }))
}

/// Fills the pool for machines of an order, and tells what became of it.
pub(super) async fn fill(
    around: &Surroundings,
    order: &Order,
    makeup: &Makeup,
    pool: Pool,
    cancel: &Cancel,
) -> Result<(), Failure> {
    let name = &order.image_name;
    let filled = fill_pool(around, order, makeup, pool, cancel.requested()).await?;
    let text = match filled {
        None if pool.count == 0 || cancel.is_requested() => return Ok(()),
        None => {
            let remedy = order::warming(name, makeup, None);
            format!("no machine stands by for {name}: no template fits (`{remedy}` makes one)")
        }
        Some(filled) if filled.retired > 0 => {
            let there = stand_by(filled.there, name);
            format!("{there}; {} that did are gone", filled.retired)
        }
        Some(filled) => stand_by(filled.there, name),
    };
    output::note(&text);
    Ok(())
}

/// In words, how many machines stand by.
fn stand_by(count: usize, name: &str) -> String {
    match count {
        0 => format!("no machine stands by for {name}"),
        1 => format!("1 machine stands by for {name}"),
        many => format!("{many} machines stand by for {name}"),
    }
}

/// Fills the pools of all that a run's machines could wake from. What fails is only told: the run is over.
pub(super) async fn fill_all(equipped: &Equipped, ledger: &Ledger, pool: Pool, cancel: &Cancel) {
    let (events, _unread) = Events::accept("standby");
    let around = warm::around(
        equipped,
        cancel,
        events,
        Masker::default(),
        Arc::new(Silent),
    );
    for (order, makeup) in ledger.wanted() {
        if cancel.is_requested() {
            return;
        }
        if let Err(failure) = fill(&around, &order, &makeup, pool, cancel).await {
            output::warning(&failure.message());
        }
    }
}

/// The ids of the machines that stand by to wake from an image's templates.
pub(super) fn of_image(home: &Home, name: &str) -> Result<Vec<String>, Failure> {
    let mut records = standby::list(home)?;
    records.retain(|record| record.image_name == name);
    Ok(records.into_iter().map(|record| record.id).collect())
}

/// Removes the machines that stand by to wake from an image's templates.
pub(super) async fn retire(base: &Base, name: &str) -> Result<(), Failure> {
    let ids = of_image(&base.home, name)?;
    if ids.is_empty() {
        return Ok(());
    }
    let engine = Engine::connect().await?;
    let mut retired = 0;
    for id in ids {
        retired += usize::from(standby::retire(&engine, &base.home, &id).await?);
    }
    output::note(&format!(
        "{}; {retired} that did are gone",
        stand_by(0, name)
    ));
    Ok(())
}
