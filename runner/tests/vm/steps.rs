//! What steps do inside a real guest. As much as possible in one machine, since each costs a boot.

use dormer_testkit::events::Events;
use serde_json::json;

use crate::lab::Lab;

const NASTY: &str =
    r#"a "quoted" %PATH% ^caret & amp ! <in> |pipe| 'single' $HOME `tick` é漢😀 \end\"#;

#[test]
fn steps_hand_on_what_they_set_and_fail_as_they_should() {
    let lab = Lab::new();
    let steps = r#"
- id: first
  shell: bash
  run: |
    echo "answer=42" >> "$GITHUB_OUTPUT"
    printf 'TEXT<<END\none\ntwo\nEND\n' >> "$GITHUB_ENV"
    mkdir tools && printf '@echo a tool of cmd\r\n' > tools/mytool.cmd
    printf '#!/bin/sh\necho a tool of bash\n' > tools/mytool && chmod +x tools/mytool
    echo "$PWD/tools" >> "$GITHUB_PATH"
- run: |
    call mytool
    echo answer ${{ steps.first.outputs.answer }}
    echo outcome ${{ steps.first.outcome }}
- shell: python
  run: |
    import os
    print(os.environ["TEXT"].split("\n"))
    print(os.environ["NASTY"])
- shell: bash
  run: printf '%s\n' "$NASTY"; mytool
- id: bad
  continue-on-error: true
  run: exit /b 70000
- run: echo ${{ steps.bad.outcome }} ${{ steps.bad.conclusion }}
- working-directory: sub dir
  shell: bash
  run: pwd
- shell: bash
  run: exit 41
- run: echo not reached
- if: failure()
  run: echo after a failure
- if: always()
  run: chcp 65001>nul & echo grüße aus 漢字
- if: success()
  run: echo not reached either
"#;
    lab.write("files/sub dir/x", "x");
    let nasty = format!("NASTY={NASTY}");
    let ran = lab.run(
        steps.trim_start(),
        &["--workspace", "files", "--env", &nasty],
    );
    let events = ran.expect(1).events;
    let said = ["a tool of cmd", "answer 42", "outcome success"];
    assert_eq!(events.log(2), said);
    assert_eq!(events.log(3), ["['one', 'two']", NASTY]);
    assert_eq!(events.log(4), [NASTY, "a tool of bash"]);
    ended(&events, 5, "failure", "success", Some(70_000));
    assert_eq!(events.log(6), ["failure success"]);
    assert!(
        events.log(7)[0].ends_with("/sub dir"),
        "{:?}",
        events.log(7)
    );
    ended(&events, 8, "failure", "failure", Some(41));
    ended(&events, 9, "skipped", "skipped", None);
    assert_eq!(events.log(10), ["after a failure"]);
    assert_eq!(events.log(11), ["grüße aus 漢字"]);
    ended(&events, 12, "skipped", "skipped", None);
    lab.assert_nothing_left();
}

fn ended(events: &Events, number: u64, outcome: &str, conclusion: &str, code: Option<u32>) {
    let step = events.step(number);
    assert_eq!(step["outcome"], outcome, "{step}");
    assert_eq!(step["conclusion"], conclusion, "{step}");
    assert_eq!(step["exit_code"], json!(code), "{step}");
}

#[test]
fn exit_codes_of_windows_programs_arrive_whole() {
    let lab = Lab::new();
    let steps = r#"
- shell: bash
  run: |
    printf 'int main(int c, char **v) { return (int)strtoul(v[1], 0, 0); }' > code.c
    x86_64-w64-mingw32-gcc -include stdlib.h -o code.exe code.c
- continue-on-error: true
  run: code.exe 0xC0000005
- continue-on-error: true
  run: code.exe 256
- continue-on-error: true
  run: code.exe 0x80000000
- run: code.exe 0
"#;
    let events = lab.run(steps.trim_start(), &[]).expect(0).events;
    ended(&events, 2, "failure", "success", Some(0xC000_0005));
    ended(&events, 3, "failure", "success", Some(256));
    ended(&events, 4, "failure", "success", Some(0x8000_0000));
    ended(&events, 5, "success", "success", Some(0));
}

