//! `dormer image`.

use std::collections::BTreeSet;
use std::path::PathBuf;

use serde_json::json;

use crate::cli::args::{ImageCommand, ListFormat};
use crate::cli::output;
use crate::cli::pool;
use crate::cli::warm;
use crate::cli::workshop::{self, Base};
use crate::config;
use crate::exit_code;
use crate::failure::{Failure, InfraFailure, InputError};
use crate::host::home::Home;
use crate::image::build;
use crate::image::manifest::Digest;
use crate::image::recipe::{GUESTS, Recipe};
use crate::image::store::{Image, Store, check_name};
use crate::instance::kept::{self, Listed};
use crate::instance::template::Template;
use crate::instance::templates::Templates;
use crate::job::order;
use crate::progress::Progress;
use crate::report::progress::TerminalProgress;

pub(super) async fn image(command: ImageCommand) -> Result<u8, Failure> {
    if let ImageCommand::List { format } = command {
        list(&Base::look()?, format)?;
        return Ok(exit_code::SUCCESS);
    }
    let base = Base::open()?;
    match command {
        ImageCommand::List { .. } => {}
        ImageCommand::Build { name } => return build(base, &name).await,
        ImageCommand::Warm(typed) => return warm::warm(base, typed).await,
        ImageCommand::Cool { name } => return warm::cool(&base, &name).await,
        ImageCommand::Inspect { name } => inspect(&base.store, &name)?,
        ImageCommand::Verify { name } => verify(&base, &name)?,
        ImageCommand::Remove { name } => remove(&base, &name).await?,
    }
    Ok(exit_code::SUCCESS)
}

fn list(base: &Base, format: ListFormat) -> Result<(), Failure> {
    let store = &base.store;
    let templates = Templates::of(&base.home).list();
    let mut names = store.names()?;
    names.extend(GUESTS.iter().map(|recipe| recipe.name.to_owned()));
    names.sort();
    names.dedup();
    let mut entries = Vec::new();
    for name in names {
        let found = match store.find(&name) {
            Ok(Some(image)) => Found::Image(Box::new(image)),
            Ok(None) => Found::Recipe,
            Err(_) => Found::Unreadable,
        };
        let of_name = |template: &&Template| template.manifest.image_name == name;
        let templates: Vec<Template> = templates.iter().filter(of_name).cloned().collect();
        entries.push(Entry {
            name,
            found,
            templates,
        });
    }
    match format {
        ListFormat::Json => output::json(&entries.iter().map(to_json).collect::<Vec<_>>()),
        ListFormat::Human => {
            let rows = entries.iter().flat_map(|entry| {
                let templates = entry.templates.iter().map(warm::row);
                std::iter::once(to_row(entry)).chain(templates)
            });
            let rows = rows.collect();
            output::table(&["NAME", "DIGEST", "GUEST", "SIZE", "MADE", "STATE"], rows)
        }
    }
}

/// A name, what it means, and the templates of what it means or meant.
struct Entry {
    name: String,
    found: Found,
    templates: Vec<Template>,
}

/// What is known of a name.
enum Found {
    Image(Box<Image>),
    Recipe,
    Unreadable,
}

fn to_row(Entry { name, found, .. }: &Entry) -> Vec<String> {
    let dash = || "-".to_owned();
    match found {
        Found::Image(image) => {
            let manifest = &image.manifest;
            let size = bytesize::ByteSize(manifest.size)
                .display()
                .iec()
                .to_string();
            let made = manifest.made.strftime("%Y-%m-%d %H:%M").to_string();
            let guest = manifest.description.guest.os.clone();
            vec![
                name.clone(),
                image.digest.short().to_owned(),
                guest,
                size,
                made,
                state(image).to_owned(),
            ]
        }
        Found::Unreadable => {
            vec![
                name.clone(),
                dash(),
                dash(),
                dash(),
                dash(),
                "unreadable".to_owned(),
            ]
        }
        Found::Recipe => {
            let guest = Recipe::guest(name)
                .and_then(|recipe| recipe.description().ok())
                .map_or_else(dash, |description| description.guest.os);
            vec![
                name.clone(),
                dash(),
                guest,
                dash(),
                dash(),
                "not built".to_owned(),
            ]
        }
    }
}

fn state(image: &Image) -> &'static str {
    let recipe = Recipe::guest(&image.manifest.description.name);
    match recipe {
        Some(recipe) if build::recipe_digest(&recipe) != image.manifest.recipe => "outdated",
        _ => "built",
    }
}

fn to_json(entry: &Entry) -> serde_json::Value {
    let name = &entry.name;
    let templates: Vec<serde_json::Value> = entry.templates.iter().map(warm::to_json).collect();
    match &entry.found {
        Found::Image(image) => json!({
            "name": name,
            "digest": image.digest.to_string(),
            "state": state(image),
            "size": image.manifest.size,
            "made": image.manifest.made,
            "templates": templates,
        }),
        Found::Recipe => json!({"name": name, "state": "not built"}),
        Found::Unreadable => json!({"name": name, "state": "unreadable"}),
    }
}

