//! Machines that outlive their job: listing them, a shell inside, their end.

use std::fs;
use std::time::Duration;

use dormer_testkit::program::{Program, wait_until};
use serde_json::Value;

use crate::lab::{DORMER, Lab};

fn machines(lab: &Lab) -> Vec<Value> {
    let listed = lab.dormer(["ps", "--format", "json"]).run().expect(0);
    serde_json::from_str(&listed.stdout).expect("JSON")
}

#[test]
fn a_kept_machine_can_be_looked_into_and_ended() {
    let lab = Lab::new();
    let keep = ["--keep", "on-failure"];
    let steps = "- run: echo left behind> left.txt\n- run: exit /b 1";
    let ran = lab.run(steps, &keep).expect(1);
    let id = ran.events.instance().expect("an instance").to_owned();
    for word in ["dormer shell", "dormer stop", &id] {
        assert!(
            ran.finished.stderr.contains(word),
            "{}",
            ran.finished.stderr
        );
    }
    let listed = machines(&lab);
    assert_eq!(listed.len(), 1);
    assert_eq!(
        (&listed[0]["id"], &listed[0]["state"]),
        (&id.clone().into(), &"kept".into())
    );
    let table = lab.dormer(["ps"]).run().expect(0).stdout;
    assert!(table.contains("ENDS IN") && table.contains(&id), "{table}");

    let typed = "cd /d C:\\a\r\ndir /s /b\r\nexit /b 0\r\n";
    let shell = lab.dormer(["shell", &id]).input(typed).run().expect(0);
    assert!(shell.stdout.contains("left.txt"), "{}", shell.all());

    let code = lab.dormer(["shell", &id]).input("exit 4\r\n").run();
    assert_eq!(code.code, Some(1), "{}", code.all());
    on_a_terminal_it_is_a_prompt(&lab, &id);

    // Its time is not over, so it stays.
    let nothing = lab.dormer(["gc"]).run().expect(0).stdout;
    assert!(nothing.contains("nothing to remove"), "{nothing}");
    drop(lab.dormer(["stop", &id]).run().expect(0));
    assert!(machines(&lab).is_empty());
    lab.assert_nothing_left();
}

/// `script` gives the command a terminal, and types what it reads.
fn on_a_terminal_it_is_a_prompt(lab: &Lab, id: &str) {
    let Some(script) = dormer_testkit::needs::program("script") else {
        return;
    };
    let command = format!("{DORMER} shell {id}");
    let script = Program::new(&script.display().to_string(), &lab.home());
    let shown = lab.path("shown");
    let mut running = script
        .args(["-qefc", &command, &shown.display().to_string()])
        .env("TERM", "xterm")
        .typed_into()
        .start();
    let shows = |text: &str| {
        fs::read_to_string(&shown)
            .unwrap_or_default()
            .contains(text)
    };
    wait_until("the prompt is shown", || shows("runneradmin>"));
    running.type_in("set /a 40+2\r");
    wait_until("what was typed is answered", || shows("42"));
    running.type_in("exit\r");
    assert_eq!(running.finish().code, Some(0));
}

#[test]
fn a_job_that_succeeds_keeps_nothing_unless_it_is_asked_to() {
    let lab = Lab::new();
    lab.run("- run: echo hi", &["--keep", "on-failure"])
        .expect(0);
    lab.assert_nothing_left();
}

#[test]
fn a_kept_machine_ends_with_its_time() {
    let lab = Lab::new();
    let config = lab
        .write("user.toml", "[keep]\nfor = \"1s\"\n")
        .display()
        .to_string();
    let job = lab.job("- run: echo hi", &["--keep", "always"]);
    lab.ran(job.env("DORMER_CONFIG", &config).run()).expect(0);
    assert_eq!(lab.containers().len(), 1);
    wait_until("its time is over", || {
        machines(&lab)[0]["state"] == "expired"
    });
    let done = lab.dormer(["gc"]).run().expect(0);
    assert!(done.stdout.contains("removed machine"), "{}", done.stdout);
    lab.assert_nothing_left();
}

#[test]
fn a_running_job_is_listed_and_stop_ends_it() {
    let lab = Lab::new();
    let steps = "- shell: bash\n  run: echo sleeping; sleep 300";
    let job = lab.job(steps, &[]);
    let running = lab.start_until(job, "the step sleeps", |events| {
        events.log(1).contains(&"sleeping")
    });
    let listed = machines(&lab);
    assert_eq!(listed[0]["state"], "ready");
    assert_eq!(listed[0]["process"], running.id());
    let id = listed[0]["id"].as_str().expect("an id").to_owned();
    let stopped = lab.dormer(["stop", &id]).run().expect(0);
    assert!(stopped.took < Duration::from_secs(60));
    lab.ran(running.finish()).expect(130);
    lab.assert_nothing_left();
}

#[test]
fn a_running_job_is_ended_although_it_was_to_keep_its_machine() {
    let lab = Lab::new();
    let steps = "- shell: bash\n  run: echo sleeping; sleep 300";
    let job = lab.job(steps, &["--keep", "always"]);
    let running = lab.start_until(job, "the step sleeps", |events| {
        events.log(1).contains(&"sleeping")
    });
    let id = lab.events().instance().expect("an instance").to_owned();
    let stopped = lab.dormer(["stop", &id]).run().expect(0);
    assert!(stopped.took < Duration::from_secs(90));
    lab.ran(running.finish()).expect(130);
    assert!(machines(&lab).is_empty());
    lab.assert_nothing_left();
}
