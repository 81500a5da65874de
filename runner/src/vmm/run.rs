//! Containers that do one thing and end: proving an accelerator, closing a network, making a disk.

use bollard::container::LogOutput;
use bollard::models::ContainerCreateBody;
use bollard::query_parameters::{
    CreateContainerOptionsBuilder, LogsOptionsBuilder, RemoveContainerOptionsBuilder,
    WaitContainerOptionsBuilder,
};
use futures_util::StreamExt;

use crate::failure::InfraFailure;
use crate::host::clock::{Deadline, pause, within};
use crate::host::crash;
use crate::vmm::engine::{Engine, is_conflict, is_not_found};

/// How much of a container's own words is kept.
const OUTPUT_LIMIT: usize = 64 << 10;

/// How a container ended.
#[derive(Debug)]
pub struct Finished {
    /// Its exit status.
    pub status: i64,
    /// The last of what it printed.
    pub output: String,
}

/// Creates a container, without starting it.
pub async fn create(
    engine: &Engine,
    name: &str,
    body: ContainerCreateBody,
) -> Result<(), InfraFailure> {
    let options = CreateContainerOptionsBuilder::new().name(name).build();
    let created = engine.api().create_container(Some(options), body).await;
    created.map(|_| ()).map_err(|error| {
        InfraFailure::new(format!("cannot create the container `{name}`")).because(error)
    })
}

/// Starts a container that was created.
pub async fn start(engine: &Engine, name: &str) -> Result<(), InfraFailure> {
    engine
        .api()
        .start_container(name, None)
        .await
        .map_err(|error| {
            InfraFailure::new(format!("cannot start the container `{name}`")).because(error)
        })
}

/// Runs a container to its end and removes it. When this is dropped half-way the container stays,
/// labelled, for whoever cleans up.
pub async fn to_end(
    engine: &Engine,
    name: &str,
    body: ContainerCreateBody,
    deadline: Deadline,
) -> Result<Finished, InfraFailure> {
    create(engine, name, body).await?;
    let started = start(engine, name).await;
    crash::point(|| "at a container that ends by itself".to_owned());
    let finished = match started {
        Ok(()) => finish(engine, name, deadline).await,
        Err(failure) => Err(failure),
    };
    remove(engine, name).await?;
    finished
}

async fn finish(engine: &Engine, name: &str, deadline: Deadline) -> Result<Finished, InfraFailure> {
    let status = within(deadline, wait(engine, name)).await.map_err(|late| {
        InfraFailure::transient(format!("the container `{name}` did not end")).because(late)
    })?;
    Ok(Finished {
        status,
        output: output(engine, name).await,
    })
}

/// Waits for a container's end and returns its status; one that is gone has ended with −1.
pub async fn wait(engine: &Engine, name: &str) -> i64 {
    let options = WaitContainerOptionsBuilder::new()
        .condition("not-running")
        .build();
    let mut results = engine.api().wait_container(name, Some(options));
    match results.next().await {
        Some(Ok(response)) => response.status_code,
        Some(Err(bollard::errors::Error::DockerContainerWaitError { code, .. })) => code,
        Some(Err(_)) | None => -1,
    }
}

/// The last of what a container printed, both streams; nothing if it is gone.
pub async fn output(engine: &Engine, name: &str) -> String {
    let options = LogsOptionsBuilder::new()
        .stdout(true)
        .stderr(true)
        .tail("200")
        .build();
    let mut logs = engine.api().logs(name, Some(options));
    let mut text = Vec::new();
    while let Some(Ok(piece)) = logs.next().await {
        text.extend_from_slice(&bytes_of(piece));
        if text.len() > OUTPUT_LIMIT {
            text.drain(..text.len() - OUTPUT_LIMIT);
        }
    }
    String::from_utf8_lossy(&text).into_owned()
}

fn bytes_of(piece: LogOutput) -> bytes::Bytes {
    piece.into_bytes()
}

/// Removes a container, running or not, and returns when it is gone. One that is not there is removed
/// already.
pub async fn remove(engine: &Engine, name: &str) -> Result<(), InfraFailure> {
    /// The engine may be removing it already, or be busy with its disk.
    const ATTEMPTS: u32 = 60;
    let options = RemoveContainerOptionsBuilder::new()
        .force(true)
        .v(true)
        .build();
    let mut last = None;
    for _ in 0..ATTEMPTS {
        match engine
            .api()
            .remove_container(name, Some(options.clone()))
            .await
        {
            Ok(()) => return Ok(()),
            Err(error) if is_not_found(&error) => return Ok(()),
            Err(error) if is_conflict(&error) => last = Some(error),
            Err(error) => {
                last = Some(error);
                break;
            }
        }
        pause(std::time::Duration::from_millis(250)).await;
    }
    let failure = InfraFailure::new(format!("cannot remove the container `{name}`"))
        .help("`dormer gc` tries again; `docker rm -f` does it by hand");
    Err(match last {
        Some(error) => failure.because(error),
        None => failure,
    })
}
