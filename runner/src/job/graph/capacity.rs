//! How many machines run at once.

/// What QEMU takes beside the guest's memory, and its container.
const AROUND_A_MACHINE: u64 = 256 << 20;
/// The least that is left to the host.
const LEAST_RESERVE: u64 = 1 << 30;

/// How many machines of `each` bytes fit into an engine with `memory` bytes (0 is unknown) and `cpus`
/// processors: those that fit after a reserve of an eighth, as many as there are processors, and one at
/// least.
pub fn fitting(memory: u64, cpus: u32, each: u64) -> usize {
    let reserve = (memory / 8).max(LEAST_RESERVE);
    let room = memory.saturating_sub(reserve) / each.saturating_add(AROUND_A_MACHINE).max(1);
    let room = if memory == 0 { 1 } else { room };
    let most = u64::from(cpus.max(1));
    usize::try_from(room.clamp(1, most)).unwrap_or(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn machines_fit_by_memory_and_processors_and_one_always_does() {
        const GIB: u64 = 1 << 30;
        for (memory, cpus, each, expected) in [
            (16 * GIB, 8, 2 * GIB, 6),
            (64 * GIB, 4, 2 * GIB, 4),
            (4 * GIB, 8, GIB, 2),
            (GIB, 8, 2 * GIB, 1),
            (0, 8, GIB, 1),
            (8 * GIB, 0, GIB, 1),
        ] {
            assert_eq!(
                fitting(memory, cpus, each),
                expected,
                "{memory} {cpus} {each}"
            );
        }
    }
}
