//! What bounds a machine from outside while it runs: how much its disk may grow to, how fast disk and
//! network may be. Set by QEMU's monitor and in the machine's network, never on the command line: a template
//! is the same whatever bounds the machines that wake from it.
//!
//! QEMU cannot bound what an overlay takes. It can tell at once when a write goes beyond an offset of the
//! overlay's file, and then it is looked how much the machine's files really take; that is looked at every
//! second too, since a QEMU that a guest has taken over need not tell. Behind both stands the kernel's own
//! limit for a file, which holds also when nobody watches any more: for a machine that was kept, or whose
//! process was killed.

use std::sync::Arc;
use std::time::Duration;

use qapi::qmp;

use crate::failure::InfraFailure;
use crate::host::clock::{Deadline, pause};
use crate::host::fs::HostileDirectory;
use crate::vmm::arguments::{DISK, OVERLAY_NODE};
use crate::vmm::machine::Rates;
use crate::vmm::monitor::{Monitor, MonitorError, MonitorEvent};
use crate::vmm::vm::QemuMonitor;

const ANSWERS: Deadline = Deadline::seconds("the answer of QEMU's monitor", 30);
/// A machine that is over its limit is removed soon; one that does not stop is not waited for.
const STOPS: Deadline = Deadline::seconds("the machine's virtual CPUs to stop", 5);
/// How often the size of a machine's files is looked at though QEMU says nothing.
const LOOK: Duration = Duration::from_secs(1);
/// A threshold that was passed is set anew no nearer than this.
const STEP: u64 = 1 << 20;
/// How far the kernel's limit is above the one that is watched: what may be under way when it is reached.
const SLACK: u64 = 256 << 20;

/// The kernel's limit for a file of a machine whose files may take so much. None if it is too large to be
/// one.
pub(super) fn file_limit(disk: u64) -> Option<u64> {
    disk.checked_add(SLACK)
}

/// What bounds a machine's network, as the engine's one-shot container runs it.
pub(super) fn network_command(bytes: u64) -> Vec<String> {
    const SCRIPT: &str = include_str!("bound-network.sh");
    ["-c", SCRIPT, "bound-network", &bytes.to_string()]
        .map(str::to_owned)
        .to_vec()
}

/// Watches what a machine's files take. By default there is no limit.
#[derive(Debug, Default)]
pub(super) struct DiskGuard {
    watched: Option<(u64, Arc<HostileDirectory>)>,
    /// Whether QEMU has told that the threshold was passed, and has none any more.
    passed: bool,
}

impl DiskGuard {
    pub(super) fn new(limit: u64, directory: Arc<HostileDirectory>) -> Self {
        Self {
            watched: Some((limit, directory)),
            passed: false,
        }
    }

    /// Has QEMU tell when the overlay's file becomes larger than what is left.
    pub(super) async fn arm(&self, monitor: &Monitor) -> Result<(), MonitorError> {
        let Some((limit, _)) = self.watched else {
            return Ok(());
        };
        // Its length is at most what it takes and what was given back in between.
        let left = limit.saturating_sub(self.taken());
        let length = self.length();
        let threshold = qmp::block_set_write_threshold {
            node_name: OVERLAY_NODE.to_owned(),
            write_threshold: length.saturating_add(left.max(STEP)),
        };
        monitor.ask(threshold, ANSWERS).await.map(drop)
    }

    /// Takes note of what QEMU tells.
    pub(super) fn hear(&mut self, event: &MonitorEvent) {
        let ours = event.data["node-name"] == OVERLAY_NODE;
        self.passed |= event.name == "BLOCK_WRITE_THRESHOLD" && ours;
    }

    /// Stops the machine if its files take more than they may, and says so. Can be dropped at any time, and
    /// asked again.
    pub(super) async fn check(&mut self, monitor: &Monitor) -> Option<InfraFailure> {
        let limit = self.watched.as_ref().map(|(limit, _)| *limit)?;
        if self.taken() >= limit {
            // A machine that can't be stopped is removed all the same.
            let _ = monitor.ask(qmp::stop {}, STOPS).await;
            return Some(full(limit));
        }
        // Room was given back since. What can't be armed is still looked at every second.
        if self.passed && self.arm(monitor).await.is_ok() {
            self.passed = false;
        }
        None
    }

    /// Returns when it is time to look again; never, if there is nothing to look at.
    pub(super) async fn pause(&self) {
        match self.watched {
            Some(_) => pause(LOOK).await,
            None => std::future::pending().await,
        }
    }

    fn taken(&self) -> u64 {
        let directory = self.watched.as_ref().map(|(_, directory)| directory);
        directory.map_or(0, |directory| directory.size_on_disk().unwrap_or(0))
    }

    fn length(&self) -> u64 {
        const NAME: &str = "overlay.qcow2";
        let directory = self.watched.as_ref().map(|(_, directory)| directory);
        directory.map_or(0, |directory| directory.length(NAME).unwrap_or(0))
    }
}

