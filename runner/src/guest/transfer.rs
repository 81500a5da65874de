//! Files in and out of a guest, as tar streams. The host decides every name; what a guest sends is
//! checked by whoever asked for it.

use std::io::{self, Read, Write};

use bytes::Bytes;
use thiserror::Error;
use tokio::sync::mpsc;

use crate::failure::InfraFailure;
use crate::guest::channel::{GuestChannel, piped_input};
use crate::guest::command::{ChannelError, Exit, GuestProcess, Input, Output};
use crate::guest::dialect::{Listing, parse_listing};
use crate::guest::pipe::BlockingReader;
use crate::guest::pulse::Watch;

/// How much of a failed transfer's complaints is kept.
const COMPLAINTS: usize = 4096;
/// The longest name in a listing.
const LONGEST_ENTRY: usize = 64 << 10;
/// The longest listing, in bytes: names are kept in memory until they are matched.
const LONGEST_LISTING: usize = 256 << 20;
/// How much may come behind the end of a tar file: it is padded, by ten kilobytes as a rule.
const PADDING: u64 = 1 << 20;

/// What a guest that stands still has not done, while what was going on.
const SENDING: (&str, &str) = ("taken nothing", "files were sent to it");
const FETCHING: (&str, &str) = ("sent nothing", "files were fetched from it");
const LISTING: (&str, &str) = ("sent nothing", "its files were listed");

/// Why files did not go in.
#[derive(Debug, Error)]
pub enum SendError {
    /// The guest did not take them.
    #[error(transparent)]
    Channel(ChannelError),
    /// They could not be read here.
    #[error(transparent)]
    Local(io::Error),
}

impl SendError {
    /// The failure of what was attempted.
    pub fn fails(self, attempted: impl Into<String>) -> InfraFailure {
        match self {
            Self::Channel(error) => error.fails(attempted),
            Self::Local(error) => InfraFailure::new(attempted).because(error),
        }
    }
}

/// Why files did not come back.
#[derive(Debug)]
pub enum FetchError<E> {
    /// The guest did not send them.
    Channel(ChannelError),
    /// Whoever read them did not want them; with the guest's own words on it, mostly none.
    Reader(E, String),
}

/// What came of a transfer, and what the guest had to say on it.
#[derive(Debug, Default)]
pub struct Told<T> {
    /// What came.
    pub what: T,
    /// The guest's words on what did not come, or not as it should; mostly none.
    pub complaints: String,
}

/// Unpacks into a directory of the guest what `write` writes as a tar file. `write` runs in a thread
/// of its own and may block.
pub async fn send<T: Send + 'static>(
    channel: &dyn GuestChannel,
    directory: &str,
    write: impl FnOnce(&mut dyn Write) -> io::Result<T> + Send + 'static,
) -> Result<T, SendError> {
    let (mut writer, input) = piped_input();
    let process = channel.unpack(directory, input).await;
    let process = process.map_err(SendError::Channel)?;
    let writing = tokio::task::spawn_blocking(move || {
        let written = write(&mut writer);
        // Nor need a guest that has it all read the padding.
        let _ = writer.flush();
        written
    });
    let ended = expect_success(process, "unpacking files").await;
    let written = writing
        .await
        .map_err(|_| SendError::Channel(ChannelError::Lost("its feeder died".to_owned())))?;
    match (written, ended) {
        // What went wrong here cut the guest's archive short, which is all that the guest knows.
        (Err(error), _) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(SendError::Local(error))
        }
        // A guest that stopped reading has its own reason, which it tells on standard error.
        (_, Err(error)) => Err(SendError::Channel(error)),
        (written, Ok(())) => written.map_err(SendError::Local),
    }
}

/// The names of files for [`fetch`], where all of them are known.
pub fn all_names(names: &[Vec<u8>]) -> Input {
    let ended = names.iter().flat_map(|name| [name, &b"\0"[..]].concat());
    Input::Bytes(ended.collect())
}

/// Reads with `read` the tar file of the files below a directory of the guest that `names` names, with a
/// zero byte behind each. `read` runs in a thread of its own and may block. Which files came is for the
/// reader to know: a guest that can't read one of them sends the others and says so.
pub async fn fetch<T: Send + 'static, E: Send + 'static>(
    channel: &dyn GuestChannel,
    directory: &str,
    names: Input,
    read: impl FnOnce(&mut dyn Read) -> Result<T, E> + Send + 'static,
) -> Result<Told<T>, FetchError<E>> {
    let process = channel.pack(directory, names).await;
    let process = process.map_err(FetchError::Channel)?;
    receive(process, read).await.map(|(told, _)| told)
}

