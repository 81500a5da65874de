use clap::CommandFactory;

use super::*;

#[test]
fn the_command_line_is_consistent() {
    Arguments::command().debug_assert();
}

#[test]
fn a_workflow_and_a_command_exclude_each_other() {
    let parse = |words: &[&str]| Arguments::try_parse_from([&["dormer", "run"], words].concat());
    assert!(parse(&["w.yml"]).is_ok());
    assert!(parse(&["-c", "ver", "--shell", "cmd"]).is_ok());
    assert!(parse(&[]).is_err());
    assert!(parse(&["w.yml", "-c", "ver"]).is_err());
    assert!(parse(&["w.yml", "--shell", "cmd"]).is_err());
    assert!(parse(&["w.yml", "--env", "novalue"]).is_err());
    assert!(parse(&["w.yml", "--memory", "1X"]).is_err());
    assert!(parse(&["w.yml", "--cpus", "0"]).is_err());
    assert!(parse(&["w.yml", "--timeout", "0s"]).is_err());
    assert!(parse(&["-c", ""]).is_err());
    assert!(parse(&["w.yml", "--action", "a/b@v1=dir", "--action", "c/d@x/y=e"]).is_ok());
    for wrong in [
        "a/b=dir",
        "a/b@v1",
        "a/b@v1=",
        "a@v1=d",
        "a/b/c@v1=d",
        "/b@v1=d",
    ] {
        assert!(parse(&["w.yml", "--action", wrong]).is_err(), "{wrong}");
    }
}
