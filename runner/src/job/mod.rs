//! A job's life, from its acceptance to its end. The only module that sees both sides, the machine and
//! the steps.
//!
//! ```text
//!   Accepted ─> ResolvingImage ─> CreatingOverlay ─> StartingContainer ─> WaitingForGuest
//!       │              │                 │                   │                  │
//!       │              │                 │                   │                  v
//!       │              │                 │                   │            RunningSteps
//!       │              │                 │                   │                  │
//!       │              │                 │                   │                  v
//!       │              │                 │                   │          CollectingArtifacts
//!       └──────────────┴────────┬────────┴───────────────────┴──────────────────┘
//!                               v   failure, cancellation, deadline, or the normal end
//!                          TearingDown ──> Completed { conclusion, infra }
//! ```
//!
//! One task, [`driver::run`], moves a job's phase. The conclusion is fixed before the teardown begins;
//! the teardown may add a warning, and changes nothing.

pub mod actions;
pub mod artifacts;
pub mod concurrency;
pub mod driver;
pub mod graph;
pub mod limits;
pub mod order;
pub mod outcome;
pub mod plan;
pub mod standby;
pub mod told;
pub mod tools;
pub mod warm;
pub mod work;
