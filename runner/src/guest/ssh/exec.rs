//! One program on a connection, as a machine that is driven until it would block. Nothing in here
//! waits.
//!
//! ```text
//!   Opening ─> Asking ─> Running ─> Ending ─> Closing ─> Done
//!                           └─────── let go ─────┘
//! ```

use std::io::{ErrorKind, Read, Write};
use std::sync::Arc;

use bytes::{Buf, Bytes};
use ssh2::Channel;
use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::{mpsc, oneshot};

use crate::guest::command::{ChannelError, Exit, Input, Output};
use crate::guest::pipe::{PipeReader, Ready};
use crate::guest::pulse::Pulse;
use crate::guest::ssh::Terminal;
use crate::guest::ssh::actor::Request;
use crate::guest::ssh::wait::{Connection, would_block};

/// The largest piece that is written at once.
const PIECE: usize = 64 << 10;
/// Standard error's number among a channel's streams.
const STDERR: i32 = 1;

/// What came of driving a program.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Driven {
    /// Something moved; there may be more.
    Moved,
    /// It waits for the other side, or for its caller.
    Waits,
    /// An operation would block in the middle of sending. libssh2 wants it tried again before any
    /// other operation on the same connection.
    Sending,
    /// It is over.
    Done,
}

enum Stage {
    Opening,
    AskingTerminal(Channel, Terminal),
    Asking(Channel),
    Running(Running),
    /// The output has ended; the end itself is on its way.
    Ending(Channel),
    Closing(Channel),
    Done,
}

struct Running {
    channel: Channel,
    input_ended: bool,
    output_ended: bool,
    /// The room for its input at the other side, when it was looked at last.
    window: u32,
}

/// A program.
pub(super) struct Exec {
    stage: Stage,
    line: String,
    terminal: Option<Terminal>,
    input: Source,
    output: Option<mpsc::Sender<Output>>,
    /// What was read of the stream that is the next to be read, less than a piece.
    gathered: Vec<u8>,
    /// A piece that its reader had no room for.
    unsent: Option<Output>,
    exit: Option<oneshot::Sender<Result<Exit, ChannelError>>>,
    pulse: Arc<Pulse>,
    /// Bytes that were read since somebody asked.
    read: usize,
    /// How far driving got within `Running`, so that a blocked operation is the first one tried.
    next: usize,
}

/// Where a program's input comes from.
struct Source {
    current: Bytes,
    pipe: Option<PipeReader>,
}

impl Source {
    fn new(input: Input) -> Self {
        match input {
            Input::Nothing => Self {
                current: Bytes::new(),
                pipe: None,
            },
            Input::Bytes(current) => Self {
                current,
                pipe: None,
            },
            Input::Pipe(pipe) => Self {
                current: Bytes::new(),
                pipe: Some(pipe),
            },
        }
    }

    /// Fetches the next piece if the current one is used up.
    fn fill(&mut self) -> Filled {
        if !self.current.is_empty() {
            return Filled::Yes;
        }
        match self.pipe.as_mut().map_or(Ready::End, PipeReader::try_next) {
            Ready::Piece(piece) => {
                self.current = piece;
                Filled::Yes
            }
            Ready::Later => Filled::Later,
            Ready::End => Filled::End,
        }
    }
}

enum Filled {
    Yes,
    Later,
    End,
}

impl Exec {
    pub(super) fn new(request: Request) -> Self {
        Self {
            stage: Stage::Opening,
            line: request.line,
            terminal: request.terminal,
            input: Source::new(request.input),
            output: Some(request.output),
            gathered: Vec::new(),
            unsent: None,
            exit: Some(request.exit),
            pulse: request.pulse,
            read: 0,
            next: 0,
        }
    }

    /// Whether it is still asking for its channel, of which libssh2 can do one at a time.
    pub(super) fn is_opening(&self) -> bool {
        matches!(self.stage, Stage::Opening)
    }

