//! Points at which a test has this process end as a crash would end it: at once, and with nothing tidied
//! up. Only a build with the feature `crash-points` knows of them; in every other a point is nothing at
//! all, and the environment is not asked.

use std::env;
use std::ffi::OsStr;
use std::fs::File;
use std::io::Write;

use rustix::process::{Signal, getpid, kill_process};

/// Names the point at which the process ends.
pub const AT: &str = "DORMER_CRASH_AT";

/// Names a file that gets a line for each point that is passed.
pub const TRACE: &str = "DORMER_CRASH_TRACE";

/// The process may be made to end here.
pub fn point(name: impl FnOnce() -> String) {
    if cfg!(feature = "crash-points") {
        passed(&name());
    }
}

fn passed(name: &str) {
    if let Some(file) = env::var_os(TRACE) {
        // A trace that can't be written lacks a point, and the test that reads it says so.
        let trace = File::options().create(true).append(true).open(file);
        let _ = trace.and_then(|mut trace| writeln!(trace, "{name}"));
    }
    if env::var_os(AT).as_deref() == Some(OsStr::new(name)) {
        // It never returns: the signal is taken on the way back from the call.
        let _ = kill_process(getpid(), Signal::KILL);
    }
}
