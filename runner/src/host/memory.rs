//! The host's memory, as the kernel counts it.

use std::fs;

/// How much memory there is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Memory {
    /// In all, in bytes.
    pub total: u64,
    /// What programs could get without swapping, in bytes.
    pub available: u64,
}

impl Memory {
    /// That of this host now; none if the kernel does not say.
    pub fn now() -> Option<Self> {
        parse(&fs::read_to_string("/proc/meminfo").ok()?)
    }
}

/// Lines as `MemTotal:  16384 kB`.
fn parse(meminfo: &str) -> Option<Memory> {
    let field = |name: &str| {
        let value = meminfo.lines().find_map(|line| line.strip_prefix(name))?;
        let number = value.trim().strip_suffix("kB")?.trim().parse::<u64>();
        number.ok()?.checked_mul(1 << 10)
    };
    Some(Memory {
        total: field("MemTotal:")?,
        available: field("MemAvailable:")?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_is_read_as_the_kernel_writes_it() {
        let text = "MemTotal:       16384 kB\nMemFree:  1 kB\nMemAvailable:    8192 kB\n";
        let expected = Memory {
            total: 16 << 20,
            available: 8 << 20,
        };
        assert_eq!(parse(text), Some(expected));
        assert_eq!(parse("MemTotal: 1 kB\n"), None);
        let here = Memory::now().unwrap();
        assert!(here.available > 0 && here.available <= here.total);
    }
}