    /// Ends it because the connection is gone.
    pub(super) fn lose(&mut self, why: &str) {
        self.stage = Stage::Done;
        self.end(Err(ChannelError::Lost(why.to_owned())));
    }

    /// How many bytes were read since this was asked last.
    pub(super) fn take_read(&mut self) -> usize {
        std::mem::take(&mut self.read)
    }

    /// Whether there is nothing left to do for it.
    pub(super) fn is_done(&self) -> bool {
        matches!(self.stage, Stage::Done)
    }

    /// Goes on as far as possible. An error is the connection's end.
    pub(super) fn drive(
        &mut self,
        connection: &Connection,
        buffer: &mut [u8],
    ) -> Result<Driven, String> {
        let driven = match std::mem::replace(&mut self.stage, Stage::Done) {
            Stage::Opening => self.open(connection),
            Stage::AskingTerminal(channel, terminal) => self.ask_terminal(channel, terminal),
            Stage::Asking(channel) => self.ask(channel),
            Stage::Running(running) => self.go_on(connection, running, buffer),
            Stage::Ending(channel) => self.await_end(channel),
            Stage::Closing(channel) => self.close(connection, channel),
            Stage::Done => return Ok(Driven::Done),
        };
        if matches!(driven, Ok(Driven::Moved)) {
            self.pulse.beat();
        }
        match driven {
            Err(error) if is_refusal(&error) => {
                self.end(Err(ChannelError::Refused(error.to_string())));
                Ok(Driven::Done)
            }
            Err(error) => Err(error.to_string()),
            Ok(Driven::Waits) if connection.wants_to_send() => Ok(Driven::Sending),
            Ok(driven) => Ok(driven),
        }
    }

    fn open(&mut self, connection: &Connection) -> Result<Driven, ssh2::Error> {
        match connection.session().channel_session() {
            Ok(channel) => {
                self.stage = match self.terminal.take() {
                    Some(terminal) => Stage::AskingTerminal(channel, terminal),
                    None => Stage::Asking(channel),
                };
                Ok(Driven::Moved)
            }
            Err(error) => self.blocked(error, Stage::Opening),
        }
    }

    fn ask_terminal(
        &mut self,
        mut channel: Channel,
        terminal: Terminal,
    ) -> Result<Driven, ssh2::Error> {
        let size = Some((terminal.columns, terminal.rows, 0, 0));
        match channel.request_pty(&terminal.kind, None, size) {
            Ok(()) => {
                self.stage = Stage::Asking(channel);
                Ok(Driven::Moved)
            }
            Err(error) => self.blocked(error, Stage::AskingTerminal(channel, terminal)),
        }
    }

    fn ask(&mut self, mut channel: Channel) -> Result<Driven, ssh2::Error> {
        let asked = if self.line.is_empty() {
            channel.shell()
        } else {
            channel.exec(&self.line)
        };
        match asked {
            Ok(()) => {
                let running = Running {
                    channel,
                    input_ended: false,
                    output_ended: false,
                    window: 0,
                };
                self.stage = Stage::Running(running);
                Ok(Driven::Moved)
            }
            Err(error) => self.blocked(error, Stage::Asking(channel)),
        }
    }

