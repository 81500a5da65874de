//! Matrices: from lists of values to the legs of a job.
//!
//! ```text
//!  vectors ── product ─> combinations ─ exclude ─> what is left ─ include ─> legs
//!                                                                    └─────> legs of their own
//! ```
//!
//! The rules are those of GitHub's own parser. The first vector changes slowest. `exclude` goes
//! first; an entry of `include` is added to every combination that agrees with it, and is a leg of
//! its own where none does. Only what was added before can be overwritten, never the value of a
//! vector. Values are compared as `==` compares them, leaf by leaf: see `filter`.
//!
//! Nothing here knows of files: what is wrong with the shape of a matrix is for those to say who
//! read it.

mod filter;
mod name;
mod product;

#[cfg(test)]
mod tests;

use std::collections::HashMap;

use crate::expr::{Object, Value};
use crate::text;

use filter::{Filter, Work};

pub use name::leg_name;

/// How many legs one matrix may have.
pub const MAX_LEGS: usize = 256;

/// How many combinations a matrix may have before `exclude`. GitHub names no limit; this one keeps
/// a file from costing more than it is worth.
pub const MAX_COMBINATIONS: usize = 64 * MAX_LEGS;

/// The matrix of a job, without expressions.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Matrix {
    /// The lists of values by name. Empty by default, and where there is only `include`.
    pub vectors: Vec<(String, Vec<Value>)>,
    /// Combinations that are left out, as parts of them. Empty by default.
    pub exclude: Vec<Object>,
    /// What is added to combinations, or stands for one. Empty by default.
    pub include: Vec<Object>,
}

/// The values of one leg.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Combination {
    /// The `matrix` context of the leg: the values of the vectors first, then what was added.
    pub values: Object,
    /// How many of the values, from the first one on, are in the leg's name.
    named: usize,
}

/// Why a matrix can't be expanded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TooLarge {
    /// There would be more than [`MAX_LEGS`] legs.
    #[error("the matrix has more than {MAX_LEGS} legs")]
    Legs,
    /// There are more than [`MAX_COMBINATIONS`] combinations to choose from.
    #[error("the matrix has more than {MAX_COMBINATIONS} combinations before `exclude`")]
    Combinations,
    /// There are too many values to compare or to add.
    #[error("`include` and `exclude` of the matrix are too large to be expanded")]
    Work,
}

impl Matrix {
    /// The legs in GitHub's order. There may be none, if everything is excluded: GitHub then skips
    /// the job.
    ///
    /// # Errors
    ///
    /// A matrix that is too large.
    pub fn expand(&self) -> Result<Vec<Combination>, TooLarge> {
        let positions = self.positions();
        let mut work = Work::default();
        let exclude = self.excludes(&positions);
        let mut include = self.includes(&positions);
        let mut legs = Vec::new();
        for values in product::of(&self.vectors)? {
            let is_excluded = exclude.iter().try_fold(false, |found, filter| {
                Ok(found || filter.matches(&values, &mut work)?)
            })?;
            if is_excluded {
                continue;
            }
            if legs.len() == MAX_LEGS {
                return Err(TooLarge::Legs);
            }
            legs.push(self.leg(&values, &mut include, &mut work)?);
        }
        legs.extend(unmatched(&include));
        if legs.len() > MAX_LEGS {
            return Err(TooLarge::Legs);
        }
        Ok(legs)
    }

    /// Where each vector is, by its folded name.
    fn positions(&self) -> HashMap<String, usize> {
        let names = self.vectors.iter().enumerate();
        names
            .map(|(position, (name, _))| (text::folded(name).into_owned(), position))
            .collect()
    }

    fn excludes(&self, positions: &HashMap<String, usize>) -> Vec<Filter> {
        let filter = |entry: &Object| Filter::new(entry, positions);
        self.exclude.iter().map(filter).collect()
    }

    fn includes(&self, positions: &HashMap<String, usize>) -> Vec<Include<'_>> {
        let include = |entry| Include::new(entry, positions);
        self.include.iter().map(include).collect()
    }

    /// The leg of a combination, with all that is added to it.
    fn leg(
        &self,
        values: &[&Value],
        include: &mut [Include<'_>],
        work: &mut Work,
    ) -> Result<Combination, TooLarge> {
        let names = self.vectors.iter().map(|(name, _)| name.as_str());
        let mut leg = Object::from_iter(names.zip(values.iter().map(|&value| value.clone())));
        let named = leg.len();
        for entry in include {
            if !entry.filter.matches(values, work)? {
                continue;
            }
            entry.was_matched = true;
            work.take(entry.extra.len())?;
            leg.extend(
                entry
                    .extra
                    .iter()
                    .map(|&(name, value)| (name, value.clone())),
            );
        }
        Ok(Combination { values: leg, named })
    }
}

/// An entry of `include` while a matrix is expanded.
struct Include<'m> {
    /// What it says of vectors.
    own: Vec<(&'m str, &'m Value)>,
    /// What it says besides.
    extra: Vec<(&'m str, &'m Value)>,
    filter: Filter,
    was_matched: bool,
}

impl<'m> Include<'m> {
    fn new(entry: &'m Object, positions: &HashMap<String, usize>) -> Self {
        let is_vector = |name: &str| positions.contains_key(&*text::folded(name));
        let (own, extra) = entry.iter().partition(|(name, _)| is_vector(name));
        Self {
            own,
            extra,
            filter: Filter::new(entry, positions),
            was_matched: false,
        }
    }
}

/// The entries that agree with no combination, each a leg of its own.
fn unmatched<'i>(include: &'i [Include<'_>]) -> impl Iterator<Item = Combination> + 'i {
    let unmatched = include.iter().filter(|entry| !entry.was_matched);
    unmatched.map(|entry| {
        let parts = entry.own.iter().chain(&entry.extra);
        let values: Object = parts.map(|&(name, value)| (name, value.clone())).collect();
        Combination {
            named: values.len(),
            values,
        }
    })
}
