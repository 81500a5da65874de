//! Expressions: `github.ref == 'refs/heads/main' && !cancelled()`.
//!
//! ```text
//!  text ─ lexer ─> tokens ─ parser ─> Ast ─ availability ─> problems
//!                                      │
//!                                      └─ evaluator + Scope ─> Value
//! ```
//!
//! The rules are those of the official runner: its grammar, its limits, its coercions (which are
//! JavaScript's, but for strings that compare without case and objects that compare by identity).
//! A [`Template`] is text with expressions in `${{ }}`; a [`Condition`] is the value of an `if`.
//!
//! Nothing here knows which contexts there are: a [`Scope`] gives them by name.

mod asked;
mod ast;
mod availability;
mod call;
mod coerce;
mod condition;
mod error;
mod evaluator;
mod expression;
mod format;
mod function;
mod json;
mod lexer;
mod parser;
mod scope;
mod template;
mod token;
mod value;

#[cfg(test)]
mod tests;

pub(crate) use call::described;
pub(crate) use coerce::equal;
pub(crate) use evaluator::part;

pub use asked::Asked;
pub use availability::{Availability, StatusFunctions};
pub use condition::Condition;
pub use error::{EvalError, ParseError};
pub use expression::Expression;
pub use function::Function;
pub use scope::{Contexts, JobStatus, Scope};
pub use template::Template;
pub use value::{Object, Value};

/// How deeply an expression may be nested. Parentheses and chains of `&&` or `||` are free.
pub const MAX_DEPTH: usize = 50;

/// How many characters (UTF-16 code units) an expression may have.
pub const MAX_LENGTH: usize = 21_000;

/// How many bytes the strings that one evaluation makes may have, all together.
pub const MAX_MEMORY: usize = 10 * 1024 * 1024;
