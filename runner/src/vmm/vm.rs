//! One running machine, as the host sees it: a container with QEMU in it. Others dial its ports, hear
//! of its death and ask for evidence. What its container is made from is the affair of `making`.
//!
//! ```text
//!   making::create ──> start ──> [the monitor answers] ──> close the network ──> resume ──> … ──> remove
//! ```
//!
//! QEMU starts with its virtual CPUs halted. The guest's first instruction runs after the network is
//! closed and the console is being read.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use qapi::qmp;
use tokio::net::UnixStream;
use tokio::sync::{mpsc, watch};

use crate::failure::InfraFailure;
use crate::host::clock::{Deadline, poll, within};
use crate::host::fs::HostileDirectory;
use crate::vmm::bounds::{DiskGuard, network_command};
use crate::vmm::container::{network_changer, network_changer_body};
use crate::vmm::engine::{Engine, is_not_found};
use crate::vmm::machine::{Machine, Network, paths};
use crate::vmm::making::Surroundings;
use crate::vmm::monitor::{Monitor, MonitorError, MonitorEvent};
use crate::vmm::run::{self, Finished};

/// QEMU makes its sockets while it starts.
const SOCKET_APPEARS: Deadline = Deadline::seconds("QEMU's socket", 30);
const SOCKET_RETRY: Duration = Duration::from_millis(5);
const MONITOR_ANSWERS: Deadline = Deadline::seconds("the answer of QEMU's monitor", 30);
/// A QEMU that has nothing to do but wait answers within milliseconds.
const ANSWERS_AT_ONCE: Deadline = Deadline::seconds("the answer of QEMU's monitor", 2);
const END_IS_KNOWN: Deadline = Deadline::seconds("QEMU's end", 3);
const WORDS: Deadline = Deadline::seconds("QEMU's own words", 5);
const SCREENSHOT: Deadline = Deadline::seconds("a screenshot", 10);
const NETWORK_CHANGES: Deadline = Deadline::seconds("the change of the machine's network", 60);
const CLOSE_NETWORK: &str = "/usr/lib/dormer/close-network";
const SCREENSHOT_LIMIT: u64 = 16 << 20;

/// What can be dialled on a machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Port {
    /// The guest's SSH server. That a connection is made proves nothing: wait for the banner.
    Ssh,
    /// The guest's SSH server that is frozen with it, for one connection.
    Login,
    /// QEMU's monitor.
    Qmp,
    /// QEMU's second monitor, for what takes long.
    QmpSlow,
    /// The guest agent.
    Qga,
    /// The process in a woken guest that makes it a machine of its own.
    Wake,
    /// The serial console.
    Serial,
}

impl Port {
    fn socket(self) -> &'static str {
        match self {
            Self::Ssh => "ssh.sock",
            Self::Login => "login.sock",
            Self::Qmp => "qmp.sock",
            Self::QmpSlow => "qmp-slow.sock",
            Self::Qga => "qga.sock",
            Self::Wake => "wake.sock",
            Self::Serial => "serial.sock",
        }
    }
}

/// A machine's end that nobody here asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Death {
    /// QEMU's exit status; −1 if the container is gone.
    pub status: i64,
}

impl Death {
    /// Whether QEMU itself crashed: a signal that nobody sends, which the engine reports as 128 and its
    /// number.
    pub fn is_crash(&self) -> bool {
        const CRASHES: [i64; 5] = [4, 6, 7, 8, 11];
        CRASHES.contains(&(self.status - 128))
    }

    /// In words.
    pub fn describe(&self) -> String {
        match self.status {
            -1 => "its container was removed".to_owned(),
            0 => "the guest shut itself down".to_owned(),
            // The engine reports a signal as 128 and its number; 9 is also how the kernel ends what
            // takes more memory than it may.
            137 => "QEMU was killed (from outside, or for want of memory)".to_owned(),
            // The kernel's limit for a file, which is above the one that a living job watches.
            153 => "QEMU was ended, since its disk came to its limit".to_owned(),
            // The signal for memory that is a file and can't grow.
            135 => "QEMU could not write to memory (a full disk, where that is a file)".to_owned(),
            status => format!("QEMU ended with status {status}"),
        }
    }
}

/// Why a machine's network is as it was.
enum NotChanged {
    /// The program did not run to its end.
    NotRun(InfraFailure),
    /// It did, and says this.
    Refused(String),
}

impl NotChanged {
    fn into_failure(self, what: &str) -> InfraFailure {
        match self {
            Self::NotRun(failure) => failure,
            Self::Refused(words) => InfraFailure::new(what).because(words),
        }
    }
}

