//! `dormer image warm` and `dormer image cool`: templates, made and removed.

use std::collections::BTreeSet;
use std::sync::Arc;

use jiff::Timestamp;
use serde_json::json;

use crate::cli::args::{BoundsArguments, WarmArguments};
use crate::cli::pool;
use crate::cli::run::{DEFAULT_CPUS, allowance, make_ready, network, reporters, wish};
use crate::cli::workshop::{self, Base, Equipped};
use crate::cli::{output, prepare};
use crate::config::{self, Config};
use crate::event::{Events, RunEvents};
use crate::exit_code;
use crate::failure::{Failure, InputError};
use crate::host::clock::{Deadline, within};
use crate::host::fs::remove_tree;
use crate::host::signals::Cancel;
use crate::image::recipe::Recipe;
use crate::instance::template::Template;
use crate::instance::templates::Templates;
use crate::job::driver::Surroundings;
use crate::job::ledger::Ledger;
use crate::job::order::{self, Wanted};
use crate::job::prepare::{PrepareScript, describe};
use crate::job::standby::Pool;
use crate::job::told::Told;
use crate::job::warm::{self, Made, Making};
use crate::mask::Masker;
use crate::progress::{Progress, Silent};
use crate::report;
use crate::report::plain::harmless_name;
use crate::report::progress::TerminalProgress;
use crate::vmm::machine::Network;

/// A reader of the log who has stopped reading is not waited for much longer.
const LAST_WORDS: Deadline = Deadline::seconds("the reporters", 10);

pub(super) async fn warm(base: Base, typed: WarmArguments) -> Result<u8, Failure> {
    if Recipe::guest(&typed.name).is_none() {
        return Err(base.store.unknown(&typed.name).into());
    }
    let config = config::load(None)?.config;
    let script = prepare::script(&typed.prepare)?;
    let pool = pool::wanted(typed.standby, &config)?;
    let equipped = base.with_engine(&config).await?;
    let cancel = workshop::cancel_on_signals()?;
    let images = BTreeSet::from([typed.name.clone()]);
    let readying = make_ready(&equipped, &images);
    if equipped.unless_stopped(&cancel, readying).await?.is_none() {
        return Ok(exit_code::CANCELLED);
    }
    let progress = Arc::new(TerminalProgress::new(true));
    let wanted = wanted(&typed, &config, &equipped)?;
    equipped.store.check(&wanted.image, progress.as_ref())?;
    progress.finish();
    let making = making(&equipped, wanted, script).await?;
    match make(&equipped, &making, &cancel, Masker::default()).await? {
        Made::Template(template) => {
            let (key, size) = (template.key(), size(&template));
            output::line(&format!("{} {} ({size})", typed.name, key.short()))?;
            if let Some(pool) = pool {
                stand_by(&equipped, pool, &making, &cancel).await?;
            }
            Ok(exit_code::SUCCESS)
        }
        Made::Stopped => {
            output::note("stopped; no template was made");
            Ok(exit_code::CANCELLED)
        }
        Made::Unprepared(exit_code) => {
            output::error(&unprepared(&making, exit_code));
            Ok(exit_code::STEP_FAILED)
        }
    }
}

fn wanted(typed: &WarmArguments, config: &Config, equipped: &Equipped) -> Result<Wanted, Failure> {
    Ok(Wanted {
        job: "template".to_owned(),
        image_name: typed.name.clone(),
        image: equipped.store.get(&typed.name)?,
        cpus: typed.hardware.cpus.or(config.cpus).unwrap_or(DEFAULT_CPUS),
        memory: typed.hardware.memory.or(config.memory),
        network: network(typed.network, config),
        opened: config.open.clone(),
        accelerator: wish(typed.hardware.accel),
        allowance: allowance(&BoundsArguments::default(), config)?,
    })
}

async fn making(
    equipped: &Equipped,
    wanted: Wanted,
    script: Option<PrepareScript>,
) -> Result<Making, Failure> {
    let guest = wanted.image.manifest.description.guest.clone();
    let prepared = script
        .as_ref()
        .map(|script| script.preparation(&guest, wanted.network))
        .transpose()?;
    let (order, emulated) = order::order(&equipped.engine, &equipped.home, wanted).await?;
    if let Some(text) = emulated {
        output::note(&text);
    }
    let makeup = order::makeup(&equipped.engine, &order, prepared).await?;
    let makeup = makeup.ok_or_else(|| {
        let name = &order.image_name;
        InputError::usage(format!("a machine of the image `{name}` can't be frozen"))
    })?;
    Ok(Making {
        order,
        makeup,
        script,
    })
}

/// Makes a template that is of no job; what its script prints is told as it comes.
pub(super) async fn make(
    equipped: &Equipped,
    making: &Making,
    cancel: &Cancel,
    masker: Masker,
) -> Result<Made, Failure> {
    let (run, queue) = RunEvents::open();
    let events = run.job("template", None);
    report::spawn(queue, vec![reporters::of_a_template()], masker.clone());
    let progress = Arc::new(TerminalProgress::new(true));
    let around = around(equipped, cancel, events, masker, progress);
    let made = warm::make(&around, making, cancel).await;
    let _ = within(LAST_WORDS, around.events.flush()).await;
    made
}

