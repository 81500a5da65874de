//! The one task that owns a connection. It drives every program on it until all of them wait, then
//! waits for the first thing that can change that.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::{Notify, mpsc, oneshot};

use crate::guest::command::{ChannelError, Exit, Input, Output};
use crate::guest::pulse::Pulse;
use crate::guest::ssh::Terminal;
use crate::guest::ssh::exec::{Driven, Exec};
use crate::guest::ssh::wait::Connection;
use crate::host::clock::pause;

/// A program to start.
pub(super) struct Request {
    /// The line for the login shell; empty for the shell itself.
    pub(super) line: String,
    /// The terminal that it gets.
    pub(super) terminal: Option<Terminal>,
    /// What it reads.
    pub(super) input: Input,
    /// Where its output goes.
    pub(super) output: mpsc::Sender<Output>,
    /// Where its end goes.
    pub(super) exit: oneshot::Sender<Result<Exit, ChannelError>>,
    /// Where it is seen that the guest goes on with it.
    pub(super) pulse: Arc<Pulse>,
}

/// The largest piece that is read at once: what gathers while a trickle is left to.
const LARGEST_READ: usize = 128 << 10;

/// Serves requests until nobody can make one any more and nothing runs.
pub(super) async fn run(
    connection: Connection,
    mut requests: mpsc::UnboundedReceiver<Request>,
    waker: Arc<Notify>,
) {
    let mut programs = Programs {
        running: Vec::new(),
        pinned: None,
        buffer: vec![0; LARGEST_READ],
    };
    let mut open = true;
    let mut trickle = Trickle::default();
    let ended = loop {
        let state = match programs.drive(&connection) {
            Ok(state) => state,
            Err(why) => break why,
        };
        if state == Driven::Moved {
            // Others have a turn: a flood from the guest must not starve timers and signals.
            tokio::task::yield_now().await;
            while let Ok(request) = requests.try_recv() {
                programs.add(request, &waker);
            }
            continue;
        }
        if !open && programs.running.is_empty() {
            break "it has ended".to_owned();
        }
        let free = state != Driven::Sending;
        tokio::select! {
            ready = connection.ready() => {
                if let Err(error) = ready { break error.to_string() }
                if trickle.is_one(programs.take_read()) {
                    pause(SIP).await;
                }
            }
            () = waker.notified(), if free => {}
            () = pause(SECOND_LOOK) => {}
            request = requests.recv(), if free && open => match request {
                Some(request) => programs.add(request, &waker),
                None => open = false,
            },
        }
    };
    programs.lose(&ended);
    // First the socket: dropping a session would otherwise wait for the other side.
    connection.shut();
}

/// After so long everything is tried again, whatever the socket says. It is told of changes only, and to
/// miss one would be to wait for ever.
const SECOND_LOOK: Duration = Duration::from_secs(1);

/// How long a trickle is left to gather.
const SIP: Duration = Duration::from_millis(4);

/// Sees output that comes in many small pieces. To be woken for each costs more than the pieces do, and
/// on a small host takes that from the machine which prints them. What comes fast comes in large pieces,
/// and is never held up.
#[derive(Default)]
struct Trickle {
    last: Option<Instant>,
    sips: u32,
}

impl Trickle {
    /// Notes that something came, and how much was read since the last time.
    fn is_one(&mut self, read: usize) -> bool {
        const IN_A_ROW: u32 = 8;
        let now = Instant::now();
        let soon = |last: Instant| now - last < 3 * SIP;
        let sip = (1..LARGEST_READ).contains(&read) && self.last.is_some_and(soon);
        self.last = Some(now);
        self.sips = if sip { self.sips.saturating_add(1) } else { 0 };
        self.sips > IN_A_ROW
    }
}

struct Programs {
    running: Vec<Exec>,
    /// The one that has to be driven before any other.
    pinned: Option<usize>,
    buffer: Vec<u8>,
}

impl Programs {
    fn add(&mut self, request: Request, waker: &Arc<Notify>) {
        if let Input::Pipe(pipe) = &request.input {
            pipe.wake(Arc::clone(waker));
        }
        self.running.push(Exec::new(request));
    }

    fn take_read(&mut self) -> usize {
        self.running.iter_mut().map(Exec::take_read).sum()
    }

    /// Drives each program once, a pinned one first.
    fn drive(&mut self, connection: &Connection) -> Result<Driven, String> {
        // Also of those that have no turn, since another one is stuck in the middle of a packet.
        self.running.iter_mut().for_each(Exec::let_go_of_input);
        let mut moved = false;
        if let Some(index) = self.pinned.take() {
            moved |= match self.drive_one(index, connection)? {
                Driven::Sending => return Ok(Driven::Sending),
                driven => driven == Driven::Moved,
            };
        }
        let mut opening = false;
        for index in 0..self.running.len() {
            // libssh2 opens one channel at a time.
            if self.running[index].is_opening() && std::mem::replace(&mut opening, true) {
                continue;
            }
            match self.drive_one(index, connection)? {
                Driven::Sending => return Ok(Driven::Sending),
                driven => moved |= driven == Driven::Moved,
            }
        }
        let before = self.running.len();
        self.running.retain(|program| !program.is_done());
        moved |= self.running.len() != before;
        Ok(if moved { Driven::Moved } else { Driven::Waits })
    }

    fn drive_one(&mut self, index: usize, connection: &Connection) -> Result<Driven, String> {
        let Some(program) = self.running.get_mut(index) else {
            return Ok(Driven::Waits);
        };
        let driven = program.drive(connection, &mut self.buffer)?;
        self.pinned = (driven == Driven::Sending).then_some(index);
        Ok(driven)
    }

    fn lose(&mut self, why: &str) {
        for program in &mut self.running {
            program.lose(why);
        }
    }
}
