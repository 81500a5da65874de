//! What holds for any file.

use std::time::{Duration, Instant};

use proptest::prelude::*;

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

    /// Any file, with any line of it gone, is read or refused, and never refused for nothing.
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

#[test]
fn large_files_are_read_in_time() {
    use std::fmt::Write as _;
    let limit = Duration::from_millis(if cfg!(debug_assertions) { 5000 } else { 200 });
    let mut text = "on: push\njobs:\n".to_owned();
    for i in 0..2000 {
        let needs = if i == 0 {
            String::new()
        } else {
            format!("needs: j{}, ", i - 1)
        };
        writeln!(
            text,
            "  j{i}: {{runs-on: x, {needs}steps: [{{run: 'echo ${{{{ github.sha }}}}'}}]}}"
        )
        .unwrap();
    }
    let start = Instant::now();
    assert_eq!(read(&text).jobs.len(), 2000);
    assert!(start.elapsed() < limit, "{:?}", start.elapsed());
    let wrong = text.replace("runs-on", "runson");
    let start = Instant::now();
    assert!(parse_workflow(&SourceFile::new("f", wrong)).is_err());
    assert!(start.elapsed() < limit, "{:?}", start.elapsed());
}
