//! The upper rungs of the readiness ladder: a guest is up when its SSH server has said who it is and a
//! command was answered. That a connection is made proves nothing, since QEMU takes it for the guest.

use std::future::Future;
use std::time::Duration;

use rustix::net::RecvFlags;
use tokio::io::Interest;
use tokio::net::UnixStream;

use crate::host::clock::{Deadline, pause, within};

/// How long one connection may take to show a banner. A connection made before the guest's network is
/// up hangs for seconds in retransmissions, so another one is made instead.
const ONE_TRY: Deadline = Deadline {
    what: "the SSH banner",
    after: Duration::from_millis(700),
};
const BETWEEN_TRIES: Duration = Duration::from_millis(50);
const BANNER: &[u8] = b"SSH-2.0-";

/// Dials until a connection shows an SSH banner, and returns that connection with the banner still to
/// be read. The caller bounds the time.
pub async fn ssh_banner<F>(dial: impl Fn() -> F) -> UnixStream
where
    F: Future<Output = std::io::Result<UnixStream>>,
{
    loop {
        if let Ok(Some(stream)) = within(ONE_TRY, banner_at_once(&dial)).await {
            return stream;
        }
        pause(BETWEEN_TRIES).await;
    }
}

/// Dials once. Nothing if the connection ends before a banner, or shows something else. The caller bounds
/// the time.
pub async fn banner_at_once<F>(dial: impl Fn() -> F) -> Option<UnixStream>
where
    F: Future<Output = std::io::Result<UnixStream>>,
{
    let stream = dial().await.ok()?;
    shows_banner(&stream).await.then_some(stream)
}

/// Whether what comes first is a banner. Nothing is taken from the stream.
async fn shows_banner(stream: &UnixStream) -> bool {
    let mut start = [0_u8; BANNER.len()];
    loop {
        if stream.readable().await.is_err() {
            return false;
        }
        let peeked = stream.try_io(Interest::READABLE, || {
            let (length, _) = rustix::net::recv(stream, start.as_mut_slice(), RecvFlags::PEEK)?;
            Ok(length)
        });
        match peeked {
            Ok(length) if length == start.len() => return start == BANNER,
            // The end, or something that is no banner.
            Ok(0) => return false,
            Ok(length) if !BANNER.starts_with(&start[..length]) => return false,
            // A part of it: what is there stays readable, so look again a little later.
            Ok(_) => pause(Duration::from_millis(5)).await,
            Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {}
            Err(_) => return false,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::*;

    #[tokio::test]
    async fn silence_and_nonsense_are_passed_over_and_the_banner_stays_readable() {
        let tries = AtomicUsize::new(0);
        let dial = || async {
            let (ours, mut theirs) = UnixStream::pair()?;
            match tries.fetch_add(1, Ordering::Relaxed) {
                0 => return Err(std::io::ErrorKind::ConnectionRefused.into()),
                1 => {
                    tokio::spawn(async move {
                        pause(Duration::from_secs(5)).await;
                        drop(theirs);
                    });
                }
                2 => theirs.write_all(b"HTTP/1.1 400 no").await?,
                _ => {
                    tokio::spawn(async move {
                        let _ = theirs.write_all(b"SSH-").await;
                        pause(Duration::from_millis(20)).await;
                        let _ = theirs.write_all(b"2.0-Test\r\n").await;
                        pause(Duration::from_secs(5)).await;
                    });
                }
            }
            Ok(ours)
        };
        let mut stream = ssh_banner(dial).await;
        let mut banner = [0; 14];
        stream.read_exact(&mut banner).await.unwrap();
        assert_eq!(&banner, b"SSH-2.0-Test\r\n");
    }
}
