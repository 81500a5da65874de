//! The order of jobs.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};

use crate::text;
use crate::workflow::Job;

/// The jobs, each after all that it needs, and else in the order of the file. A job that can never
/// start, which no workflow that was read has, is left out.
pub(super) fn sorted(jobs: &[Job]) -> Vec<&Job> {
    let folded = |id: &str| text::folded(id).into_owned();
    let positions: HashMap<String, usize> = jobs
        .iter()
        .enumerate()
        .map(|(position, job)| (folded(&job.id.value), position))
        .collect();
    let mut open = vec![0usize; jobs.len()];
    let mut needed_by = vec![Vec::new(); jobs.len()];
    for (position, job) in jobs.iter().enumerate() {
        for need in &job.needs {
            if let Some(&need) = positions.get(&folded(&need.value)) {
                open[position] += 1;
                needed_by[need].push(position);
            }
        }
    }
    let ready = (0..jobs.len()).filter(|&position| open[position] == 0);
    let mut ready: BinaryHeap<Reverse<usize>> = ready.map(Reverse).collect();
    let mut sorted = Vec::new();
    while let Some(Reverse(position)) = ready.pop() {
        sorted.push(&jobs[position]);
        for &next in &needed_by[position] {
            open[next] -= 1;
            if open[next] == 0 {
                ready.push(Reverse(next));
            }
        }
    }
    sorted
}
