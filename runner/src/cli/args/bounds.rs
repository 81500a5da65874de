//! What can be typed of what machines may take. The comments are the help texts.

use clap::Args;

use crate::config::size::{parse_disk, parse_rate};

/// What a machine may take of the host.
#[derive(Debug, Clone, Default, Args)]
pub struct BoundsArguments {
    /// What the machine's disk may grow to on this host, as 10G [default: a quarter of what is free]
    ///
    /// At least 2 GiB, and never more than the image's disk has. A job that writes more fails.
    #[arg(long, value_name = "SIZE", allow_negative_numbers = true, value_parser = parse_disk)]
    pub disk_limit: Option<u64>,

    /// Run the machine on processors that no other pinned machine has, as long as there are some
    #[arg(long)]
    pub pin: bool,

    /// How much the machine's disk reads and writes a second, as 50M [default: as fast as it can]
    #[arg(long, value_name = "SIZE", allow_negative_numbers = true, value_parser = parse_rate)]
    pub disk_rate: Option<u64>,

    /// How many operations the machine's disk does a second [default: as many as it can]
    #[arg(long, value_name = "N", allow_negative_numbers = true, value_parser = clap::value_parser!(u32).range(1..))]
    pub disk_operations: Option<u32>,

    /// How much the machine sends, and how much it receives, a second, as 1M [default: as fast as it can]
    #[arg(long, value_name = "SIZE", allow_negative_numbers = true, value_parser = parse_rate)]
    pub network_rate: Option<u64>,
}
