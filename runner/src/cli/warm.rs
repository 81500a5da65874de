//! `dormer image warm` and `dormer image cool`: templates, made and removed.

use std::collections::BTreeSet;
use std::sync::Arc;

use jiff::Timestamp;
use serde_json::json;

use crate::cli::args::{AcceleratorWish, NetworkMode, StandbyArguments};
use crate::cli::output;
use crate::cli::pool;
use crate::cli::run::{DEFAULT_CPUS, make_ready, network, wish};
use crate::cli::workshop::{self, Base, Equipped};
use crate::config::{self, Config};
use crate::event::Events;
use crate::exit_code;
use crate::failure::{Failure, InputError};
use crate::host::fs::remove_tree;
use crate::host::signals::Cancel;
use crate::image::recipe::Recipe;
use crate::instance::template::Template;
use crate::instance::templates::Templates;
use crate::job::driver::Surroundings;
use crate::job::order::{self, Wanted};
use crate::job::standby::Makeups;
use crate::job::told::Told;
use crate::job::warm;
use crate::mask::Masker;
use crate::progress::Progress;
use crate::report::progress::TerminalProgress;

/// What was typed.
pub(super) struct Typed {
    pub(super) name: String,
    pub(super) cpus: Option<u32>,
    pub(super) memory: Option<u64>,
    pub(super) accel: AcceleratorWish,
    pub(super) standby: StandbyArguments,
    pub(super) network: Option<NetworkMode>,
}

pub(super) async fn warm(base: Base, typed: Typed) -> Result<u8, Failure> {
    if Recipe::guest(&typed.name).is_none() {
        return Err(base.store.unknown(&typed.name).into());
    }
    let config = config::load(None)?.config;
    let equipped = base.with_engine(&config).await?;
    let cancel = workshop::cancel_on_signals()?;
    let images = BTreeSet::from([typed.name.clone()]);
    let making = make_ready(&equipped, &images);
    if equipped.unless_stopped(&cancel, making).await?.is_none() {
        return Ok(exit_code::CANCELLED);
    }
    let progress = Arc::new(TerminalProgress::new(true));
    let wanted = wanted(&typed, &config, &equipped)?;
    equipped.store.check(&wanted.image, progress.as_ref())?;
    let around = around(
        &equipped,
        &cancel,
        Arc::clone(&progress) as Arc<dyn Progress>,
    );
    let (order, emulated) = order::order(&around.engine, &around.home, wanted).await?;
    if let Some(text) = emulated {
        output::note(&text);
    }
    let makeup = order::makeup(&around.engine, &order)
        .await?
        .ok_or_else(|| {
            let name = &typed.name;
            InputError::usage(format!("a machine of the image `{name}` can't be frozen"))
        })?;
    let templates = Templates::of(&equipped.home);
    if templates.find(&makeup.key()).is_none() {
        progress.stage("booting a machine and freezing it");
    }
    let made = warm::make(&around, &order, makeup.clone(), cancel.requested()).await;
    progress.finish();
    let Some(template) = made? else {
        output::note("stopped; no template was made");
        return Ok(exit_code::CANCELLED);
    };
    let (key, size) = (template.key(), size(&template));
    output::line(&format!("{} {} ({size})", typed.name, key.short()))?;
    if let Some(wanted) = pool::wanted(typed.standby, &config) {
        pool::fill(&around, &order, &makeup, wanted, &cancel).await?;
    }
    Ok(exit_code::SUCCESS)
}

fn wanted(typed: &Typed, config: &Config, equipped: &Equipped) -> Result<Wanted, Failure> {
    Ok(Wanted {
        job: "template".to_owned(),
        image_name: typed.name.clone(),
        image: equipped.store.get(&typed.name)?,
        cpus: typed.cpus.or(config.cpus).unwrap_or(DEFAULT_CPUS),
        memory: typed.memory.or(config.memory),
        network: network(typed.network, config),
        opened: config.open.clone(),
        accelerator: wish(typed.accel),
    })
}

/// What a machine has around it that is of no job.
pub(super) fn around(
    equipped: &Equipped,
    cancel: &Cancel,
    progress: Arc<dyn Progress>,
) -> Surroundings {
    let (events, _unread) = Events::accept("template");
    Surroundings {
        engine: equipped.engine.clone(),
        home: equipped.home.clone(),
        store: equipped.store.clone(),
        events,
        cancel: cancel.clone(),
        masker: Masker::default(),
        progress,
        told: Told::default(),
        makeups: Makeups::default(),
    }
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
        format!("{} CPUs, {memory}, {}", makeup.cpus, makeup.processor),
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
    json!({
        "key": template.key().to_string(),
        "cpus": makeup.cpus,
        "memory": makeup.memory,
        "processor": makeup.processor,
        "size": template.size_on_disk(),
        "made": template.manifest.made,
        "age_s": age.as_secs().max(0),
        "uses": template.uses(),
    })
}
