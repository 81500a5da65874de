//! Which addresses a machine with an open network may not reach. Pure; `container` has the container
//! that puts it into force before the guest's first instruction.

use std::net::IpAddr;

/// Always closed: this host's loopback cannot be reached anyway, the rest is nobody's on the outside.
const LOCAL: [&str; 6] = [
    "0.0.0.0/8",
    "169.254.0.0/16",
    "224.0.0.0/4",
    "240.0.0.0/4",
    "fe80::/10",
    "ff00::/8",
];

/// Closed unless the user's configuration opens a part of them.
const PRIVATE: [&str; 5] = [
    "10.0.0.0/8",
    "100.64.0.0/10",
    "172.16.0.0/12",
    "192.168.0.0/16",
    "fc00::/7",
];

/// The arguments for `close-network`. The kernel takes the first rule that matches, so the host's own
/// addresses come before what the user opened: they stay closed whatever that says.
pub fn rules(host: &[IpAddr], opened: &[String]) -> Vec<String> {
    // The host has a link-local address more with each container on a bridge; all of them are closed.
    let own = host
        .iter()
        .filter(|address| !address.is_loopback() && !is_link_local(address))
        .map(ToString::to_string);
    let closed = own.chain(LOCAL.map(str::to_owned));
    let mut rules: Vec<String> = closed
        .flat_map(|prefix| option("--closed", prefix))
        .collect();
    rules.extend(
        opened
            .iter()
            .flat_map(|prefix| option("--open", prefix.clone())),
    );
    rules.extend(
        PRIVATE
            .iter()
            .flat_map(|prefix| option("--closed", (*prefix).to_owned())),
    );
    rules
}

fn is_link_local(address: &IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => address.is_link_local(),
        IpAddr::V6(address) => address.is_unicast_link_local(),
    }
}

fn option(name: &str, prefix: String) -> [String; 2] {
    [name.to_owned(), prefix]
}

/// Whether `text` is an address or a prefix, as in `10.1.0.0/16`.
pub fn is_prefix(text: &str) -> bool {
    let (address, length) = text.split_once('/').unwrap_or((text, "0"));
    match address.parse::<IpAddr>() {
        Ok(IpAddr::V4(_)) => length.parse::<u8>().is_ok_and(|length| length <= 32),
        Ok(IpAddr::V6(_)) => length.parse::<u8>().is_ok_and(|length| length <= 128),
        Err(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_host_stays_closed_whatever_is_opened() {
        let host = ["127.0.0.1", "192.0.2.2", "fe80::1"].map(|one| one.parse().unwrap());
        let rules = rules(&host, &["192.0.2.0/24".to_owned()]).join(" ");
        let closed = rules.find("--closed 192.0.2.2").unwrap();
        let opened = rules.find("--open 192.0.2.0/24").unwrap();
        let private = rules.find("--closed 10.0.0.0/8").unwrap();
        assert!(closed < opened && opened < private, "{rules}");
        assert!(!rules.contains("127.0.0.1") && !rules.contains("fe80::1"));
        assert!(rules.contains("--closed fe80::/10"));
        assert!(rules.contains("--closed 169.254.0.0/16"));
    }

    #[test]
    fn prefixes_are_told_from_other_text() {
        for good in ["10.1.0.0/16", "10.1.2.3", "fd00::/8"] {
            assert!(is_prefix(good), "{good}");
        }
        for bad in ["", "10.1.0.0/33", "example.org", "10.1.0.0/-1", "--closed"] {
            assert!(!is_prefix(bad), "{bad}");
        }
    }
}
