//! From a request to a machine that answers, in steps that the holder of the machine takes one by one.
//! Each writes down what it is about to do; none undoes anything, which is `teardown`'s work.

use std::fs::{self, File};
use std::io::Write;
use std::os::unix::fs::{OpenOptionsExt, chown};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

use crate::event::{Events, Rung, StartMode};
use crate::failure::{Bug, Failure, InfraFailure};
use crate::guest::channel::GuestChannel;
use crate::guest::environment::Environment;
use crate::guest::keys::{InstanceKeys, seed};
use crate::guest::profile::GuestProfile;
use crate::guest::ssh::Login;
use crate::host::fs::{create_private_directory, write_atomically};
use crate::host::home::{Home, machine_user};
use crate::host::reservation::Reservation;
use crate::image::manifest::Role;
use crate::image::store::{Image, Store};
use crate::instance::admission::{DiskNeed, Need};
use crate::instance::allowance::{Allowance, Claim};
use crate::instance::evidence::Evidence;
use crate::instance::ladder::{self, Climb, Ladder};
use crate::instance::record::{Journal, Process, RECORD_VERSION, Record, State};
use crate::instance::standby::Fit;
use crate::instance::template::Template;
use crate::mask::Masker;
use crate::vmm::container::{KvmDevice, Labels, memory_limit};
use crate::vmm::dormant::NotLoaded;
use crate::vmm::engine::{Engine, EngineFacts};
use crate::vmm::machine::{Bounds, Machine, Origin, paths};
use crate::vmm::making::{self, Files, Surroundings};
use crate::vmm::qcow2;
use crate::vmm::serial;
use crate::vmm::vm::{Port, QemuMonitor, Vm};

/// A guest that wakes answers at once; under emulation on a loaded host, within seconds.
const WAKES: Duration = Duration::from_secs(30);

/// What kind of machine is wanted, and for what.
#[derive(Debug, Clone)]
pub struct Order {
    /// The job, for people.
    pub job: String,
    /// The image's name.
    pub image_name: String,
    /// The image.
    pub image: Image,
    /// The machine.
    pub machine: Machine,
    /// The VM container's image.
    pub container_image: String,
    /// `/dev/kvm`, if the machine uses it.
    pub kvm: Option<KvmDevice>,
    /// What the engine has.
    pub facts: EngineFacts,
    /// What the machine may take of it.
    pub allowance: Allowance,
    /// Private prefixes that the user opened.
    pub opened: Vec<String>,
    /// What it wakes from. None if it boots.
    pub template: Option<Template>,
}

impl Order {
    /// What the machine may come to take, however little that is at first.
    pub fn need(&self) -> Need {
        let machine = &self.machine;
        Need {
            memory: memory_limit(machine),
            cpus: machine.cpus,
            disk: DiskNeed {
                limit: self.allowance.disk,
                whole: self.image.manifest.description.disk_size,
                beside: match machine.origin {
                    Origin::BootToFreeze => machine.memory,
                    Origin::Boot | Origin::Template => 0,
                },
            },
            pin: self.allowance.pin,
        }
    }
}

/// How far a machine has come in waking.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Waking {
    /// No state was loaded: it boots, or has not come so far.
    NotYet,
    /// QEMU refused the template's state.
    Refused,
    /// The state is loaded.
    Loaded,
}

/// An instance that this process owns.
#[derive(Debug)]
pub struct Instance {
    reservation: Reservation,
    pub(super) journal: Journal,
    pub(super) engine: Engine,
    owner: String,
    user: (u32, u32),
    pub(super) order: Order,
    store: Store,
    masker: Masker,
    pub(super) vm: Option<Vm>,
    pub(super) monitor: Option<QemuMonitor>,
    evidence: Evidence,
    pub(super) login: Option<Login>,
    waking: Waking,
    /// What its container was made for.
    pub(super) fit: Option<Fit>,
}