/// A machine's container.
#[derive(Debug, Clone)]
pub struct Vm {
    engine: Engine,
    name: String,
    own: PathBuf,
    directory: Arc<HostileDirectory>,
    death: watch::Receiver<Option<Death>>,
}

/// The container's name for an instance.
pub fn container_name(instance: &str) -> String {
    format!("dormer-{instance}")
}

impl Vm {
    /// Starts the container that was created for an instance. The CPUs stay halted.
    pub async fn start(engine: &Engine, instance: &str, own: &Path) -> Result<Self, InfraFailure> {
        run::start(engine, &container_name(instance)).await?;
        Self::attach(engine, instance, own)
    }

    /// A machine that runs already, started by this process or another.
    pub fn attach(engine: &Engine, instance: &str, own: &Path) -> Result<Self, InfraFailure> {
        let directory = HostileDirectory::open(own).map_err(|error| {
            InfraFailure::new(format!(
                "cannot open the directory of the machine `{instance}`"
            ))
            .because(error)
        })?;
        let name = container_name(instance);
        let death = watch_for_death(engine.clone(), name.clone());
        let directory = Arc::new(directory);
        Ok(Self {
            engine: engine.clone(),
            name,
            own: own.to_owned(),
            directory,
            death,
        })
    }

    /// Connects to one of the machine's ports, as soon as it is there.
    pub async fn dial(&self, port: Port) -> Result<UnixStream, InfraFailure> {
        let name = port.socket();
        let connected = poll(SOCKET_RETRY, || async {
            self.directory.connect(name).await.ok()
        });
        self.alive(SOCKET_APPEARS, connected).await
    }

    /// Connects to a port that is there already.
    pub async fn dial_now(&self, port: Port) -> std::io::Result<UnixStream> {
        self.directory.connect(port.socket()).await
    }

    /// Waits for `work`, but no longer than the machine lives.
    pub async fn alive<T>(
        &self,
        deadline: Deadline,
        work: impl Future<Output = T>,
    ) -> Result<T, InfraFailure> {
        tokio::select! {
            biased;
            death = self.died() => Err(InfraFailure::transient(format!(
                "the machine ended while waiting for {}: {}", deadline.what, death.describe()
            ))),
            done = within(deadline, work) => done.map_err(|late| {
                InfraFailure::transient("the machine does not come up").because(late)
            }),
        }
    }

    /// Returns when the machine has ended.
    pub async fn died(&self) -> Death {
        let mut death = self.death.clone();
        loop {
            if let Some(found) = death.borrow_and_update().clone() {
                return found;
            }
            if death.changed().await.is_err() {
                return Death { status: -1 };
            }
        }
    }

    /// How the machine ended, if it has.
    pub fn death(&self) -> Option<Death> {
        self.death.borrow().clone()
    }

    /// Connects to the monitor and agrees on its protocol.
    pub async fn monitor(&self) -> Result<QemuMonitor, InfraFailure> {
        match self.monitor_on(Port::Qmp).await {
            Ok(monitor) => Ok(monitor),
            Err(failure) => Err(self.why_not_started(failure).await),
        }
    }

    /// A QEMU that ends while it starts has said why on its standard error. Its monitor breaks off a
    /// moment before the engine knows of the end.
    async fn why_not_started(&self, failure: InfraFailure) -> InfraFailure {
        let Ok(death) = within(END_IS_KNOWN, self.died()).await else {
            return failure;
        };
        let words = within(WORDS, self.words()).await.unwrap_or_default();
        InfraFailure::transient("the machine did not start").because(last_words(&death, &words))
    }

    /// The same for a machine that started long ago, and so either answers at once or not at all.
    pub async fn monitor_now(&self) -> Result<QemuMonitor, InfraFailure> {
        let failed = || InfraFailure::transient("the machine does not answer any more");
        let answered = within(ANSWERS_AT_ONCE, async {
            let stream = self.dial_now(Port::Qmp).await;
            self.greet(stream.map_err(|error| failed().because(error))?)
                .await
        });
        answered.await.map_err(|late| failed().because(late))?
    }

    async fn monitor_on(&self, port: Port) -> Result<QemuMonitor, InfraFailure> {
        self.greet(self.dial(port).await?).await
    }

    async fn greet(&self, stream: UnixStream) -> Result<QemuMonitor, InfraFailure> {
        let (sender, events) = mpsc::unbounded_channel();
        let monitor = Monitor::start(stream, sender);
        let greeted = monitor.ask(qmp::qmp_capabilities { enable: None }, MONITOR_ANSWERS);
        self.alive(MONITOR_ANSWERS, greeted)
            .await?
            .map_err(|error| monitor_failed(&error))?;
        let guard = DiskGuard::default();
        Ok(QemuMonitor {
            monitor,
            events,
            guard,
        })
    }