fn full(limit: u64) -> InfraFailure {
    let limit = bytesize::ByteSize(limit).display().iec();
    InfraFailure::new(format!(
        "the machine's disk came to its limit: what the job wrote takes {limit} on the host, which is \
         all that it may"
    ))
    .help(
        "write less, or raise the limit: `--disk-limit`, or `machine.disk_limit` in dormer.toml; \
         without one it depends on how much of the host's disk is free",
    )
}

impl QemuMonitor {
    /// Bounds how fast the guest's disk is.
    pub async fn throttle(&self, rates: &Rates) -> Result<(), InfraFailure> {
        let rate =
            |rate: Option<u64>| rate.map_or(0, |rate| i64::try_from(rate).unwrap_or(i64::MAX));
        if rates.disk_bytes.is_none() && rates.disk_operations.is_none() {
            return Ok(());
        }
        let throttle = qmp::block_set_io_throttle(throttle(
            rate(rates.disk_bytes),
            rate(rates.disk_operations),
        ));
        let asked = self.monitor().ask(throttle, ANSWERS).await;
        asked.map(drop).map_err(|error| {
            InfraFailure::new("cannot bound the rate of the machine's disk").because(error)
        })
    }
}

/// Zero is unbounded.
#[expect(deprecated, reason = "the type has a field for the old name too")]
fn throttle(bytes: i64, operations: i64) -> qmp::BlockIOThrottle {
    qmp::BlockIOThrottle {
        // The device on the bus is only the frame of the one that has the disk.
        id: Some(format!("/machine/peripheral/{DISK}/virtio-backend")),
        device: None,
        bps: bytes,
        bps_rd: 0,
        bps_wr: 0,
        iops: operations,
        iops_rd: 0,
        iops_wr: 0,
        bps_max: None,
        bps_max_length: None,
        bps_rd_max: None,
        bps_rd_max_length: None,
        bps_wr_max: None,
        bps_wr_max_length: None,
        group: None,
        iops_max: None,
        iops_max_length: None,
        iops_rd_max: None,
        iops_rd_max_length: None,
        iops_size: None,
        iops_wr_max: None,
        iops_wr_max_length: None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};
    use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, duplex};
    use tokio::sync::mpsc;

    use super::*;

    /// A monitor that agrees to everything, and what it was asked.
    fn monitor() -> (Monitor, mpsc::UnboundedReceiver<Value>) {
        let (ours, theirs) = duplex(1 << 16);
        let (sender, _) = mpsc::unbounded_channel();
        let (asked, received) = mpsc::unbounded_channel();
        tokio::spawn(async move {
            let mut peer = BufReader::new(theirs);
            let mut line = String::new();
            while peer
                .read_line(&mut line)
                .await
                .is_ok_and(|length| length > 0)
            {
                let question: Value = serde_json::from_str(&line).unwrap();
                let answer = json!({"return": {}, "id": question["id"]});
                peer.write_all(format!("{answer}\n").as_bytes())
                    .await
                    .unwrap();
                let _ = asked.send(question);
                line.clear();
            }
        });
        (Monitor::start(ours, sender), received)
    }

    fn passed(node: &str) -> MonitorEvent {
        MonitorEvent {
            name: "BLOCK_WRITE_THRESHOLD".to_owned(),
            data: json!({"node-name": node, "amount-exceeded": 1, "write-threshold": 2}),
        }
    }

    #[tokio::test]
    async fn a_disk_at_its_limit_stops_the_machine_and_another_is_watched_on() {
        let directory = tempfile::tempdir().unwrap();
        let overlay = directory.path().join("overlay.qcow2");
        std::fs::write(&overlay, vec![1; 1 << 20]).unwrap();
        let opened = Arc::new(HostileDirectory::open(directory.path()).unwrap());
        let (monitor, mut asked) = monitor();
        let mut guard = DiskGuard::new(16 << 20, opened);
        guard.arm(&monitor).await.unwrap();
        let question = asked.recv().await.unwrap();
        assert_eq!(question["execute"], "block-set-write-threshold");
        let threshold = question["arguments"]["write-threshold"].as_u64().unwrap();
        assert!((15 << 20..=17 << 20).contains(&threshold), "{threshold}");

        // What was given back again is no reason to stop.
        guard.hear(&passed("base-file"));
        assert!(guard.check(&monitor).await.is_none() && asked.is_empty());
        guard.hear(&passed(OVERLAY_NODE));
        assert!(guard.check(&monitor).await.is_none());
        let again = asked.recv().await.unwrap();
        assert_eq!(again["execute"], "block-set-write-threshold");

        std::fs::write(&overlay, vec![1; 17 << 20]).unwrap();
        let failure = guard.check(&monitor).await.unwrap();
        assert!(failure.message.contains("16.0 MiB"), "{failure}");
        assert!(failure.help.unwrap().contains("--disk-limit"));
        assert_eq!(asked.recv().await.unwrap()["execute"], "stop");
    }
}
