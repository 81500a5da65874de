//! What holds for any workflow.

use proptest::prelude::*;

use super::*;

/// Jobs that need earlier ones, with lines that are right more often than not.
fn workflow() -> impl Strategy<Value = String> {
    let line = prop_oneof![
        Just("    strategy: {matrix: {a: [1, 2], b: [x, y]}}\n"),
        Just("    strategy: {matrix: {a: '${{ fromJSON(vars.MATRIX).a }}'}}\n"),
        Just("    strategy: {matrix: {a: '${{ fromJSON(needs.j0.outputs.x) }}'}}\n"),
        Just("    strategy: {max-parallel: '${{ vars.LABEL }}'}\n"),
        Just("    if: always()\n"),
        Just("    if: false\n"),
        Just("    if: needs.j0.result == 'success'\n"),
        Just("    name: 'n ${{ matrix.a }} ${{ needs.j1.result }}'\n"),
        Just("    timeout-minutes: ${{ fromJSON(vars.MINUTES) }}\n"),
        Just("    continue-on-error: ${{ matrix.a == 1 }}\n"),
        Just("    environment: ${{ matrix.a }}\n"),
        Just("    concurrency: ${{ github.ref }}\n"),
    ];
    let job = (
        proptest::collection::vec(line, 0..4),
        proptest::collection::vec(any::<prop::sample::Index>(), 0..3),
    );
    proptest::collection::vec(job, 1..6).prop_map(|jobs| {
        let mut text = "on: push\njobs:\n".to_owned();
        for (i, (lines, needs)) in jobs.iter().enumerate() {
            text.push_str(&format!("  j{i}:\n    runs-on: x\n    steps: [run: x]\n"));
            if i > 0 && !needs.is_empty() {
                let needs: std::collections::BTreeSet<String> = needs
                    .iter()
                    .map(|need| format!("j{}", need.index(i)))
                    .collect();
                let needs: Vec<String> = needs.into_iter().collect();
                text.push_str(&format!("    needs: [{}]\n", needs.join(", ")));
            }
            let mut seen = std::collections::HashSet::new();
            for line in lines {
                if seen.insert(line.split(':').next()) {
                    text.push_str(line);
                }
            }
        }
        text
    })
}

proptest! {
    #[test]
    fn every_job_is_planned_once_after_its_needs(text in workflow()) {
        let workflow = read(&text);
        let plan = match plan(&workflow, &request(), &NoFiles) {
            Ok(plan) => plan,
            Err(problems) => {
                prop_assert!(!problems.is_empty());
                return Ok(());
            }
        };
        prop_assert_eq!(plan.jobs.len(), workflow.jobs.len());
        let mut before: Vec<&str> = Vec::new();
        for job in &plan.jobs {
            prop_assert!(job.needs.iter().all(|need| before.contains(&need.as_str())));
            before.push(&job.id);
            for (index, leg) in job.legs.known().map(|legs| &legs.items).into_iter().flatten().enumerate() {
                prop_assert_eq!(leg.index, index);
            }
            let needs = job.needs.iter().map(|need| (need.as_str(), object(r#"{"result": "success", "outputs": {"x": "[1]"}}"#)));
            let expanded = plan.expand(job, Object::from_iter(needs), &NoFiles);
            if let (Ok(legs), Some(known), None | Some(true)) = (expanded, job.legs.known(), job.condition.holds) {
                prop_assert_eq!(legs.items.len(), known.items.len());
            }
        }
        let _ = serde_json::to_string(&plan.document()).unwrap();
    }

    #[test]
    fn nothing_panics(inputs in proptest::collection::vec(("\\PC{0,8}", "\\PC{0,8}"), 0..4), event in proptest::option::of("\\PC{0,12}")) {
        let request = Request { inputs, event, ..request() };
        let _ = plan(&read("on: {workflow_dispatch: {inputs: {a: {type: number}, b: {type: boolean}}}, push: }\njobs:\n  a: {runs-on: x, steps: [run: x]}\n"), &request, &NoFiles);
    }
}
