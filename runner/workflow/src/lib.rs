//! The workflow language of GitHub Actions: workflow and action files, expressions, commands.
//!
//! Everything here is pure: text or bytes in, values and problems out. There is no I/O, no clock
//! and no panic, whatever the input is.
//!
//! - [`workflow`] reads workflow files; [`yaml`] is the layer below it.
//! - [`action`] reads action files, references of actions, and what actions get as inputs.
//! - [`check`] checks a file together with the local files that it uses.
//! - [`expr`] parses and evaluates expressions, templates and conditions.
//! - [`files`] is how both ask for other files.
//! - [`trigger`] judges whether an event starts a workflow.
//! - [`plan`] says which jobs a run has; [`matrix`] expands the matrix of a job.
//! - [`command`] reads the workflow commands in what a step prints; it and matchers give an
//!   [`annotation`].
//! - [`command_file`] reads what a step wrote to `GITHUB_ENV` and its siblings.
//! - [`matcher`] finds remarks of compilers and linters in what a step prints.
//! - [`source`] and [`diagnostic`] say where something is and what is wrong with it.
//!
//! ```
//! use dormer_workflow::expr::{Contexts, Expression, Object, Value};
//!
//! let mut scope = Contexts::default();
//! scope.values.insert("github", Object::from_iter([("actor", "Mona")]));
//! let expression = Expression::parse("github.actor == 'mona' && 1 || 2")?;
//! assert_eq!(expression.evaluate(&scope)?, Value::Number(1.0));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

pub mod action;
pub mod annotation;
pub mod check;
pub mod command;
pub mod command_file;
pub mod diagnostic;
pub mod expr;
pub mod files;
pub mod matcher;
pub mod matrix;
mod names;
mod number;
pub mod plan;
mod reader;
pub mod source;
mod text;
pub mod trigger;
pub mod workflow;
pub mod yaml;

pub use action::{Action, parse_action};
pub use diagnostic::{Problem, Problems};
pub use source::{Location, SourceFile, Span, Spanned};
pub use workflow::{Workflow, parse_workflow};
