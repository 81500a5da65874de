//! What can be typed of a machine that is to boot or to wake. The comments are the help texts.

use clap::Args;

use crate::cli::args::AcceleratorWish;
use crate::config::size::parse_memory;

/// What a guest finds itself on.
#[derive(Debug, Clone, Copy, Args)]
pub struct HardwareArguments {
    /// Virtual CPUs
    #[arg(long, value_name = "N", allow_negative_numbers = true, value_parser = clap::value_parser!(u32).range(1..=256))]
    pub cpus: Option<u32>,

    /// The guest's memory, as 2G or 4096M
    #[arg(long, value_name = "SIZE", allow_negative_numbers = true, value_parser = parse_memory)]
    pub memory: Option<u64>,

    /// What runs the virtual CPUs
    #[arg(long, value_enum, default_value_t = AcceleratorWish::Auto)]
    pub accel: AcceleratorWish,
}
