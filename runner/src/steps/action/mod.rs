//! Actions: what a `uses` means, where its files come from, what is known of it before it runs.
//!
//! ```text
//!   uses: text ── used ──> Checkout   served from the workspace
//!                     ├──> Local      read from the guest when its step runs    ─┐
//!                     ├──> Remote     placed in the guest before the first step ─┼─> Site ─> Action
//!                     └──> Docker     refused when its step runs                 ┘
//! ```
//!
//! A [`site::Site`] is plain data and part of the executor's state. How an action runs is not known here.

pub mod local;
pub mod prepare;
pub mod site;
pub mod source;
