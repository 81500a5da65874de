//! A plan as lines for people: what holds of the run, then a row for each leg of each job.

use dormer_workflow::expr::Value;
use dormer_workflow::plan::{Called, Leg, Legs, Plan, Planned, PlannedCondition, PlannedJob};
use dormer_workflow::workflow::{ConcurrencyGroup, RunnerSelector};

use crate::report::plain::harmless_name;

use super::images::Images;

/// What the columns of [`rows`] are. The first has the ids, which `needs` and `--job` know jobs by.
const COLUMNS: [&str; 7] = ["JOB", "NAME", "RUNS ON", "IMAGE", "NEEDS", "RUNS", "ALSO"];

/// The column that is left out where it would be empty.
const NAME: usize = 1;

/// After how many minutes a job is cancelled that says nothing of it.
const USUAL_MINUTES: f64 = 360.0;

/// Longer texts are cut: a table is no place to read them in.
const LONGEST: usize = 60;

/// The jobs that fail before their first step, and why; those of called workflows included.
pub(super) fn problems(plan: &Plan) -> Vec<(&str, &str)> {
    let jobs = plan.jobs.iter();
    let own = jobs.flat_map(|job| {
        let problems = job.problems.iter();
        problems.map(|problem| (job.name.as_str(), problem.as_str()))
    });
    own.chain(plan.called().flat_map(problems)).collect()
}

/// What holds of the run as a whole.
pub(super) fn head(plan: &Plan) -> Vec<String> {
    let counted = |count: usize, what: &str| match count {
        1 => format!("1 {what}"),
        _ => format!("{count} {what}s"),
    };
    let (jobs, legs) = (
        counted(plan.jobs.len(), "job"),
        counted(legs_of(plan), "leg"),
    );
    let name = harmless_name(&plan.name);
    let mut lines = vec![format!(
        "{name} on {}: {jobs}, {legs}",
        harmless_name(&plan.event)
    )];
    if let Some(name) = &plan.run_name {
        lines.push(format!("name of the run: {}", harmless_name(name)));
    }
    if let Some(inputs) = plan.inputs.known().filter(|inputs| !inputs.is_empty()) {
        let inputs = inputs
            .iter()
            .map(|(name, value)| format!("{name}={}", shown(value)));
        lines.push(format!("inputs: {}", inputs.collect::<Vec<_>>().join(", ")));
    }
    if let Some(concurrency) = &plan.concurrency {
        lines.push(concurrency_of(concurrency));
    }
    lines
}

/// The columns and the rows.
pub(super) fn table(plan: &Plan, images: &Images) -> (Vec<&'static str>, Vec<Vec<String>>) {
    let mut columns = COLUMNS.to_vec();
    let mut rows = rows(plan, images, "");
    if rows.iter().all(|row| row[NAME].is_empty()) {
        columns.remove(NAME);
        rows.iter_mut().for_each(|row| drop(row.remove(NAME)));
    }
    (columns, rows)
}

/// A row for each leg, those of a called workflow below the leg that calls it. What ids begin with is
/// the callers' ids.
fn rows(plan: &Plan, images: &Images, callers: &str) -> Vec<Vec<String>> {
    plan.jobs
        .iter()
        .flat_map(|job| rows_of(job, images, callers))
        .collect()
}

fn rows_of(job: &PlannedJob, images: &Images, callers: &str) -> Vec<Vec<String>> {
    let id = format!("{callers}{}", job.id);
    let needs = job.needs.join(", ");
    let runs = match job.problems.as_slice() {
        [] => runs(&job.condition),
        _ => "fails before its first step".to_owned(),
    };
    let one = |runs_on: String, runs: String| {
        vec![row(
            &id,
            &job.name,
            [runs_on, String::new(), needs.clone(), runs, String::new()],
        )]
    };
    let legs = match &job.legs {
        Planned::After(jobs) => return one(after(jobs), runs),
        Planned::Now(legs) if !legs.items.is_empty() => legs,
        Planned::Now(_) if job.condition.holds == Some(false) || !job.problems.is_empty() => {
            return one(String::new(), runs);
        }
        Planned::Now(_) => return one(String::new(), "no: its matrix is empty".to_owned()),
    };
    let items = legs.items.iter();
    items
        .flat_map(|leg| {
            let (runs_on, image) = runner(leg, images);
            let also = also(leg, legs);
            let own = row(
                &id,
                &leg.name,
                [runs_on, image, needs.clone(), runs.clone(), also],
            );
            let nested = leg.calls.as_ref().and_then(|called| called.plan.as_ref());
            let callers = format!("{id} / ");
            let nested = nested.map(|plan| rows(plan, images, &callers));
            let nested = nested.unwrap_or_default();
            std::iter::once(own).chain(nested)
        })
        .collect()
}

