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
//! Before CreatingOverlay comes WaitingForRoom, where the host has no room for the machine yet.
//! With a prepare script there is `Preparing` too: behind `ResolvingImage` where its template is made, or
//! behind `WaitingForGuest` where it runs in the job's own machine.
//!
//! One task, [`driver::run`], moves a job's phase. The conclusion is fixed before the teardown begins;
//! the teardown may add a warning, and changes nothing.

pub mod actions;
pub mod artifacts;
pub mod concurrency;
pub mod driver;
pub mod graph;
pub mod ledger;
pub mod limits;
pub mod order;
pub mod outcome;
pub mod plan;
pub mod prepare;
pub mod room;
pub mod standby;
pub mod told;
pub mod tools;
pub mod warm;
pub mod work;