/// What a machine has around it that is of no job.
pub(super) fn around(
    equipped: &Equipped,
    cancel: &Cancel,
    events: Events,
    masker: Masker,
    progress: Arc<dyn Progress>,
) -> Surroundings {
    Surroundings {
        engine: equipped.engine.clone(),
        home: equipped.home.clone(),
        store: equipped.store.clone(),
        events,
        cancel: cancel.clone(),
        masker,
        progress,
        told: Told::default(),
        ledger: Ledger::default(),
    }
}

/// Sees to the machines that are to stand by.
async fn stand_by(
    equipped: &Equipped,
    pool: Pool,
    making: &Making,
    cancel: &Cancel,
) -> Result<(), Failure> {
    let (events, _unread) = Events::accept("standby");
    let around = around(
        equipped,
        cancel,
        events,
        Masker::default(),
        Arc::new(Silent),
    );
    pool::fill(&around, &making.order, &making.makeup, pool, cancel).await
}

/// Why there is no template, for people.
pub(super) fn unprepared(making: &Making, exit_code: Option<u32>) -> String {
    let name = making.script.as_ref().map(|script| script.name.as_str());
    let (name, end) = (name.unwrap_or_default(), describe(exit_code));
    format!("the prepare script `{name}` {end}: no template was made")
}

pub(super) async fn cool(base: &Base, name: &str) -> Result<u8, Failure> {
    let templates = Templates::of(&base.home);
    let found = templates.of_image(name);
    if found.is_empty() && Recipe::guest(name).is_none() && base.store.find_digest(name)?.is_none()
    {
        return Err(base.store.unknown(name).into());
    }
    for template in &found {
        templates
            .remove(template)
            .map_err(|error| templates.failed(error))?;
        output::line(&format!(
            "removed the template {} of {name}",
            template.key().short()
        ))?;
    }
    pool::retire(base, name).await?;
    // Nobody wakes from those, whichever image they were of.
    let unusable = templates.unusable();
    for path in &unusable {
        remove_tree(path).map_err(|error| templates.failed(error))?;
    }
    if !unusable.is_empty() {
        output::line(&format!(
            "removed {} that nothing could wake from",
            unusable.len()
        ))?;
    }
    if found.is_empty() {
        output::line(&format!("{name} has no templates"))?;
    }
    Ok(exit_code::SUCCESS)
}

/// How much of the disk a template takes, for people.
fn size(template: &Template) -> String {
    bytesize::ByteSize(template.size_on_disk())
        .display()
        .iec()
        .to_string()
}

/// What prepared a template, for whom; nothing for one that only booted.
fn preparation(template: &Template) -> Option<String> {
    let prepared = template.manifest.makeup.prepared.as_ref()?;
    let name = template.manifest.script.as_deref().unwrap_or("a script");
    let network = match prepared.network {
        Network::None => ", no network",
        Network::Full => "",
    };
    let (digest, scope) = (prepared.script.short(), &prepared.scope);
    let name = harmless_name(name);
    Some(format!(", {name} ({digest}{network}) for {scope}"))
}

/// A template's row below its image's: key, what it is for, size, when it was made, uses.
pub(super) fn row(template: &Template) -> Vec<String> {
    let makeup = &template.manifest.makeup;
    let memory = bytesize::ByteSize(makeup.memory).display().iec();
    let times = match template.uses() {
        0 => "unused".to_owned(),
        1 => "woken once".to_owned(),
        uses => format!("woken {uses} times"),
    };
    vec![
        "  template".to_owned(),
        template.key().short().to_owned(),
        format!(
            "{} CPUs, {memory}, {}{}",
            makeup.cpus,
            makeup.processor,
            preparation(template).unwrap_or_default()
        ),
        size(template),
        template
            .manifest
            .made
            .strftime("%Y-%m-%d %H:%M")
            .to_string(),
        times,
    ]
}

pub(super) fn to_json(template: &Template) -> serde_json::Value {
    let makeup = &template.manifest.makeup;
    let age = Timestamp::now().duration_since(template.manifest.made);
    let prepared = makeup.prepared.as_ref().map(|prepared| {
        json!({
            "name": template.manifest.script,
            "digest": prepared.script.to_string(),
            "network": prepared.network,
            "scope": prepared.scope,
        })
    });
    json!({
        "key": template.key().to_string(),
        "cpus": makeup.cpus,
        "memory": makeup.memory,
        "processor": makeup.processor,
        "prepare": prepared,
        "size": template.size_on_disk(),
        "made": template.manifest.made,
        "age_s": age.as_secs().max(0),
        "uses": template.uses(),
    })
}
