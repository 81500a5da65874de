//! From what is wanted of a machine to an order for one: which accelerator works here, how much memory
//! there is, and whether there is a template to wake it from.

use crate::failure::Failure;
use crate::host::home::Home;
use crate::image::store::Image;
use crate::image::vm_container;
use crate::instance::accelerator::{self, Wish};
use crate::instance::allowance::Allowance;
use crate::instance::makeup::{Makeup, Preparation};
use crate::instance::provision::Order;
use crate::instance::template::Template;
use crate::instance::templates::Templates;
use crate::vmm::engine::Engine;
use crate::vmm::machine::{Machine, Network, Origin};

/// What is wanted.
#[derive(Debug, Clone)]
pub struct Wanted {
    /// For what, for people.
    pub job: String,
    /// The image's name.
    pub image_name: String,
    /// The image.
    pub image: Image,
    /// Virtual CPUs.
    pub cpus: u32,
    /// Memory in bytes; the image's wish if none.
    pub memory: Option<u64>,
    /// What the guest can reach.
    pub network: Network,
    /// Private prefixes that the user opened.
    pub opened: Vec<String>,
    /// Which accelerator is wanted.
    pub accelerator: Wish,
    /// What the machine may take of the host.
    pub allowance: Allowance,
}

/// The order for what is wanted: a machine that boots. With it, what is to be said where it is emulated for
/// want of KVM.
pub async fn order(
    engine: &Engine,
    home: &Home,
    wanted: Wanted,
) -> Result<(Order, Option<String>), Failure> {
    let container_image = vm_container::tag();
    let choice = accelerator::choose(engine, home, &container_image, wanted.accelerator).await?;
    let facts = engine.facts().await?;
    let description = &wanted.image.manifest.description;
    let memory = wanted.memory.unwrap_or(description.memory);
    facts.check_memory(memory)?;
    let machine = Machine {
        cpus: wanted.cpus,
        memory,
        accelerator: choice.accelerator,
        network: wanted.network,
        profile: description.device_profile.clone(),
        boot: description.boot.clone(),
        origin: Origin::Boot,
    };
    let order = Order {
        job: wanted.job,
        image_name: wanted.image_name,
        image: wanted.image,
        machine,
        container_image,
        kvm: choice.kvm,
        facts,
        allowance: wanted.allowance,
        opened: wanted.opened,
        template: None,
    };
    let emulated = choice.why_not_kvm;
    let emulated = emulated
        .map(|why| format!("the machine is emulated, which is slow: {why} (`dormer doctor`)"));
    Ok((order, emulated))
}

/// What a template must be like for a machine of this order to wake from it, prepared in this way; none if its
/// guest can't.
pub async fn makeup(
    engine: &Engine,
    order: &Order,
    prepared: Option<Preparation>,
) -> Result<Option<Makeup>, Failure> {
    let guest = &order.image.manifest.description.guest;
    if guest.dormancy.is_none() {
        return Ok(None);
    }
    let container = vm_container::identity(engine).await?.unwrap_or_default();
    Ok(Some(Makeup {
        prepared,
        ..Makeup::of(&order.image.digest, &order.machine, &container)
    }))
}

/// The same order, for a machine that wakes.
#[must_use]
pub fn woken(mut order: Order, template: Template) -> Order {
    order.machine.origin = Origin::Template;
    order.template = Some(template);
    order
}

/// The same order, for a machine that boots.
#[must_use]
pub fn booted(mut order: Order) -> Order {
    order.machine.origin = Origin::Boot;
    order.template = None;
    order
}

/// The command that makes a template of this makeup, prepared by the script of that name where one prepares
/// it.
pub fn warming(image_name: &str, makeup: &Makeup, script: Option<&str>) -> String {
    let (cpus, memory) = (makeup.cpus, makeup.memory.div_ceil(1 << 20));
    let warm = format!("dormer image warm {image_name} --cpus {cpus} --memory {memory}M");
    match &makeup.prepared {
        Some(_) => format!("{warm} --prepare {}", script.unwrap_or("SCRIPT")),
        None => warm,
    }
}

/// Why none of an image's templates fits: in what the one that is nearest differs. None if there are
/// none at all. Whoever wants a machine as it boots has no use for one that was prepared.
pub fn why_none_fits(templates: &Templates, image_name: &str, makeup: &Makeup) -> Option<String> {
    let candidates = templates.of_image(image_name);
    let candidates = candidates.iter().map(|one| &one.manifest.makeup);
    let candidates = candidates.filter(|one| one.prepared.is_some() == makeup.prepared.is_some());
    let differing = candidates.map(|one| one.differences(makeup));
    let nearest = differing.min_by_key(Vec::len)?;
    Some(nearest.join(" and "))
}
