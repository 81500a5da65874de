//! What the commands print, beside what `report` prints of a job.

use std::io::{self, Write};

use crate::failure::{Bug, Failure, InfraFailure};
use crate::report::plain::harmless;
use crate::report::style::{Palette, Tone};

/// Prints a failure on standard error, and what to do about it.
pub(super) fn failure(failure: &Failure) {
    let palette = Palette::for_stderr();
    let mut err = std::io::stderr().lock();
    // Nobody can be told that telling failed.
    let _ = writeln!(
        err,
        "{} {}",
        palette.paint(Tone::Bad, "error:"),
        harmless(&failure.message())
    );
    if let Some(help) = failure.help() {
        let _ = writeln!(err, " help: {}", harmless(help));
    }
}

/// Prints what is wrong on standard error, where it is no failure of a command.
pub(super) fn error(text: &str) {
    remark(Tone::Bad, "error:", text);
}

/// Prints a remark on standard error.
pub(super) fn note(text: &str) {
    remark(Tone::Quiet, "note:", text);
}

/// Prints a warning on standard error.
pub(super) fn warning(text: &str) {
    remark(Tone::Caution, "warning:", text);
}

fn remark(tone: Tone, what: &str, text: &str) {
    let what = Palette::for_stderr().paint(tone, what);
    let _ = writeln!(std::io::stderr(), "{what} {}", harmless(text));
}

/// Prints a line on standard output.
pub(super) fn line(text: &str) -> Result<(), Failure> {
    bytes(format!("{text}\n").as_bytes())
}

/// Prints on standard output.
pub(super) fn bytes(bytes: &[u8]) -> Result<(), Failure> {
    let mut out = std::io::stdout().lock();
    printed(out.write_all(bytes).and_then(|()| out.flush()))
}

/// What becomes of a command whose printing went so. What it prints is its result, so one that can't be
/// printed is a failure; but a reader who went away has seen enough.
pub(super) fn printed(written: io::Result<()>) -> Result<(), Failure> {
    match written {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            let failed = InfraFailure::new("cannot write to standard output");
            Err(failed.because(error).into())
        }
        _ => Ok(()),
    }
}

/// Prints a value as JSON on standard output.
pub(super) fn json<T: serde::Serialize>(value: &T) -> Result<(), Failure> {
    let text = serde_json::to_string_pretty(value).map_err(|error| Bug {
        message: format!("what is to be printed is no JSON: {error}"),
    })?;
    line(&text)
}

/// Prints a table without lines.
pub(super) fn table(head: &[&str], rows: Vec<Vec<String>>) -> Result<(), Failure> {
    bytes(table_text(head, rows).as_bytes())
}

/// A table without lines, as `ps` prints one.
pub(super) fn table_text(head: &[&str], rows: Vec<Vec<String>>) -> String {
    let mut table = comfy_table::Table::new();
    table
        .load_style(comfy_table::presets::NOTHING)
        .set_header(head.to_vec());
    for row in rows {
        table.add_row(row);
    }
    for column in table.column_iter_mut() {
        column.set_padding((0, 2));
    }
    let text = table.to_string();
    let lines = text.lines().map(|line| format!("{}\n", line.trim_end()));
    lines.collect()
}
