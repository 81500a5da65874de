//! A build by the engine: the recipe's files as its context, the host's settings handed in, and
//! everything but the result taken away again.
//!
//! The classic builder keeps each step as an image. Those hold the CA bundle that was handed in, so
//! they carry a label of this one build and are removed after it, however it ends; what is kept is
//! made from the last stage alone.

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use bollard::query_parameters::{
    BuildImageOptionsBuilder, ListContainersOptionsBuilder, ListImagesOptionsBuilder,
    PruneImagesOptionsBuilder, RemoveImageOptionsBuilder,
};
use futures_util::StreamExt;

use crate::failure::InfraFailure;
use crate::host::clock::{Deadline, pause, within};
use crate::image::handed::Handed;
use crate::image::recipe::Recipe;
use crate::mask::Masker;
use crate::progress::Progress;
use crate::vmm::engine::{Engine, is_not_found};

/// The label of everything that a build leaves on its way: `OWNER-RESERVATION`.
pub const BUILD_LABEL: &str = "dormer.build";

/// A build downloads some 200 MB and unpacks a gigabyte; on a slow line that takes its time.
const BUILD: Deadline = Deadline::seconds("the build's end", 3600);
/// How many of a failed build's last lines are shown.
const LAST_LINES: usize = 15;

/// One build.
#[derive(Debug, Clone, Copy)]
pub struct Build<'a> {
    /// What to build.
    pub recipe: Recipe,
    /// The tag that the result gets.
    pub tag: &'a str,
    /// The tag of the Debian to build on.
    pub base: &'a str,
    /// The host's settings.
    pub handed: &'a Handed,
    /// The value of [`BUILD_LABEL`].
    pub label: &'a str,
}

/// Runs a build to its end.
pub async fn run(
    engine: &Engine,
    build: Build<'_>,
    progress: &dyn Progress,
) -> Result<(), InfraFailure> {
    let built = within(BUILD, stream(engine, build, progress)).await;
    let cleaned = remove_leftovers(engine, build.label).await;
    built.map_err(|late| {
        InfraFailure::transient(format!("cannot build `{}`", build.recipe.name)).because(late)
    })??;
    cleaned.map(drop)
}

async fn stream(
    engine: &Engine,
    build: Build<'_>,
    progress: &dyn Progress,
) -> Result<(), InfraFailure> {
    let name = build.recipe.name;
    let context = pack(build.recipe, build.handed).map_err(|error| {
        InfraFailure::new(format!("cannot pack what builds `{name}`")).because(error)
    })?;
    let mut arguments: HashMap<String, String> = build.handed.proxies.clone();
    arguments.insert("BASE".to_owned(), build.base.to_owned());
    arguments.insert("OWNER".to_owned(), build.label.to_owned());
    arguments.extend(
        build
            .handed
            .mirror
            .clone()
            .map(|mirror| ("MIRROR".to_owned(), mirror)),
    );
    let options = BuildImageOptionsBuilder::new()
        .dockerfile(&build.recipe.dockerfile())
        .t(build.tag)
        .buildargs(&arguments)
        .rm(true)
        .forcerm(true)
        .build();
    let mut news =
        engine
            .api()
            .build_image(options, None, Some(bollard::body_full(context.into())));
    let mut log = BuildLog::new(build.handed.masker());
    while let Some(item) = news.next().await {
        let failure = match item {
            Ok(info) => {
                log.push(&info.stream.unwrap_or_default(), progress);
                info.error_detail.and_then(|detail| detail.message)
            }
            Err(error) => Some(error.to_string()),
        };
        if let Some(why) = failure {
            return Err(log.failure(name, &why));
        }
    }
    Ok(())
}

/// The context as a tar file: the recipe's files and the CA bundle.
fn pack(recipe: Recipe, handed: &Handed) -> std::io::Result<Vec<u8>> {
    let mut tar = tar::Builder::new(Vec::new());
    let mut add = |path: &str, mode: u32, contents: &[u8]| {
        let mut header = tar::Header::new_ustar();
        header.set_size(contents.len() as u64);
        header.set_mode(mode);
        // The engine's cache looks at times too; what is the same shall look the same.
        header.set_mtime(0);
        tar.append_data(&mut header, path, contents)
    };
    for file in recipe.files() {
        add(file.path, file.mode(), file.contents)?;
    }
    add("common/ca.crt", 0o644, &handed.ca_bundle)?;
    tar.into_inner()
}

/// The lines of a build, masked, the last of which explain a failure.
struct BuildLog {
    masker: Masker,
    last: VecDeque<String>,
}

impl BuildLog {
    fn new(masker: Masker) -> Self {
        Self {
            masker,
            last: VecDeque::new(),
        }
    }

    fn push(&mut self, text: &str, progress: &dyn Progress) {
        for line in text
            .lines()
            .map(str::trim_end)
            .filter(|line| !line.is_empty())
        {
            let line = self.masker.mask(line).into_owned();
            progress.detail(&line);
            self.last.push_back(line);
            if self.last.len() > LAST_LINES {
                self.last.pop_front();
            }
        }
    }

