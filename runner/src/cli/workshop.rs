//! What most commands need: the home, its images, the engine.

use crate::config::Config;
use crate::failure::Failure;
use crate::host::home::Home;
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
    pub(super) fn workshop(&self) -> Workshop<'_> {
        Workshop {
            engine: &self.engine,
            home: &self.home,
            store: &self.store,
            handed: &self.handed,
        }
    }
}
