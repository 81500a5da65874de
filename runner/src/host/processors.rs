//! The host's processors, by their numbers.

use std::fs;

/// Those that are switched on; the first `known` where the kernel does not say.
pub fn online(known: u32) -> Vec<u32> {
    let text = fs::read_to_string("/sys/devices/system/cpu/online").unwrap_or_default();
    let online = parse(&text);
    if online.is_empty() {
        (0..known.max(1)).collect()
    } else {
        online
    }
}

/// The kernel writes `0-3,6`.
fn parse(list: &str) -> Vec<u32> {
    const MOST: u32 = 1 << 14;
    let range = |part: &str| {
        let (first, last) = part.split_once('-').unwrap_or((part, part));
        let (first, last): (u32, u32) = (first.parse().ok()?, last.parse().ok()?);
        (last < MOST).then_some(first..=last)
    };
    let parts = list.trim().split(',');
    parts.filter_map(range).flatten().collect()
}

/// As the engine reads them: `0,1,6`.
pub fn listed(processors: &[u32]) -> String {
    let numbers: Vec<String> = processors.iter().map(u32::to_string).collect();
    numbers.join(",")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kernels_list_is_read_and_the_engines_written() {
        assert_eq!(parse("0-2,6\n"), [0, 1, 2, 6]);
        assert_eq!(parse("0\n"), [0]);
        for nothing in ["", "x", "0-4294967295"] {
            assert!(parse(nothing).is_empty(), "{nothing}");
        }
        assert_eq!(listed(&[0, 1, 6]), "0,1,6");
        assert!(!online(1).is_empty());
    }
}
