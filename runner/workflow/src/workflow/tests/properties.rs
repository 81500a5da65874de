//! What holds for any file.

use std::time::{Duration, Instant};

use proptest::prelude::{
    ProptestConfig, Strategy, any, prop_assert, prop_assert_eq, prop_assume, proptest,
};

use super::*;

/// Lines that are more often than not nearly a workflow.
fn nearly() -> impl Strategy<Value = String> {
    let line = "( {0,10})(- )?(on|jobs|build|runs-on|steps|run|uses|with|env|if|needs|name|id|strategy|container|a b|<<|&a|\\*a)(: ?)(push|x|\\[a, b\\]|\\{a: b\\}|\\||5|true|\\$\\{\\{ github\\.x \\}\\}|\\$\\{\\{|'|\"|\\*a|&a)?";
    proptest::collection::vec(line, 0..20).prop_map(|lines| lines.join("\n"))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    #[test]
    fn nothing_panics(text in any::<String>()) {
        let _ = parse_workflow(&SourceFile::new("f", text));
    }

    #[test]
    fn nothing_like_a_workflow_panics(text in nearly()) {
        match parse_workflow(&SourceFile::new("f", text)) {
            Ok(workflow) => {
                for job in &workflow.jobs {
                    let _ = workflow.unsupported_in(&job.id.value);
                }
            }
            Err(problems) => {
                prop_assert!(!problems.is_empty());
                prop_assert!(problems.iter().is_sorted_by_key(|problem| problem.span));
                let _ = problems.render();
            }
        }
    }

    /// A script comes back as it was written, and a file with a line gone is read or refused.
    #[test]
    fn scripts_come_back(script in "[ -~é]{0,40}", at in 0usize..100) {
        prop_assume!(!script.contains("${{"));
        let quoted = serde_json::to_string(&script).unwrap();
        let workflow = read(&with_step(&format!("run: {quoted}")));
        let StepAction::Run { script: found, .. } = &workflow.jobs[0].steps[0].action else { panic!() };
        prop_assert_eq!(found.as_literal(), Some(script.as_str()));
        let text = with_step(&format!("run: {quoted}"));
        let cut: String = text.lines().enumerate().filter(|(i, _)| *i != at % 8).map(|(_, l)| format!("{l}\n")).collect();
        let _ = parse_workflow(&SourceFile::new("f", cut));
    }
}

/// A tenth of a second or a bit more, and much more where nothing is optimised.
fn in_time<T>(what: &str, run: impl FnOnce() -> T) -> T {
    let limit = Duration::from_millis(if cfg!(debug_assertions) { 5000 } else { 250 });
    let start = Instant::now();
    let result = run();
    assert!(start.elapsed() < limit, "{what}: {:?}", start.elapsed());
    result
}

#[test]
fn hostile_files_are_refused_in_time() {
    let aliases = "*x, ".repeat(400);
    for (what, text) in [
        (
            "empty expressions",
            with_step(&format!("run: {}", "${{}}".repeat(200_000))),
        ),
        (
            "many expressions",
            with_step(&format!("run: {}", "${{1}}".repeat(170_000))),
        ),
        (
            "wrong expressions",
            with_step(&format!("run: |\n  {}", "${{1 1}} ".repeat(110_000))),
        ),
        (
            "unknown names",
            with_step(&format!("run: {}", "${{ a.b.c.d }}".repeat(70_000))),
        ),
        (
            "open expressions",
            with_step(&format!("run: {}", "${{ '".repeat(200_000))),
        ),
        (
            "one long expression",
            with_step(&format!("if: {}", "a || ".repeat(200_000))),
        ),
        (
            "long texts by alias",
            format!("a: &x '{}'\nb: [{aliases}]\n", "${{ x }} ".repeat(2500)),
        ),
        (
            "unknown keys",
            format!("on: push\n{}", "x: {}\n".repeat(100_000)),
        ),
        (
            "many steps",
            format!(
                "on: push\njobs: {{a: {{steps: [{}]}}}}",
                "{}, ".repeat(40_000)
            ),
        ),
        (
            "many ids",
            format!(
                "on: push\njobs: {{{}}}",
                (0..40_000).map(|i| format!("{i}: ,")).collect::<String>()
            ),
        ),
    ] {
        let source = SourceFile::new("f", text);
        assert!(in_time(what, || parse_workflow(&source)).is_err(), "{what}");
    }
}

#[test]
fn large_files_are_read_in_time() {
    use std::fmt::Write as _;
    let mut text = "on: push\njobs:\n".to_owned();
    for i in 0..2000 {
        let needs = if i == 0 {
            String::new()
        } else {
            format!("needs: j{}, ", i - 1)
        };
        let step = "{run: 'echo ${{ github.sha }}'}";
        writeln!(text, "  j{i}: {{runs-on: x, {needs}steps: [{step}]}}").unwrap();
    }
    assert_eq!(in_time("right", || read(&text)).jobs.len(), 2000);
    let wrong = SourceFile::new("f", text.replace("runs-on", "runson"));
    assert!(in_time("wrong", || parse_workflow(&wrong)).is_err());
}
