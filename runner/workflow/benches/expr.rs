//! How long an expression takes: parsed and evaluated as a step does it, and evaluated alone.
//!
//! Run it with `cargo bench -p dormer-workflow --bench expr`. It prints medians, and fails where one
//! is above what is promised; a build without optimisations only runs through.

#![expect(clippy::print_stdout, reason = "a benchmark prints what it measured")]

use std::hint::black_box;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use dormer_workflow::SourceFile;
use dormer_workflow::expr::{Condition, Contexts, Expression, Template, Value, read_contexts};

/// What is promised for one expression, parsed and evaluated.
const PROMISED: Duration = Duration::from_micros(20);

/// Samples of which the median is taken, and how often each repeats what it measures.
const SAMPLES: usize = 101;
const REPEATS: u32 = 200;

const CONTEXTS: &str = r#"{
    "github": {
        "ref": "refs/heads/main", "actor": "mona", "event_name": "push", "run_number": 17,
        "event": {"commits": [{"id": "a1"}, {"id": "b2"}, {"id": "c3"}], "labels": [{"name": "bug"}]}
    },
    "matrix": {"os": "windows", "version": "3.12"},
    "needs": {"build": {"result": "success", "outputs": {"v": "1"}}, "test": {"result": "failure"}},
    "env": {"CONFIG": "{\"shards\": [1, 2, 3, 4]}"}
}"#;

/// Expressions as workflows have them.
const EXPRESSIONS: [&str; 7] = [
    "github.ref",
    "github.ref == 'refs/heads/main' && github.event_name == 'push'",
    "startsWith(github.ref, 'refs/tags/') || contains(github.event.labels.*.name, 'release')",
    "matrix.version == '3.12' && 'latest' || format('v{0}-{1}', matrix.version, matrix.os)",
    "join(needs.*.result, ', ')",
    "fromJSON(env.CONFIG).shards[2] >= 0x03",
    "toJSON(needs)",
];

fn main() -> ExitCode {
    let mut slow = false;
    for text in EXPRESSIONS {
        let (whole, evaluated) = measure_expression(text);
        slow |= whole > PROMISED;
        println!("{whole:>10.2?} parsed and evaluated {evaluated:>10.2?} evaluated  {text}");
    }
    let text = "echo ${{ github.actor }} builds ${{ matrix.os }} of ${{ github.ref }}";
    let scope = scope();
    let whole = median(|| {
        let template = Template::parse(text).ok();
        template.and_then(|template| template.render(&scope).ok())
    });
    println!("{whole:>10.2?} parsed and rendered   {text}");
    let text = "${{ !cancelled() && github.ref == 'refs/heads/main' }}";
    let whole = median(|| {
        let condition = Condition::parse(text).ok();
        condition.and_then(|condition| condition.evaluate(&scope).ok())
    });
    println!("{whole:>10.2?} parsed and evaluated  if: {text}");
    if slow && !cfg!(debug_assertions) {
        println!("slower than the {PROMISED:?} that are promised");
        return ExitCode::FAILURE;
    }
    ExitCode::SUCCESS
}

fn measure_expression(text: &str) -> (Duration, Duration) {
    let scope = scope();
    let evaluate = |expression: &Expression| -> Option<Value> { expression.evaluate(&scope).ok() };
    let whole = median(|| Expression::parse(text).ok().and_then(|e| evaluate(&e)));
    let parsed = Expression::parse(text).ok();
    let evaluated = median(|| parsed.as_ref().and_then(evaluate));
    (whole, evaluated)
}

/// The median time of one run.
fn median<T>(run: impl Fn() -> Option<T>) -> Duration {
    assert!(run().is_some(), "what is measured must succeed");
    let mut samples: Vec<Duration> = (0..SAMPLES)
        .map(|_| {
            let start = Instant::now();
            for _ in 0..REPEATS {
                black_box(run());
            }
            start.elapsed() / REPEATS
        })
        .collect();
    samples.sort();
    samples[SAMPLES / 2]
}

fn scope() -> Contexts {
    let file = SourceFile::new("contexts.json", CONTEXTS);
    Contexts {
        values: read_contexts(&file).unwrap_or_default(),
        ..Contexts::default()
    }
}
