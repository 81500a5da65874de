//! Sentences that the reporters for people share.

use crate::event::{Level, PREPARE_STEP};
use crate::exit_code as codes;
use crate::report::plain::{harmless, harmless_name};
use crate::report::style::{Palette, Tone};
use crate::report::tail::exit_code;

/// Something that people should know.
pub(super) fn notice(palette: Palette, level: Level, text: &str) -> String {
    let (word, tone) = match level {
        Level::Notice => ("note:", Tone::Quiet),
        Level::Warning => ("warning:", Tone::Caution),
        Level::Error => ("error:", Tone::Bad),
    };
    format!("{} {}", palette.paint(tone, word), harmless(text))
}

/// What is said of a job whose turn did not come in time, after `job`.
pub(super) const NOT_STARTED: &str = "did not start";

/// Whether that is how a job ended which has this code.
pub(super) fn is_kept_from_starting(has_begun: bool, code: u8) -> bool {
    !has_begun && code == codes::DEADLINE
}

/// A step's name behind its number. The prepare script has none in the job's file.
pub(super) fn numbered(number: usize, name: &str) -> String {
    match number {
        PREPARE_STEP => name.to_owned(),
        number => format!("{number}. {name}"),
    }
}

/// What is said of a failure that the job survives.
pub(super) const GOES_ON: &str = ", and the job goes on";

/// How a step or its program failed.
pub(super) fn failed(code: Option<u32>) -> String {
    let code = code.filter(|code| *code != 0);
    let why = code.map(|code| format!(" with exit code {}", exit_code(code)));
    format!("failed{}", why.unwrap_or_default())
}

/// Which state of an action's repository is used.
pub(super) fn pinned(uses: &str, commit: Option<&str>) -> String {
    let uses = harmless_name(uses);
    match commit {
        Some(commit) => format!("{uses} is {}", harmless_name(commit)),
        None => format!("{uses} is a directory of this host"),
    }
}
