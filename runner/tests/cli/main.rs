//! The command line as a user meets it: the built binary, each time in a home of its own and without an
//! engine, since what is wrong with what was typed has to be said before an engine is asked.

mod check;
mod config;
mod engine;
mod expr;
mod fake_engine;
mod flags;
mod graph;
mod help;
mod home;
mod images;
mod machines;
mod places;
mod plan;
mod prepare;
mod secrets;
mod stdout;
mod terminal;
mod workflow;

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use dormer_testkit::program::{Finished, Program};
use tempfile::TempDir;

/// What the process ends with; see `docs/exit-codes.md`.
const PROBLEMS: i32 = 1;
const USAGE: i32 = 2;
const INFRASTRUCTURE: i32 = 69;
const CONFIGURATION: i32 = 78;

/// A refusal takes a moment; one that waits for an engine takes as long as the engine is given.
const LONGEST_REFUSAL: Duration = Duration::from_secs(60);

/// A job that nothing is wrong with.
const GOOD: &str =
    "on: push\njobs:\n  build:\n    runs-on: windows-latest\n    steps:\n      - run: echo\n";

/// A directory that is the user's home, their current directory and everything else.
struct Host(TempDir);

impl Host {
    fn new() -> Self {
        Self(tempfile::tempdir().expect("a directory"))
    }

    /// With a job that nothing is wrong with, in `good.yml`.
    fn with_good_job() -> Self {
        let host = Self::new();
        host.write("good.yml", GOOD);
        host
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    fn write(&self, name: &str, contents: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path().join(name);
        fs::create_dir_all(path.parent().expect("a parent")).expect("its directory");
        fs::write(&path, contents).expect("a file");
        path
    }

    /// The binary with these arguments, where no engine is.
    fn dormer<S: AsRef<str>>(&self, arguments: impl IntoIterator<Item = S>) -> Program {
        self.program(env!("CARGO_BIN_EXE_dormer")).args(arguments)
    }

    /// `dormer run good.yml` with more arguments.
    fn run_good<S: AsRef<str>>(&self, arguments: impl IntoIterator<Item = S>) -> Program {
        self.dormer(["run", "good.yml"]).args(arguments)
    }

    /// Any program, in the same surroundings.
    fn program(&self, binary: &str) -> Program {
        let no_engine = format!("unix://{}", self.path().join("no-engine.sock").display());
        Program::new(binary, &self.path().join("dormer"))
            .directory(self.path())
            .env("HOME", &self.path().display().to_string())
            .env("DOCKER_HOST", &no_engine)
    }
}

/// Runs something that is to be refused with this exit code; returns what it says about that.
#[track_caller]
fn refused(program: Program, code: i32) -> String {
    let finished = program.run().expect(code);
    let said = finished.stderr.clone();
    assert!(said.starts_with("error: "), "{said}");
    assert_eq!(finished.stdout, "", "{said}");
    assert_orderly(&finished);
    said
}

/// Runs something that goes as far as asking for an engine, and so was found right; returns what it
/// said before.
#[track_caller]
fn asks_for_the_engine(program: Program) -> String {
    let finished = program.run().expect(INFRASTRUCTURE);
    assert_orderly(&finished);
    let end = finished.stderr.find("error: there is no container engine");
    finished.stderr[..end.expect("it asks for the engine")].to_owned()
}

/// What holds of everything that is printed for somebody who is no terminal.
#[track_caller]
fn assert_orderly(finished: &Finished) {
    for wrong in ["panicked", "RUST_BACKTRACE", "\u{1b}"] {
        assert!(
            !finished.all().contains(wrong),
            "{wrong:?} in {}",
            finished.all()
        );
    }
    assert!(
        finished.took < LONGEST_REFUSAL,
        "it took {:?}",
        finished.took
    );
}

#[track_caller]
fn assert_says(said: &str, parts: &[&str]) {
    for part in parts {
        assert!(said.contains(part), "`{part}` is not in:\n{said}");
    }
}