    /// Writes and reads once each, beginning with what was blocked the last time. Both streams are
    /// always drained: they share one window.
    fn go_on(
        &mut self,
        connection: &Connection,
        mut running: Running,
        buffer: &mut [u8],
    ) -> Result<Driven, ssh2::Error> {
        const PARTS: usize = 3;
        if self.is_unheard() && !connection.wants_to_send() {
            // Nobody listens any more: the program is let go of. Not in the middle of a packet, which only
            // what began it can send to its end, and without which nothing else is ever sent.
            self.output = None;
            self.stage = Stage::Closing(running.channel);
            return Ok(Driven::Moved);
        }
        let mut moved = false;
        for _ in 0..PARTS {
            let part = match self.next {
                0 => self.write(connection, &mut running),
                1 => self.read(connection, &mut running, 0, buffer),
                _ => self.read(connection, &mut running, STDERR, buffer),
            };
            match part {
                Ok(true) => {
                    self.pulse.beat();
                    moved = true;
                }
                Ok(false) => {}
                Err(error) if !would_block(&error) => return Err(error),
                Err(_) if connection.wants_to_send() => {
                    self.stage = Stage::Running(running);
                    return Ok(Driven::Waits);
                }
                // There is nothing to read.
                Err(_) => {}
            }
            self.next = (self.next + 1) % PARTS;
        }
        self.see_window(&mut running);
        if running.output_ended && self.unsent.is_none() && running.channel.eof() {
            self.stage = Stage::Ending(running.channel);
            return Ok(Driven::Moved);
        }
        self.stage = Stage::Running(running);
        Ok(if moved { Driven::Moved } else { Driven::Waits })
    }

    /// What was sent has arrived when the other side makes room for more: so it goes on even where it has been
    /// sent everything, and takes its time.
    fn see_window(&self, running: &mut Running) {
        let window = running.channel.write_window().remaining;
        if window != running.window {
            running.window = window;
            self.pulse.beat();
        }
    }

    /// Whether nobody listens to it any more.
    fn is_unheard(&self) -> bool {
        self.output.as_ref().is_none_or(mpsc::Sender::is_closed)
    }

    /// Lets go of whoever writes its input, once nobody listens any more: the other side may never take it.
    pub(super) fn let_go_of_input(&mut self) {
        if self.is_unheard() {
            self.input.pipe = None;
        }
    }

    /// Sends some input, or its end.
    fn write(
        &mut self,
        connection: &Connection,
        running: &mut Running,
    ) -> Result<bool, ssh2::Error> {
        if running.input_ended {
            return Ok(false);
        }
        match self.input.fill() {
            Filled::Later => {
                // It is the caller's turn.
                self.pulse.beat();
                Ok(false)
            }
            Filled::End if !connection.has_room() => Ok(false),
            Filled::End => {
                running.channel.send_eof()?;
                running.input_ended = true;
                self.pulse.take();
                Ok(true)
            }
            Filled::Yes => {
                let length = self.input.current.len().min(PIECE);
                match running.channel.write(&self.input.current[..length]) {
                    // The other side has no room in its window.
                    Ok(0) => Ok(false),
                    Ok(written) => {
                        self.input.current.advance(written);
                        Ok(true)
                    }
                    Err(error) if error.kind() == ErrorKind::WouldBlock => Err(ssh_error(&error)),
                    // The program does not read any more, which is its own affair.
                    Err(_) => {
                        running.input_ended = true;
                        self.pulse.take();
                        Ok(true)
                    }
                }
            }
        }
    }

    /// Reads some of one stream and hands it on.
    fn read(
        &mut self,
        connection: &Connection,
        running: &mut Running,
        stream: i32,
        buffer: &mut [u8],
    ) -> Result<bool, ssh2::Error> {
        if !self.hand_on() {
            // It is the caller's turn.
            self.pulse.beat();
            return Ok(false);
        }
        let blocked = self.gather(&mut running.channel.stream(stream), buffer);
        if let Some(error) = &blocked
            && (self.gathered.is_empty() || connection.wants_to_send())
        {
            // What has been gathered stays until the same operation goes through.
            return Err(ssh_error(error));
        }
        if self.gathered.is_empty() {
            let ended = running.channel.eof();
            let news = ended && !running.output_ended;
            running.output_ended |= ended;
            return Ok(news);
        }
        let piece = Bytes::from(std::mem::take(&mut self.gathered));
        self.read += piece.len();
        self.unsent = Some(match stream {
            STDERR => Output::Stderr(piece),
            _ => Output::Stdout(piece),
        });
        self.hand_on();
        Ok(true)
    }