async fn build(base: Base, name: &str) -> Result<u8, Failure> {
    let recipe = Recipe::guest(name).ok_or_else(|| base.store.unknown(name))?;
    let config = config::load(None)?.config;
    let equipped = base.with_engine(&config).await?;
    let progress = TerminalProgress::new(true);
    let cancel = workshop::cancel_on_signals()?;
    let building = build::ensure(equipped.workshop(), &recipe, &progress);
    let Some(image) = equipped.unless_stopped(&cancel, building).await? else {
        return Ok(exit_code::CANCELLED);
    };
    let size = bytesize::ByteSize(image.manifest.size).display().iec();
    output::line(&format!("{name} {} ({size})", image.digest))?;
    Ok(exit_code::SUCCESS)
}

fn inspect(store: &Store, name: &str) -> Result<(), Failure> {
    let image = built(store, name)?;
    let mut value = serde_json::to_value(&image.manifest).unwrap_or_default();
    value["digest"] = json!(image.digest.to_string());
    value["state"] = json!(state(&image));
    output::json(&value)
}

fn verify(base: &Base, name: &str) -> Result<(), Failure> {
    let image = built(&base.store, name)?;
    let progress = TerminalProgress::new(false);
    let verified = base.store.verify(&image, &progress);
    progress.finish();
    verified?;
    output::line(&format!("{name} {}: every digest is right", image.digest))?;
    let templates = Templates::of(&base.home);
    let mut damaged = None;
    for template in templates.of_image(name) {
        let key = template.key();
        let Err(why) = template.verify() else {
            output::line(&format!(
                "  template {}: every digest is right",
                key.short()
            ))?;
            continue;
        };
        // Nothing wakes from it any more.
        templates
            .quarantine(&template, &why)
            .map_err(|error| templates.failed(error))?;
        let text = format!(
            "the template {} of `{name}` was damaged, and is put aside",
            key.short()
        );
        let manifest = &template.manifest;
        let remedy = order::warming(name, &manifest.makeup, manifest.script.as_deref());
        damaged = Some(
            InfraFailure::new(text)
                .because(why)
                .help(format!("`{remedy}` makes another")),
        );
    }
    damaged.map_or(Ok(()), |failure| Err(failure.into()))
}

async fn remove(base: &Base, name: &str) -> Result<(), Failure> {
    let digest = built_digest(&base.store, name)?;
    let waiting = || output::note("waiting for another process that uses this name");
    let _lock = base.store.lock_name(name, waiting).await?;
    let failed = |error: std::io::Error| {
        InfraFailure::new(format!("cannot remove the image `{name}`")).because(error)
    };
    let machines = kept::list(&base.home)?;
    let others = base.store.users_of(&digest).map_err(failed)?;
    let mut users = users(&base.home, &digest, &machines, &others);
    for id in pool::of_image(&base.home, name)? {
        users.remove(&id);
    }
    if !users.is_empty() {
        let users: Vec<String> = users.into_iter().collect();
        let text = format!("the image `{name}` is in use by {}", users.join(", "));
        return Err(InfraFailure::new(text)
            .help("end them with `dormer stop ID`, or `dormer gc` if they are dead")
            .into());
    }
    // Who could make another waits for the name.
    pool::retire(base, name).await?;
    base.store.remove_name(name).map_err(failed)?;
    // Nothing can wake from them without their image.
    let templates = Templates::of(&base.home);
    for template in templates.of_image(name) {
        templates.remove(&template).map_err(failed)?;
    }
    let machines = kept::list(&base.home)?;
    let used = machines.into_iter().map(|one| one.record.image).collect();
    base.store.sweep(&used, false).map_err(failed)?;
    output::line(&format!("removed {name} {digest}"))
}

/// Who uses an image: our own machines by their ids, those of other homes by where they are.
fn users(
    home: &Home,
    image: &Digest,
    machines: &[Listed],
    recorded: &[PathBuf],
) -> BTreeSet<String> {
    let ours = machines.iter().filter(|one| one.record.image == *image);
    let mut users: BTreeSet<String> = ours.map(|one| one.record.id.clone()).collect();
    for directory in recorded {
        let place = directory.display().to_string();
        match directory.strip_prefix(home.instances()) {
            Ok(id) => users.insert(id.display().to_string()),
            Err(_) => users.insert(place),
        };
    }
    users
}

/// An image that is there and can be read.
fn built(store: &Store, name: &str) -> Result<Image, Failure> {
    built_digest(store, name)?;
    store.get(name)
}

/// An image that is there; one that could be built says so.
fn built_digest(store: &Store, name: &str) -> Result<Digest, Failure> {
    check_name(name).map_err(|_| store.unknown(name))?;
    if let Some(digest) = store.find_digest(name)? {
        return Ok(digest);
    }
    if Recipe::guest(name).is_some() {
        return Err(
            InputError::usage(format!("the image `{name}` has not been built"))
                .help(format!("build it with `dormer image build {name}`"))
                .into(),
        );
    }
    Err(store.unknown(name).into())
}
