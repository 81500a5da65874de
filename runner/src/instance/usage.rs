//! What machines take of the host, machine by machine, at once and bounded in time.

use std::collections::HashMap;

use futures_util::future::join_all;

use crate::host::home::Home;
use crate::instance::gate::disk_used;
use crate::instance::kept::Listed;
use crate::vmm::engine::Engine;
use crate::vmm::usage;

pub use crate::vmm::usage::Sample;

/// What one machine takes.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Usage {
    /// Of the processors, in percent of one: 200 are two. None until two looks have been taken.
    pub cpu_percent: Option<f64>,
    /// The engine's and the kernel's counters. None where it does not run, or nobody knows.
    pub sample: Option<Sample>,
    /// What its files take on the disk, in bytes.
    pub disk: u64,
}

/// Looks at machines again and again.
#[derive(Debug, Default)]
pub struct Watch {
    before: HashMap<String, Sample>,
}

impl Watch {
    /// What each of these machines takes, in their order. Without an engine that is their disks.
    pub async fn look(
        &mut self,
        engine: Option<&Engine>,
        home: &Home,
        machines: &[Listed],
    ) -> Vec<Usage> {
        let sample = |one: &Listed| {
            let id = one.record.id.clone();
            async move { usage::sample(engine?, &id).await }
        };
        let samples = join_all(machines.iter().map(sample)).await;
        let before = std::mem::take(&mut self.before);
        let each = machines.iter().zip(samples);
        each.map(|(one, sample)| {
            let id = &one.record.id;
            let earlier = before.get(id);
            let cpu_percent = sample.as_ref().and_then(|now| cpu_percent(earlier?, now));
            self.before
                .extend(sample.clone().map(|sample| (id.clone(), sample)));
            Usage {
                cpu_percent,
                sample,
                disk: disk_used(home, id),
            }
        })
        .collect()
    }
}

/// How busy a machine was between two looks. None for one that was started anew in between.
fn cpu_percent(before: &Sample, now: &Sample) -> Option<f64> {
    let worked = now.cpu?.checked_sub(before.cpu?)?;
    let passed = now.at.checked_duration_since(before.at)?;
    (!passed.is_zero()).then(|| worked.as_secs_f64() / passed.as_secs_f64() * 100.0)
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::*;

    #[test]
    fn how_busy_a_machine_is_takes_two_looks() {
        let begun = Instant::now();
        let sample = |at: u64, cpu: u64| Sample {
            at: begun + Duration::from_millis(at),
            cpu: Some(Duration::from_millis(cpu)),
            memory: None,
            private: None,
            shared: None,
            received: None,
            sent: None,
        };
        let percent = cpu_percent(&sample(0, 100), &sample(500, 850)).unwrap();
        assert!((percent - 150.0).abs() < 0.001, "{percent}");
        assert_eq!(cpu_percent(&sample(0, 100), &sample(0, 100)), None);
        assert_eq!(cpu_percent(&sample(0, 100), &sample(500, 50)), None);
    }
}