    /// Reads until there is no more for now, or a whole piece; why it ended, if that was an error. A
    /// packet is a part of a piece, and to hand on each by itself costs its reader more than it holds.
    fn gather(&mut self, stream: &mut impl Read, buffer: &mut [u8]) -> Option<std::io::Error> {
        while self.gathered.len() < buffer.len() {
            let room = buffer.len() - self.gathered.len();
            match stream.read(&mut buffer[..room]) {
                Ok(0) => return None,
                Ok(length) => self.gathered.extend_from_slice(&buffer[..length]),
                Err(error) => return Some(error),
            }
        }
        None
    }

    /// Gives the kept piece to the reader; whether there is none left.
    fn hand_on(&mut self) -> bool {
        let Some(piece) = self.unsent.take() else {
            return true;
        };
        match self.output.as_ref().map(|output| output.try_send(piece)) {
            Some(Err(TrySendError::Full(piece))) => {
                self.unsent = Some(piece);
                false
            }
            _ => true,
        }
    }

    fn await_end(&mut self, mut channel: Channel) -> Result<Driven, ssh2::Error> {
        if let Err(error) = channel.wait_close() {
            return self.blocked(error, Stage::Ending(channel));
        }
        let exit = exit_of(&channel);
        self.output = None;
        self.end(exit);
        self.stage = Stage::Closing(channel);
        Ok(Driven::Moved)
    }

    fn close(
        &mut self,
        connection: &Connection,
        mut channel: Channel,
    ) -> Result<Driven, ssh2::Error> {
        // It ends the input first, if that has not been done.
        if !connection.wants_to_send() && !connection.has_room() {
            self.stage = Stage::Closing(channel);
            return Ok(Driven::Waits);
        }
        match channel.close() {
            Ok(()) => {
                self.end(Err(ChannelError::Lost("it was let go of".to_owned())));
                Ok(Driven::Done)
            }
            Err(error) => self.blocked(error, Stage::Closing(channel)),
        }
    }

    /// Keeps the stage to be tried again if the operation only would block.
    fn blocked(&mut self, error: ssh2::Error, stage: Stage) -> Result<Driven, ssh2::Error> {
        if !would_block(&error) {
            return Err(error);
        }
        self.stage = stage;
        Ok(Driven::Waits)
    }

    fn end(&mut self, exit: Result<Exit, ChannelError>) {
        self.output = None;
        self.pulse.end();
        if let Some(sender) = self.exit.take() {
            // A caller that went away does not want to know.
            let _ = sender.send(exit);
        }
    }
}

/// A signal comes first: the status of a program that was ended by one reads 0. Windows has codes of
/// 32 bits, which the API shows as signed.
fn exit_of(channel: &Channel) -> Result<Exit, ChannelError> {
    if let Ok(signal) = channel.exit_signal()
        && let Some(name) = signal.exit_signal
    {
        return Ok(Exit::Signal(name));
    }
    match channel.exit_status() {
        Ok(status) => Ok(Exit::Code(status.cast_unsigned())),
        Err(error) => Err(ChannelError::Lost(error.to_string())),
    }
}

/// The error below a stream's: the standard library's form of it keeps only its kind.
fn ssh_error(error: &std::io::Error) -> ssh2::Error {
    const EAGAIN: ssh2::ErrorCode = ssh2::ErrorCode::Session(-37);
    const SOCKET_DISCONNECT: ssh2::ErrorCode = ssh2::ErrorCode::Session(-13);
    let blocked = error.kind() == ErrorKind::WouldBlock;
    ssh2::Error::from_errno(if blocked { EAGAIN } else { SOCKET_DISCONNECT })
}

/// Whether the other side said no to this one program, and goes on with others.
fn is_refusal(error: &ssh2::Error) -> bool {
    // LIBSSH2_ERROR_CHANNEL_FAILURE and LIBSSH2_ERROR_CHANNEL_REQUEST_DENIED.
    matches!(error.code(), ssh2::ErrorCode::Session(-21 | -22))
}
