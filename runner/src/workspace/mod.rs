//! The user's files on their way into a guest. Decides what comes along and refuses what must not;
//! knows nothing of jobs.
//!
//! What comes along: everything that git would show, so what `.gitignore` names stays behind, also
//! outside a repository; and, whatever `.gitignore` says, the `.git` directory and every tracked file.
//! Names that begin with a dot are names like any other.

pub mod scan;
pub mod tracked;
pub mod upload;