    /// Closes the network of a machine that has one, and bounds its rate, before its CPUs run.
    pub async fn close_network(
        &self,
        instance: &str,
        machine: &Machine,
        surroundings: &Surroundings,
    ) -> Result<(), InfraFailure> {
        if machine.network == Network::None {
            return Ok(());
        }
        let rules = surroundings.rules.clone();
        let close = self.change_network(instance, surroundings, CLOSE_NETWORK, rules);
        close.await.map_err(|why| {
            why.into_failure("cannot close the machine's network, so it does not get one")
                .help("run with `--network none`, or see `docs/security.md`")
        })?;
        let Some(rate) = surroundings.bounds.rates.network_bytes else {
            return Ok(());
        };
        let bound = self.change_network(instance, surroundings, "/bin/sh", network_command(rate));
        bound.await.map_err(|why| {
            why.into_failure("cannot bound the rate of the machine's network")
                .help("the kernel lacks a part of what it takes; run without `--network-rate`")
        })
    }

    /// Runs a program of the VM container once in the machine's network, with the right to change that.
    async fn change_network(
        &self,
        instance: &str,
        surroundings: &Surroundings,
        program: &str,
        arguments: Vec<String>,
    ) -> Result<(), NotChanged> {
        let labels = surroundings.labels.clone();
        let image = &surroundings.image;
        let changer = network_changer(image, &self.name, program, arguments, labels);
        let name = format!("{}-network", container_name(instance));
        let body = network_changer_body(&changer);
        let finished = run::to_end(&self.engine, &name, body, NETWORK_CHANGES).await;
        match finished.map_err(NotChanged::NotRun)? {
            Finished { status: 0, .. } => Ok(()),
            Finished { output, .. } => Err(NotChanged::Refused(output.trim().to_owned())),
        }
    }

    /// QEMU's own words.
    pub async fn words(&self) -> String {
        run::output(&self.engine, &self.name).await
    }

    /// What the screen shows, as a PNG file's bytes.
    pub async fn screenshot(&self) -> Result<Vec<u8>, InfraFailure> {
        const NAME: &str = "screenshot.png";
        let monitor = self.monitor_on(Port::QmpSlow).await?;
        let command = qmp::screendump {
            filename: format!("{}/{NAME}", paths::OWN),
            device: None,
            head: None,
            format: Some(qmp::ImageFormat::png),
        };
        monitor
            .monitor
            .ask(command, SCREENSHOT)
            .await
            .map_err(|error| monitor_failed(&error))?;
        self.directory
            .read(NAME, SCREENSHOT_LIMIT)
            .map_err(|error| InfraFailure::new("cannot read the screenshot").because(error))
    }

    /// Where the machine's files are on the host.
    pub fn own_directory(&self) -> &Path {
        &self.own
    }
}

/// Ends a machine, whatever it is doing, and everything of its name on the engine.
pub async fn remove(engine: &Engine, instance: &str) -> Result<(), InfraFailure> {
    let name = container_name(instance);
    run::remove(engine, &format!("{name}-network")).await?;
    run::remove(engine, &name).await
}

/// The monitor of a machine's QEMU.
#[derive(Debug)]
pub struct QemuMonitor {
    monitor: Monitor,
    events: mpsc::UnboundedReceiver<MonitorEvent>,
    guard: DiskGuard,
}

impl QemuMonitor {
    pub(super) fn monitor(&self) -> &Monitor {
        &self.monitor
    }

    /// Lets the virtual CPUs run.
    pub async fn resume(&self) -> Result<(), InfraFailure> {
        let resumed = self.monitor.ask(qmp::cont {}, MONITOR_ANSWERS).await;
        resumed.map(|_| ()).map_err(|error| monitor_failed(&error))
    }

    /// Has the machine stopped once its files come to a limit.
    pub async fn guard_disk(&mut self, limit: u64, vm: &Vm) -> Result<(), InfraFailure> {
        self.guard = DiskGuard::new(limit, Arc::clone(&vm.directory));
        let armed = self.guard.arm(&self.monitor).await;
        armed.map_err(|error| monitor_failed(&error))
    }

    /// Returns when QEMU tells of something that the machine does not recover from, or its disk has come to
    /// its limit.
    pub async fn trouble(&mut self) -> InfraFailure {
        loop {
            if let Some(failure) = self.guard.check(&self.monitor).await {
                return failure;
            }
            let told = tokio::select! {
                told = self.events.recv() => told,
                () = self.guard.pause() => continue,
            };
            match told {
                Some(event) => {
                    self.guard.hear(&event);
                    if let Some(failure) = fatal(&event) {
                        return failure;
                    }
                }
                // The connection is gone, and with it the machine; who waits for its death hears of that.
                None => return std::future::pending().await,
            }
        }
    }
}

