//! What is said of an event that GitHub would not start the workflow for. Only somebody who names an event
//! is told: the one that is taken by default stands for nothing that happened.

use dormer_workflow::plan::Plan;
use dormer_workflow::workflow::{Event, Trigger, Workflow};

use crate::cli::output;
use crate::report::plain::harmless_name;
use crate::source::changes::changes;
use crate::source::planned::Asked;

/// Finds out which files the event changed, if it was named and the workflow has a filter that asks for them.
pub(super) async fn look_for_changes(workflow: &Workflow, asked: &mut Asked<'_>) {
    let event = asked
        .event
        .as_deref()
        .and_then(|name| workflow.on.event(name));
    let Some(event) = event.filter(|event| asks_for_paths(event)) else {
        return;
    };
    let payload = asked.payload.as_ref().map(|(value, _)| value);
    asked.changes = changes(asked.workspace, &event.name.value, payload).await;
}

fn asks_for_paths(event: &Event) -> bool {
    matches!(&event.trigger, Trigger::Activity(filters) if filters.paths.is_some())
}

/// Why GitHub would not start the workflow, in one line; none where it would.
pub(super) fn refusal(plan: &Plan) -> Option<String> {
    let verdict = plan.trigger.as_ref()?;
    let reasons = verdict.misfits.iter();
    let reasons: Vec<&str> = reasons.map(|misfit| misfit.message.as_str()).collect();
    let reasons = reasons.join("; ");
    (!reasons.is_empty()).then(|| {
        format!(
            "GitHub would not start this workflow on this event: {}",
            harmless_name(&reasons)
        )
    })
}

/// Names the filters that nobody can judge.
pub(super) fn note_unjudged(plan: &Plan) {
    for unjudged in plan.trigger.iter().flat_map(|verdict| &verdict.unjudged) {
        let (filter, why) = (unjudged.filter, &unjudged.why);
        output::note(&format!("the filter `{filter}` was not judged: {why}"));
    }
}
