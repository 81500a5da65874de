//! A workflow of several jobs, each in a machine of its own.

use std::fs;

use dormer_testkit::events::Events;

use crate::lab::Lab;

/// A job that makes something, one that needs it, and a matrix of which one leg fails.
const WORKFLOW: &str = r#"
on: push
jobs:
  make:
    runs-on: windows-latest
    outputs:
      made: ${{ steps.it.outputs.made }}
      secret: ${{ steps.it.outputs.secret }}
    steps:
      - id: it
        shell: bash
        run: |
          echo "made=thing-${{ hashFiles('*.txt') != '' }}" >>"$GITHUB_OUTPUT"
          echo "secret=hunter2" >>"$GITHUB_OUTPUT"
          grep -q '"ref"' "$GITHUB_EVENT_PATH"
          mkdir -p out; echo made >out/made.log
  use:
    needs: make
    runs-on: windows-latest
    steps:
      - shell: bash
        run: 'echo "got ${{ needs.make.outputs.made }}[${{ needs.make.outputs.secret }}]"'
  test:
    strategy:
      fail-fast: false
      matrix: {n: [1, 2]}
    runs-on: windows-latest
    steps:
      - shell: bash
        run: exit ${{ matrix.n == 2 && 3 || 0 }}
  after:
    needs: [use, test]
    runs-on: windows-latest
    steps: [{run: echo}]
"#;

#[test]
fn jobs_run_each_in_a_machine_of_its_own_and_hand_on_what_they_made() {
    let lab = Lab::new();
    lab.write("w.yml", WORKFLOW);
    lab.write("files/a.txt", "a");
    lab.write("secrets", "WORD=hunter2\n");
    let run = lab.dormer(["run", "w.yml", "--workspace", "files", "--out", "out"]);
    let run = run.args(["--events", "events.jsonl", "--artifact", "out/*.log"]);
    let finished = run.args(["--secret-file", "secrets"]).run().expect(1);

    let events = Events::read(&lab.path("events.jsonl"));
    let ends: Vec<(String, String)> = events
        .of("job_completed")
        .map(|event| {
            let name = event.get("leg").unwrap_or(&event["job"]);
            let text = |value: &serde_json::Value| value.as_str().unwrap_or_default().to_owned();
            (text(name), text(&event["conclusion"]))
        })
        .collect();
    for (job, conclusion) in [
        ("make", "success"),
        ("use", "success"),
        ("test (1)", "success"),
        ("test (2)", "failure"),
        ("after", "skipped"),
    ] {
        let end = (job.to_owned(), conclusion.to_owned());
        assert!(ends.contains(&end), "{job}: {ends:?}");
    }
    let run = events.of("run_completed").next().expect("the run's end");
    assert_eq!(
        (&run["conclusion"], &run["exit_code"]),
        (&"failure".into(), &1.into())
    );
    let shown = finished.all();
    assert!(shown.contains("use   │ got thing-true[]"), "{shown}");
    assert!(
        shown.contains("Skip output 'secret' since it may contain secret."),
        "{shown}"
    );
    assert!(!shown.contains("hunter2"), "{shown}");
    let made = fs::read_to_string(lab.path("out/make/out/made.log")).expect("an artifact");
    assert_eq!(made, "made\n");
    lab.assert_nothing_left();
}