/// Reads with `read` the tar file of all that is below the directory of the guest that `start` leads to from
/// `directory`. Returns as well whether the guest could read all of it.
pub async fn fetch_all<T: Send + 'static, E: Send + 'static>(
    channel: &dyn GuestChannel,
    directory: &str,
    start: &[String],
    read: impl FnOnce(&mut dyn Read) -> Result<T, E> + Send + 'static,
) -> Result<(Told<T>, bool), FetchError<E>> {
    let process = channel.pack_all(directory, start).await;
    let process = process.map_err(FetchError::Channel)?;
    let (told, exit) = receive(process, read).await?;
    // 1 is what `tar` says of files that changed meanwhile.
    Ok((told, matches!(exit, Exit::Code(0 | 1))))
}

async fn receive<T: Send + 'static, E: Send + 'static>(
    process: GuestProcess,
    read: impl FnOnce(&mut dyn Read) -> Result<T, E> + Send + 'static,
) -> Result<(Told<T>, Exit), FetchError<E>> {
    let (sender, mut pieces) = mpsc::channel::<Bytes>(16);
    let reading = tokio::task::spawn_blocking(move || {
        let mut reader = BlockingReader::new(|| pieces.blocking_recv());
        let result = read(&mut reader)?;
        // One that was refused is let go of instead: it may go on for ever.
        let _ = io::copy(&mut reader.take(PADDING), &mut io::sink());
        Ok::<T, E>(result)
    });
    let watch = process.watch();
    let ended = watch.over(FETCHING, hand_over(process, sender)).await;
    let result = reading
        .await
        .map_err(|_| FetchError::Channel(ChannelError::Lost("its reader died".to_owned())))?;
    let (complaints, exit) = ended.map_err(FetchError::Channel)?;
    match result {
        Ok(what) => Ok((Told { what, complaints }, exit)),
        Err(error) => Err(FetchError::Reader(error, complaints)),
    }
}

/// Passes a program's output on until one of the two has enough; if that is the reader, the program is
/// let go of, and taken to have done its work. Returns its complaints, and how it ended.
async fn hand_over(
    mut process: GuestProcess,
    sender: mpsc::Sender<Bytes>,
) -> Result<(String, Exit), ChannelError> {
    let mut complaints = Vec::new();
    while let Some(piece) = process.next().await {
        match piece {
            Output::Stdout(bytes) => {
                if sender.send(bytes).await.is_err() {
                    return Ok((text(&complaints), Exit::Code(0)));
                }
            }
            Output::Stderr(bytes) => keep(&mut complaints, &bytes),
        }
    }
    drop(sender);
    let exit = process.wait().await?;
    Ok((text(&complaints), exit))
}

/// Lists everything below the directory of the guest that `start` leads to from `directory`, by names
/// relative to that. `limit` bounds how many entries are taken.
pub async fn list(
    channel: &dyn GuestChannel,
    directory: &str,
    start: &[String],
    limit: usize,
) -> Result<Told<Vec<Listing>>, ChannelError> {
    let mut coming = ComingList::start(channel, directory, start, limit).await?;
    let mut what = Vec::new();
    while let Some(entries) = coming.next().await? {
        what.extend(entries);
    }
    let complaints = coming.finish().await?;
    Ok(Told { what, complaints })
}

/// A list that is looked at while it comes. See [`list`].
#[derive(Debug)]
pub struct ComingList {
    process: GuestProcess,
    watch: Watch,
    directory: String,
    limit: usize,
    /// The entry that has no end yet.
    entry: Vec<u8>,
    entries: usize,
    bytes: usize,
    complaints: Vec<u8>,
}

impl ComingList {
    /// Asks for the list.
    pub async fn start(
        channel: &dyn GuestChannel,
        directory: &str,
        start: &[String],
        limit: usize,
    ) -> Result<Self, ChannelError> {
        let process = channel.list(directory, start).await?;
        Ok(Self {
            watch: process.watch(),
            process,
            directory: directory.to_owned(),
            limit,
            entry: Vec::new(),
            entries: 0,
            bytes: 0,
            complaints: Vec::new(),
        })
    }

    /// The entries that have come since the last time; none when there are no more.
    pub async fn next(&mut self) -> Result<Option<Vec<Listing>>, ChannelError> {
        let watch = self.watch.clone();
        while let Some(piece) = watch
            .over(LISTING, async { Ok(self.process.next().await) })
            .await?
        {
            match piece {
                Output::Stdout(bytes) => return self.take(&bytes).map(Some),
                Output::Stderr(bytes) => keep(&mut self.complaints, &bytes),
            }
        }
        Ok(None)
    }

