//! The language as GitHub documents it and as its runner is seen to behave, as tables for people.
//!
//! - `grids/` compares every kind of value with every other, an operator a file.
//! - `values/` has an expression a line, with its type and value, or its error and where that is.
//! - `templates.txt` and `conditions.txt` are about `${{ }}` in text and about `if`.
//!
//! The contexts of all of them are in `contexts.json`. Everything goes through
//! [`dormer_workflow::expr::answer`], so the answers are also those of `dormer expr`.

#![expect(
    clippy::unwrap_used,
    reason = "a table that can't be read fails its test"
)]

mod conditions;
mod grids;
mod properties;
mod table;
mod templates;
mod values;

use dormer_workflow::SourceFile;
use dormer_workflow::expr::{Answer, AnswerError, answer};

/// Evaluates an expression with the contexts that all tables share.
fn ask(expression: &str) -> Result<Answer, AnswerError> {
    answer(expression, Some(&contexts()))
}

fn contexts() -> SourceFile {
    SourceFile::new("contexts.json", include_str!("contexts.json"))
}
