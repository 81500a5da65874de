//! Colours where somebody sees them, and nothing else that steers a terminal.

use dormer_testkit::needs;
use dormer_testkit::program::Finished;

use super::{Host, USAGE, assert_says, refused};

/// Runs the binary on a terminal of its own; none where there is no `script` to make one.
fn on_a_terminal(arguments: &str, variables: &[(&str, &str)]) -> Option<Finished> {
    let script = needs::program("script")?;
    let command = format!("{} {arguments}", env!("CARGO_BIN_EXE_dormer"));
    let host = Host::new();
    let mut program = host
        .program(&script.display().to_string())
        .args(["-qec", &command, "/dev/null"])
        .env("TERM", "xterm")
        .env("SHELL", "/bin/sh");
    for (name, value) in variables {
        program = program.env(name, value);
    }
    Some(program.run().expect(USAGE))
}

#[test]
fn a_terminal_gets_colours_unless_somebody_does_not_want_them() {
    for arguments in ["run none.yml", "run --nope"] {
        let Some(coloured) = on_a_terminal(arguments, &[]) else {
            return;
        };
        assert_says(&coloured.stdout, &["\u{1b}[", "error:"]);
        for plain in [("NO_COLOR", "1"), ("TERM", "dumb")] {
            let finished = on_a_terminal(arguments, &[plain]).unwrap();
            assert!(
                finished.stdout.starts_with("error: "),
                "{}",
                finished.stdout
            );
            assert!(!finished.stdout.contains('\u{1b}'), "{}", finished.stdout);
        }
    }
}

#[test]
fn what_a_file_holds_cannot_steer_a_terminal() {
    let host = Host::new();
    host.write(
        "w.yml",
        "on: push\njobs:\n  a:\n    \"\\e[2J\\u009b1m\": 1\n",
    );
    // `refused` looks for escape characters.
    let said = refused(host.dormer(["run", "w.yml"]), USAGE);
    assert_says(&said, &["unknown key `\u{fffd}[2J\u{fffd}1m` in a job"]);
    host.write("raw.yml", "on: push \u{1b}[31m\u{9b}1m\r# \u{0}\n");
    let said = refused(host.dormer(["run", "raw.yml"]), USAGE);
    let steers = |c: char| c.is_control() && c != '\n';
    assert!(!said.contains(steers), "{said:?}");
}
