//! Whole workflows in guests that are directories of this host: everything below `fixtures/workflows`, by
//! the product's own graph, from the file to the exit code. A few of them run in real machines too, see
//! `runner/tests/vm/corpus.rs`. `CORPUS=part-of-a-name` runs only these, and `SHOW=human` or `SHOW=github`
//! shows them as people would see them.

mod legs;
mod run;

use std::path::Path;
use std::time::Duration;

use dormer_testkit::corpus::case::Case;
use dormer_testkit::corpus::compare::{differences, missing_of_refusal};

use run::Ended;

/// No case may take longer.
const LONGEST: Duration = Duration::from_secs(60);
/// How many run at once.
const AT_ONCE: usize = 4;

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn every_workflow_of_the_corpus_ends_as_it_would_on_github() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fixtures/workflows");
    let wanted = std::env::var("CORPUS").unwrap_or_default();
    let cases: Vec<Case> = Case::all(&root)
        .into_iter()
        .filter(|case| case.expected.local && case.name.contains(&wanted))
        .collect();
    assert!(!cases.is_empty(), "there is no case `{wanted}`");
    let (mut running, mut failures) = (tokio::task::JoinSet::new(), Vec::new());
    let mut cases = cases.into_iter();
    loop {
        while running.len() < AT_ONCE
            && let Some(case) = cases.next()
        {
            running.spawn(failures_of(case));
        }
        let Some(ended) = running.join_next().await else {
            break;
        };
        failures.extend(ended.expect("the case's task"));
    }
    assert!(failures.is_empty(), "\n{}\n", failures.join("\n"));
}

/// What is wrong with a case, under its name; nothing if it is as it has to be.
async fn failures_of(case: Case) -> Option<String> {
    let found = match tokio::time::timeout(LONGEST, run::run(&case)).await {
        Ok(Ended::Ran(seen)) => differences(&case.expected, &seen),
        Ok(Ended::Refused(code, said)) => {
            let mut found = missing_of_refusal(&case.expected, &said);
            if (case.expected.conclusion.is_some(), case.expected.exit_code) != (false, code) {
                found.push(format!("it is refused with {code}: {said}"));
            }
            found
        }
        Err(_) => vec!["it hangs".to_owned()],
    };
    (!found.is_empty()).then(|| format!("== {}\n  - {}", case.name, found.join("\n  - ")))
}
