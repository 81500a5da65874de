//! A guest's image, from its recipe to the store.
//!
//! ```text
//!   base ─> engine's build ─> export (root.tar) ─> make-disk, in a confined container ─> blobs ─> name
//! ```
//!
//! Each arrow leaves its work in a directory of this one build, or on the engine under its label;
//! what a crash leaves there is found by the reservation and removed.

use std::fs::File;
use std::io::Write;
use std::path::Path;

use bollard::models::ContainerCreateBody;
use futures_util::StreamExt;
use jiff::Timestamp;

use crate::failure::{Failure, InfraFailure};
use crate::host::clock::Deadline;
use crate::host::fs::{free_space, remove_tree};
use crate::host::home::{Home, machine_user};
use crate::host::lock::DirectoryLock;
use crate::host::reservation::Reservation;
use crate::image::base;
use crate::image::context::{self, Build};
use crate::image::handed::Handed;
use crate::image::manifest::{Blob, Description, Digest, Manifest, Role};
use crate::image::recipe::{Recipe, VM_CONTAINER};
use crate::image::store::{Image, Store};
use crate::image::vm_container;
use crate::progress::Progress;
use crate::vmm::container::{Confined, Labels, SharedPath, create_body};
use crate::vmm::engine::Engine;
use crate::vmm::run;

const MAKE_DISK: Deadline = Deadline::seconds("the disk's making", 900);
/// The exported root, the raw disk and the finished one, each of about a gigabyte, and room to spare.
const SPACE_NEEDED: u64 = 5 << 30;
/// What the files of the root are called that QEMU needs beside the disk.
const KERNEL: &str = "boot/vmlinux";
const INITRD: &str = "boot/initrd";

/// Everything that building takes.
#[derive(Debug, Clone, Copy)]
pub struct Workshop<'a> {
    /// The engine that builds.
    pub engine: &'a Engine,
    /// The home that the image is for.
    pub home: &'a Home,
    /// Its images.
    pub store: &'a Store,
    /// The host's settings.
    pub handed: &'a Handed,
}

/// The digest that an image made now from this recipe would state.
pub fn recipe_digest(recipe: &Recipe) -> Digest {
    // The disk is made by a tool of the VM container, so that goes in too.
    recipe.digest(&[VM_CONTAINER.digest(&[]).hex()])
}

/// The recipe's image as it should be now, if it is in the store. One that can't be read is none: it
/// is built anew.
pub fn find(store: &Store, recipe: &Recipe) -> Option<Image> {
    let wanted = recipe_digest(recipe);
    let found = store.find(recipe.name).ok().flatten();
    found.filter(|image| image.manifest.recipe == wanted)
}

/// The recipe's image, built if it is not there or if the recipe has changed.
pub async fn ensure(
    workshop: Workshop<'_>,
    recipe: &Recipe,
    progress: &dyn Progress,
) -> Result<Image, Failure> {
    if let Some(image) = find(workshop.store, recipe) {
        return Ok(image);
    }
    let waiting = || {
        progress.stage(&format!(
            "waiting for another process that builds `{}`",
            recipe.name
        ))
    };
    let _lock = workshop.store.lock_name(recipe.name, waiting).await?;
    if let Some(image) = find(workshop.store, recipe) {
        return Ok(image);
    }
    check_space(workshop.store.root())?;
    let vm = vm_container::ensure(
        workshop.engine,
        workshop.home,
        workshop.store,
        workshop.handed,
        progress,
    )
    .await?;
    let reservation = vm_container::reserve(workshop.home)?;
    let site = Site {
        workshop,
        recipe,
        reservation: &reservation,
        vm,
    };
    let built = site.build(progress).await;
    let cleaned = site.clean().await;
    let _ = reservation.remove();
    progress.finish();
    let image = built?;
    cleaned?;
    Ok(image)
}

fn check_space(path: &Path) -> Result<(), InfraFailure> {
    let free = free_space(path).unwrap_or(u64::MAX);
    if free >= SPACE_NEEDED {
        return Ok(());
    }
    let size = |bytes| bytesize::ByteSize(bytes).display().si().to_string();
    Err(InfraFailure::new(format!(
        "not enough room to build an image: `{}` has {} free, and {} are needed",
        path.display(),
        size(free),
        size(SPACE_NEEDED)
    ))
    .help("make room, or set DORMER_HOME to a larger disk"))
}

/// One build under way.
struct Site<'a> {
    workshop: Workshop<'a>,
    recipe: &'a Recipe,
    reservation: &'a Reservation,
    vm: String,
}