    fn failure(&self, name: &str, why: &str) -> InfraFailure {
        let lines: Vec<&str> = self.last.iter().map(String::as_str).collect();
        let why = format!("{}\n  {}", self.masker.mask(why), lines.join("\n  "));
        InfraFailure::transient(format!("cannot build `{name}`")).because(why).help(
            "the lines above are the build's last; Debian's packages must be reachable (a proxy is \
             taken from http_proxy, a CA bundle from SSL_CERT_FILE, a mirror from \
             DORMER_DEBIAN_MIRROR)",
        )
    }
}

/// Removes what a build's steps left on the engine. Returns whether there was something.
pub async fn remove_leftovers(engine: &Engine, label: &str) -> Result<bool, InfraFailure> {
    let filters = HashMap::from([
        ("dangling".to_owned(), vec!["true".to_owned()]),
        ("label".to_owned(), vec![format!("{BUILD_LABEL}={label}")]),
    ]);
    let options = PruneImagesOptionsBuilder::new().filters(&filters).build();
    let pruned = engine.api().prune_images(Some(options)).await;
    let pruned = pruned.map_err(|error| {
        InfraFailure::new("cannot remove a build's intermediate images").because(error)
    })?;
    Ok(pruned
        .images_deleted
        .is_some_and(|images| !images.is_empty()))
}

/// Removes what an interrupted build left. The engine ends the step that it is at by itself, and keeps its
/// result a moment after nobody wants it any more: it has to be quiet for a while.
pub async fn remove_interrupted(engine: &Engine, label: &str) -> Result<(), InfraFailure> {
    const QUIET_LOOKS: u32 = 10;
    const MOST_LOOKS: u32 = 100;
    let mut quiet = 0;
    for _ in 0..MOST_LOOKS {
        let is_quiet =
            !remove_leftovers(engine, label).await? && !is_at_work(engine, label).await?;
        quiet = if is_quiet { quiet + 1 } else { 0 };
        if quiet == QUIET_LOOKS {
            break;
        }
        pause(Duration::from_millis(100)).await;
    }
    Ok(())
}

/// Whether a step of this build runs in a container.
async fn is_at_work(engine: &Engine, label: &str) -> Result<bool, InfraFailure> {
    let filters = HashMap::from([("label".to_owned(), vec![format!("{BUILD_LABEL}={label}")])]);
    let options = ListContainersOptionsBuilder::new()
        .all(true)
        .filters(&filters)
        .build();
    let listed = engine.api().list_containers(Some(options)).await;
    let listed = listed
        .map_err(|error| InfraFailure::new("cannot list the engine's containers").because(error))?;
    Ok(!listed.is_empty())
}

/// The labels of every build of this owner that left something on the engine.
pub async fn leftovers(engine: &Engine, owner: &str) -> Result<Vec<String>, InfraFailure> {
    let filters = HashMap::from([
        ("dangling".to_owned(), vec!["true".to_owned()]),
        ("label".to_owned(), vec![BUILD_LABEL.to_owned()]),
    ]);
    let options = ListImagesOptionsBuilder::new().filters(&filters).build();
    let images = engine
        .api()
        .list_images(Some(options))
        .await
        .map_err(|error| InfraFailure::new("cannot list the engine's images").because(error))?;
    let prefix = format!("{owner}-");
    let mut labels: Vec<String> = images
        .into_iter()
        .filter_map(|image| image.labels.get(BUILD_LABEL).cloned())
        .filter(|label| label.starts_with(&prefix))
        .collect();
    labels.sort();
    labels.dedup();
    Ok(labels)
}

/// Removes an image by its tag; one that is not there is removed already.
pub async fn remove_tag(engine: &Engine, tag: &str) -> Result<(), InfraFailure> {
    let options = RemoveImageOptionsBuilder::new().force(true).build();
    match engine.api().remove_image(tag, Some(options), None).await {
        Ok(_) => Ok(()),
        Err(error) if is_not_found(&error) => Ok(()),
        Err(error) => {
            Err(InfraFailure::new(format!("cannot remove the image `{tag}`")).because(error))
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use super::*;
    use crate::image::recipe::VM_CONTAINER;
    use crate::progress::Silent;

    #[test]
    fn the_context_holds_the_recipe_and_the_bundle() {
        let handed = Handed {
            ca_bundle: b"PEM".to_vec(),
            ..Handed::default()
        };
        let context = pack(VM_CONTAINER, &handed).unwrap();
        let mut found = HashMap::new();
        for entry in tar::Archive::new(context.as_slice()).entries().unwrap() {
            let mut entry = entry.unwrap();
            let mut contents = String::new();
            entry.read_to_string(&mut contents).unwrap();
            let path = entry.path().unwrap().to_str().unwrap().to_owned();
            found.insert(path, (entry.header().mode().unwrap(), contents));
        }
        assert_eq!(found["common/ca.crt"].1, "PEM");
        assert_eq!(found["vm/machine"].0, 0o755);
        assert!(found["vm/Dockerfile"].1.contains("FROM"));
    }

    #[test]
    fn a_failed_build_shows_its_last_lines_and_no_password() {
        let masker = Masker::default();
        masker.add("hunter2");
        let mut log = BuildLog::new(masker);
        for number in 0..40 {
            log.push(&format!("line {number} hunter2\n"), &Silent);
        }
        let text = crate::failure::with_causes(&log.failure("vm", "exit 100 (hunter2)"));
        assert!(
            text.contains("line 39 ***") && text.contains("line 25"),
            "{text}"
        );
        assert!(
            !text.contains("line 24") && !text.contains("hunter2"),
            "{text}"
        );
    }
}
