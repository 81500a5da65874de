//! Files in and out of a guest, as tar streams. The host decides every name; what a guest sends is
//! checked by whoever asked for it.

use std::io::{Read, Write};

use bytes::Bytes;
use tokio::sync::mpsc;

use crate::guest::channel::{GuestChannel, piped_input};
use crate::guest::command::{ChannelError, GuestProcess, Output};
use crate::guest::dialect::{Listing, parse_listing};
use crate::guest::pipe::BlockingReader;

/// How much of a failed transfer's complaints is kept.
const COMPLAINTS: usize = 4096;
/// The longest name in a listing.
const LONGEST_ENTRY: usize = 64 << 10;

/// Unpacks into a directory of the guest what `write` writes as a tar file. `write` runs in a thread
/// of its own and may block.
pub async fn send<T: Send + 'static>(
    channel: &dyn GuestChannel,
    directory: &str,
    write: impl FnOnce(&mut dyn Write) -> T + Send + 'static,
) -> Result<T, ChannelError> {
    let (mut writer, input) = piped_input();
    let process = channel.unpack(directory, input).await?;
    let writing = tokio::task::spawn_blocking(move || {
        let written = write(&mut writer);
        // A guest that stopped reading has its own reason, which it tells on standard error.
        let _ = writer.flush();
        written
    });
    let ended = expect_success(process, "unpacking files").await;
    let written = writing
        .await
        .map_err(|_| ChannelError::Lost("its feeder died".to_owned()))?;
    ended.map(|()| written)
}

/// Reads with `read` the tar file of the named files below a directory of the guest. `read` runs in a
/// thread of its own and may block; it need not read to the end.
pub async fn fetch<T: Send + 'static>(
    channel: &dyn GuestChannel,
    directory: &str,
    names: Vec<Vec<u8>>,
    read: impl FnOnce(&mut dyn Read) -> T + Send + 'static,
) -> Result<T, ChannelError> {
    let names: Vec<u8> = names
        .into_iter()
        .flat_map(|name| [name, vec![0]].concat())
        .collect();
    let process = channel.pack(directory, names.into()).await?;
    let (sender, mut pieces) = mpsc::channel::<Bytes>(16);
    let reading = tokio::task::spawn_blocking(move || {
        let mut reader = BlockingReader::new(|| pieces.blocking_recv());
        let result = read(&mut reader);
        // The end of a tar file is padded; what is left over belongs to nobody.
        let _ = std::io::copy(&mut reader, &mut std::io::sink());
        result
    });
    let ended = hand_over(process, sender).await;
    let result = reading
        .await
        .map_err(|_| ChannelError::Lost("its reader died".to_owned()))?;
    ended.map(|()| result)
}

async fn hand_over(
    mut process: GuestProcess,
    sender: mpsc::Sender<Bytes>,
) -> Result<(), ChannelError> {
    let mut complaints = Vec::new();
    while let Some(piece) = process.next().await {
        match piece {
            Output::Stdout(bytes) => {
                // A reader that has enough is done; the rest is not wanted.
                if sender.send(bytes).await.is_err() {
                    break;
                }
            }
            Output::Stderr(bytes) => keep(&mut complaints, &bytes),
        }
    }
    drop(sender);
    let exit = process.wait().await?;
    if exit.is_success() {
        return Ok(());
    }
    Err(refused("packing files", &complaints))
}

/// Lists everything below the directory of the guest that `start` leads to from `directory`, by names
/// relative to that. `limit` bounds how many entries are taken.
pub async fn list(
    channel: &dyn GuestChannel,
    directory: &str,
    start: &[String],
    limit: usize,
) -> Result<Vec<Listing>, ChannelError> {
    let mut process = channel.list(directory, start).await?;
    let (mut entries, mut entry, mut complaints) = (Vec::new(), Vec::new(), Vec::new());
    while let Some(piece) = process.next().await {
        let bytes = match piece {
            Output::Stdout(bytes) => bytes,
            Output::Stderr(bytes) => {
                keep(&mut complaints, &bytes);
                continue;
            }
        };
        for part in bytes.split_inclusive(|&byte| byte == 0) {
            entry.extend_from_slice(part);
            if entry.last() == Some(&0) {
                entry.pop();
                entries.extend(parse_listing(&entry));
                entry.clear();
            }
        }
        if entries.len() > limit || entry.len() > LONGEST_ENTRY {
            return Err(ChannelError::Refused(format!(
                "`{directory}` holds more than {limit} files"
            )));
        }
    }
    let exit = process.wait().await?;
    if exit.is_success() {
        Ok(entries)
    } else {
        Err(refused("listing files", &complaints))
    }
}

async fn expect_success(process: GuestProcess, what: &str) -> Result<(), ChannelError> {
    let (exit, _, complaints) = process.output(COMPLAINTS).await?;
    if exit.is_success() {
        Ok(())
    } else {
        Err(refused(what, &complaints))
    }
}

fn keep(complaints: &mut Vec<u8>, bytes: &[u8]) {
    let room = COMPLAINTS.saturating_sub(complaints.len());
    complaints.extend_from_slice(&bytes[..bytes.len().min(room)]);
}

fn refused(what: &str, complaints: &[u8]) -> ChannelError {
    let complaints = String::from_utf8_lossy(complaints).trim().to_owned();
    ChannelError::Refused(format!("{what}: {complaints}"))
}
