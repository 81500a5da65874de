//! `dormer check`: what is said of workflows and actions, in each form, and of what is no file at all.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::time::Duration;

use super::{GOOD, Host, PROBLEMS, USAGE, assert_orderly, assert_says};

/// What anything hostile may take, the start of the program included, on a busy host.
const LONGEST_CHECK: Duration = Duration::from_secs(5);

/// Two errors, in the lines 4 and 5, and a warning in line 6.
const BAD: &str = "on: push\njobs:\n  build:\n    if: secrets.X\n    runs_on: windows-latest\n    \
                   container: node\n    runs-on: x\n    steps:\n      - run: x\n";

/// What goes to standard output, and the exit code.
#[track_caller]
fn checked(host: &Host, arguments: &[&str], code: i32) -> String {
    let finished = host.dormer(["check"]).args(arguments).run().expect(code);
    assert_orderly(&finished);
    assert!(finished.took < LONGEST_CHECK, "it took {:?}", finished.took);
    finished.stdout
}

/// What is said of a file that can't be read.
#[track_caller]
fn unreadable(host: &Host, path: &str) -> String {
    let finished = host.dormer(["check", path]).run().expect(USAGE);
    assert_orderly(&finished);
    assert!(finished.took < LONGEST_CHECK, "it took {:?}", finished.took);
    assert_eq!(finished.stdout, "");
    let line = finished
        .stderr
        .lines()
        .find(|line| line.starts_with("error: "));
    line.unwrap_or_default().to_owned()
}

#[test]
fn each_problem_is_a_line_with_its_place() {
    let host = Host::with_good_job();
    host.write("bad.yml", BAD);
    assert_eq!(
        checked(&host, &["bad.yml"], PROBLEMS),
        "bad.yml:4:9: the context `secrets` is not available in `jobs.*.if`\n\
         bad.yml:5:5: unknown key `runs_on` in a job\n\
         bad.yml:6:5: warning: `container` can't be had in a Windows VM: Dormer won't run this job\n"
    );
    assert_eq!(checked(&host, &["good.yml"], 0), "");
}

#[test]
fn warnings_alone_are_no_failure() {
    let host = Host::new();
    host.write(
        "w.yml",
        BAD.replace("    if: secrets.X\n    runs_on: windows-latest\n", ""),
    );
    let said = checked(&host, &["w.yml"], 0);
    assert_says(&said, &["w.yml:4:5: warning: `container`"]);
}

#[test]
fn all_problems_of_all_files_are_told_with_their_lines() {
    let host = Host::with_good_job();
    host.write("bad.yml", BAD);
    host.write("a/action.yml", "name: x\nruns: {using: composite}\n");
    let said = checked(
        &host,
        &["-v", "bad.yml", "good.yml", "a/action.yml"],
        PROBLEMS,
    );
    assert_says(
        &said,
        &[
            "bad.yml:5:5: unknown key `runs_on` in a job\n  |\n5 |     runs_on: windows-latest\n",
            "  = help: did you mean `runs-on`?\n",
            "a/action.yml:2:",
        ],
    );
    let finished = host.dormer(["check", "bad.yml", "good.yml"]).run();
    assert_eq!(
        finished.stderr,
        "note: checked 2 files: 2 errors, 1 warning\n"
    );
}

#[test]
fn programs_get_json() {
    let host = Host::with_good_job();
    host.write("bad.yml", BAD);
    let files = ["bad.yml", "none.yml", "good.yml", "--format", "json"];
    let said = checked(&host, &files, USAGE);
    let found: serde_json::Value = serde_json::from_str(&said).expect("JSON");
    assert_eq!(found["version"], 1);
    let first = serde_json::json!({
        "file": "bad.yml", "line": 4, "column": 9, "severity": "error",
        "message": "the context `secrets` is not available in `jobs.*.if`",
        "help": "the contexts here are `github`, `inputs`, `vars` and `needs`",
    });
    assert_eq!(found["problems"][0], first);
    assert_eq!(found["problems"][2]["severity"], "warning");
    assert_eq!(found["problems"][2]["help"], serde_json::Value::Null);
    assert_eq!(found["files"][0]["kind"], "workflow");
    assert_eq!(found["files"][1]["kind"], serde_json::Value::Null);
    let why = found["files"][1]["unreadable"].as_str();
    assert_eq!(why, Some("cannot read `none.yml`: there is no such file"));
}

#[test]
fn github_gets_annotations() {
    let host = Host::new();
    host.write("a,b.yml", BAD);
    let said = checked(&host, &["a,b.yml", "--format", "github"], PROBLEMS);
    assert_says(
        &said,
        &[
            "::error file=a%2Cb.yml,line=5,col=5::unknown key `runs_on` in a job%0Ahelp: did you mean",
            "\n::warning file=a%2Cb.yml,line=6,col=5::`container`",
        ],
    );
}

