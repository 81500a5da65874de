//! Measures without a framework: what matters here is whether a promise with a number holds.
#![expect(clippy::print_stdout, reason = "figures are what a benchmark is for")]

use std::hint::black_box;
use std::time::{Duration, Instant};

/// How often each thing is measured.
const RUNS: usize = 200;

/// Prints the median and the slowest of many runs, beside what was promised. In a debug build, as
/// `cargo test --benches` makes one, everything runs once, and nothing is measured.
pub fn measure<T>(what: &str, limit: Duration, mut run: impl FnMut() -> T) {
    if cfg!(debug_assertions) {
        black_box(run());
        return;
    }
    let mut times: Vec<Duration> = (0..RUNS)
        .map(|_| {
            let start = Instant::now();
            black_box(run());
            start.elapsed()
        })
        .collect();
    times.sort();
    let median = times[RUNS / 2];
    let slowest = times[RUNS - 1];
    let verdict = if median <= limit { "holds" } else { "TOO SLOW" };
    println!("{what}: median {median:?}, slowest {slowest:?}, limit {limit:?}: {verdict}");
}