impl Instance {
    /// Gives the order a name and a directory. `claim` is what the machine was admitted with.
    pub fn reserve(
        engine: &Engine,
        home: &Home,
        store: &Store,
        masker: &Masker,
        order: Order,
        claim: Claim,
    ) -> Result<Self, Failure> {
        let failed = |error: std::io::Error| {
            InfraFailure::new(format!("cannot write to `{}`", home.instances().display()))
                .because(error)
        };
        let reservation = Reservation::new(&home.instances()).map_err(failed)?;
        store
            .record_use(&order.image.digest, reservation.directory())
            .map_err(|error| {
                let name = &order.image_name;
                InfraFailure::new(format!("cannot put down that the image `{name}` is in use"))
                    .because(error)
            })?;
        create_private_directory(&reservation.directory().join("host")).map_err(failed)?;
        let record = Record {
            v: RECORD_VERSION,
            id: reservation.id().to_owned(),
            state: State::Reserved,
            job: order.job.clone(),
            image_name: order.image_name.clone(),
            image: order.image.digest.clone(),
            created: Timestamp::now(),
            process: Process::this(),
            expires: None,
            claim,
            user: order.image.manifest.description.guest.user.clone(),
            host_key: String::new(),
            standby: None,
        };
        let journal = Journal::begin(reservation.directory(), record)?;
        Ok(Self::held(
            reservation,
            journal,
            engine,
            home,
            store,
            masker,
            order,
        ))
    }

    /// An instance that this process holds by now.
    pub(super) fn held(
        reservation: Reservation,
        journal: Journal,
        engine: &Engine,
        home: &Home,
        store: &Store,
        masker: &Masker,
        order: Order,
    ) -> Self {
        Self {
            reservation,
            journal,
            engine: engine.clone(),
            owner: home.owner().to_owned(),
            user: machine_user(),
            order,
            store: store.clone(),
            masker: masker.clone(),
            vm: None,
            monitor: None,
            evidence: Evidence::default(),
            login: None,
            waking: Waking::NotYet,
            fit: None,
        }
    }

    /// Its name.
    pub fn id(&self) -> &str {
        self.reservation.id()
    }

    /// What its guest is like.
    pub fn guest(&self) -> &GuestProfile {
        &self.order.image.manifest.description.guest
    }

    /// The machine, once its container was started.
    pub fn vm(&self) -> Option<&Vm> {
        self.vm.as_ref()
    }

    /// How far it has come in waking.
    pub fn waking(&self) -> Waking {
        self.waking
    }

    /// What the script that prepared its template has left for what runs in it; none unless it woke.
    pub fn woken_environment(&self) -> Option<&Environment> {
        let template = self.order.template.as_ref();
        let woken = template.filter(|_| self.waking == Waking::Loaded);
        woken.map(|template| &template.manifest.environment)
    }

    /// Whether QEMU crashed.
    pub fn crashed(&self) -> bool {
        let death = self.vm.as_ref().and_then(Vm::death);
        death.is_some_and(|death| death.is_crash())
    }

    /// Makes the directories, the keys and the disk.
    pub fn create_overlay(&mut self) -> Result<(), Failure> {
        let keys = InstanceKeys::generate()?;
        let host_key = match &self.order.template {
            // The server of a machine that wakes has read its key long ago.
            Some(template) => template.manifest.host_key.clone(),
            None => hex::encode(&keys.host_public),
        };
        let host_public = hex::decode(&host_key).map_err(|error| {
            InfraFailure::new("the template's manifest holds no key").because(error)
        })?;
        self.journal
            .change(State::CreatingOverlay, |record| record.host_key = host_key)?;
        self.make_files(&keys).map_err(|error| {
            InfraFailure::new(format!(
                "cannot make the machine's files in `{}`",
                self.vm_directory().display()
            ))
            .because(error)
        })?;
        self.login = Some(Login {
            user: self.journal.record().user.clone(),
            private_key: keys.login_private,
            host_key: host_public,
        });
        Ok(())
    }

    fn make_files(&self, keys: &InstanceKeys) -> std::io::Result<()> {
        let directory = self.vm_directory();
        create_private_directory(&directory)?;
        write_atomically(
            &key_path(self.reservation.directory()),
            keys.login_private.as_bytes(),
        )?;
        let overlay = directory.join("overlay.qcow2");
        let size = self.order.image.manifest.description.disk_size;
        let below = match self.order.template {
            Some(_) => paths::FROZEN_DISK,
            None => paths::DISK,
        };
        qcow2::create_overlay(&overlay, size, below)?;
        let seed_path = directory.join("seed.img");
        let mut file = File::options()
            .write(true)
            .create_new(true)
            .mode(0o400)
            .open(&seed_path)?;
        file.write_all(&seed(keys, self.id())?)?;
        // The machine's own user works with them; nobody else may.
        for path in [&overlay, &seed_path, &directory] {
            chown(path, Some(self.user.0), Some(self.user.1))?;
        }
        Ok(())
    }