/// The name is worth a place only where it is not the id.
fn row(id: &str, name: &str, rest: [String; 5]) -> Vec<String> {
    let name = if name == id { "" } else { name };
    let cells = [id, name].map(str::to_owned).into_iter().chain(rest);
    cells.map(|text| cut(&harmless_name(&text))).collect()
}

fn cut(text: &str) -> String {
    if text.chars().count() <= LONGEST {
        return text.to_owned();
    }
    text.chars().take(LONGEST - 1).chain(['…']).collect()
}

/// Whether a job runs.
fn runs(condition: &PlannedCondition) -> String {
    match (condition.holds, &condition.text) {
        (Some(true), _) => "yes".to_owned(),
        (Some(false), Some(text)) => format!("no: `{text}`"),
        (Some(false), None) => "no: what it needs does not run".to_owned(),
        (None, Some(text)) => format!("if `{text}`"),
        (None, None) => "if what it needs succeeds".to_owned(),
    }
}

/// What a leg runs on, and in which image.
fn runner(leg: &Leg, images: &Images) -> (String, String) {
    match (&leg.calls, &leg.runs_on) {
        (Some(called), _) => (format!("calls {}", called.uses), left_out(called)),
        (None, Some(Planned::After(jobs))) => (after(jobs), String::new()),
        (None, Some(Planned::Now(selector))) => (labels(selector), images.of(&selector.labels)),
        (None, None) => (String::new(), String::new()),
    }
}

/// A called workflow that is not planned says so in the place of its jobs.
fn left_out(called: &Called) -> String {
    match called.plan {
        Some(_) => String::new(),
        None => "not followed".to_owned(),
    }
}

fn labels(selector: &RunnerSelector) -> String {
    let labels = selector.labels.join(", ");
    match &selector.group {
        Some(group) if labels.is_empty() => format!("group {group}"),
        Some(group) => format!("group {group}: {labels}"),
        None => labels,
    }
}

/// What is not usual about a leg.
fn also(leg: &Leg, legs: &Legs) -> String {
    let mut also = Vec::new();
    match leg.timeout_minutes {
        Planned::Now(minutes) if minutes == USUAL_MINUTES => {}
        Planned::Now(minutes) => also.push(format!("{minutes} min")),
        Planned::After(ref jobs) => also.push(format!("timeout {}", after(jobs))),
    }
    match &leg.continue_on_error {
        Planned::Now(false) => {}
        Planned::Now(true) => also.push("may fail".to_owned()),
        Planned::After(jobs) => also.push(format!("may fail: {}", after(jobs))),
    }
    if leg.matrix.is_some() && leg.total > 1 {
        also.extend(legs.max_parallel.map(|count| format!("{count} at once")));
        also.extend((!legs.fail_fast).then(|| "others go on".to_owned()));
    }
    also.extend(leg.concurrency.as_ref().map(concurrency_of));
    also.extend(leg.environment.as_ref().map(|name| match name {
        Planned::Now(name) => format!("environment {name}"),
        Planned::After(jobs) => format!("environment {}", after(jobs)),
    }));
    also.join(", ")
}

fn concurrency_of(concurrency: &Planned<ConcurrencyGroup>) -> String {
    match concurrency {
        Planned::Now(group) => format!("concurrency {}", harmless_name(&group.name)),
        Planned::After(jobs) => format!("concurrency {}", after(jobs)),
    }
}

fn after(jobs: &[String]) -> String {
    format!("known after {}", jobs.join(", "))
}

fn shown(value: &Value) -> String {
    cut(&harmless_name(&value.to_text()))
}

fn legs_of(plan: &Plan) -> usize {
    let own = plan.jobs.iter().filter_map(|job| job.legs.known());
    let own: usize = own.map(|legs| legs.items.len()).sum();
    own + plan.called().map(legs_of).sum::<usize>()
}
