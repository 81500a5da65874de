//! The values of `if`.

use dormer_workflow::expr::{Condition, Contexts, JobStatus, read_contexts};

use crate::contexts;
use crate::table::{assert_none, rows};

#[test]
fn every_condition_holds_after_what_its_row_says() {
    let mut failures = Vec::new();
    let rows = rows("conditions.txt");
    for row in &rows {
        let found = holds(&row.input).unwrap_or_else(|error| format!("error {error}"));
        if found != row.expected {
            failures.push(format!("{}: {} => {found}", row.place, row.input));
        }
    }
    assert_none(&failures, rows.len());
}

/// A mark for each status of the job.
fn holds(text: &str) -> Result<String, String> {
    let placed = |span: dormer_workflow::Span, message: &str| {
        format!("{}..{} {message}", span.start, span.end)
    };
    let condition =
        Condition::parse(text).map_err(|error| placed(error.span(), error.message()))?;
    let mut marks = Vec::new();
    for status in [JobStatus::Success, JobStatus::Failure, JobStatus::Cancelled] {
        let values = read_contexts(&contexts()).unwrap();
        let holds = condition
            .evaluate(&Contexts { values, status })
            .map_err(|error| placed(error.span(), error.message()))?;
        marks.push(if holds { "#" } else { "." });
    }
    Ok(marks.join(" "))
}