    /// Creates and starts the container, closes its network, and lets the virtual CPUs run.
    pub async fn start_container(&mut self, events: &Events) -> Result<(), Failure> {
        let mut ladder = Ladder::new(events);
        let monitor = self.launch(&mut ladder, self.bounds()).await?;
        self.set_going(monitor, ladder, false).await
    }

    /// Creates and starts the container, and closes its network. The virtual CPUs stay halted.
    pub(super) async fn launch(
        &mut self,
        ladder: &mut Ladder<'_>,
        bounds: Bounds,
    ) -> Result<QemuMonitor, Failure> {
        let id = self.id().to_owned();
        let surroundings = surroundings(&self.order, &self.owner, Some(&id), bounds);
        let files = files(&self.order, &self.store, self.vm_directory())?;
        let machine = self.order.machine.clone();
        self.fit = Fit::of(&self.order, &files, &surroundings);

        self.journal.advance(State::CreatingContainer)?;
        making::create(&self.engine, &id, &machine, &files, &surroundings).await?;
        self.journal.advance(State::StartingContainer)?;
        let vm = Vm::start(&self.engine, &id, &files.own).await?;
        self.vm = Some(vm.clone());
        ladder.reached(Rung::ContainerUp);

        // QEMU starts while the network is being closed; its CPUs wait for both.
        let closing = vm.close_network(&id, &machine, &surroundings);
        let (closed, monitor) = tokio::join!(closing, vm.monitor());
        closed?;
        let monitor = monitor?;
        ladder.reached(Rung::Qmp);
        Ok(monitor)
    }

    /// Has a machine whose QEMU answers take the template's state, if it is to wake, and lets its virtual
    /// CPUs run.
    pub(super) async fn set_going(
        &mut self,
        mut monitor: QemuMonitor,
        mut ladder: Ladder<'_>,
        standby: bool,
    ) -> Result<(), Failure> {
        let Some(vm) = self.vm.clone() else {
            return Err(Bug {
                message: "a machine is set going before its start".to_owned(),
            }
            .into());
        };
        let console = vm.dial(Port::Serial).await?;
        let log = self.host_directory().join("serial.log");
        self.evidence.serial = Some(serial::follow(console, &log, &self.masker));
        self.evidence.serial_log = Some(log);

        let mode = if self.order.template.is_some() {
            self.load(&monitor).await?;
            ladder.reached(Rung::Loaded);
            StartMode::Warm
        } else {
            StartMode::Cold
        };
        let bounds = self.bounds();
        monitor.throttle(&bounds.rates).await?;
        monitor.guard_disk(bounds.disk, &vm).await?;
        self.journal.advance(State::Booting)?;
        monitor.resume().await?;
        ladder.started(mode, standby);
        self.monitor = Some(monitor);
        // The guest is on its way; what people may want to know can be written down behind it.
        self.order.template.iter().for_each(Template::count_use);
        Ok(())
    }

    /// Has QEMU take the template's state.
    async fn load(&mut self, monitor: &QemuMonitor) -> Result<(), InfraFailure> {
        match monitor.load().await {
            Ok(()) => {}
            Err(NotLoaded::Failed(failure)) => return Err(failure),
            Err(NotLoaded::Refused(failure)) => {
                self.waking = Waking::Refused;
                return Err(failure);
            }
        }
        self.waking = Waking::Loaded;
        Ok(())
    }

    /// Waits until the guest answers a command.
    pub async fn wait_for_guest(
        &mut self,
        events: &Events,
    ) -> Result<Arc<dyn GuestChannel>, Failure> {
        let (Some(vm), Some(login)) = (&self.vm, &self.login) else {
            return Err(Bug {
                message: "a machine is waited for before its start".to_owned(),
            }
            .into());
        };
        let description = &self.order.image.manifest.description;
        let wakes = self.order.template.is_some();
        let dormancy = description.guest.dormancy.as_ref().filter(|_| wakes);
        let climb = Climb {
            profile: &description.guest,
            has_agent: self.order.machine.profile.guest_agent,
            boots: if wakes {
                WAKES
            } else {
                description.boot_deadline()
            },
            wake: dormancy,
        };
        // A guest whose disk is full or whose kernel has crashed would be waited for to the end.
        let channel = tokio::select! {
            climbed = ladder::climb(vm, login, climb, events) => climbed?,
            failure = told(self.monitor.as_mut()) => return Err(failure.into()),
        };
        self.journal.advance(State::Ready)?;
        Ok(channel)
    }

