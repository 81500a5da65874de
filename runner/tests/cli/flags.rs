//! Flags with values that will not do.

use std::os::unix::fs::symlink;

use super::{Host, USAGE, asks_for_the_engine, assert_says, refused};

#[test]
fn values_that_will_not_do_are_named_with_what_would() {
    let host = Host::with_good_job();
    let cases: [(&[&str], &[&str]); 21] = [
        (
            &["--env", "NAME"],
            &["`NAME` is no variable: write NAME=value"],
        ),
        (&["--env", "=x"], &["`=x` is no variable: write NAME=value"]),
        (
            &["--memory", "lots"],
            &["`lots` is no size: write 512M, 2G or 4GiB"],
        ),
        (
            &["--memory", "10M"],
            &["`10M` is too little memory", "at least 256M"],
        ),
        (
            &["--timeout", "soon"],
            &["`soon` is no duration: write 90s, 30m, 1h30m or 2d"],
        ),
        (
            &["--disk-limit", "1M"],
            &["`1M` is too little for a machine's disk: at least 64M"],
        ),
        (
            &["--network-rate", "1"],
            &["`1` is too little for a second: at least 16K"],
        ),
        (
            &["--disk-operations", "0"],
            &["'0' for '--disk-operations <N>'"],
        ),
        (&["--timeout", "0s"], &["`0s` leaves no time"]),
        (&["--cpus", "0"], &["'0' for '--cpus <N>'", "1..=256"]),
        (&["--cpus", "many"], &["'many' for '--cpus <N>'"]),
        (
            &["--standby", "-1"],
            &["'-1' for '--standby <N>'", "0..=256"],
        ),
        (&["--memory", "-1"], &["`-1` is no size"]),
        (&["--timeout", "-1"], &["`-1` is no duration"]),
        (&["--network", "lan"], &["'lan'", "none, full"]),
        (&["--accel", "hvf"], &["'hvf'", "auto, kvm, tcg"]),
        (
            &["--keep", "maybe"],
            &["'maybe'", "never, on-failure, always"],
        ),
        (&["--format", "xml"], &["'xml'", "human, github, json"]),
        (
            &["--artifact", ""],
            &["the pattern `` can't be used: it names nothing"],
        ),
        (
            &["--artifact", r"..\x"],
            &[r"the pattern `..\x` can't be used: it holds `..`"],
        ),
        (
            &["--events", "none/e.jsonl"],
            &["cannot write events to `none/e.jsonl`: No such file"],
        ),
    ];
    for (flags, parts) in cases {
        assert_says(&refused(host.run_good(flags), USAGE), parts);
    }
}

#[test]
fn a_workspace_that_is_no_directory_is_named() {
    let host = Host::with_good_job();
    for path in ["none", "good.yml"] {
        let said = refused(host.run_good(["--workspace", path]), USAGE);
        assert_eq!(
            said,
            format!("error: the workspace `{path}` is not a directory\n")
        );
    }
}

/// It used to be found when the machine had already booted.
#[test]
fn a_link_out_of_the_workspace_is_refused_before_anything_is_made() {
    let host = Host::with_good_job();
    host.write("w/a.txt", "a");
    symlink("/etc/passwd", host.path().join("w/evil")).unwrap();
    let said = refused(host.run_good(["--workspace", "w"]), USAGE);
    assert_says(
        &said,
        &[
            "the link `evil` leads out of the workspace, to `/etc/passwd`",
            "`.gitignore`",
        ],
    );
    host.write("w/.gitignore", "evil\n");
    asks_for_the_engine(host.run_good(["--workspace", "w"]));
}

#[test]
fn a_command_and_a_workflow_exclude_each_other_and_an_empty_command_is_none() {
    let host = Host::with_good_job();
    let said = refused(host.run_good(["-c", "ver"]), USAGE);
    assert_says(
        &said,
        &["'[WORKFLOW.yml]' cannot be used with '-c <COMMAND>'"],
    );
    let said = refused(host.dormer(["run", "-c", ""]), USAGE);
    assert_says(&said, &["a value is required for '-c <COMMAND>'"]);
    let said = refused(host.run_good(["--shell", "cmd"]), USAGE);
    assert_says(&said, &["-c <COMMAND>"]);
    asks_for_the_engine(host.dormer(["run", "-c", "ver", "--shell", "cmd"]));
}

#[test]
fn an_unknown_image_is_refused_with_those_that_there_are() {
    let host = Host::with_good_job();
    for name in ["windows-95", "../../etc", ""] {
        let said = refused(host.run_good(["--image", name]), USAGE);
        assert_eq!(
            said,
            format!("error: there is no image `{name}`\n help: the images are: compat\n")
        );
    }
}

#[test]
fn an_engine_is_asked_for_only_when_all_else_is_right() {
    let host = Host::with_good_job();
    host.write("w/a.txt", "a");
    let said = asks_for_the_engine(host.run_good([
        "--workspace",
        "w",
        "--env",
        "A=b=c",
        "--memory",
        "2G",
        "--cpus",
        "2",
        "--timeout",
        "1h30m",
        "--artifact",
        r"out\**",
        "--network",
        "none",
        "--keep",
        "never",
        "--image",
        "compat",
    ]));
    assert_eq!(said, "");
}
