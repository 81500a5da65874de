//! Prepare scripts: run once, frozen, and woken from; or run in the job's own machine.

use std::fs::{self, File};
use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use serde_json::Value;

use crate::lab::{Lab, Ran};
use crate::warm::{contains, mode, template, warnings};

/// Leaves a file, a variable, a tool, a program that goes on counting, and nothing in the workspace; tells what
/// it sees.
const SETUP: &str = r#"echo "prepares in $PWD with [$TOKEN]"
ls -A | wc -l
echo left >/tmp/left
echo PREPARED=by-a-script >>"$GITHUB_ENV"
mkdir bin; printf '#!/bin/sh\necho a tool\n' >bin/tool; chmod +x bin/tool
echo "$PWD/bin" >>"$GITHUB_PATH"
echo 0 >/tmp/counter
(n=0; while sleep 1; do n=$((n + 1)); echo $n >/tmp/counter; done) >/dev/null 2>&1 &
"#;

/// Whether what the script left is there, and goes on.
const LOOKS: &str = "- shell: bash
  run: |
    cat /tmp/left; echo $PREPARED; tool
    before=$(cat /tmp/counter); sleep 4; after=$(cat /tmp/counter)
    test $after -gt $before && echo counts";

/// What that prints.
const LEFT: [&str; 4] = ["left", "by-a-script", "a tool", "counts"];

fn texts<'a>(ran: &'a Ran, level: &str) -> Vec<&'a str> {
    let notices = ran.events.of("notice");
    let notices = notices.filter(|notice| notice["level"] == level);
    notices
        .filter_map(|notice| notice["text"].as_str())
        .collect()
}

fn assert_some(texts: &[&str], part: &str) {
    assert!(texts.iter().any(|text| text.contains(part)), "{texts:?}");
}

fn templates(lab: &Lab) -> Value {
    let listed = lab.dormer(["image", "list", "--format", "json"]);
    let listed: Value = serde_json::from_str(&listed.run().expect(0).stdout).expect("JSON");
    listed[0]["templates"].clone()
}

fn parts(template: &std::path::Path) -> Vec<PathBuf> {
    let parts = ["ram", "state", "disk.qcow2", "template.json"];
    parts.map(|part| template.join(part)).to_vec()
}

/// Has it look as if something last woke from it so many days ago.
fn was_last_used(template: &std::path::Path, days: u64) {
    let then = SystemTime::now() - Duration::from_secs(days * 86_400);
    let uses = File::options().append(true).open(template.join("uses"));
    let set = uses.and_then(|uses| uses.set_modified(then));
    set.expect("another time");
}

#[test]
fn what_a_script_prepared_is_woken_by_job_after_job_with_its_programs_running() {
    const SECRET: &str = "planted-2b8e60d4f1";
    let lab = Lab::new();
    lab.write("setup.sh", SETUP);
    lab.write("files/a.txt", "a");
    let job = || {
        let flags = [
            "--prepare",
            "setup.sh",
            "--secret",
            "TOKEN",
            "--workspace",
            "files",
        ];
        let flags = [&flags[..], &["--env", "TOKEN=of-the-job"]].concat();
        let run = lab.job(LOOKS, &flags).env("TOKEN", SECRET).patient().run();
        let ran = lab.ran(run).expect(0);
        assert_eq!(mode(&ran), "warm");
        assert_eq!(warnings(&ran), "");
        assert_eq!(ran.events.log(1), LEFT);
        ran
    };
    let first = job();
    assert_some(
        &texts(&first, "notice"),
        "no template prepared with `setup.sh`",
    );
    let said = first.events.log(0);
    assert_eq!(said, ["prepares in /C:/a/_prepare with []", "0"]);
    assert_eq!(first.events.step(0)["name"], "Prepare with setup.sh");
    assert!(first.events.has_phase("preparing"));
    let second = job();
    assert_eq!(second.events.log(0), [""; 0]);
    assert!(!second.events.has_phase("preparing"));

    let template = template(&lab);
    for part in parts(&template) {
        assert!(!contains(&part, SECRET.as_bytes()), "{}", part.display());
        assert!(!contains(&part, b"of-the-job"), "{}", part.display());
    }
    let listed = templates(&lab);
    assert_eq!(listed[0]["uses"], 2, "{listed}");
    assert_eq!(listed[0]["prepare"]["name"], "setup.sh", "{listed}");
    assert_eq!(listed[0]["prepare"]["scope"]["kind"], "local", "{listed}");
    drop(lab.dormer(["image", "verify", "compat"]).run().expect(0));

    // Another script fails: it is said, and nothing of it stays.
    lab.write("bad.cmd", "echo on its way\r\nexit /b 3\r\n");
    let failed = lab.run(LOOKS, &["--prepare", "bad.cmd"]).expect(1);
    assert_eq!(failed.events.log(0), ["on its way"]);
    assert_eq!(failed.events.step(0)["exit_code"], 3);
    let said = "the prepare script `bad.cmd` ended with 3: no template was made";
    assert_some(&texts(&failed, "error"), said);
    assert_some(
        &texts(&failed, "notice"),
        "since the prepare script differs",
    );
    assert!(!failed.events.has_phase("running_steps"));
    assert_eq!(failed.events.completed()["infra"], Value::Null);
    let left = templates(&lab);
    assert_eq!(left.as_array().map(Vec::len), Some(1), "{left}");
    assert_eq!(left[0]["key"], listed[0]["key"]);

    // Each version of a script leaves a template, and those that nothing wakes from any more go.
    was_last_used(&template, 29);
    drop(lab.dormer(["gc"]).run().expect(0));
    assert_eq!(templates(&lab), left);
    was_last_used(&template, 31);
    let said = lab.dormer(["gc"]).run().expect(0).stdout;
    assert!(
        said.contains("no job has woken from it for 30 days"),
        "{said}"
    );
    assert_eq!(templates(&lab).as_array().map(Vec::len), Some(0));
    lab.assert_nothing_left();
}

/// The machine that ran the job is not the one that is frozen.
#[test]
fn after_a_cold_run_the_template_is_made_that_it_lacked() {
    let lab = Lab::new();
    lab.write("setup.sh", SETUP);
    let steps = format!("{LOOKS}\n- shell: bash\n  run: echo of-the-run >/tmp/trace; exit 7");
    let flags = ["--prepare", "setup.sh", "--start", "cold", "--warm-after"];
    let run = lab.job(&steps, &flags).patient().run();
    // What comes after the run does not change how it ended.
    let cold = lab.ran(run).expect(1);
    assert_eq!(mode(&cold), "cold");
    assert_eq!(cold.events.log(0).len(), 2);
    assert_eq!(cold.events.log(1)[..LEFT.len()], LEFT);
    assert_some(&texts(&cold, "notice"), "runs in the job's own machine");
    let stderr = &cold.finished.stderr;
    let told = stderr.find("job failed").expect("a result");
    let made = stderr
        .find("the run is over; the template")
        .expect("a note");
    assert!(told < made, "{stderr}");
    assert!(!contains(&template(&lab).join("disk.qcow2"), b"of-the-run"));

    let steps = format!("{LOOKS}\n- shell: bash\n  run: test ! -e /tmp/trace");
    let warm = lab.run(&steps, &["--prepare", "setup.sh"]).expect(0);
    assert_eq!(mode(&warm), "warm");
    assert_eq!(warm.events.log(0), [""; 0]);
    let directory = template(&lab);
    drop(lab.dormer(["image", "cool", "compat"]).run().expect(0));
    assert!(!fs::exists(directory).expect("a look"));
    lab.assert_nothing_left();
}
