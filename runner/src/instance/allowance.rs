//! What a machine may take of its host, as data: what somebody allowed it, and what it then claims. The
//! claim is written down in its record, so that every process of the home can count it.

use serde::{Deserialize, Serialize};

use crate::vmm::machine::Rates;

/// What machines may take. By default nothing bounds one but its image.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Allowance {
    /// The most that a machine's disk may grow to on the host, in bytes. Default: see [`DiskNeed`].
    ///
    /// [`DiskNeed`]: crate::instance::admission::DiskNeed
    pub disk: Option<u64>,
    /// Whether a machine has processors of its own. False by default.
    pub pin: bool,
    /// How fast its disk and network may be. Unbounded by default.
    pub rates: Rates,
    /// How much more the host promises than it has.
    pub overcommit: Overcommit,
}

/// How many times what the host has is promised to machines.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Overcommit {
    /// Memory. Default: 1, since a host that runs out of it kills machines.
    pub memory: f64,
    /// Processors. Default: 4, since time on them is shared.
    pub cpus: f64,
    /// Disk. Default: 1, since a full one fails whatever writes to it.
    pub disk: f64,
}

impl Default for Overcommit {
    fn default() -> Self {
        Self {
            memory: 1.0,
            cpus: 4.0,
            disk: 1.0,
        }
    }
}

impl Overcommit {
    /// Parses a factor: a number from 0.1 to 100.
    pub fn parse_factor(text: &str) -> Result<f64, String> {
        match text.trim().parse() {
            Ok(factor) if (0.1..=100.0).contains(&factor) => Ok(factor),
            _ => Err(format!("`{text}` is no factor from 0.1 to 100")),
        }
    }
}

/// What a machine may come to take of its host, from its admission to its end.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claim {
    /// Memory in bytes: the guest's, and QEMU's own.
    pub memory: u64,
    /// Virtual CPUs.
    pub cpus: u32,
    /// Disk in bytes: what the files that it writes may grow to.
    pub disk: u64,
    /// The host's processors that it is pinned to. Empty if it may run on all.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub pinned: Vec<u32>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn factors_are_bounded() {
        assert_eq!(Overcommit::parse_factor("1.5"), Ok(1.5));
        for wrong in ["", "0", "-1", "101", "NaN", "inf", "two"] {
            assert!(Overcommit::parse_factor(wrong).is_err(), "{wrong}");
        }
    }
}