    /// Returns when the machine has ended, or can't go on.
    pub async fn trouble(&mut self) -> InfraFailure {
        let Some(vm) = &self.vm else {
            return std::future::pending().await;
        };
        tokio::select! {
            death = vm.died() => {
                InfraFailure::transient("the machine ended").because(death.describe())
            }
            failure = told(self.monitor.as_mut()) => failure,
        }
    }

    /// Gathers what explains a failure, into a directory of the job's.
    pub async fn gather_evidence(&self, directory: &Path) -> std::io::Result<()> {
        self.evidence
            .gather(self.vm.as_ref(), directory, &self.masker)
            .await
    }

    /// Lets somebody look at it until `expires`, and lets go of it.
    pub fn keep(mut self, expires: Timestamp) -> Result<(), Failure> {
        self.journal
            .change(State::Kept, |record| record.expires = Some(expires))
    }

    /// Removes everything of it, and returns when nothing is left.
    pub async fn tear_down(mut self) -> Result<(), Failure> {
        // A journal that can't be written must not keep the machine alive; its end is in sight. Nor
        // does it matter when nothing is left that it could tell of.
        let journalled = self.journal.advance(State::TearingDown);
        self.monitor = None;
        super::teardown::tear_down(&self.engine, &self.owner, &self.reservation).await?;
        self.store
            .forget_use(&self.order.image.digest, self.reservation.directory());
        match journalled {
            Err(Failure::Bug(bug)) => Err(bug.into()),
            _ => Ok(()),
        }
    }

    /// What bounds it, by what it claims.
    fn bounds(&self) -> Bounds {
        let claim = &self.journal.record().claim;
        Bounds {
            disk: claim.disk,
            pinned: claim.pinned.clone(),
            rates: self.order.allowance.rates,
        }
    }

    pub(super) fn directory(&self) -> &Path {
        self.reservation.directory()
    }

    pub(super) fn host_directory(&self) -> PathBuf {
        self.directory().join("host")
    }

    pub(super) fn vm_directory(&self) -> PathBuf {
        vm_directory(self.reservation.directory())
    }
}

/// What the container of a machine of this order is made from, for an instance or for none.
pub(super) fn surroundings(
    order: &Order,
    owner: &str,
    instance: Option<&str>,
    bounds: Bounds,
) -> Surroundings {
    Surroundings {
        image: order.container_image.clone(),
        labels: Labels {
            owner: owner.to_owned(),
            instance: instance.map(str::to_owned),
        },
        user: machine_user(),
        kvm: order.kvm,
        engine_cpus: order.facts.cpus,
        rules: making::closing_rules(order.machine.network, &order.opened),
        bounds,
    }
}

/// The files that a machine of this order works with, those of its own in `own`.
pub(super) fn files(order: &Order, store: &Store, own: PathBuf) -> Result<Files, Bug> {
    let roles = [
        (Role::Disk, paths::DISK),
        (Role::Kernel, paths::KERNEL),
        (Role::Initrd, paths::INITRD),
    ];
    let mut read_only = Vec::new();
    for (role, path) in roles {
        let blob = order.image.manifest.blob(role);
        let blob = blob.ok_or_else(|| Bug {
            message: format!("the image has no blob for `{}`", role.as_str()),
        })?;
        read_only.push((store.blob_path(blob), path));
    }
    let template = order.template.iter();
    read_only.extend(template.flat_map(Template::shared));
    Ok(Files { own, read_only })
}

/// Returns when QEMU tells of something that the machine does not recover from.
async fn told(monitor: Option<&mut QemuMonitor>) -> InfraFailure {
    match monitor {
        Some(monitor) => monitor.trouble().await,
        None => std::future::pending().await,
    }
}

/// The half of an instance's directory that its machine sees.
pub fn vm_directory(instance: &Path) -> PathBuf {
    instance.join("vm")
}

/// The key that logs in to an instance's guest.
pub fn key_path(instance: &Path) -> PathBuf {
    instance.join("host/key")
}

/// What a file says, for the record's reader.
pub fn read_key(instance: &Path) -> std::io::Result<String> {
    fs::read_to_string(key_path(instance))
}
