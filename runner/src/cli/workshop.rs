//! What most commands need: the home, its images, the engine.

use std::future::Future;

use crate::cli::{gc, output};
use crate::config::Config;
use crate::failure::{Failure, InfraFailure};
use crate::host::home::Home;
use crate::host::signals::Cancel;
use crate::image::build::Workshop;
use crate::image::handed::Handed;
use crate::image::store::Store;
use crate::vmm::engine::Engine;

/// The home and its images.
pub(super) struct Base {
    pub(super) home: Home,
    pub(super) store: Store,
}

impl Base {
    pub(super) fn open() -> Result<Self, Failure> {
        let home = Home::open()?;
        let store = Store::open(&home.images())?;
        Ok(Self { home, store })
    }

    /// For somebody who only looks, and so needs not be able to write.
    pub(super) fn look() -> Result<Self, Failure> {
        let home = Home::look()?;
        let store = Store::look(&home.images());
        Ok(Self { home, store })
    }

    /// With an engine, ready to build.
    pub(super) async fn with_engine(self, config: &Config) -> Result<Equipped, Failure> {
        let engine = Engine::connect().await?;
        let handed = Handed::from_surroundings(config.mirror.clone());
        Ok(Equipped {
            home: self.home,
            store: self.store,
            engine,
            handed,
        })
    }
}

/// Everything that making things takes.
pub(super) struct Equipped {
    pub(super) home: Home,
    pub(super) store: Store,
    pub(super) engine: Engine,
    pub(super) handed: Handed,
}

impl Equipped {
    /// Builds until that is done, or until somebody asks to stop: then what was built so far goes, and
    /// there is no result. A second request leaves the rest to `dormer gc`.
    pub(super) async fn unless_stopped<T>(
        &self,
        cancel: &Cancel,
        work: impl Future<Output = Result<T, Failure>>,
    ) -> Result<Option<T>, Failure> {
        tokio::select! {
            done = work => return done.map(Some),
            () = cancel.requested() => {}
        }
        output::note("stopping; what was built so far is removed");
        tokio::select! {
            _ = gc::on_the_way(self) => {}
            () = cancel.immediate() => {}
        }
        Ok(None)
    }

    pub(super) fn workshop(&self) -> Workshop<'_> {
        Workshop {
            engine: &self.engine,
            home: &self.home,
            store: &self.store,
            handed: &self.handed,
        }
    }
}

/// Listens to Ctrl-C from now on.
pub(super) fn cancel_on_signals() -> Result<Cancel, Failure> {
    let listening = Cancel::on_signals();
    Ok(listening.map_err(|error| InfraFailure::new("cannot listen to signals").because(error))?)
}
