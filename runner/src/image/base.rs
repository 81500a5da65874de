//! The Debian that everything is built on: the official image where a registry answers, else one made
//! here with mmdebstrap, under a name of our own.

use std::time::Duration;

use bollard::query_parameters::CreateImageOptionsBuilder;
use futures_util::StreamExt;
use tokio_util::io::ReaderStream;

use crate::failure::InfraFailure;
use crate::host::clock::{Deadline, within};
use crate::host::process;
use crate::image::handed::Handed;
use crate::progress::Progress;
use crate::vmm::engine::{Engine, is_not_found};

/// The official image.
const OFFICIAL: &str = "debian:trixie-slim";
/// The one that we make, never under somebody else's name.
const OWN: &str = "dormer-base:trixie";
const DEFAULT_MIRROR: &str = "http://deb.debian.org/debian";

const PULL: Deadline = Deadline::seconds("the registry's image", 600);
/// A registry that can't be reached often does not refuse but stay silent.
const FIRST_WORD: Deadline = Deadline::seconds("the registry's first answer", 30);

/// The tag of the base, made or fetched if it is not there.
pub async fn ensure(
    engine: &Engine,
    handed: &Handed,
    progress: &dyn Progress,
) -> Result<&'static str, InfraFailure> {
    for tag in [OFFICIAL, OWN] {
        if exists(engine, tag).await? {
            return Ok(tag);
        }
    }
    progress.stage(&format!("fetching {OFFICIAL}"));
    match pull(engine, progress).await {
        Ok(()) => Ok(OFFICIAL),
        Err(why) => {
            progress.detail(&format!(
                "no registry answers ({why}); making a base with mmdebstrap"
            ));
            bootstrap(engine, handed, progress, &why).await?;
            Ok(OWN)
        }
    }
}

/// Whether the engine has an image of this tag.
pub async fn exists(engine: &Engine, tag: &str) -> Result<bool, InfraFailure> {
    Ok(identity(engine, tag).await?.is_some())
}

/// The engine's own id for an image, which says what is in it; none if it is not there.
pub async fn identity(engine: &Engine, tag: &str) -> Result<Option<String>, InfraFailure> {
    match engine.api().inspect_image(tag).await {
        Ok(found) => Ok(found.id),
        Err(error) if is_not_found(&error) => Ok(None),
        Err(error) => {
            Err(InfraFailure::new(format!("cannot look for the image `{tag}`")).because(error))
        }
    }
}

async fn pull(engine: &Engine, progress: &dyn Progress) -> Result<(), String> {
    let options = CreateImageOptionsBuilder::new()
        .from_image(OFFICIAL)
        .build();
    let mut news = engine.api().create_image(Some(options), None, None);
    let all = async {
        let mut first = true;
        loop {
            let next = if first {
                within(FIRST_WORD, news.next())
                    .await
                    .map_err(|late| late.to_string())?
            } else {
                news.next().await
            };
            first = false;
            match next {
                Some(Ok(info)) => progress.detail(&info.status.unwrap_or_default()),
                Some(Err(error)) => return Err(error.to_string()),
                None => return Ok(()),
            }
        }
    };
    within(PULL, all).await.map_err(|late| late.to_string())?
}

/// Makes a minimal Debian with the host's own tools and imports it.
async fn bootstrap(
    engine: &Engine,
    handed: &Handed,
    progress: &dyn Progress,
    why: &str,
) -> Result<(), InfraFailure> {
    let failed = |what: String| {
        InfraFailure::transient(format!("cannot make `{OWN}` with mmdebstrap")).because(what)
    };
    if !process::is_on_path("mmdebstrap") {
        return Err(InfraFailure::new(format!("cannot fetch `{OFFICIAL}`"))
            .because(why.to_owned())
            .help(
                "reach a container registry, or install mmdebstrap, with which Dormer makes one",
            ));
    }
    progress.stage("making a base from Debian's packages");
    let mirror = handed.mirror.as_deref().unwrap_or(DEFAULT_MIRROR);
    let arguments = [
        "--variant=minbase",
        "--include=ca-certificates",
        "--quiet",
        "trixie",
        "-",
        mirror,
    ];
    let mut child = process::spawn_reader("mmdebstrap", &arguments)
        .map_err(|error| failed(error.to_string()))?;
    let missing = || failed("its output cannot be read".to_owned());
    let output = child.stdout.take().ok_or_else(missing)?;
    let complaints = child.stderr.take().ok_or_else(missing)?;
    let complaints = tokio::spawn(last_words(complaints));

    let imported = import(engine, output).await;
    let status = within(
        Deadline {
            what: "mmdebstrap's end",
            after: Duration::from_secs(60),
        },
        child.wait(),
    );
    let status = status.await.map_err(|late| failed(late.to_string()))?;
    let words = complaints.await.unwrap_or_default();
    match status {
        Ok(status) if status.success() => imported.map_err(failed),
        Ok(status) => Err(failed(format!(
            "it ended with {status}: {}",
            handed.masker().mask(&words)
        ))),
        Err(error) => Err(failed(error.to_string())),
    }
}

/// An import through `POST /images/create?fromSrc=-`: the tar file becomes an image with a tag.
async fn import(
    engine: &Engine,
    tar: impl tokio::io::AsyncRead + Send + 'static,
) -> Result<(), String> {
    let (repo, tag) = OWN.split_once(':').unwrap_or((OWN, "latest"));
    let options = CreateImageOptionsBuilder::new()
        .from_src("-")
        .repo(repo)
        .tag(tag)
        .build();
    let body = bollard::body_try_stream(ReaderStream::with_capacity(tar, 1 << 16));
    let mut news = engine.api().create_image(Some(options), Some(body), None);
    while let Some(info) = news.next().await {
        info.map_err(|error| error.to_string())?;
    }
    Ok(())
}

async fn last_words(mut output: impl tokio::io::AsyncRead + Unpin) -> String {
    use tokio::io::AsyncReadExt;
    let mut text = Vec::new();
    let mut buffer = [0; 4096];
    while let Ok(length) = output.read(&mut buffer).await {
        if length == 0 {
            break;
        }
        text.extend_from_slice(&buffer[..length]);
        let excess = text.len().saturating_sub(4096);
        text.drain(..excess);
    }
    String::from_utf8_lossy(&text).trim().to_owned()
}
