//! YAML as GitHub reads it: text in, a tree of nodes with their places out.
//!
//! GitHub's reader works on YAML events and knows five scalar types of YAML 1.2's core schema. The
//! same is done here, on the events of `granit-parser`: a loader that turns values into Rust types
//! would be shorter, but it stops at the first problem, reads `0b11` as a number and does not say
//! where an alias was used.
//!
//! Two things make hostile files harmless. Nothing recurses while the tree is built, and aliases
//! share the node they stand for; a node's expanded size is counted instead, and refused when it is
//! too large. So a bomb costs nothing before it is refused.
//!
//! Nothing here knows what a workflow is.

mod build;
mod collection;
mod node;
mod place;
mod scalar;

#[cfg(test)]
mod tests;

use crate::diagnostic::{Problems, Reporter};
use crate::source::{SourceFile, Span};
use crate::text;

pub(crate) use place::Written;

pub use node::{Entry, Key, Kind, Mapping, Node, NodeValue};

/// How deeply collections may be nested, aliases counted as what they stand for.
pub const MAX_DEPTH: usize = 50;

/// How many nodes a file may have, aliases counted as what they stand for.
pub const MAX_NODES: usize = 50_000;

/// How many bytes of text all scalars of a file may have, aliases counted again each time.
pub const MAX_TEXT: usize = 10 * 1024 * 1024;

/// How many characters a file may have.
pub const MAX_FILE: usize = 1024 * 1024;

/// Reads a file that holds one YAML document.
///
/// # Errors
///
/// Everything that is wrong with the YAML itself. Reading goes on after a duplicate key, an unknown
/// anchor or an odd tag, and stops at a syntax error.
pub fn parse(source: &SourceFile) -> Result<Node, Problems> {
    let mut problems = Reporter::new(source);
    let root = read(source, &mut problems);
    problems.finish(root)
}

/// The same for a caller that has more to say about the file: problems are reported, and a tree is
/// given wherever there is one to look at.
pub(crate) fn read(source: &SourceFile, problems: &mut Reporter) -> Option<Node> {
    if text::utf16_len(source.text()) > MAX_FILE {
        problems.report(
            Span::at(0),
            format!("the file is longer than {MAX_FILE} characters"),
        );
        return None;
    }
    build::build(source, problems)
}
