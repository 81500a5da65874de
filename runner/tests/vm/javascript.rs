//! Actions in JavaScript in the embedded guest: Node.js for Windows, which is fetched with pip when there is
//! none yet.

use dormer_testkit::events::Events;
use dormer_testkit::needs;
use serde_json::json;

use crate::lab::{Lab, Ran};

/// An action that tells what it sees, and cleans up.
const ACTION: &str = "
inputs:
  who to greet: {default: nobody}
outputs:
  text: {}
runs:
  using: node20
  main: main.js
  post: post.js
";

const MAIN: &str = r"
const fs = require('fs'), cp = require('child_process');
console.log(process.platform, process.version.split('.')[0], process.execPath);
console.log(process.cwd(), process.env.RUNNER_TEMP, typeof process.env.GITHUB_ACTION_PATH);
console.log(JSON.stringify(process.env['INPUT_WHO_TO_GREET']));
console.log(JSON.stringify(process.env['my-var']), process.env.BIG.length);
console.log(cp.execSync('echo from cmd').toString().trim());
fs.appendFileSync(process.env.GITHUB_OUTPUT, 'text<<END\r\nHello\r\n' + process.env.INPUT_WHO_TO_GREET + '\r\nEND\r\n');
fs.appendFileSync(process.env.GITHUB_STATE, 'made=it\r\n');
let left = 3;
process.stdin.on('end', () => console.log('no input')).resume();
const timer = setInterval(() => {
    console.log('tick', left);
    if (--left === 0) {
        clearInterval(timer);
        process.exitCode = Number(process.env.CODE);
    }
}, 2000);
";

/// An action for the other version, which waits to be stopped if it is told to.
const WAITING: &str = r"
console.log(process.version.split('.')[0]);
if (!process.env.WAIT) process.exit(0);
process.on('SIGINT', () => { console.log('interrupted'); process.exit(9); });
setInterval(() => {}, 1000);
";

const NASTY: &str = r#"a "quoted" %PATH% ^caret & amp ! <in> |pipe| 'single' `tick` é漢😀 \end\"#;

#[test]
fn actions_in_javascript_run_in_node_for_windows() {
    if needs::program("pip3").is_none() {
        return;
    }
    let lab = Lab::new();
    lab.write("files/act/action.yml", ACTION.trim_start());
    lab.write("files/act/main.js", MAIN.trim_start());
    lab.write(
        "files/act/post.js",
        "console.log('post', process.env.STATE_made)\n",
    );
    let steps = r"
- id: greet
  uses: ./act
  with: {who to greet: '${{ env.NASTY }}'}
  env: {my-var: a-b, CODE: 0}
- shell: python
  env: {TEXT: '${{ steps.greet.outputs.text }}'}
  run: |
    import json, os
    print(json.dumps(os.environ['TEXT'], ensure_ascii=False))
- uses: ./act
  continue-on-error: true
  env: {my-var: '', CODE: 70000}
";
    let big = format!("BIG={}", "x".repeat(30_000));
    let nasty = format!("NASTY={NASTY}");
    let arguments = ["--workspace", "files", "--env", &nasty, "--env", &big];
    let Ran { events, .. } = lab.run(steps.trim_start(), &arguments).expect(0);
    let node = r"C:\a\_externals\node20\bin\node.exe";
    let log = events.log(1);
    assert_eq!(log[0], format!("win32 v20 {node}"));
    // The workspace is named after the repository that this one is a clone of.
    let (workspace, rest) = log[1].split_once(' ').expect("two paths");
    assert!(workspace.starts_with(r"C:\a\"), "{workspace}");
    assert_eq!(rest, r"C:\a\_temp undefined");
    assert_eq!(log[2], json!(NASTY).to_string());
    assert_eq!(log[3..5], [r#""a-b" 30000"#, "from cmd"]);
    assert!(log.contains(&"no input"), "{log:?}");
    assert_eq!(log.last(), Some(&"post it"));
    came_as_it_was_printed(&events);
    let text = format!("Hello\r\n{NASTY}");
    assert_eq!(events.log(2), [json!(text).to_string()]);
    assert_eq!(events.step(3)["exit_code"], 70_000);
    lab.assert_nothing_left();
}

#[test]
fn the_newer_node_runs_too_and_is_interrupted_when_its_time_is_over() {
    if needs::program("pip3").is_none() {
        return;
    }
    let lab = Lab::new();
    lab.write(
        "files/wait/action.yml",
        "runs: {using: node24, main: main.js}\n",
    );
    lab.write("files/wait/main.js", WAITING.trim_start());
    let steps = r"
- uses: ./wait
- uses: ./wait
  continue-on-error: true
  timeout-minutes: 0.5
  env: {WAIT: 1}
";
    let ran = lab.run(steps.trim_start(), &["--workspace", "files"]);
    let Ran { events, .. } = ran.expect(0);
    assert_eq!(events.log(1), ["v24"]);
    assert_eq!(events.log(2), ["v24", "interrupted"]);
    assert_eq!(events.step(2)["outcome"], "failure");
    lab.assert_nothing_left();
}

/// The ticks are two seconds apart, and so are their events, but for what a busy host makes of it.
fn came_as_it_was_printed(events: &Events) {
    let mut lines = events.of("log").filter(|event| event["number"] == 1);
    let mut time_of = |text| {
        let line = lines.find(|event| event["text"] == text);
        line.and_then(|event| event["t_ms"].as_u64()).expect(text)
    };
    let (first, last) = (time_of("tick 3"), time_of("tick 1"));
    assert!(last - first > 2_000, "all came within {} ms", last - first);
}
