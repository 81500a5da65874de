//! Which jobs need which: all of them must exist, and none must need itself in the end.

use std::collections::HashMap;

use crate::text;

use super::model::Job;
use super::read::Reader;

/// Reports unknown jobs in `needs` and every cycle.
pub(super) fn check(jobs: &[Job], reader: &mut Reader) {
    let index: HashMap<String, usize> = jobs
        .iter()
        .enumerate()
        .map(|(i, job)| (fold(&job.id.value), i))
        .collect();
    for job in jobs {
        for need in &job.needs {
            if !index.contains_key(&fold(&need.value)) {
                unknown(job, need, jobs, reader);
            }
        }
    }
    let needs: Vec<Vec<usize>> = jobs
        .iter()
        .map(|job| {
            job.needs
                .iter()
                .filter_map(|need| index.get(&fold(&need.value)).copied())
                .collect()
        })
        .collect();
    for cycle in cycles(&needs) {
        report_cycle(&cycle, jobs, reader);
    }
}

fn fold(id: &str) -> String {
    text::folded(id).into_owned()
}

fn unknown(job: &Job, need: &crate::source::Spanned<String>, jobs: &[Job], reader: &mut Reader) {
    let message = format!(
        "the job `{}` needs `{}`, which does not exist",
        job.id.value, need.value
    );
    let others = jobs
        .iter()
        .map(|job| job.id.value.as_str())
        .filter(|id| *id != job.id.value);
    match text::suggestion(&need.value, others) {
        Some(known) => reader.help(need.span, message, format!("did you mean `{known}`?")),
        None => reader.report(need.span, message),
    }
}

fn report_cycle(cycle: &[usize], jobs: &[Job], reader: &mut Reader) {
    let Some(first) = cycle.first().and_then(|&i| jobs.get(i)) else {
        return;
    };
    let ids = cycle
        .iter()
        .chain(cycle.first())
        .filter_map(|&i| jobs.get(i));
    let path: Vec<String> = ids.map(|job| format!("`{}`", job.id.value)).collect();
    let span = first.needs.first().map_or(first.id.span, |need| need.span);
    let message = if cycle.len() == 1 {
        format!("the job `{}` needs itself", first.id.value)
    } else {
        format!(
            "these jobs need one another, so none can start: {}",
            path.join(" → ")
        )
    };
    reader.report(span, message);
}

/// One cycle for each group of jobs that can never start, each beginning with its first job.
fn cycles(needs: &[Vec<usize>]) -> Vec<Vec<usize>> {
    let stuck = stuck(needs);
    let mut visited = vec![false; needs.len()];
    let mut cycles = Vec::new();
    for start in 0..needs.len() {
        let mut path: Vec<usize> = Vec::new();
        let mut position = HashMap::new();
        let mut at = start;
        while stuck[at] && !visited[at] {
            visited[at] = true;
            position.insert(at, path.len());
            path.push(at);
            // Whoever is stuck needs somebody who is.
            let Some(next) = needs[at].iter().copied().find(|&need| stuck[need]) else {
                break;
            };
            at = next;
        }
        if let Some(&from) = position.get(&at) {
            let mut cycle = path.split_off(from);
            let first = cycle
                .iter()
                .enumerate()
                .min_by_key(|&(_, job)| job)
                .map_or(0, |(i, _)| i);
            cycle.rotate_left(first);
            cycles.push(cycle);
        }
    }
    cycles
}

/// The jobs that can never start: what is left when jobs are taken away whose needs are met.
fn stuck(needs: &[Vec<usize>]) -> Vec<bool> {
    let mut open: Vec<usize> = needs.iter().map(Vec::len).collect();
    let mut needed_by: Vec<Vec<usize>> = vec![Vec::new(); needs.len()];
    for (job, needs) in needs.iter().enumerate() {
        for &need in needs {
            needed_by[need].push(job);
        }
    }
    let mut ready: Vec<usize> = (0..needs.len()).filter(|&job| open[job] == 0).collect();
    while let Some(job) = ready.pop() {
        for &next in &needed_by[job] {
            open[next] -= 1;
            if open[next] == 0 {
                ready.push(next);
            }
        }
    }
    open.into_iter().map(|count| count > 0).collect()
}