    fn take(&mut self, bytes: &[u8]) -> Result<Vec<Listing>, ChannelError> {
        let mut entries = Vec::new();
        for part in bytes.split_inclusive(|&byte| byte == 0) {
            self.entry.extend_from_slice(part);
            if self.entry.last() == Some(&0) {
                self.entry.pop();
                entries.extend(parse_listing(&self.entry));
                self.entry.clear();
            }
        }
        self.entries += entries.len();
        self.bytes += bytes.len();
        let (limit, longest) = (self.limit, self.entry.len());
        if self.entries > limit || longest > LONGEST_ENTRY || self.bytes > LONGEST_LISTING {
            return Err(ChannelError::Refused(format!(
                "`{}` holds more than {limit} files, or names that are too long",
                self.directory
            )));
        }
        Ok(entries)
    }

    /// Ends a list that has come; the guest's words on what could not be looked at.
    pub async fn finish(self) -> Result<String, ChannelError> {
        match self.watch.over(LISTING, self.process.wait()).await? {
            Exit::Code(0) => Ok(String::new()),
            // It could not look everywhere; what it found is there all the same.
            Exit::Code(1) => Ok(text(&self.complaints)),
            _ => Err(refused("listing files", &self.complaints)),
        }
    }
}

/// The SHA-256 of files below a directory of the guest, in the order of their names; none for one that
/// can't be read.
pub async fn digests(
    channel: &dyn GuestChannel,
    directory: &str,
    names: &[String],
) -> Result<Vec<Option<[u8; 32]>>, ChannelError> {
    let asked: Vec<u8> = names
        .iter()
        .flat_map(|name| [name.as_bytes(), b"\0"].concat())
        .collect();
    // What is told is each name again, and its digest in front.
    let room = asked.len() + names.len() * 80;
    let process = channel.digest(directory, asked.into()).await?;
    let (_, told, _) = process.output(room).await?;
    let told = String::from_utf8_lossy(&told).into_owned();
    let mut told = told.split_terminator('\0').filter_map(|line| {
        let (digest, name) = line.split_once("  ")?;
        let mut bytes = [0; 32];
        hex::decode_to_slice(digest, &mut bytes).ok()?;
        Some((name, bytes))
    });
    let mut next = told.next();
    let mut digest_of = |name: &String| {
        let (_, digest) = next.filter(|(told, _)| told == name)?;
        next = told.next();
        Some(digest)
    };
    Ok(names.iter().map(&mut digest_of).collect())
}

async fn expect_success(process: GuestProcess, what: &str) -> Result<(), ChannelError> {
    let watch = process.watch();
    let (exit, _, complaints) = watch.over(SENDING, process.output(COMPLAINTS)).await?;
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
    ChannelError::Refused(format!("{what}: {}", text(complaints)))
}

fn text(complaints: &[u8]) -> String {
    String::from_utf8_lossy(complaints).trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::guest::fake;

    async fn listed(stdout: &str, code: u32) -> Result<Told<Vec<Listing>>, ChannelError> {
        let stdout = stdout.as_bytes().to_vec();
        let channel = fake::channel(move |_, _| (stdout.clone(), "find: no\n", code));
        list(&channel, "/C:/a", &[], 100).await
    }

    #[tokio::test]
    async fn what_could_be_listed_is_when_the_rest_could_not() {
        let told = listed("f 1 a\0f 2 b\0", 1).await.unwrap();
        assert_eq!((told.what.len(), told.complaints.as_str()), (2, "find: no"));
        assert_eq!(listed("f 1 a\0", 0).await.unwrap().complaints, "");
        let error = listed("", 2).await.unwrap_err().to_string();
        assert!(error.contains("find: no"), "{error}");
    }

    #[tokio::test]
    async fn digests_come_in_the_order_of_names_and_some_not_at_all() {
        let told = format!("{}  a b\0{}  d\0", "01".repeat(32), "02".repeat(32));
        let channel = fake::channel(move |_, _| (told.clone().into_bytes(), "c: no\n", 123));
        let names = ["a b", "c", "d"].map(str::to_owned);
        let digests = digests(&channel, "/C:/a", &names).await.unwrap();
        assert_eq!(digests, [Some([1; 32]), None, Some([2; 32])]);
    }

    #[tokio::test]
    async fn a_listing_has_limits_on_entries_and_bytes() {
        assert!(listed(&"f 1 a\0".repeat(101), 0).await.is_err());
        assert!(listed(&"x".repeat(LONGEST_ENTRY + 1), 0).await.is_err());
        // None of these is an entry.
        let broken = format!("{}\0", "x".repeat(999)).repeat(LONGEST_LISTING / 1000 + 1);
        assert!(listed(&broken, 0).await.is_err());
    }
}
