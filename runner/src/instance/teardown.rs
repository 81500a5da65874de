//! Removes an instance, by looking at what is really there. One layer at a time: first what runs, since
//! it uses the rest; then the files. "Not there" is "removed". At the end it looks again.

use crate::failure::InfraFailure;
use crate::host::reservation::Reservation;
use crate::vmm::engine::Engine;
use crate::vmm::listing::containers;
use crate::vmm::run;

/// Removes every container and every file of an instance that this process holds.
pub async fn tear_down(
    engine: &Engine,
    owner: &str,
    reservation: &Reservation,
) -> Result<(), InfraFailure> {
    remove_containers(engine, owner, reservation.id()).await?;
    reservation.remove().map_err(|error| {
        InfraFailure::new(format!(
            "cannot remove `{}`",
            reservation.directory().display()
        ))
        .because(error)
        .help("`dormer gc` tries again")
    })?;
    let left = containers(engine, owner, Some(reservation.id())).await?;
    if left.is_empty() && !reservation.directory().exists() {
        return Ok(());
    }
    Err(InfraFailure::new(format!(
        "the machine `{}` was not removed entirely",
        reservation.id()
    ))
    .help("`dormer gc` tries again"))
}

/// Removes every container of an instance. The machine goes first: what else there is shares its
/// network.
pub async fn remove_containers(
    engine: &Engine,
    owner: &str,
    instance: &str,
) -> Result<(), InfraFailure> {
    for found in containers(engine, owner, Some(instance)).await? {
        run::remove(engine, &found.container).await?;
    }
    Ok(())
}
