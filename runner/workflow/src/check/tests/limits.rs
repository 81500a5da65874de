//! What holds for any files, and how long it takes.

use std::fmt::Write as _;
use std::time::{Duration, Instant};

use proptest::prelude::*;

use super::*;

/// Lines that are more often than not nearly a workflow or an action.
fn nearly() -> impl Strategy<Value = String> {
    let line = "( {0,10})(- )?(on|jobs|a|b|runs-on|steps|run|uses|with|secrets|outputs|inputs|id|needs|if|workflow_call|workflow_dispatch|schedule|cron|type|required|default|permissions|concurrency|environment|container|services|runs|using)(: ?)(push|workflow_call|x|a|\\[a, b\\]|\\{a: b\\}|\\||5|true|inherit|composite|string|'\\* \\* \\* \\* \\*'|\\./a|\\./\\.github/workflows/(ci|a)\\.yml|\\$\\{\\{ (inputs|steps|needs|jobs)\\.a\\.outputs\\.b \\}\\})?";
    proptest::collection::vec(line, 0..24).prop_map(|lines| lines.join("\n"))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn no_files_panic(main in nearly(), called in nearly(), action in nearly()) {
        let repository = Repository::default()
            .with(MAIN, main)
            .with(".github/workflows/a.yml", called)
            .with("a/action.yml", action);
        for path in [MAIN, ".github/workflows/a.yml", "a/action.yml"] {
            let report = check(&repository, path).unwrap();
            prop_assert!(report.errors.iter().is_sorted_by_key(|problem| problem.span));
            prop_assert!(report.warnings.iter().is_sorted_by_key(|problem| problem.span));
            for problem in report.errors.iter().chain(&report.warnings) {
                prop_assert!(!problem.render().is_empty());
            }
        }
    }

    #[test]
    fn no_text_panics(text in any::<String>(), path in "[a-z./\\\\]{0,12}") {
        let repository = Repository::default().with(&path, text);
        prop_assert!(check(&repository, &path).is_ok());
    }

    #[test]
    fn no_cron_and_no_on_panics(on in "[ -~é]{0,40}", cron in "[-0-9*/,a-zé ]{0,30}") {
        let quoted = serde_json::to_string(&on).unwrap();
        for on in [&*quoted, &*on, &format!("{{schedule: [{{cron: '{cron}'}}]}}")] {
            let text = format!("on: {on}\njobs: {{a: {{runs-on: x, steps: [run: x]}}}}\n");
            let _ = check(&Repository::default().with(MAIN, text), MAIN);
        }
    }
}

/// Tenths of a second, and many more where nothing is optimised.
fn in_time<T>(what: &str, tenths: u32, run: impl FnOnce() -> T) -> T {
    let slow = if cfg!(debug_assertions) { 20 } else { 1 };
    let limit = Duration::from_millis(100) * tenths * slow;
    let start = Instant::now();
    let result = run();
    assert!(start.elapsed() < limit, "{what}: {:?}", start.elapsed());
    result
}

#[test]
fn bombs_are_refused_in_a_tenth_of_a_second() {
    let mut aliases = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n".to_owned();
    for i in 1..60 {
        let before = i - 1;
        let items = format!("*a{before}, ").repeat(9);
        writeln!(aliases, "a{i}: &a{i} [{items}]").unwrap();
    }
    for (what, text) in [
        ("aliases", aliases),
        ("flow depth", format!("on: {}", "[".repeat(500_000))),
        ("flow mappings", format!("on: {}", "{a: ".repeat(200_000))),
        (
            "block depth",
            (0..1000)
                .map(|i| format!("{}a:\n", " ".repeat(i)))
                .collect(),
        ),
        ("sequences", format!("on:\n  {}x", "- ".repeat(300_000))),
        ("a large file", "x: y\n".repeat(300_000)),
        ("one large scalar", format!("on: {}", "x".repeat(2_000_000))),
        ("many nodes", format!("on: [{}]", "a, ".repeat(340_000))),
    ] {
        let repository = Repository::default().with(MAIN, text);
        let report = in_time(what, 1, || check(&repository, MAIN).unwrap());
        assert!(!report.errors.is_empty(), "{what}");
    }
}

#[test]
fn files_that_use_each_other_many_times_are_checked_in_a_second() {
    let many =
        |count: usize, item: &dyn Fn(usize) -> String| -> String { (0..count).map(item).collect() };
    let layers = (0..9).fold(Repository::default(), |repository, layer| {
        let jobs = many(60, &|i| {
            format!(
                "  j{i}: {{uses: ./.github/workflows/l{}n{i}.yml}}\n",
                layer + 1
            )
        });
        let text = format!("on: workflow_call\njobs:\n{jobs}");
        (0..60).fold(repository, |repository, i| {
            repository.with(&format!(".github/workflows/l{layer}n{i}.yml"), text.clone())
        })
    });
    in_time("layers", 10, || {
        check(&layers, ".github/workflows/l0n0.yml").unwrap()
    });

    let inputs = many(5000, &|i| {
        format!("      i{i}: {{type: string, required: true}}\n")
    });
    let called = format!(
        "on:\n  workflow_call:\n    inputs:\n{inputs}jobs: {{a: {{runs-on: x, steps: [run: x]}}}}\n"
    );
    let jobs = many(8000, &|i| {
        format!("  j{i}: {{uses: ./.github/workflows/called.yml}}\n")
    });
    let caller = Repository::default()
        .with(MAIN, format!("on: push\njobs:\n{jobs}"))
        .with(".github/workflows/called.yml", called);
    in_time("missing inputs", 10, || check(&caller, MAIN).unwrap());

    let inputs = many(9000, &|i| format!("  input{i}: {{required: true}}\n"));
    let given = many(9000, &|i| format!("input{}: x, ", 9000 - i));
    let users = many(30, &|_| {
        format!("{{uses: ./a, with: {{{}}}}}, ", &given[..20_000])
    });
    let actions = Repository::default().with(MAIN, steps(&users)).with(
        "a/action.yml",
        format!("inputs:\n{inputs}runs: {{using: composite, steps: []}}\n"),
    );
    in_time("inputs of actions", 10, || check(&actions, MAIN).unwrap());

    let script = many(25_000, &|i| format!("${{{{ steps.s{i}.outputs.x }}}} "));
    let asked = many(240, &|i| {
        format!(
            "{{run: '{}'}}, ",
            &script[i * 60..i * 60 + 4000].replace(|c: char| !c.is_ascii(), "")
        )
    });
    let asking = Repository::default().with(MAIN, steps(&asked));
    in_time("absent steps", 10, || check(&asking, MAIN).unwrap());
}
