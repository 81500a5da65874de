//! `dormer ps` and `dormer stop`.

use jiff::Timestamp;
use serde_json::json;

use crate::cli::args::ListFormat;
use crate::cli::output;
use crate::cli::workshop::Base;
use crate::config;
use crate::exit_code;
use crate::failure::Failure;
use crate::instance::kept::{self, Listed, is_expired};
use crate::report::style::duration;

pub(super) fn list(format: ListFormat) -> Result<u8, Failure> {
    let base = Base::look()?;
    let machines = kept::list(&base.home)?;
    let now = Timestamp::now();
    match format {
        ListFormat::Json => {
            output::json(
                &machines
                    .iter()
                    .map(|one| to_json(one, now))
                    .collect::<Vec<_>>(),
            )?;
        }
        ListFormat::Human if machines.is_empty() => {
            output::note("nothing runs and nothing was kept");
        }
        ListFormat::Human => {
            let rows = machines.iter().map(|one| to_row(one, now)).collect();
            output::table(&["ID", "STATE", "JOB", "IMAGE", "AGE", "ENDS IN"], rows)?;
        }
    }
    Ok(exit_code::SUCCESS)
}

pub(super) async fn stop(id: &str) -> Result<u8, Failure> {
    let base = Base::open()?;
    let config = config::load(None)?.config;
    kept::find(&base.home, id)?;
    let equipped = base.with_engine(&config).await?;
    kept::stop(&equipped.engine, &equipped.home, id).await?;
    output::line(&format!("{id} ended"))?;
    Ok(exit_code::SUCCESS)
}

/// What people should think of a machine's state.
fn state(one: &Listed, now: Timestamp) -> &'static str {
    if one.held {
        return one.record.state.as_str();
    }
    match one.record.state {
        state if !is_expired(&one.record, now) => state.as_str(),
        state if state.outlives_its_process() => "expired",
        _ => "abandoned",
    }
}

fn to_row(one: &Listed, now: Timestamp) -> Vec<String> {
    let record = &one.record;
    let ends = record
        .expires
        .map_or_else(|| "-".to_owned(), |expires| span(now, expires));
    vec![
        record.id.clone(),
        state(one, now).to_owned(),
        record.job.clone(),
        record.image_name.clone(),
        span(record.created, now),
        ends,
    ]
}

fn to_json(one: &Listed, now: Timestamp) -> serde_json::Value {
    let record = &one.record;
    json!({
        "id": record.id,
        "state": state(one, now).replace(' ', "_"),
        "job": record.job,
        "image": record.image_name,
        "image_digest": record.image.to_string(),
        "created": record.created,
        "expires": record.expires,
        "process": one.held.then_some(record.process.id),
    })
}

fn span(from: Timestamp, to: Timestamp) -> String {
    let milliseconds = to
        .as_millisecond()
        .saturating_sub(from.as_millisecond())
        .max(0);
    duration(milliseconds.unsigned_abs())
}
