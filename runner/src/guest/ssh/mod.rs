//! SSH to a guest, over any stream that the machine's port gives. The host key is pinned; the login is
//! by key. One connection carries every command: a new one costs half a second under emulation.

mod actor;
mod exec;
mod wait;

use std::sync::Arc;

use async_trait::async_trait;
use tokio::net::UnixStream;
use tokio::sync::{Notify, mpsc, oneshot};

use crate::guest::command::{ChannelError, Input};
use crate::guest::pipe;
use crate::guest::pulse::Pulse;
use crate::guest::ssh::actor::Request;
use crate::guest::transport::{Started, Transport};

/// Ciphers by what they cost under emulation, cheapest first; AES is an instruction of the host's.
const CIPHERS: &str =
    "aes128-gcm@openssh.com,aes256-gcm@openssh.com,chacha20-poly1305@openssh.com,aes128-ctr";

/// What this client calls itself. A server that is frozen with a guest has been told so already
/// (`DormancyProfile::login_port`), so it stays as it is.
const BANNER: &str = "SSH-2.0-Dormer";

/// Who logs in, and whom they expect.
#[derive(Debug, Clone)]
pub struct Login {
    /// The user's name in the guest.
    pub user: String,
    /// The private key, in OpenSSH's format.
    pub private_key: String,
    /// The guest's public key, in SSH's wire format.
    pub host_key: Vec<u8>,
}

/// A terminal, for a shell that somebody types into.
#[derive(Debug, Clone)]
pub struct Terminal {
    /// Its kind, as in `xterm`.
    pub kind: String,
    /// Its width in characters.
    pub columns: u32,
    /// Its height in characters.
    pub rows: u32,
}

/// An SSH connection. It ends when the last user of it is dropped.
#[derive(Debug)]
pub struct SshTransport {
    requests: mpsc::UnboundedSender<Request>,
    waker: Arc<Notify>,
}

impl SshTransport {
    /// Shakes hands, checks the guest's key and logs in. The caller bounds the time.
    pub async fn connect(stream: UnixStream, login: &Login) -> Result<Self, ChannelError> {
        let connection = wait::Connection::new(stream).map_err(|error| lost(&error.to_string()))?;
        let session = connection.session();
        session
            .set_banner(BANNER)
            .map_err(|error| lost(error.message()))?;
        let prefer = |kind| session.method_pref(kind, CIPHERS);
        prefer(ssh2::MethodType::CryptCs).map_err(|error| lost(error.message()))?;
        prefer(ssh2::MethodType::CryptSc).map_err(|error| lost(error.message()))?;
        connection.handshake().await?;
        connection.expect_host_key(&login.host_key)?;
        connection.log_in(&login.user, &login.private_key).await?;

        let (requests, receiver) = mpsc::unbounded_channel();
        let waker = Arc::new(Notify::new());
        tokio::spawn(actor::run(connection, receiver, Arc::clone(&waker)));
        Ok(Self { requests, waker })
    }

    /// Starts the login shell, for somebody who types or for commands from a pipe.
    pub fn shell(&self, terminal: Option<Terminal>, input: Input) -> Result<Started, ChannelError> {
        self.request(String::new(), terminal, input)
    }

    fn request(
        &self,
        line: String,
        terminal: Option<Terminal>,
        input: Input,
    ) -> Result<Started, ChannelError> {
        let (output, reader) = pipe::read_side(Arc::clone(&self.waker));
        let (exit, ended) = oneshot::channel();
        let pulse = Pulse::new();
        let request = Request {
            line,
            terminal,
            input,
            output,
            exit,
            pulse: Arc::clone(&pulse),
        };
        self.requests
            .send(request)
            .map_err(|_| lost("it has ended"))?;
        Ok(Started {
            output: reader,
            exit: ended,
            pulse,
        })
    }
}

#[async_trait]
impl Transport for SshTransport {
    async fn start(&self, line: &str, input: Input) -> Result<Started, ChannelError> {
        self.request(line.to_owned(), None, input)
    }
}

fn lost(why: &str) -> ChannelError {
    ChannelError::Lost(why.to_owned())
}
