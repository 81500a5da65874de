//! Removes an instance, by looking at what is really there. One layer at a time: first what runs, since
//! it uses the rest; then the files. "Not there" is "removed". At the end it looks again.

use std::collections::HashMap;

use bollard::query_parameters::ListContainersOptionsBuilder;

use crate::failure::InfraFailure;
use crate::host::reservation::Reservation;
use crate::vmm::container::{INSTANCE_LABEL, OWNER_LABEL};
use crate::vmm::engine::Engine;
use crate::vmm::run;

/// A container on the engine, by its labels.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// Its id.
    pub container: String,
    /// The instance that it belongs to.
    pub instance: String,
}

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

/// The containers of this owner, of one instance or of all.
pub async fn containers(
    engine: &Engine,
    owner: &str,
    instance: Option<&str>,
) -> Result<Vec<Found>, InfraFailure> {
    let mut labels = vec![format!("{OWNER_LABEL}={owner}")];
    labels.extend(instance.map(|id| format!("{INSTANCE_LABEL}={id}")));
    let filters = HashMap::from([("label".to_owned(), labels)]);
    let options = ListContainersOptionsBuilder::new()
        .all(true)
        .filters(&filters)
        .build();
    let containers = engine
        .api()
        .list_containers(Some(options))
        .await
        .map_err(|error| InfraFailure::new("cannot list the engine's containers").because(error))?;
    let found = containers.into_iter().filter_map(|container| {
        let labels = container.labels.unwrap_or_default();
        let instance = labels.get(INSTANCE_LABEL).cloned().unwrap_or_default();
        Some(Found {
            container: container.id?,
            instance,
        })
    });
    Ok(found.collect())
}
