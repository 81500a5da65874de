//! The host's own addresses, which a guest must not reach.

use std::fs;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Every address of this host, of both families, in order. Read from the kernel's own tables.
pub fn own_addresses() -> Vec<IpAddr> {
    let mut addresses = Vec::new();
    addresses.extend(local_v4(
        &fs::read_to_string("/proc/net/fib_trie").unwrap_or_default(),
    ));
    addresses.extend(all_v6(
        &fs::read_to_string("/proc/net/if_inet6").unwrap_or_default(),
    ));
    addresses.sort();
    addresses.dedup();
    addresses
}

/// The kernel's IPv4 routes name each own address in a line `|-- ADDRESS`, followed by one that
/// says `/32 host LOCAL`.
fn local_v4(fib_trie: &str) -> Vec<IpAddr> {
    let mut last = None;
    let mut found = Vec::new();
    for line in fib_trie.lines() {
        if let Some((_, address)) = line.split_once("|-- ") {
            last = address.trim().parse::<Ipv4Addr>().ok();
        } else if line.contains("/32 host LOCAL") {
            found.extend(last.map(IpAddr::V4));
        }
    }
    found
}

/// One line an address: 32 hexadecimal digits first.
fn all_v6(if_inet6: &str) -> Vec<IpAddr> {
    let digits = if_inet6
        .lines()
        .filter_map(|line| line.split_whitespace().next());
    digits
        .filter_map(|digits| u128::from_str_radix(digits, 16).ok())
        .map(|number| IpAddr::V6(Ipv6Addr::from(number)))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_found_in_the_kernels_tables() {
        let trie = "Main:\n  +-- 0.0.0.0/0 3 0 5\n     |-- 10.0.0.0\n        /24 link UNICAST\n     \
                    |-- 10.0.0.7\n        /32 host LOCAL\n     |-- 10.0.0.255\n        /32 link \
                    BROADCAST\n";
        assert_eq!(local_v4(trie), ["10.0.0.7".parse::<IpAddr>().unwrap()]);
        let v6 = "fe800000000000000000000000000001 02 40 20 80     eth0\n";
        assert_eq!(all_v6(v6), ["fe80::1".parse::<IpAddr>().unwrap()]);
    }

    #[test]
    fn this_host_has_a_loopback_address() {
        assert!(own_addresses().contains(&IpAddr::V4(Ipv4Addr::LOCALHOST)));
    }
}
