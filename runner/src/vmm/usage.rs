//! What a machine takes of its host by now: by the engine's account, and by the kernel's where this process
//! may ask it. What can't be told is none, never a guess.

use std::fs;
use std::time::{Duration, Instant};

use bollard::models::{ContainerMemoryStats, ContainerStatsResponse};
use bollard::query_parameters::StatsOptionsBuilder;
use futures_util::StreamExt;

use crate::host::clock::{Deadline, within};
use crate::vmm::engine::Engine;
use crate::vmm::vm::container_name;

/// The engine looks at counters of the kernel. One that is slower is asked again the next time.
const ANSWERS: Deadline = Deadline::seconds("the engine's figures of a machine", 3);

/// The counters of one machine at one moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sample {
    /// When.
    pub at: Instant,
    /// Time on processors since its start.
    pub cpu: Option<Duration>,
    /// Memory that counts as its own with the kernel, without files that can be read again, in bytes.
    pub memory: Option<u64>,
    /// Memory that nobody but it has: what it has written, in bytes.
    pub private: Option<u64>,
    /// Memory that is of files, such as a template's, which all who use them share, in bytes.
    pub shared: Option<u64>,
    /// Bytes that came in by its network. None without one.
    pub received: Option<u64>,
    /// Bytes that went out.
    pub sent: Option<u64>,
}

/// The counters of an instance's machine; none if it has no container that runs, or if the engine does not
/// answer in time.
pub async fn sample(engine: &Engine, instance: &str) -> Option<Sample> {
    within(ANSWERS, ask(engine, &container_name(instance)))
        .await
        .ok()
        .flatten()
}

async fn ask(engine: &Engine, container: &str) -> Option<Sample> {
    let options = StatsOptionsBuilder::new().stream(false).one_shot(true);
    let mut answers = engine.api().stats(container, Some(options.build()));
    let stats = answers.next().await?.ok()?;
    let sample = read(&stats, Instant::now())?;
    let inspected = engine.api().inspect_container(container, None).await.ok();
    let process = inspected.and_then(|found| Some((found.state?.pid?, found.id?)));
    let mapped = process.and_then(|(process, id)| mapped(process, &id));
    Some(match mapped {
        Some((private, shared)) => Sample {
            private: Some(private),
            shared: Some(shared),
            ..sample
        },
        None => sample,
    })
}

/// The engine's account. One of a container that does not run has no figure of its memory.
fn read(stats: &ContainerStatsResponse, at: Instant) -> Option<Sample> {
    let memory = stats.memory_stats.as_ref()?;
    let usage = memory.usage?;
    let counter = |names: [&str; 2]| counter(memory, names);
    let cpu = stats.cpu_stats.as_ref();
    let cpu = cpu.and_then(|cpu| cpu.cpu_usage.as_ref()?.total_usage);
    let cards = || stats.networks.iter().flat_map(|cards| cards.values());
    let has_network = cards().next().is_some();
    let sum = |of: fn(&bollard::models::ContainerNetworkStats) -> Option<u64>| {
        has_network.then(|| cards().filter_map(of).sum())
    };
    Some(Sample {
        at,
        cpu: cpu.map(Duration::from_nanos),
        memory: Some(
            usage.saturating_sub(counter(["total_inactive_file", "inactive_file"]).unwrap_or(0)),
        ),
        // All that is of no file is private; what of the files is shared with whom the engine can't tell.
        private: counter(["total_rss", "anon"]),
        shared: None,
        received: sum(|card| card.rx_bytes),
        sent: sum(|card| card.tx_bytes),
    })
}

/// The kernel's counter, by its name in either version of control groups.
fn counter(memory: &ContainerMemoryStats, names: [&str; 2]) -> Option<u64> {
    let stats = memory.stats.as_ref()?;
    names.iter().find_map(|name| stats.get(*name).copied())
}

/// Private and shared memory of QEMU by the kernel's account; none where this process may not ask, or sees
/// other processes than the engine does.
fn mapped(process: i64, container: &str) -> Option<(u64, u64)> {
    let groups = fs::read_to_string(format!("/proc/{process}/cgroup")).ok()?;
    if process <= 0 || !groups.contains(container) {
        return None;
    }
    let text = fs::read_to_string(format!("/proc/{process}/smaps_rollup")).ok()?;
    private_and_shared(&text)
}

/// What a process has written is its own; the rest of what it has in memory are pages of files.
fn private_and_shared(rollup: &str) -> Option<(u64, u64)> {
    let field = |name: &str| {
        let line = rollup.lines().find_map(|line| line.strip_prefix(name))?;
        let kibibytes: u64 = line
            .trim_start_matches(':')
            .split_whitespace()
            .next()?
            .parse()
            .ok()?;
        Some(kibibytes << 10)
    };
    let private = field("Private_Dirty")?.max(field("Anonymous")?);
    Some((private, field("Rss")?.saturating_sub(private)))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn of(stats: serde_json::Value) -> Option<Sample> {
        read(&serde_json::from_value(stats).unwrap(), Instant::now())
    }

    #[test]
    fn both_versions_of_control_groups_are_read() {
        let first = of(json!({
            "cpu_stats": {"cpu_usage": {"total_usage": 2_500_000_000_u64}},
            "memory_stats": {"usage": 1000, "stats": {"rss": 1, "total_rss": 600, "total_inactive_file": 100}},
            "networks": {"eth0": {"rx_bytes": 5, "tx_bytes": 7}, "eth1": {"rx_bytes": 1, "tx_bytes": 1}},
        }))
        .unwrap();
        assert_eq!(first.cpu, Some(Duration::from_millis(2500)));
        assert_eq!((first.memory, first.private), (Some(900), Some(600)));
        assert_eq!((first.received, first.sent), (Some(6), Some(8)));
        let second = of(json!({
            "memory_stats": {"usage": 1000, "stats": {"anon": 600, "inactive_file": 200}},
        }))
        .unwrap();
        assert_eq!((second.memory, second.private), (Some(800), Some(600)));
        assert_eq!(
            (second.shared, second.received, second.cpu),
            (None, None, None)
        );
    }

    #[test]
    fn a_container_that_does_not_run_has_no_figures() {
        assert_eq!(of(json!({"memory_stats": {}, "cpu_stats": {}})), None);
        assert_eq!(of(json!({})), None);
    }

    #[test]
    fn what_was_written_is_private_and_the_rest_is_shared() {
        let text = "55f-7ff ---p 0 00:00 0 [rollup]\nRss:  1000 kB\nPss: 900 kB\nShared_Clean: 300 kB\n\
                    Private_Clean: 200 kB\nPrivate_Dirty:  500 kB\nAnonymous:  480 kB\n";
        assert_eq!(private_and_shared(text), Some((500 << 10, 500 << 10)));
        assert_eq!(private_and_shared("Rss: 1 kB\n"), None);
    }

    #[test]
    fn a_process_of_another_container_is_not_asked() {
        assert_eq!(mapped(std::process::id().into(), "no-such-container"), None);
    }
}
