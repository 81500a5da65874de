//! A libssh2 session without blocking: the socket is watched by the runtime, and what would block is
//! tried again when the socket is ready.

use std::io::ErrorKind;
use std::sync::atomic::{AtomicBool, Ordering};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use ssh2::{BlockDirections, ErrorCode, Session};
use tokio::io::Interest;
use tokio::net::UnixStream;

use crate::guest::command::ChannelError;

/// libssh2's word for "it would block".
const EAGAIN: ErrorCode = ErrorCode::Session(-37);

/// Whether an operation only has to be tried again.
pub(super) fn would_block(error: &ssh2::Error) -> bool {
    error.code() == EAGAIN
}

/// A session and its socket.
pub(super) struct Connection {
    session: Session,
    /// The same socket as the session's, for the runtime to watch and for us to shut.
    socket: UnixStream,
    /// Whether somebody waits for room in the socket, without having begun to send.
    wants_room: AtomicBool,
}

impl Connection {
    pub(super) fn new(stream: UnixStream) -> std::io::Result<Self> {
        let stream = stream.into_std()?;
        stream.set_nonblocking(true)?;
        let socket = UnixStream::from_std(stream.try_clone()?)?;
        let mut session = Session::new().map_err(std::io::Error::other)?;
        session.set_tcp_stream(stream);
        session.set_blocking(false);
        Ok(Self {
            session,
            socket,
            wants_room: AtomicBool::new(false),
        })
    }

    pub(super) fn session(&self) -> &Session {
        &self.session
    }

    pub(super) async fn handshake(&self) -> Result<(), ChannelError> {
        let mut session = self.session.clone();
        self.until_done("shaking hands", || session.handshake())
            .await
    }

    pub(super) fn expect_host_key(&self, expected: &[u8]) -> Result<(), ChannelError> {
        match self.session.host_key() {
            Some((key, _)) if key == expected => Ok(()),
            _ => Err(ChannelError::Refused(
                "its host key is not the one that this machine was given".to_owned(),
            )),
        }
    }

    pub(super) async fn log_in(&self, user: &str, key: &str) -> Result<(), ChannelError> {
        self.until_done("logging in", || {
            self.session.userauth_pubkey_memory(user, None, key, None)
        })
        .await
    }

    /// Whether an operation that would block waits to send.
    pub(super) fn wants_to_send(&self) -> bool {
        matches!(
            self.session.block_directions(),
            BlockDirections::Outbound | BlockDirections::Both
        )
    }

    /// Whether the socket takes a small packet whole. If not, it is waited for.
    ///
    /// The end of an input has to be sent in one piece: libssh2 keeps that packet on the stack and knows a
    /// packet that is half sent by its address, which is another one when our task goes on in another
    /// thread. It would never be sent to its end, and nothing after it.
    pub(super) fn has_room(&self) -> bool {
        // A socket is writable when there is room for more than such a packet.
        let mut socket = [PollFd::new(&self.socket, PollFlags::OUT)];
        let at_once = Timespec::default();
        let has_room = poll(&mut socket, Some(&at_once)).is_ok_and(|ready| ready > 0);
        if !has_room {
            self.wants_room.store(true, Ordering::Relaxed);
        }
        has_room
    }

    /// Waits until the socket can be read, or written if that is what the session waits for.
    pub(super) async fn ready(&self) -> std::io::Result<()> {
        let sending = self.wants_room.swap(false, Ordering::Relaxed) || self.wants_to_send();
        ready(&self.socket, sending).await
    }

    /// Ends the connection under the session, so that nothing waits for the other side any more.
    pub(super) fn shut(&self) {
        let _ = rustix::net::shutdown(&self.socket, rustix::net::Shutdown::Both);
    }

    async fn until_done<T>(
        &self,
        what: &str,
        mut attempt: impl FnMut() -> Result<T, ssh2::Error>,
    ) -> Result<T, ChannelError> {
        loop {
            match attempt() {
                Ok(done) => return Ok(done),
                Err(error) if would_block(&error) => self
                    .ready()
                    .await
                    .map_err(|error| ChannelError::Lost(format!("{what}: {error}")))?,
                Err(error) => return Err(ChannelError::Lost(format!("{what}: {error}"))),
            }
        }
    }
}

/// Waits until a socket can be read or, if `sending`, written.
async fn ready(socket: &UnixStream, sending: bool) -> std::io::Result<()> {
    let mut interest = Interest::READABLE;
    if sending {
        interest |= Interest::WRITABLE;
    }
    socket.ready(interest).await?;
    // Forgotten before the next try: what comes in between makes the socket ready again. The session
    // reads by itself, so the runtime is told what it would have seen. One direction at a time: of a
    // combined interest tokio forgets nothing, and a wait to send would never wait.
    let would_block = || Err::<(), _>(ErrorKind::WouldBlock.into());
    let _ = socket.try_io(Interest::READABLE, would_block);
    if sending {
        let _ = socket.try_io(Interest::WRITABLE, would_block);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    /// A full socket is waited for, not asked again and again: that would take a processor from the
    /// machine that has to empty it.
    #[tokio::test]
    async fn a_full_socket_is_waited_for() {
        let (socket, other) = UnixStream::pair().unwrap();
        while socket.try_write(&[0; 4096]).is_ok() {}
        // What was known before the socket was full is forgotten in the first waits.
        let mut waits = 0;
        while tokio::time::timeout(Duration::from_millis(100), ready(&socket, true))
            .await
            .is_ok()
        {
            waits += 1;
            assert!(waits < 10, "it does not wait");
        }
        let mut buffer = vec![0; 1 << 20];
        while other.try_read(&mut buffer).is_ok() {}
        ready(&socket, true).await.unwrap();
    }
}
