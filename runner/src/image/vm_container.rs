//! The container image that holds QEMU. It is tagged with its recipe's digest and shared between
//! homes; nothing of a user is in it, and nothing removes it but the user.

use crate::failure::InfraFailure;
use crate::host::home::Home;
use crate::host::reservation::Reservation;
use crate::image::base;
use crate::image::context::{self, Build};
use crate::image::handed::Handed;
use crate::image::recipe::VM_CONTAINER;
use crate::image::store::Store;
use crate::progress::Progress;
use crate::vmm::engine::Engine;

/// The lock under which it is built; no guest's image may have this name.
const LOCK: &str = "vm";

/// The tag, whether it has been built or not.
pub fn tag() -> String {
    format!("dormer-vm:{}", VM_CONTAINER.digest(&[]).short())
}

/// The engine's own id of it, which tells two builds of one recipe apart; none if it is not there.
pub async fn identity(engine: &Engine) -> Result<Option<String>, InfraFailure> {
    base::identity(engine, &tag()).await
}

/// The tag, built if it is not there.
pub async fn ensure(
    engine: &Engine,
    home: &Home,
    store: &Store,
    handed: &Handed,
    progress: &dyn Progress,
) -> Result<String, InfraFailure> {
    let tag = tag();
    if base::exists(engine, &tag).await? {
        return Ok(tag);
    }
    let waiting = || progress.stage("waiting for another process that builds the VM container");
    let _lock = store.lock_name(LOCK, waiting).await?;
    if base::exists(engine, &tag).await? {
        return Ok(tag);
    }
    let reservation = reserve(home)?;
    let base = base::ensure(engine, handed, progress).await?;
    progress.stage("building the VM container (QEMU)");
    let label = format!("{}-{}", home.owner(), reservation.id());
    let recipe = VM_CONTAINER;
    let built = context::run(
        engine,
        Build {
            recipe,
            tag: &tag,
            base,
            handed,
            label: &label,
        },
        progress,
    )
    .await;
    let _ = reservation.remove();
    progress.finish();
    built.map(|()| tag)
}

/// A claim for what a build makes on its way.
pub fn reserve(home: &Home) -> Result<Reservation, InfraFailure> {
    Reservation::new(&home.instances()).map_err(|error| {
        InfraFailure::new(format!("cannot write to `{}`", home.instances().display()))
            .because(error)
    })
}