/// What an event means, if it is the machine's end.
fn fatal(event: &MonitorEvent) -> Option<InfraFailure> {
    match event.name.as_str() {
        // QEMU stops the machine when its disk can't be written; it would wait for ever.
        "BLOCK_IO_ERROR" if event.data["action"] == "stop" => {
            if event.data["nospace"] == true {
                return Some(
                    InfraFailure::new("the machine's disk cannot grow: the host's disk is full")
                        .help("make room, or set DORMER_HOME to a larger disk"),
                );
            }
            let why = event.data["reason"]
                .as_str()
                .unwrap_or("no reason given")
                .to_owned();
            Some(InfraFailure::new("the machine's disk cannot be used").because(why))
        }
        // QEMU ends in good order then, as if the guest had shut itself down.
        "SHUTDOWN" if event.data["reason"] == "host-signal" => Some(
            InfraFailure::transient("the machine ended")
                .because("its container was stopped, or the container engine was"),
        ),
        "GUEST_PANICKED" => Some(InfraFailure::transient("the guest's system crashed")),
        _ => None,
    }
}

/// How a QEMU ended, with the last that it said.
fn last_words(death: &Death, words: &str) -> String {
    let said = words.lines().map(str::trim).rfind(|line| !line.is_empty());
    match said {
        Some(line) => format!("{}: {line}", death.describe()),
        None => death.describe(),
    }
}

fn monitor_failed(error: &MonitorError) -> InfraFailure {
    InfraFailure::transient("QEMU's monitor does not do as it is told").because(error.to_string())
}

/// Asks the engine in a task of its own to tell when the container ends.
fn watch_for_death(engine: Engine, name: String) -> watch::Receiver<Option<Death>> {
    let (sender, receiver) = watch::channel(None);
    tokio::spawn(async move {
        let ended = async {
            loop {
                let status = run::wait(&engine, &name).await;
                // The engine may have been restarted while its containers went on.
                if status != -1 || !still_runs(&engine, &name).await {
                    return status;
                }
            }
        };
        tokio::select! {
            status = ended => { let _ = sender.send(Some(Death { status })); }
            () = sender.closed() => {}
        }
    });
    receiver
}

/// Whether a container runs, as far as the engine says within a while.
async fn still_runs(engine: &Engine, name: &str) -> bool {
    const ATTEMPTS: u32 = 20;
    for _ in 0..ATTEMPTS {
        match engine.api().inspect_container(name, None).await {
            Ok(found) => return found.state.and_then(|state| state.running).unwrap_or(false),
            Err(error) if is_not_found(&error) => return false,
            Err(_) => crate::host::clock::pause(Duration::from_millis(500)).await,
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn event(name: &str, data: serde_json::Value) -> MonitorEvent {
        let name = name.to_owned();
        MonitorEvent { name, data }
    }

    #[test]
    fn a_qemu_that_does_not_start_is_quoted() {
        let death = Death { status: 1 };
        let words = "warning\nqemu: cannot set up guest memory\n\n";
        assert_eq!(
            last_words(&death, words),
            "QEMU ended with status 1: qemu: cannot set up guest memory"
        );
        assert_eq!(last_words(&death, "\n"), "QEMU ended with status 1");
    }

    #[test]
    fn a_crash_is_told_from_an_end_that_somebody_wanted() {
        for status in [134, 139] {
            assert!(Death { status }.is_crash());
        }
        // Gone, shut down, failed, killed, terminated.
        for status in [-1, 0, 1, 137, 143] {
            assert!(!Death { status }.is_crash());
        }
    }

    #[test]
    fn a_full_disk_ends_a_machine_and_a_reported_error_does_not() {
        let full = event("BLOCK_IO_ERROR", json!({"action": "stop", "nospace": true}));
        assert!(
            fatal(&full)
                .unwrap()
                .message
                .contains("the host's disk is full")
        );
        let reported = event(
            "BLOCK_IO_ERROR",
            json!({"action": "report", "nospace": true}),
        );
        assert!(fatal(&reported).is_none());
        assert!(fatal(&event("RTC_CHANGE", json!({}))).is_none());
        let of = |reason| event("SHUTDOWN", json!({"guest": false, "reason": reason}));
        let stopped = fatal(&of("host-signal")).expect("it is the end");
        assert!(crate::failure::with_causes(&stopped).contains("was stopped"));
        // What the guest does itself, and what we ask for, is known by the end of QEMU.
        assert!(fatal(&of("guest-shutdown")).is_none());
        assert!(fatal(&of("host-qmp-quit")).is_none());
    }
}