#[test]
fn a_shell_that_the_guest_lacks_is_refused_and_never_run_by_a_stub() {
    let lab = Lab::new();
    for (shell, condition, code) in [("pwsh", "", 2), ("powershell", "\n  if: always()", 1)] {
        let steps = format!("- shell: {shell}\n  run: Write-Output hi{condition}");
        let ran = lab.run(&steps, &[]).expect(code);
        let shown = ran.finished.all();
        assert!(shown.contains(&format!("`{shell}`")), "{shown}");
        assert!(
            shown.contains("bash") && shown.contains("python"),
            "{shown}"
        );
        if code == 1 {
            assert_eq!(ran.events.step(1)["exit_code"], json!(null));
        } else {
            assert!(!shown.contains("machine started"), "{shown}");
        }
    }
    lab.assert_nothing_left();
}

#[test]
fn a_background_child_that_holds_the_output_does_not_hold_the_step() {
    let lab = Lab::new();
    let steps = r#"
- shell: bash
  run: sleep 300 & echo begun
- run: |
    start /b ping -n 300 127.0.0.1
    echo begun
- shell: python
  run: |
    import subprocess
    subprocess.Popen(["sleep", "300"])
    print("begun")
"#;
    let ran = lab.run(steps.trim_start(), &[]).expect(0);
    for number in 1..=3 {
        let step = ran.events.step(number);
        assert!(step["ms"].as_u64().expect("a time") < 60_000, "{step}");
        assert!(ran.events.log(number).contains(&"begun"), "{number}");
    }
    lab.assert_nothing_left();
}

#[test]
fn secrets_are_masked_wherever_they_would_be_seen() {
    let lab = Lab::new();
    let secret = "s3cr3t-of-the-test";
    lab.write("secrets", format!("OTHER={secret}-two\n# a remark\n\n"));
    let steps = r#"
- name: Says ${{ secrets.TOKEN }}
  shell: bash
  env:
    TOKEN: ${{ secrets.TOKEN }}
  run: |
    echo "plain $TOKEN ${{ secrets.OTHER }}"
    printf %s "$TOKEN" | base64
    printf 's3cr3t-of'; sleep 0.3; printf -- '-the-test\n'
    echo "$TOKEN" >&2
    echo "$TOKEN" > out.txt
    echo "::add-mask::added-by-a-step"
    echo added-by-a-step
- shell: bash
  run: echo "$(cat out.txt)"; exit 7
"#;
    let job = lab.job(
        steps.trim_start(),
        &["--secret", "TOKEN", "--secret-file", "secrets"],
    );
    let finished = job.env("TOKEN", secret).run();
    let ran = lab.ran(finished).expect(1);
    let printed = ran.finished.all();
    assert!(printed.contains("plain *** ***"), "{printed}");
    let log = ran.events.log(1);
    assert_eq!(log[log.len() - 1], "***", "{log:?}");
    let encoded = "czNjcjN0LW9mLXRoZS10ZXN0";
    for hidden in [secret, encoded, "added-by-a-step"] {
        assert!(!printed.contains(hidden), "{hidden} in {printed}");
        nowhere_in(&lab.home().join("jobs"), hidden);
        nowhere_in(&lab.path("events.jsonl"), hidden);
    }
    lab.assert_nothing_left();
}

/// No file below here holds the text.
fn nowhere_in(path: &std::path::Path, text: &str) {
    if path.is_dir() {
        for entry in std::fs::read_dir(path).expect("a directory") {
            nowhere_in(&entry.expect("an entry").path(), text);
        }
        return;
    }
    let bytes = std::fs::read(path).expect("a file");
    let found = bytes
        .windows(text.len())
        .any(|part| part == text.as_bytes());
    assert!(!found, "{text} in {}", path.display());
}

#[test]
fn secrets_never_reach_a_command_line() {
    let lab = Lab::new();
    let steps = r#"
- shell: bash
  env:
    TOKEN: ${{ secrets.TOKEN }}
  run: |
    for line in /proc/[0-9]*/cmdline; do { tr '\0' ' ' < "$line"; echo; } 2>/dev/null || true; done > lines
    if grep -q s3cr3t lines; then echo found; else echo none; fi
"#;
    let job = lab.job(steps.trim_start(), &["--secret", "TOKEN"]);
    let ran = lab
        .ran(job.env("TOKEN", "s3cr3t-of-the-test").run())
        .expect(0);
    assert_eq!(ran.events.log(1), ["none"]);
}
