//! A guest that stands still in the middle of a transfer, and one that is only waited for by nobody.

use std::io::{Read, Write};
use std::time::{Duration, Instant};

use bytes::Bytes;
use dormer::guest::channel::{DialectChannel, GuestChannel, piped_input};
use dormer::guest::command::ChannelError;
use dormer::guest::transfer::{self, FetchError, SendError};
use dormer::host::clock::pause;
use dormer_testkit::sshd::Sshd;
use tokio::sync::watch;

use crate::files::sizes;
use crate::gate::gated;
use crate::{channel_through, soon};

/// More than a connection's second look at things, which is when it sees that its caller does nothing.
const PATIENCE: Duration = Duration::from_secs(3);
/// So long that a guest which had to do something would have been given up.
const LONG: Duration = Duration::from_secs(7);
const MUCH: usize = 40 << 20;

/// A guest that can be made to stand still, and a directory in it.
struct Place {
    /// A channel with little patience.
    channel: DialectChannel,
    /// The guest reads while it is open.
    gate: watch::Sender<bool>,
    at: String,
    _directory: tempfile::TempDir,
    _server: Sshd,
}

async fn place() -> Option<Place> {
    let (gate, open) = watch::channel(true);
    let (server, channel) = channel_through(|server| gated(server, open)).await?;
    let directory = tempfile::tempdir().expect("a directory");
    Some(Place {
        channel: channel.patience(PATIENCE),
        gate,
        at: directory.path().display().to_string(),
        _directory: directory,
        _server: server,
    })
}

/// A tar file with one large file, whose parts come with this in between.
fn write_much(out: &mut dyn Write, between: impl FnOnce()) -> std::io::Result<()> {
    let mut header = tar::Header::new_gnu();
    header.set_size(MUCH as u64);
    header.set_mode(0o644);
    header.set_path("much")?;
    header.set_cksum();
    out.write_all(header.as_bytes())?;
    out.write_all(&vec![7; MUCH / 2])?;
    between();
    out.write_all(&vec![7; MUCH / 2])?;
    out.write_all(&[0; 1024])
}

#[tokio::test]
async fn a_guest_that_takes_no_more_ends_what_is_sent() {
    let Some(place) = place().await else {
        return;
    };
    let Place {
        channel, gate, at, ..
    } = place;
    let begun = Instant::now();
    let sent = transfer::send(&channel, &at, move |out| {
        write_much(out, || gate.send(false).expect("a gate"))?;
        Ok(gate)
    });
    let error = soon(sent).await.unwrap_err();
    assert!(begun.elapsed() >= PATIENCE);
    let told = "the guest has taken nothing for 3 s while files were sent to it";
    assert_eq!(error.to_string(), told);
    let SendError::Channel(error) = error else {
        panic!("{error}");
    };
    assert!(error.is_transient());
    assert!(error.fails("x").transient);
}

#[tokio::test]
async fn whoever_writes_for_a_program_that_has_no_turn_is_let_go_of_too() {
    let Some(place) = place().await else {
        return;
    };
    let Place {
        channel, gate, at, ..
    } = place;
    // The names of a second transfer, which fill its pipe while the first is stuck in a packet.
    let (names, input) = piped_input();
    let fetching = transfer::fetch(&channel, &at, input, sizes);
    let naming = async { while names.send(Bytes::from(vec![b'x'; 60_000])).await.is_ok() {} };
    gate.send(false).expect("a gate");
    let sending = transfer::send(&channel, &at, |out| write_much(out, || ()));
    let (sent, fetched, ()) = soon(async { tokio::join!(sending, fetching, naming) }).await;
    assert!(matches!(
        sent,
        Err(SendError::Channel(ChannelError::Stalled { .. }))
    ));
    assert!(matches!(
        fetched,
        Err(FetchError::Channel(ChannelError::Stalled { .. }))
    ));
}

#[tokio::test]
async fn a_guest_that_answers_no_more_ends_what_is_asked_of_it() {
    let Some(place) = place().await else {
        return;
    };
    let Place {
        channel, gate, at, ..
    } = place;
    gate.send(false).expect("a gate");
    let names = transfer::all_names(&[b"a".to_vec()]);
    let fetching = transfer::fetch(&channel, &at, names, sizes);
    let fetching_all = transfer::fetch_all(&channel, &at, &[], sizes);
    let listing = transfer::list(&channel, &at, &[], 100);
    let directories = [at.clone()];
    let making = channel.make_directories(&directories);
    let (fetched, all, listed, made) =
        soon(async { tokio::join!(fetching, fetching_all, listing, making) }).await;
    let told = "the guest has sent nothing for 3 s while";
    for fetched in [fetched.err(), all.err()] {
        let Some(FetchError::Channel(error)) = fetched else {
            panic!("{fetched:?}");
        };
        let told = format!("{told} files were fetched from it");
        assert_eq!(error.to_string(), told);
    }
    let error = listed.unwrap_err().to_string();
    assert_eq!(error, format!("{told} its files were listed"));
    assert!(matches!(made, Err(ChannelError::Stalled { .. })));
}

#[tokio::test]
async fn a_host_that_takes_its_time_is_no_guest_that_stands_still() {
    let Some(place) = place().await else {
        return;
    };
    let Place {
        channel,
        at,
        gate: _gate,
        ..
    } = place;
    #[expect(clippy::disallowed_methods, reason = "it is a thread that is slow")]
    let slowly = || std::thread::sleep(LONG);
    let sending = transfer::send(&channel, &at, move |out| write_much(out, slowly));
    soon(sending).await.unwrap();

    let (names, input) = piped_input();
    let naming = async {
        pause(LONG).await;
        names.send(Bytes::from("much\0")).await.unwrap();
        drop(names);
    };
    let reading = transfer::fetch(&channel, &at, input, move |tar: &mut dyn Read| {
        // Once while there is more to come, and once when all of it is here.
        let mut header = [0; 512];
        tar.read_exact(&mut header)?;
        slowly();
        tar.read_exact(&mut vec![0; MUCH])?;
        slowly();
        std::io::Result::Ok(())
    });
    let (found, ()) = soon(async { tokio::join!(reading, naming) }).await;
    found.unwrap();
}

#[tokio::test]
async fn a_guest_that_is_only_slow_is_waited_for() {
    let Some(place) = place().await else {
        return;
    };
    let Place {
        channel, gate, at, ..
    } = place;
    let sending = transfer::send(&channel, &at, |out| write_much(out, || ()));
    let opening = async {
        for _ in 0..4 {
            gate.send(false).expect("a gate");
            pause(PATIENCE / 2).await;
            gate.send(true).expect("a gate");
            pause(Duration::from_millis(30)).await;
        }
        gate.send(true).expect("a gate");
    };
    let (sent, ()) = soon(async { tokio::join!(sending, opening) }).await;
    sent.unwrap();
}
