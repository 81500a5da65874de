//! Jobs that are told to stop: by a person, by a step's time, by their own.

use std::time::Duration;

use dormer_testkit::program::Program;

use crate::lab::{DORMER, Lab};

const SLEEPS: &str = r#"
- shell: bash
  run: echo sleeping; sleep 300
- if: success()
  run: echo not reached
- if: always()
  shell: bash
  run: echo cleaned up
- if: cancelled()
  shell: bash
  run: echo was cancelled
"#;

fn sleeps(events: &dormer_testkit::events::Events) -> bool {
    events.log(1).contains(&"sleeping")
}

#[test]
fn an_interrupt_ends_the_step_and_the_last_ones_run() {
    let lab = Lab::new();
    let job = lab.job(SLEEPS.trim_start(), &[]);
    let running = lab.start_until(job, "the step sleeps", sleeps);
    running.signal("INT");
    let ran = lab.ran(running.finish()).expect(130);
    assert_eq!(ran.events.step(1)["outcome"], "cancelled");
    assert_eq!(ran.events.step(2)["outcome"], "skipped");
    assert_eq!(ran.events.log(3), ["cleaned up"]);
    assert_eq!(ran.events.log(4), ["was cancelled"]);
    assert_eq!(ran.events.completed()["conclusion"], "cancelled");
    assert!(ran.finished.took < Duration::from_secs(90));
    lab.assert_nothing_left();
}

#[test]
fn a_second_interrupt_does_not_wait_for_the_last_steps() {
    let lab = Lab::new();
    let steps = "- shell: bash\n  run: echo sleeping; sleep 300\n- if: always()\n  shell: bash\n  run: \
                 echo cleaning; sleep 300";
    let running = lab.start_until(lab.job(steps, &[]), "the step sleeps", sleeps);
    running.signal("INT");
    let cleans = || lab.events().log(2).contains(&"cleaning");
    dormer_testkit::program::wait_until("the last step runs", cleans);
    running.signal("INT");
    let ran = lab.ran(running.finish()).expect(130);
    assert_eq!(ran.events.completed()["conclusion"], "cancelled");
    lab.assert_nothing_left();
}

#[test]
fn an_interrupt_while_the_guest_boots_is_heard() {
    let lab = Lab::new();
    let job = lab.job("- run: echo hi", &[]);
    let running = lab.start_until(job, "it boots", |events| {
        events.has_phase("waiting_for_guest")
    });
    running.signal("TERM");
    let ran = lab.ran(running.finish()).expect(130);
    assert!(ran.events.of("step_started").next().is_none());
    lab.assert_nothing_left();
}

#[test]
fn the_jobs_own_time_ends_it() {
    let lab = Lab::new();
    let ran = lab
        .run(SLEEPS.trim_start(), &["--timeout", "40s"])
        .expect(124);
    assert_eq!(ran.events.step(1)["outcome"], "cancelled");
    assert_eq!(ran.events.log(3), ["cleaned up"]);
    assert!(ran.finished.took < Duration::from_secs(115));
    let limit = "the time of the job was over (`--timeout 40s`, of the whole run)";
    for part in [limit, "ran out of time"] {
        assert!(
            ran.finished.stderr.contains(part),
            "{}",
            ran.finished.stderr
        );
    }
    lab.assert_nothing_left();
}

#[test]
fn a_time_that_is_over_before_the_guest_answers_ends_the_job() {
    let lab = Lab::new();
    let ran = lab.run("- run: echo hi", &["--timeout", "1s"]).expect(124);
    assert!(ran.events.of("step_started").next().is_none());
    lab.assert_nothing_left();
}

#[test]
fn a_steps_time_ends_its_whole_tree_even_while_it_floods() {
    let lab = Lab::new();
    // A tenth of a minute: the syntax takes fractions, and the test is not to wait for a whole one.
    let steps = r#"
- timeout-minutes: 0.1
  shell: bash
  run: (while :; do echo spam spam spam; done) & yes spam
- if: always()
  shell: bash
  run: ps axo comm | grep -c '^yes' || true
- if: always()
  timeout-minutes: 0.1
  run: |
    ping -n 300 127.0.0.1 >nul
"#;
    let ran = lab.run(steps.trim_start(), &[]).expect(1);
    let first = ran.events.step(1);
    assert_eq!(first["outcome"], "failure", "{first}");
    let took = first["ms"].as_u64().expect("a time");
    assert!((5_000..30_000).contains(&took), "{first}");
    assert_eq!(ran.events.log(2), ["0"], "nothing of it is left");
    assert_eq!(ran.events.step(3)["outcome"], "failure");
    let shown = ran.finished.stderr;
    assert!(
        shown.contains("timed out") || shown.contains("0.1"),
        "no reason at the end"
    );
    lab.assert_nothing_left();
}

#[test]
fn a_terminal_that_goes_away_ends_the_job_and_leaves_no_machine() {
    let lab = Lab::new();
    lab.write_job(SLEEPS.trim_start());
    // The tests themselves may run under `nohup`, which is inherited.
    let env = Program::new("env", &lab.home()).directory(&lab.path(""));
    let job = ["--default-signal=HUP", DORMER, "run", "job.yml"];
    let job = env.args(job).args(["--events", "events.jsonl"]);
    let running = lab.start_until(job, "the step sleeps", sleeps);
    // Both the kernel and the shell tell of it.
    running.signal("HUP");
    running.signal("HUP");
    let ran = lab.ran(running.finish()).expect(130);
    assert_eq!(ran.events.log(3), ["cleaned up"]);
    lab.assert_nothing_left();
}
