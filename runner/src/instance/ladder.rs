//! The readiness ladder: what a machine answers with, from the outside in. Each rung has a deadline of
//! its own, races with the machine's death, is timed, and on failure names itself.

use std::sync::Arc;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use tokio::net::UnixStream;

use crate::event::{Events, JobEvent, Rung, StartMode};
use crate::failure::InfraFailure;
use crate::guest::channel::{DialectChannel, GuestChannel};
use crate::guest::dialect;
use crate::guest::profile::{DormancyProfile, GuestProfile};
use crate::guest::readiness::{banner_at_once, ssh_banner};
use crate::guest::ssh::{Login, SshTransport};
use crate::host::clock::{Deadline, milliseconds, poll, within};
use crate::vmm::vm::{Port, Vm};

/// The agent and the SSH server start together.
const SSH_BANNER: Duration = Duration::from_secs(120);
/// Key exchange, login and the cheapest command: seconds under emulation.
const COMMAND: Deadline = Deadline::seconds("an answered command", 60);
/// One small program.
const IDENTITY: Deadline = Deadline::seconds("the guest's own clock and key", 30);
/// A server that is frozen with the guest has sent its banner already.
const LOGIN: Deadline = Deadline::seconds("the SSH banner", 5);
/// The agent is asked anew this often while the guest boots.
const AGENT_RETRY: Duration = Duration::from_millis(100);

/// Times the rungs.
#[derive(Debug)]
pub struct Ladder<'a> {
    events: &'a Events,
    last: Instant,
}

impl<'a> Ladder<'a> {
    /// A ladder whose first rung is timed from now on.
    pub fn new(events: &'a Events) -> Self {
        Self {
            events,
            last: Instant::now(),
        }
    }

    /// States that a rung was reached.
    pub fn reached(&mut self, rung: Rung) {
        let now = Instant::now();
        let ms = milliseconds(now - self.last);
        self.last = now;
        self.events.emit(JobEvent::Rung { rung, ms });
    }

    /// States that the virtual CPUs run.
    pub fn started(&self, mode: StartMode, standby: bool) {
        self.events.emit(JobEvent::Started { mode, standby });
    }
}

/// What a guest needs to come up.
#[derive(Debug, Clone)]
pub struct Climb<'a> {
    /// What it is like.
    pub profile: &'a GuestProfile,
    /// Whether it runs the guest agent.
    pub has_agent: bool,
    /// How long it may take to the first rung.
    pub boots: Duration,
    /// How it takes its identity, where it wakes: until then it is the same as every other copy.
    pub wake: Option<&'a DormancyProfile>,
}

/// Climbs the rungs above QEMU, and returns the channel that the last one was reached by.
pub async fn climb(
    vm: &Vm,
    login: &Login,
    Climb {
        profile,
        has_agent,
        boots,
        wake,
    }: Climb<'_>,
    events: &Events,
) -> Result<Arc<dyn GuestChannel>, InfraFailure> {
    let mut ladder = Ladder::new(events);
    // A guest that waits for the host at a port of its own need not be asked by its agent.
    let asks_agent = has_agent && !wake.is_some_and(|wake| wake.wake_port);
    if asks_agent {
        let answers = poll(AGENT_RETRY, || async {
            vm.agent_answers().await.then_some(())
        });
        let deadline = Deadline {
            what: Rung::GuestAgent.describe(),
            after: boots,
        };
        vm.alive(deadline, answers)
            .await
            .map_err(|failure| at(Rung::GuestAgent, failure))?;
        ladder.reached(Rung::GuestAgent);
    }
    let mut begun = None;
    if let Some(wake) = wake {
        begun = take_identity(vm, wake)
            .await
            .map_err(|failure| at(Rung::Identity, failure))?;
        ladder.reached(Rung::Identity);
    }
    let banner = async {
        match begun {
            Some(stream) => stream,
            None => ssh_banner(|| vm.dial_now(Port::Ssh)).await,
        }
    };
    let after = if asks_agent || wake.is_some() {
        SSH_BANNER
    } else {
        boots
    };
    let deadline = Deadline {
        what: Rung::SshBanner.describe(),
        after,
    };
    let stream = vm
        .alive(deadline, banner)
        .await
        .map_err(|f| at(Rung::SshBanner, f))?;
    ladder.reached(Rung::SshBanner);

    let answered = async {
        let transport = SshTransport::connect(stream, login).await?;
        let dialect = dialect::of(profile.dialect);
        let channel = DialectChannel::new(Arc::new(transport), dialect);
        channel.probe().await.map(|()| channel)
    };
    let channel = vm
        .alive(COMMAND, answered)
        .await
        .and_then(|answer| {
            answer.map_err(|error| {
                InfraFailure::transient("the machine does not come up").because(error)
            })
        })
        .map_err(|failure| at(Rung::Command, failure))?;
    ladder.reached(Rung::Command);
    Ok(Arc::new(channel))
}

/// Makes a copy that has just woken a machine of its own. Meanwhile it is connected to, which an emulator
/// does at the same time on another processor. Nothing is sent there, so no key is agreed on.
///
/// Returns the connection to the server that is frozen with the guest, where there is one that answers.
async fn take_identity(
    vm: &Vm,
    wake: &DormancyProfile,
) -> Result<Option<UnixStream>, InfraFailure> {
    let taking = async {
        let time = now();
        if wake.wake_port {
            return vm.wake(&time, IDENTITY).await;
        }
        let part = |part: &String| part.replace("{time}", &time);
        let command: Vec<String> = wake.wake.iter().map(part).collect();
        vm.agent_run(&command, IDENTITY).await
    };
    if wake.login_port {
        // Another would find nobody: there is one such server, for one connection.
        let connecting = within(LOGIN, banner_at_once(|| vm.dial_now(Port::Login)));
        let (taken, begun) = tokio::join!(taking, connecting);
        return taken.map(|()| begun.ok().flatten());
    }
    // Rehearses what the real one does later: an emulator has to translate every program again.
    let rehearsal = async {
        let _held = ssh_banner(|| vm.dial_now(Port::Ssh)).await;
        std::future::pending::<()>().await;
    };
    tokio::select! {
        taken = taking => taken.map(|()| None),
        () = rehearsal => Ok(None),
    }
}

/// Seconds since 1970, with nine decimals.
fn now() -> String {
    let now = Timestamp::now().as_nanosecond();
    format!("{}.{:09}", now / 1_000_000_000, now % 1_000_000_000)
}

/// Names the rung that was not reached.
fn at(rung: Rung, failure: InfraFailure) -> InfraFailure {
    InfraFailure::transient(format!(
        "the guest did not reach the rung of {}",
        rung.describe()
    ))
    .because(failure)
    .help("the serial log and a screenshot of the guest are in the evidence")
}
