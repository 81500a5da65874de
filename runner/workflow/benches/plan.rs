//! How long a plan takes: one of 256 legs is promised in 50 ms.
#![expect(clippy::print_stdout, reason = "figures are what a benchmark is for")]

use std::hint::black_box;
use std::sync::Arc;
use std::time::{Duration, Instant};

use dormer_workflow::expr::Object;
use dormer_workflow::plan::{NoFiles, Request, plan};
use dormer_workflow::{SourceFile, parse_workflow};

/// What is promised.
const LIMIT: Duration = Duration::from_millis(50);

/// One job of 256 legs with an expression wherever there can be one.
fn wide() -> String {
    let list = |name: &str| {
        let values: Vec<String> = (0..16).map(|i| format!("{name}{i}")).collect();
        values.join(", ")
    };
    format!(
        "on: workflow_dispatch\njobs:\n  build:\n    name: 'on ${{{{ matrix.os }}}} with ${{{{ matrix.node }}}}'\n    \
         runs-on: ['${{{{ matrix.os }}}}', '${{{{ vars.LABEL }}}}']\n    \
         timeout-minutes: ${{{{ matrix.slow && 60 || 5 }}}}\n    \
         continue-on-error: ${{{{ matrix.os == 'os3' }}}}\n    \
         concurrency: build-${{{{ matrix.os }}}}-${{{{ matrix.node }}}}\n    \
         environment: ${{{{ matrix.os }}}}\n    strategy:\n      matrix:\n        os: [{}]\n        node: [{}]\n        \
         include:\n{}        exclude:\n          - {{os: none}}\n    steps: [run: x]\n",
        list("os"),
        list("node"),
        (0..16)
            .map(|i| format!("          - {{os: os{i}, slow: true}}\n"))
            .collect::<String>()
    )
}

/// Many jobs in a row, each with a few legs.
fn long() -> String {
    let job = |i: usize| {
        let needs = i
            .checked_sub(1)
            .map(|i| format!("needs: j{i}, "))
            .unwrap_or_default();
        format!(
            "  j{i}: {{{needs}runs-on: '${{{{ matrix.a }}}}', strategy: {{matrix: {{a: [1, 2]}}}}, steps: [run: x]}}\n"
        )
    };
    format!("on: push\njobs:\n{}", (0..128).map(job).collect::<String>())
}

fn main() {
    let request = Request {
        vars: Object::from_iter([("LABEL", "windows")]),
        ..Request::default()
    };
    for (what, text) in [
        ("a matrix of 256 legs", wide()),
        ("128 jobs of 2 legs", long()),
    ] {
        let source = SourceFile::new("ci.yml", text);
        let read = || parse_workflow(&source).expect("the workflow is right");
        let workflow = Arc::new(read());
        let planned = || plan(&workflow, &request, &NoFiles).expect("the plan is right");
        let legs = planned()
            .jobs
            .iter()
            .filter_map(|job| job.legs.known())
            .map(|legs| legs.items.len())
            .sum::<usize>();
        assert_eq!(legs, 256, "{what}");
        measure(&format!("reading {what}"), LIMIT, read);
        measure(&format!("planning {what}"), LIMIT, planned);
        measure(
            &format!("reading and planning {what}, as JSON"),
            LIMIT,
            || {
                let plan = plan(&Arc::new(read()), &request, &NoFiles).expect("the plan is right");
                serde_json::to_string(&plan.document())
                    .map(|json| json.len())
                    .unwrap_or_default()
            },
        );
    }
}

/// How often each thing is measured.
const RUNS: usize = 200;

/// Prints the median and the slowest of many runs, beside what was promised. In a debug build, as
/// `cargo test --benches` makes one, everything runs once, and nothing is measured.
fn measure<T>(what: &str, limit: Duration, mut run: impl FnMut() -> T) {
    if cfg!(debug_assertions) {
        black_box(run());
        return;
    }
    let mut times: Vec<Duration> = (0..RUNS)
        .map(|_| {
            let start = Instant::now();
            black_box(run());
            start.elapsed()
        })
        .collect();
    times.sort();
    let median = times[RUNS / 2];
    let slowest = times[RUNS - 1];
    let verdict = if median <= limit { "holds" } else { "TOO SLOW" };
    println!("{what}: median {median:?}, slowest {slowest:?}, limit {limit:?}: {verdict}");
}
