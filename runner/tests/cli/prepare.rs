//! `--prepare` and what belongs to it, as it is typed.

use super::{Host, USAGE, asks_for_the_engine, assert_says, refused};

#[test]
fn a_script_that_cannot_be_read_is_refused_before_there_is_an_engine() {
    let host = Host::with_good_job();
    host.write("latin.sh", b"echo \xe4\n");
    for (script, why) in [
        ("none.sh", "`none.sh`: No such file"),
        (".", "`.`: it is no file"),
        ("latin.sh", "`latin.sh`: it is not UTF-8, from line 1 on"),
    ] {
        let said = refused(host.run_good(["--prepare", script]), USAGE);
        assert_says(&said, &["cannot read the prepare script", why]);
        let warm = host.dormer(["image", "warm", "compat", "--prepare", script]);
        assert_says(&refused(warm, USAGE), &[why]);
    }
}

#[test]
fn what_only_matters_with_a_script_asks_for_one() {
    let host = Host::with_good_job();
    for flags in [["--prepare-shell", "bash"], ["--trust-scope", "ours"]] {
        let said = refused(host.run_good(flags), USAGE);
        assert_says(&said, &["--prepare <SCRIPT>"]);
    }
}

#[test]
fn a_scope_has_a_name_that_can_be_shown() {
    let host = Host::with_good_job();
    host.write("setup.sh", "exit\n");
    let scoped = |name| host.run_good(["--prepare", "setup.sh", "--trust-scope", name]);
    let said = refused(scoped(" "), USAGE);
    assert_says(&said, &["`--trust-scope  `", "printable ASCII"]);
    assert_eq!(asks_for_the_engine(scoped("ours")), "");
}

#[test]
fn a_shell_without_a_name_is_none() {
    let host = Host::with_good_job();
    host.write("setup.sh", "exit\n");
    let flags = ["--prepare", "setup.sh", "--prepare-shell", ""];
    assert_says(&refused(host.run_good(flags), USAGE), &["--prepare-shell"]);
}

#[test]
fn how_long_machines_stand_by_is_asked_of_those_that_do() {
    let host = Host::with_good_job();
    let warm = host.dormer(["image", "warm", "compat", "--standby-for", "5m"]);
    for refusing in [warm, host.run_good(["--standby-for", "5m"])] {
        assert_says(&refused(refusing, USAGE), &["add `--standby N`"]);
    }
    let flags = ["--standby", "1", "--standby-for", "5m"];
    assert_eq!(asks_for_the_engine(host.run_good(flags)), "");
}
