//! What the engine has of ours, by the labels on it: that is how strays are known.

use std::collections::{BTreeSet, HashMap};

use bollard::query_parameters::ListContainersOptionsBuilder;

use crate::failure::InfraFailure;
use crate::vmm::container::{INSTANCE_LABEL, OWNER_LABEL};
use crate::vmm::engine::Engine;

/// A container on the engine, by its labels.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// Its id.
    pub container: String,
    /// The instance that it belongs to.
    pub instance: String,
}

/// The containers of this owner, of one instance or of all.
pub async fn containers(
    engine: &Engine,
    owner: &str,
    instance: Option<&str>,
) -> Result<Vec<Found>, InfraFailure> {
    let mut labels = vec![format!("{OWNER_LABEL}={owner}")];
    labels.extend(instance.map(|id| format!("{INSTANCE_LABEL}={id}")));
    found(engine, HashMap::from([("label".to_owned(), labels)])).await
}

/// The instances of this owner of which a container runs, and is not paused.
pub async fn running(engine: &Engine, owner: &str) -> Result<BTreeSet<String>, InfraFailure> {
    let labels = vec![format!("{OWNER_LABEL}={owner}")];
    let filters = HashMap::from([
        ("label".to_owned(), labels),
        ("status".to_owned(), vec!["running".to_owned()]),
    ]);
    let found = found(engine, filters).await?;
    Ok(found.into_iter().map(|one| one.instance).collect())
}

async fn found(
    engine: &Engine,
    filters: HashMap<String, Vec<String>>,
) -> Result<Vec<Found>, InfraFailure> {
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