impl Site<'_> {
    async fn build(&self, progress: &dyn Progress) -> Result<Image, Failure> {
        let description = self.recipe.description()?;
        let directory = self.workshop.store.building(self.reservation.id());
        let _held = self.prepare(&directory)?;

        let base = base::ensure(self.workshop.engine, self.workshop.handed, progress).await?;
        progress.stage(&format!(
            "building `{}` from Debian's packages",
            self.recipe.name
        ));
        let (tag, label) = (self.tag(), self.label());
        let handed = self.workshop.handed;
        let build = Build {
            recipe: *self.recipe,
            tag: &tag,
            base,
            handed,
            label: &label,
        };
        context::run(self.workshop.engine, build, progress).await?;

        progress.stage("exporting its root");
        self.export(&directory.join("root.tar"), progress).await?;
        progress.stage("making its disk");
        self.make_disk(&directory, &description).await?;
        progress.stage("storing it");
        let adding = self.workshop.store.adding().await;
        let _adding = adding.map_err(|error| failed(self.recipe.name, error.to_string()))?;
        Ok(self.store(&directory, description)?)
    }

    fn prepare(&self, directory: &Path) -> Result<DirectoryLock, InfraFailure> {
        let (user, group) = machine_user();
        let prepared = || -> std::io::Result<DirectoryLock> {
            let held = self.workshop.store.begin_build(self.reservation.id())?;
            std::os::unix::fs::chown(directory, Some(user), Some(group))?;
            Ok(held)
        };
        prepared().map_err(|error| failed(self.recipe.name, error.to_string()))
    }

    /// The container's file system as a tar file, as one layer.
    async fn export(&self, path: &Path, progress: &dyn Progress) -> Result<(), InfraFailure> {
        let engine = self.workshop.engine;
        let name = format!("dormer-{}-root", self.reservation.id());
        let body = ContainerCreateBody {
            image: Some(self.tag()),
            // Never started; the engine wants to know a program all the same.
            cmd: Some(vec!["true".to_owned()]),
            labels: create_body(&self.confined(path)).labels,
            ..ContainerCreateBody::default()
        };
        run::create(engine, &name, body).await?;
        let exported = self.export_to(&name, path, progress).await;
        run::remove(engine, &name).await?;
        exported.map_err(|why| failed(self.recipe.name, why))
    }

    async fn export_to(
        &self,
        container: &str,
        path: &Path,
        progress: &dyn Progress,
    ) -> Result<(), String> {
        let mut file = File::create_new(path).map_err(|error| error.to_string())?;
        let mut pieces = self.workshop.engine.api().export_container(container);
        let mut done = 0;
        while let Some(piece) = pieces.next().await {
            let piece = piece.map_err(|error| error.to_string())?;
            file.write_all(&piece).map_err(|error| error.to_string())?;
            done += piece.len() as u64;
            progress.bytes(done, 0);
        }
        // The machine's user reads it in the container.
        let (user, group) = machine_user();
        std::os::unix::fs::fchown(&file, Some(user), Some(group)).map_err(|e| e.to_string())
    }

    async fn make_disk(
        &self,
        directory: &Path,
        description: &Description,
    ) -> Result<(), InfraFailure> {
        let mut confined = self.confined(directory);
        confined.command = ["/build/root.tar", "/build/disk.qcow2"]
            .map(str::to_owned)
            .to_vec();
        confined.command.push(description.disk_size.to_string());
        confined.command.extend([KERNEL, INITRD].map(str::to_owned));
        let name = format!("dormer-{}-disk", self.reservation.id());
        let body = create_body(&confined);
        let finished = run::to_end(self.workshop.engine, &name, body, MAKE_DISK).await?;
        if finished.status == 0 {
            return Ok(());
        }
        Err(failed(self.recipe.name, finished.output.trim().to_owned())
            .help("a full disk is the usual reason; `dormer doctor` shows what is free"))
    }

    fn confined(&self, directory: &Path) -> Confined {
        Confined {
            image: self.vm.clone(),
            entrypoint: Some("/usr/lib/dormer/make-disk".to_owned()),
            command: Vec::new(),
            user: machine_user(),
            shared: vec![SharedPath {
                host: directory.to_string_lossy().into_owned(),
                container: "/build".to_owned(),
                writable: true,
            }],
            memory: 2 << 30,
            nano_cpus: 1_000_000_000,
            pinned: Vec::new(),
            largest_file: None,
            kvm: None,
            network: "none".to_owned(),
            labels: Labels {
                owner: self.workshop.home.owner().to_owned(),
                instance: Some(self.reservation.id().to_owned()),
            },
        }
    }

    fn store(&self, directory: &Path, description: Description) -> Result<Image, InfraFailure> {
        let add = |name: &str, role| -> std::io::Result<Blob> {
            self.workshop.store.add_blob(&directory.join(name), role)
        };
        let published = || -> std::io::Result<Image> {
            let blobs = vec![
                add("disk.qcow2", Role::Disk)?,
                add("vmlinux", Role::Kernel)?,
                add("initrd", Role::Initrd)?,
            ];
            let image = self.workshop.store.publish(Manifest {
                description,
                parent: None,
                size: blobs.iter().map(|blob| blob.size).sum(),
                blobs,
                recipe: recipe_digest(self.recipe),
                made: Timestamp::now(),
            })?;
            Ok(image)
        };
        published().map_err(|error| failed(self.recipe.name, error.to_string()))
    }

    /// Takes away what the build made on its way.
    async fn clean(&self) -> Result<(), InfraFailure> {
        context::remove_tag(self.workshop.engine, &self.tag()).await?;
        context::remove_leftovers(self.workshop.engine, &self.label()).await?;
        remove_tree(&self.workshop.store.building(self.reservation.id()))
            .map_err(|error| failed(self.recipe.name, error.to_string()))
    }

    fn tag(&self) -> String {
        build_tag(self.reservation.id())
    }

    fn label(&self) -> String {
        format!("{}-{}", self.workshop.home.owner(), self.reservation.id())
    }
}

/// The tag of a root that is being built.
fn build_tag(reservation: &str) -> String {
    format!("dormer-build:{reservation}")
}

/// Takes away what a build left that was interrupted, or whose process is gone.
pub async fn clean_up(
    engine: &Engine,
    store: &Store,
    owner: &str,
    reservation: &str,
) -> Result<(), InfraFailure> {
    context::remove_tag(engine, &build_tag(reservation)).await?;
    let label = format!("{owner}-{reservation}");
    let building = store.building(reservation);
    if context::remove_leftovers(engine, &label).await? || building.exists() {
        context::remove_interrupted(engine, &label).await?;
    }
    remove_tree(&building).map_err(|error| {
        InfraFailure::new("cannot remove what an interrupted build left").because(error)
    })
}

fn failed(name: &str, why: String) -> InfraFailure {
    InfraFailure::new(format!("cannot build the image `{name}`")).because(why)
}
