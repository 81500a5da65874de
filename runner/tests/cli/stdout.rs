//! Standard output that can't be written to, and one whose reader has gone.

use std::fs::File;
use std::process::{Command, Stdio};

use super::{GOOD, Host, INFRASTRUCTURE};

/// What prints its result without an engine.
const PRINTING: [&[&str]; 16] = [
    &["--help"],
    &["--version"],
    &["run", "--help"],
    &["completions", "bash"],
    &["expr", "1 < 2"],
    &["expr", "true", "--format", "json"],
    &["check", "bad.yml"],
    &["check", "good.yml", "--format", "json"],
    &["check", "bad.yml", "--format", "github"],
    &["plan", "good.yml"],
    &["plan", "good.yml", "--format", "json"],
    &["ps", "--format", "json"],
    &["image", "list"],
    &["image", "list", "--format", "json"],
    &["doctor"],
    &["doctor", "--format", "json"],
];

fn host() -> Host {
    let host = Host::with_good_job();
    host.write("bad.yml", GOOD.replace("steps", "stepz"));
    host
}

/// Ends with this code and these words on standard error, whatever becomes of standard output.
fn ended(host: &Host, arguments: &[&str], stdout: Stdio) -> (Option<i32>, String) {
    #[expect(
        clippy::disallowed_methods,
        reason = "its standard output is the test's own"
    )]
    let mut program = Command::new(env!("CARGO_BIN_EXE_dormer"));
    let output = program
        .args(arguments)
        .env_clear()
        .current_dir(host.path())
        .env("HOME", host.path())
        .env("DORMER_HOME", host.path().join("dormer"))
        .env("DOCKER_HOST", "unix:///no/such.sock")
        .stdin(Stdio::null())
        .stdout(stdout)
        .output()
        .expect("it runs");
    let said = String::from_utf8(output.stderr).expect("text");
    (output.status.code(), said)
}

#[test]
fn a_result_that_cannot_be_written_is_a_failure() {
    let host = host();
    for arguments in PRINTING {
        let full = File::options().write(true).open("/dev/full").unwrap();
        let (code, said) = ended(&host, arguments, full.into());
        assert_eq!(code, Some(INFRASTRUCTURE), "{arguments:?}: {said}");
        let told = "error: cannot write to standard output: No space left on device";
        assert_eq!(said.matches(told).count(), 1, "{arguments:?}: {said}");
    }
}

/// As `| head` does.
#[test]
fn a_reader_that_has_gone_is_no_failure() {
    let host = host();
    for arguments in PRINTING {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let gone = ended(&host, arguments, writer.into());
        let read = ended(&host, arguments, Stdio::piped());
        assert_eq!(gone, read, "{arguments:?}");
        assert!(!gone.1.contains("standard output"), "{}", gone.1);
    }
}
