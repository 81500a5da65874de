//! A server that reads nothing for a while, as a guest whose machine stands still.

use std::time::Duration;

use bytes::Bytes;
use dormer::guest::channel::{GuestChannel, piped_input};
use dormer::guest::command::{Exit, GuestCommand};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;
use tokio::sync::watch;

use crate::{connected_through, soon, text_of};

/// Passes a stream on in both directions; what goes to the server only while the gate is open.
pub(crate) fn gated(server: UnixStream, mut open: watch::Receiver<bool>) -> UnixStream {
    let (ours, inner) = UnixStream::pair().expect("a socket pair");
    let (mut from_us, mut to_us) = inner.into_split();
    let (mut from_server, mut to_server) = server.into_split();
    tokio::spawn(async move { tokio::io::copy(&mut from_server, &mut to_us).await });
    tokio::spawn(async move {
        let mut buffer = vec![0; 4096];
        loop {
            open.wait_for(|open| *open).await.expect("the test goes on");
            match from_us.read(&mut buffer).await {
                Ok(0) | Err(_) => break,
                Ok(length) => to_server
                    .write_all(&buffer[..length])
                    .await
                    .expect("a server"),
            }
        }
    });
    ours
}

/// A packet that is half sent belongs to the connection: its program may be given up, and whatever else
/// runs still has its turn.
#[tokio::test]
async fn a_program_that_is_let_go_of_in_the_middle_of_a_packet_keeps_no_other_back() {
    let (gate, open) = watch::channel(true);
    let Some((_server, channel)) = connected_through(|server| gated(server, open)).await else {
        return;
    };
    let (writer, input) = piped_input();
    let taking = GuestCommand::new(["sh", "-c", "cat >/dev/null"]).input(input);
    let process = channel.spawn(taking).await.unwrap();
    writer.send(Bytes::from_static(b"begin")).await.unwrap();
    gate.send(false).expect("a gate");
    // Until neither the socket nor the pipe takes any more.
    let piece = Bytes::from(vec![7; 60_000]);
    let full = async { while writer.send(piece.clone()).await.is_ok() {} };
    let filled = tokio::time::timeout(Duration::from_secs(2), full).await;
    assert!(filled.is_err(), "the program ended by itself");
    drop(process);
    drop(writer);
    gate.send(true).expect("a gate");
    let (exit, text) = soon(text_of(&channel, GuestCommand::new(["echo", "here"]))).await;
    assert_eq!((exit, text.as_str()), (Exit::Code(0), "here\n"));
}

/// How many small packets fill a socket whose other end reads nothing.
fn capacity() -> usize {
    let (socket, _other) = std::os::unix::net::UnixStream::pair().expect("a socket pair");
    socket.set_nonblocking(true).expect("a socket");
    let mut packets = 0;
    while std::io::Write::write_all(&mut &socket, &[0; SMALL + 36]).is_ok() {
        packets += 1;
    }
    packets
}

/// Bytes in a small packet, whose head and tail are some more.
const SMALL: usize = 96;

/// The end of an input meets a full socket, and our task goes on in another thread when that has room again.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_end_of_an_input_arrives_wherever_the_socket_is_full() {
    // The relay still takes what it is reading when the gate shuts.
    const AHEAD: usize = 40;
    let full = capacity();
    for packets in full.saturating_sub(4)..full + AHEAD {
        let (gate, open) = watch::channel(true);
        let Some((_server, channel)) = connected_through(|server| gated(server, open)).await else {
            return;
        };
        let (writer, input) = piped_input();
        let counting = GuestCommand::new(["sh", "-c", "wc -c"]).input(input);
        let counting = tokio::spawn(async move { soon(text_of(&channel, counting)).await });
        writer.send(Bytes::from_static(&[7; SMALL])).await.unwrap();
        dormer::host::clock::pause(Duration::from_millis(100)).await;
        gate.send(false).expect("a gate");
        for _ in 1..packets {
            let piece = Bytes::from_static(&[7; SMALL]);
            let sending = tokio::time::timeout(Duration::from_millis(50), writer.send(piece));
            if sending.await.is_err() {
                break;
            }
        }
        drop(writer);
        dormer::host::clock::pause(Duration::from_millis(20)).await;
        gate.send(true).expect("a gate");
        let (exit, _) = counting.await.expect("no panic");
        assert_eq!(exit, Exit::Code(0), "{packets} of {full} packets");
    }
}
