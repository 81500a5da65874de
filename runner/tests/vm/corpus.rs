//! The cases of `fixtures/workflows` that are marked `real`, by the built binary in real machines. What
//! has to become of them is what `runner/tests/corpus` asks of all of them.

use std::path::Path;
use std::sync::Mutex;

use dormer_testkit::corpus::case::Case;
use dormer_testkit::corpus::compare::differences;
use dormer_testkit::corpus::seen::Seen;
use dormer_testkit::events::Events;

use crate::lab::Lab;

/// How many cases run at once: each machine has two processors.
const AT_ONCE: usize = 2;

#[test]
fn a_dozen_workflows_of_the_corpus_end_in_real_machines_as_they_do_without() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fixtures/workflows");
    let wanted = std::env::var("CORPUS").unwrap_or_default();
    let real = Case::all(&root)
        .into_iter()
        .filter(|case| case.expected.real && case.name.contains(&wanted));
    let cases = Mutex::new(real.collect::<Vec<Case>>());
    let failures = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(|| {
                loop {
                    let next = cases.lock().expect("no panic").pop();
                    let Some(case) = next else { break };
                    let (seen, said) = run(&case);
                    let found = differences(&case.expected, &seen);
                    if !found.is_empty() {
                        let found = found.join("\n  - ");
                        let text = format!("== {}\n  - {found}\n{said}", case.name);
                        failures.lock().expect("no panic").push(text);
                    }
                }
            });
        }
    });
    let failures = failures.into_inner().expect("no panic");
    assert!(failures.is_empty(), "\n{}\n", failures.join("\n"));
}

/// What was seen of a case, and what the program said.
fn run(case: &Case) -> (Seen, String) {
    let lab = Lab::new();
    case.copy_to(&lab.path(&case.name));
    let asked = &case.expected.run;
    let workflow = format!("{}/workflow.yml", case.name);
    let mut arguments = vec!["run".to_owned(), workflow, "--workspace".to_owned()];
    arguments.extend([case.name.clone(), "--events".to_owned()]);
    arguments.push("events.jsonl".to_owned());
    for (flag, pairs) in [("--input", &asked.inputs), ("--var", &asked.vars)] {
        for (name, value) in pairs {
            arguments.extend([flag.to_owned(), format!("{name}={value}")]);
        }
    }
    let program = lab.dormer(arguments);
    let secrets = asked.secrets.iter();
    let program = secrets.fold(program, |program, (name, value)| {
        program.args(["--secret", name]).env(name, value)
    });
    let ended = program.run();
    let events = Events::read(&lab.path("events.jsonl"));
    lab.assert_nothing_left();
    (Seen::of(&events, ended.code.unwrap_or(-1)), ended.all())
}
