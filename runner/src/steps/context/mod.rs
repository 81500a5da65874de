//! What expressions see, and what every step finds in its environment: the contexts and variables of the
//! official runner. Paths are those of a Windows machine.
//!
//! ```text
//!   RunFacts ─┐                            ┌─> StepScope: contexts for expressions
//!             ├─> JobFacts ─┬─ github ─────┤
//!   the guest ┘             └─ StepFacts   └─> variables: those of them that a step's program sees
//! ```
//!
//! Facts come from whoever starts the job; nothing here looks at a file or a clock.

mod facts;
mod github;
mod scope;

pub use facts::{DefinedIn, JobFacts, RunFacts, StepFacts, plain_name};
pub use scope::StepScope;