#[test]
fn local_workflows_and_actions_are_followed() {
    let host = Host::new();
    fs::create_dir(host.path().join(".git")).expect("a directory");
    let called = "on: {workflow_call: {inputs: {tag: {type: string, required: true}}}}\njobs: {a: \
                  {runs-on: x, steps: [{run: x}]}}\n";
    host.write(".github/workflows/called.yml", called);
    let caller =
        "on: push\njobs:\n  a:\n    uses: ./.github/workflows/called.yml\n    with: {tga: x}\n";
    host.write(".github/workflows/caller.yml", caller);
    let said = checked(&host, &[".github/workflows/caller.yml"], PROBLEMS);
    assert_says(
        &said,
        &[
            "caller.yml:4:11: the input `tag` is required by the workflow\n",
            "caller.yml:5:12: the workflow `./.github/workflows/called.yml` has no input `tga`\n",
        ],
    );
}

#[test]
fn without_files_those_of_the_repository_are_checked() {
    let host = Host::new();
    let finished = host.dormer(["check"]).run().expect(USAGE);
    assert_says(
        &finished.stderr,
        &["error: there are no workflows and no action in `"],
    );
    fs::create_dir(host.path().join(".git")).expect("a directory");
    host.write(".github/workflows/a.yml", GOOD);
    host.write(".github/workflows/b.yaml", BAD);
    host.write("action.yml", "runs: {using: node20}\n");
    host.write("sub/x.txt", "");
    let below = host.dormer(["check"]).directory(&host.path().join("sub"));
    let finished = below.run().expect(PROBLEMS);
    assert_says(
        &finished.stdout,
        &["../.github/workflows/b.yaml:4:9: ", "../action.yml:1:"],
    );
    assert_says(&finished.stderr, &["checked 3 files"]);
}

#[test]
fn what_is_no_file_of_a_workflow_is_refused_at_once() {
    let host = Host::new();
    let pipe = host.path().join("pipe.yml");
    let (current, mode) = (rustix::fs::CWD, rustix::fs::Mode::RUSR);
    rustix::fs::mknodat(current, &pipe, rustix::fs::FileType::Fifo, mode, 0).expect("a pipe");
    host.write("bytes.yml", b"on: push\n\xff");
    fs::File::create(host.path().join("large.yml"))
        .and_then(|file| file.set_len(1 << 40))
        .expect("a large file");
    fs::create_dir_all(host.path().join("repository/.git")).expect("a directory");
    host.write("secret.yml", "secret: hunter2\n");
    symlink("../secret.yml", host.path().join("repository/out.yml")).expect("a link");
    symlink("loop.yml", host.path().join("loop.yml")).expect("a link");
    for (path, expected) in [
        ("pipe.yml", "it is not a file"),
        ("repository", "it is not a file"),
        ("/dev/zero", "it is not a file"),
        ("bytes.yml", "it is not UTF-8, from line 2 on"),
        ("large.yml", "it is larger than 4 MiB"),
        ("none/x.yml", "there is no such file"),
        ("repository/out.yml", "it leads out of its repository"),
        ("loop.yml", "Too many levels of symbolic links"),
    ] {
        let said = unreadable(&host, path);
        assert_says(
            &said,
            &[&format!("error: cannot read `{path}`: {expected}")],
        );
        assert!(!said.contains("hunter2"), "{said}");
    }
}

#[test]
fn hostile_texts_are_problems_with_a_place() {
    let host = Host::new();
    let names = ('a'..='i').collect::<Vec<_>>();
    let mut bomb = "a: &a [x,x,x,x,x,x,x,x,x]\n".to_owned();
    for pair in names.windows(2) {
        let (from, to) = (pair[0], pair[1]);
        let aliases = vec![format!("*{from}"); 9].join(",");
        bomb.push_str(&format!("{to}: &{to} [{aliases}]\n"));
    }
    host.write("bomb.yml", bomb);
    host.write("deep.yml", "[".repeat(100_000));
    host.write("nul.yml", "on: push\n# \u{0}\n");
    host.write("escape.yml", "on: push\njobs: {\"\\u001b[2J\": 1}\n");
    host.write("empty.yml", "");
    for name in ["bomb", "deep", "nul", "escape", "empty"] {
        let said = checked(&host, &[&format!("{name}.yml")], PROBLEMS);
        assert!(said.starts_with(&format!("{name}.yml:")), "{said}");
    }
}

#[test]
fn the_broken_files_of_the_repository_are_explained() {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fixtures/check");
    let mut names: Vec<String> = fs::read_dir(&directory)
        .expect("the fixtures")
        .map(|entry| {
            entry
                .expect("a file")
                .file_name()
                .to_string_lossy()
                .into_owned()
        })
        .collect();
    names.sort();
    let host = Host::new();
    for name in &names {
        let text = fs::read(directory.join(name)).expect("a file");
        host.write(name, text);
    }
    let files: Vec<&str> = names.iter().map(String::as_str).collect();
    let said = checked(&host, &[&["--verbose"], &files[..]].concat(), PROBLEMS);
    insta::assert_snapshot!("broken_files", said);
}
