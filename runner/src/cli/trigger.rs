//! What is said of an event that GitHub would not start the workflow for. Only somebody who names an event
//! is told: the one that is taken by default stands for nothing that happened.

use dormer_workflow::plan::Plan;

use crate::cli::output;
use crate::report::plain::harmless_name;

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
