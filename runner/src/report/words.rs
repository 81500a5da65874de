//! Sentences that the reporters for people share.

use crate::report::plain::harmless_name;

/// Which state of an action's repository is used.
pub(super) fn pinned(uses: &str, commit: Option<&str>) -> String {
    let uses = harmless_name(uses);
    match commit {
        Some(commit) => format!("{uses} is {}", harmless_name(commit)),
        None => format!("{uses} is a directory of this host"),
    }
}
