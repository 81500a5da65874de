//! Directories and files that are not where somebody said.

use super::{Host, PROBLEMS, USAGE, asks_for_the_engine, assert_says, refused};

#[test]
fn an_out_that_can_be_no_directory_is_refused_before_anything_is_made() {
    let host = Host::with_good_job();
    for out in ["good.yml", "good.yml/below", "/proc/none"] {
        let said = refused(host.run_good(["--out", out]), USAGE);
        assert_says(&said, &["cannot write artifacts to `", out]);
    }
    asks_for_the_engine(host.run_good(["--out", "new/out"]));
}

#[test]
fn a_directory_for_an_action_has_to_be_there() {
    let host = Host::with_good_job();
    for command in ["run", "plan"] {
        for path in ["none", "good.yml"] {
            let mapping = format!("a/b@v1={path}");
            let said = refused(
                host.dormer([command, "good.yml", "--action", &mapping]),
                USAGE,
            );
            let expected = format!("error: `--action {mapping}`: `{path}` is not a directory\n");
            assert_eq!(said, expected);
        }
    }
}

#[test]
fn a_workflow_that_is_where_workflows_are_is_suggested() {
    let host = Host::new();
    host.write(".git/HEAD", "ref: refs/heads/main\n");
    host.write(".github/workflows/ci.yml", super::GOOD);
    for command in ["run", "plan", "check"] {
        let finished = host.dormer([command, "ci.yml"]).run().expect(USAGE);
        let suggestion = "did you mean `.github/workflows/ci.yml`?";
        assert_says(&finished.stderr, &["there is no such file", suggestion]);
        let finished = host.dormer([command, "other.yml"]).run().expect(USAGE);
        assert!(!finished.stderr.contains("did you mean"), "{command}");
    }
    host.write("bad.yml", "on: push\n");
    host.write(".github/workflows/bad.yml", super::GOOD);
    let said = host
        .dormer(["check", "bad.yml"])
        .run()
        .expect(PROBLEMS)
        .all();
    assert!(!said.contains("did you mean"), "{said}");
}
