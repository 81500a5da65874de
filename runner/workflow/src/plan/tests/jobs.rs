//! Order, legs and what they have.

use super::*;

#[test]
fn jobs_come_after_what_they_need_and_else_as_written() {
    let plan = planned(&jobs(
        "d: {needs: [c, A]}\nc: {}\nb: {}\na: {needs: c}\ne: {}",
    ));
    let ids: Vec<&str> = plan.jobs.iter().map(|job| job.id.as_str()).collect();
    assert_eq!(ids, ["c", "b", "a", "d", "e"]);
    assert_eq!(plan.job("D").unwrap().needs, ["c", "A"]);
}

#[test]
fn legs_are_expanded_where_all_is_known() {
    insta::assert_snapshot!(shown_jobs(
        "plain: {runs-on: '${{ vars.LABEL }}'}\n\
         two: {strategy: {matrix: {os: [w, l], n: [1]}}, runs-on: ['${{ matrix.os }}', x]}\n\
         named: {name: 'on ${{ matrix.a }} of ${{ strategy.job-total }}', strategy: {matrix: '${{ fromJSON(vars.MATRIX) }}'}}\n\
         titled: {name: Title, strategy: {matrix: {a: [1]}}}\n\
         none: {strategy: {matrix: {a: [1], exclude: [{a: 1}]}}}\n\
         empty: {name: '${{ vars.NO }}', strategy: {fail-fast: false}}"
    ), @"
    plain runs: plain
      - plain on windows
    two runs: two
      - two (w, 1) on w x
      - two (l, 1) on l x
    named runs: on ${{ matrix.a }} of ${{ strategy.job-total }}
      - on 1 of 2 on x
      - on 2 of 2 on x
    titled runs: Title
      - Title (1) on x
    none runs: none
    empty runs: empty
      - empty on x
    ");
}

#[test]
fn what_needs_jobs_waits_for_them() {
    insta::assert_snapshot!(shown_jobs(
        "a: {}\n\
         b: {needs: a, strategy: {matrix: '${{ fromJSON(needs.a.outputs.m) }}'}}\n\
         c: {needs: [a, b], runs-on: '${{ needs.a.outputs.l }}', name: 'x ${{ needs.a.result }}'}\n\
         d: {needs: a, strategy: {fail-fast: '${{ needs.a.outputs.f }}', matrix: {a: [1]}}}"
    ), @"
    a runs: a
      - a on x
    b may run: b
      after a
    c may run: x ${{ needs.a.result }}
      - x ${{ needs.a.result }} on ? after a, b
    d may run: d
      after a
    ");
}

#[test]
fn the_run_expands_what_had_to_wait() {
    let plan = planned(&jobs(
        "a: {}\nb: {needs: a, strategy: {max-parallel: 1, matrix: '${{ fromJSON(needs.a.outputs.m) }}'}, runs-on: '${{ matrix.os }}-${{ needs.a.outputs.v }}'}",
    ));
    let job = plan.job("b").unwrap();
    let needs = |m: &str| {
        object(&format!(
            r#"{{"a": {{"result": "success", "outputs": {{"v": "1", "m": "{m}"}}}}}}"#
        ))
    };
    let legs = plan
        .expand(job, needs(r#"{\"os\": [\"w\", \"l\"]}"#), &NoFiles)
        .unwrap();
    assert_eq!((legs.fail_fast, legs.max_parallel), (true, Some(1)));
    let shown: String = legs.items.iter().map(shown_leg).collect();
    assert_eq!(shown, "  - b (w) on w-1\n  - b (l) on l-1\n");
    let contexts = plan.contexts(needs("{}"), legs.items.first());
    let expression = crate::expr::Expression::parse(
        "format('{0} {1} {2} {3}', matrix.os, strategy.job-index, strategy.max-parallel, needs.a.result)",
    );
    assert_eq!(
        expression.unwrap().evaluate(&contexts).unwrap(),
        "w 0 1 success".into()
    );
    let problems = plan.expand(job, needs("x"), &NoFiles).unwrap_err();
    insta::assert_snapshot!(problems.to_string(), @"ci.yml:4:67: `fromJSON` got a string that is not JSON: expected value at line 1 column 1");
    let problems = plan.expand(job, needs("{}"), &NoFiles).unwrap_err();
    insta::assert_snapshot!(problems.to_string(), @"ci.yml:4:53: the matrix has no vectors");
}

#[test]
fn legs_have_all_their_settings() {
    let plan = planned(&jobs(
        "a: {timeout-minutes: '${{ fromJSON(vars.MINUTES) }}', continue-on-error: '${{ matrix.x }}', \
         concurrency: {group: 'g-${{ matrix.x }}', cancel-in-progress: true}, environment: {name: 'e-${{ matrix.x }}'}, \
         strategy: {fail-fast: false, max-parallel: 2, matrix: {x: [true, false]}}}\n\
         b: {needs: a, timeout-minutes: '${{ needs.a.outputs.m }}', environment: ''}",
    ));
    let legs = plan.job("a").unwrap().legs.known().unwrap();
    assert_eq!((legs.fail_fast, legs.max_parallel), (false, Some(2)));
    let leg = &legs.items[1];
    assert_eq!((leg.index, leg.total), (1, 2));
    assert_eq!(leg.timeout_minutes, Planned::Now(5.0));
    assert_eq!(leg.continue_on_error, Planned::Now(false));
    assert_eq!(leg.environment, Some(Planned::Now("e-false".to_owned())));
    let group = leg.concurrency.as_ref().unwrap().known().unwrap();
    assert_eq!(
        (group.name.as_str(), group.cancel_in_progress),
        ("g-false", true)
    );
    let leg = &plan.job("b").unwrap().legs.known().unwrap().items[0];
    assert_eq!(
        leg.timeout_minutes,
        Planned::After(vec!["a".to_owned()].into())
    );
    assert_eq!(
        (&leg.environment, &leg.concurrency, &leg.matrix),
        (&None, &None, &None)
    );
    let strategy = r#"{"fail-fast":true,"job-index":0,"job-total":1,"max-parallel":1}"#;
    assert_eq!(serde_json::to_string(&leg.strategy).unwrap(), strategy);
}

#[test]
fn a_run_has_a_name_and_a_group() {
    let plan = planned(
        "name: W\nrun-name: by ${{ github.actor }}\nconcurrency: c-${{ github.ref }}\non: push\njobs:\n  a: {runs-on: x, steps: [run: x]}\n",
    );
    assert_eq!(
        (plan.name.as_str(), plan.run_name.as_deref()),
        ("W", Some("by Mona"))
    );
    assert_eq!(
        plan.concurrency.unwrap().known().unwrap().name,
        "c-refs/heads/main"
    );
    assert_eq!(planned(&jobs("a: {}")).name, "ci.yml");
}

#[test]
fn everything_that_fails_is_told_at_once() {
    let text = jobs(
        "a: {runs-on: '${{ vars.NO }}', timeout-minutes: '${{ vars.MINUTES }}', continue-on-error: '${{ 1 }}'}\n\
         b: {strategy: {matrix: {a: '${{ fromJSON(vars.LABEL) }}', b: '${{ vars.LABEL }}'}}}\n\
         c: {if: fromJSON(vars.LABEL)}\n\
         d: {concurrency: '${{ vars.NO }}', environment: '${{ vars }}', name: '${{ vars }}'}",
    );
    let plan = planned(&text);
    let told: Vec<&str> = plan
        .jobs
        .iter()
        .flat_map(|job| &job.problems)
        .map(String::as_str)
        .collect();
    insta::assert_snapshot!(told.join("\n"), @"
    ci.yml:3:21: expected a label, found null
    ci.yml:3:56: expected a positive number, found a string
    ci.yml:3:98: expected a boolean, found a number
    ci.yml:4:44: `fromJSON` got a string that is not JSON: expected value at line 1 column 1
    ci.yml:5:20: `fromJSON` got a string that is not JSON: expected value at line 1 column 1
    ci.yml:6:25: expected the name of a group, found null
    ci.yml:6:77: expected a string, found an object
    ");
}

#[test]
fn a_job_whose_expressions_fail_is_no_matter_of_the_others() {
    let text = jobs(
        "a: {if: fromJSON(vars.LABEL)}\nb: {}\nc: {needs: a}\nd: {runs-on: '${{ fromJSON(vars.LABEL) }}'}",
    );
    let plan = planned(&text);
    let failing: Vec<bool> = plan
        .jobs
        .iter()
        .map(|job| !job.problems.is_empty())
        .collect();
    assert_eq!(failing, [true, false, false, true]);
    assert_eq!(plan.jobs[0].condition.holds, None);
    assert!(plan.jobs[0].condition.text.is_some());
    let expand = |index: usize| plan.expand(&plan.jobs[index], Object::new(), &NoFiles);
    assert!(expand(3).is_err());
    assert_eq!(expand(1).unwrap().items.len(), 1);
}

#[test]
fn keys_without_effect_are_told_once_each() {
    let text = "on: push\npermissions: read-all\njobs:\n  a: {runs-on: x, permissions: {}, environment: e, \
                cancel-timeout-minutes: 3, steps: [run: x]}\n  b: {runs-on: x, environment: f, cache-mode: read, \
                steps: [run: x]}\n";
    insta::assert_snapshot!(planned(text).all_warnings().join("\n"), @"
    ci.yml:2:1: `permissions` has no effect: Dormer makes no token
    ci.yml:4:3: `cancel-timeout-minutes` has no effect: Dormer gives every job the same time once it is cancelled
    ci.yml:4:36: `environment` has no effect: Dormer knows no deployment environments, with their rules, variables and secrets
    ci.yml:5:47: `cache-mode` has no effect: Dormer has no cache service
    ");
}
