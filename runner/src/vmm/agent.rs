//! The guest agent: a program in the guest that the host talks to over a port of its own. Used before
//! anyone can log in. What it answers comes from the guest, and is believed only as far as it concerns
//! the guest.

use std::time::Duration;

use qapi::qga;
use tokio::sync::mpsc;

use crate::failure::InfraFailure;
use crate::host::clock::{Deadline, pause};
use crate::vmm::monitor::{Monitor, MonitorError, unused_number};
use crate::vmm::vm::{Port, Vm};

const ANSWERS: Deadline = Deadline::seconds("the guest agent's answer", 5);
/// How often a program's end is asked for at first; each question costs the guest some of its time.
const FIRST_LOOK: Duration = Duration::from_millis(10);
const LAST_LOOK: Duration = Duration::from_millis(250);
/// As much of a program's words as explains why it failed.
pub(super) const WORDS: usize = 400;

impl Vm {
    /// Whether the guest agent answers, right now.
    pub async fn agent_answers(&self) -> bool {
        self.agent().await.is_some()
    }

    /// Runs a program in the guest, as the system's own user, until it ends or the machine does. A
    /// status other than 0 is a failure, told with what the program said.
    pub async fn agent_run(
        &self,
        command: &[String],
        deadline: Deadline,
    ) -> Result<(), InfraFailure> {
        let running = async {
            let monitor = self
                .agent()
                .await
                .ok_or_else(|| "it does not answer".to_owned())?;
            run(&monitor, command).await
        };
        self.alive(deadline, running).await?.map_err(|why| {
            let name = command.first().map_or("", String::as_str);
            InfraFailure::transient(format!("the guest agent could not run `{name}`")).because(why)
        })
    }

    /// A connection to the agent, if it answers.
    async fn agent(&self) -> Option<Monitor> {
        let stream = self.dial_now(Port::Qga).await.ok()?;
        let (sender, _events) = mpsc::unbounded_channel();
        let monitor = Monitor::start(stream, sender);
        let token = i64::try_from(unused_number()).unwrap_or(i64::MAX);
        let answer = monitor.ask(qga::guest_sync { id: token }, ANSWERS).await;
        answer.is_ok_and(|id| id == token).then_some(monitor)
    }
}

async fn run(monitor: &Monitor, command: &[String]) -> Result<(), String> {
    let in_words = |error: MonitorError| error.to_string();
    let (path, arguments) = command.split_first().ok_or("there is no program")?;
    let start = qga::guest_exec {
        path: path.clone(),
        arg: Some(arguments.to_vec()),
        env: None,
        input_data: None,
        capture_output: Some(qga::GuestExecCaptureOutput::flag(true)),
    };
    let pid = monitor.ask(start, ANSWERS).await.map_err(in_words)?.pid;
    let mut look = FIRST_LOOK;
    loop {
        let asked = monitor.ask(qga::guest_exec_status { pid }, ANSWERS).await;
        let status = asked.map_err(in_words)?;
        if status.exited {
            return match (status.exitcode, status.signal) {
                (Some(0), None) => Ok(()),
                (code, signal) => Err(failed(code, signal, &status.err_data.unwrap_or_default())),
            };
        }
        pause(look).await;
        look = (look * 2).min(LAST_LOOK);
    }
}

fn failed(code: Option<i64>, signal: Option<i64>, words: &[u8]) -> String {
    let words = harmless(words);
    let how = match (code, signal) {
        (_, Some(signal)) => format!("it was ended by signal {signal}"),
        (code, None) => format!("it ended with status {}", code.unwrap_or(-1)),
    };
    if words.is_empty() {
        how
    } else {
        format!("{how}: {words}")
    }
}

/// What a guest says, for people: not too much of it, and nothing that a terminal obeys.
pub(super) fn harmless(words: &[u8]) -> String {
    let words = String::from_utf8_lossy(&words[..words.len().min(WORDS)]);
    words.trim().chars().filter(|c| !c.is_control()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_that_failed_is_quoted_harmlessly() {
        assert_eq!(failed(Some(3), None, b""), "it ended with status 3");
        assert_eq!(
            failed(Some(1), None, b"no \x1b[1mclock\n"),
            "it ended with status 1: no [1mclock"
        );
        assert_eq!(failed(None, Some(9), b""), "it was ended by signal 9");
        let long = [b'x'; 3 * WORDS];
        assert!(failed(Some(1), None, &long).len() < 2 * WORDS);
    }
}
