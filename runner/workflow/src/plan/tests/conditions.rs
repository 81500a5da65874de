//! Whether jobs run, as far as that is known.

use super::*;

/// What is known of the last of these jobs.
fn last(lines: &str) -> Option<bool> {
    let plan = planned(&jobs(lines));
    plan.jobs.last().unwrap().condition.holds
}

#[test]
fn what_is_known_before_the_run_is_decided() {
    for (condition, alone, with_needs) in [
        ("success()", Some(true), None),
        ("always()", Some(true), Some(true)),
        ("failure()", Some(false), None),
        ("cancelled()", Some(false), None),
        ("'!cancelled()'", Some(true), None),
        ("false", Some(false), Some(false)),
        ("true", Some(true), None),
        ("\"github.ref == 'refs/heads/main'\"", Some(true), None),
        (
            "\"github.ref == 'refs/heads/other'\"",
            Some(false),
            Some(false),
        ),
        ("\"${{ vars.LABEL == 'WINDOWS' }}\"", Some(true), None),
        (
            "\"vars.NO || github.event_name == 'push' && always()\"",
            Some(true),
            Some(true),
        ),
        (
            "\"always() && github.actor == 'x'\"",
            Some(false),
            Some(false),
        ),
        ("\"always() && needs.a.result == 'success'\"", None, None),
        ("needs.a.outputs.x", None, None),
        ("\"success('a') && failure('a')\"", None, None),
    ] {
        assert_eq!(
            last(&format!("a: {{}}\nb: {{needs: a, if: {condition}}}")),
            with_needs,
            "{condition}"
        );
        if alone.is_some() {
            assert_eq!(
                last(&format!("b: {{if: {condition}}}")),
                alone,
                "{condition}"
            );
        }
    }
}

#[test]
fn jobs_behind_a_skipped_one_are_skipped() {
    insta::assert_snapshot!(shown_jobs(
        "a: {if: false}\nb: {needs: a}\nc: {needs: b, if: always()}\nd: {needs: c}\n\
         e: {needs: a, if: '!cancelled()'}\nf: {needs: a, if: github.actor}\ng: {}\nh: {needs: [g, a]}"
    ), @"
    a is skipped: a
    b is skipped: b
    c runs: c
      - c on x
    d is skipped: d
    e may run: e
      - e on x
    f is skipped: f
    g runs: g
      - g on x
    h is skipped: h
    ");
}

#[test]
fn nothing_else_of_a_skipped_job_is_looked_at() {
    let plan = planned(&jobs(
        "a: {if: false, strategy: {matrix: {a: '${{ fromJSON(vars.LABEL) }}'}}}",
    ));
    assert!(plan.jobs[0].legs.known().unwrap().items.is_empty());
    assert_eq!(plan.jobs[0].condition.text.as_deref(), Some("false"));
}
