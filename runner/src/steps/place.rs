//! Where a step stands: the step of the job, then the step of the composite action that it runs, and so
//! on inwards.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The place of a step, as `3` for the job's third and `3/1` for the first inside of that. It names what
/// a step leaves behind, so that an action's later stages find it again.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
pub struct Place(String);

impl Place {
    /// The place of a step of the job, numbered from 1.
    pub fn of_job(number: usize) -> Self {
        Self(number.to_string())
    }

    /// The place of a step, numbered from 1, inside of the composite action that runs here.
    #[must_use]
    pub fn inside(&self, number: usize) -> Self {
        Self(format!("{}/{number}", self.0))
    }

    /// How many composite actions are around the step.
    pub fn depth(&self) -> usize {
        self.0.matches('/').count()
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
