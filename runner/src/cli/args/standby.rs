//! What can be typed of machines that stand by. The comments are the help texts.

use std::time::Duration;

use clap::Args;

use crate::cli::args::parse_timeout;
use crate::config::MOST_STANDBYS;

/// How many machines stand by, and for how long.
#[derive(Debug, Clone, Copy, Default, Args)]
pub struct StandbyArguments {
    /// How many machines stand by afterwards, for the next jobs of the same kind; 0 removes them
    ///
    /// Their container runs and has the template mapped, and takes some 30 MB of memory each until it is
    /// woken. Without this, and without `standby.count` in dormer.toml, none is made and none removed.
    #[arg(long, value_name = "N", allow_negative_numbers = true, value_parser = clap::value_parser!(u32).range(0..=i64::from(MOST_STANDBYS)))]
    pub standby: Option<u32>,

    /// How long a machine stands by, as 90s, 30m or 1h30m [default: 30m]
    ///
    /// `dormer gc`, which each `dormer run` does first, removes those whose time is over.
    #[arg(long, value_name = "D", allow_negative_numbers = true, value_parser = parse_span)]
    pub standby_for: Option<Duration>,
}

fn parse_span(text: &str) -> Result<Duration, String> {
    parse_timeout(text).map(|written| written.length)
}
