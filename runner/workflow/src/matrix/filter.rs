//! Whether an entry of `include` or `exclude` agrees with a combination.
//!
//! GitHub makes one comparison of every leaf of the entry: `{node: {version: 12}}` is
//! `matrix.node.version == 12`. So the comparison is that of the language, with its coercions and
//! without case; a part of an object is enough; what is not there is null; and an empty object or
//! list, which has no leaves, agrees with anything.

use std::collections::HashMap;

use crate::expr::{self, Object, Value};
use crate::text;

use super::TooLarge;

/// How many values may be compared and added while one matrix is expanded.
const MAX_WORK: usize = 2_000_000;

/// What the expansion of a matrix has cost so far.
#[derive(Default)]
pub(super) struct Work(usize);

impl Work {
    /// Counts a number of values before they are looked at.
    pub(super) fn take(&mut self, count: usize) -> Result<(), TooLarge> {
        self.0 = self.0.saturating_add(count);
        if self.0 > MAX_WORK {
            return Err(TooLarge::Work);
        }
        Ok(())
    }
}

/// The comparisons of one entry.
pub(super) struct Filter(Vec<Leaf>);

struct Leaf {
    /// Which vector it is about.
    vector: usize,
    /// The way from the vector's value to the leaf.
    path: Vec<Value>,
    value: Value,
}

impl Filter {
    /// The comparisons of an entry with the vectors it names. Other names are not looked at.
    pub(super) fn new(entry: &Object, positions: &HashMap<String, usize>) -> Self {
        let mut leaves = Vec::new();
        for (name, value) in entry.iter() {
            if let Some(&vector) = positions.get(&*text::folded(name)) {
                gather(vector, value, &mut Vec::new(), &mut leaves);
            }
        }
        Self(leaves)
    }

    /// Whether all of them hold.
    pub(super) fn matches(&self, values: &[&Value], work: &mut Work) -> Result<bool, TooLarge> {
        work.take(1)?;
        for leaf in &self.0 {
            work.take(1 + leaf.path.len())?;
            if !values
                .get(leaf.vector)
                .is_some_and(|value| leaf.holds(value))
            {
                return Ok(false);
            }
        }
        Ok(true)
    }
}

impl Leaf {
    fn holds(&self, value: &Value) -> bool {
        let Some((first, rest)) = self.path.split_first() else {
            return expr::equal(value, &self.value);
        };
        let found = rest.iter().fold(expr::part(value, first), |found, index| {
            expr::part(&found?, index)
        });
        expr::equal(&found.unwrap_or_default(), &self.value)
    }
}

/// Values are nested no deeper than YAML and JSON may be, so this may recurse.
fn gather(vector: usize, value: &Value, path: &mut Vec<Value>, leaves: &mut Vec<Leaf>) {
    let mut descend = |index: Value, inner: &Value| {
        path.push(index);
        gather(vector, inner, path, leaves);
        path.pop();
    };
    match value {
        Value::Object(object) => {
            for (name, inner) in object.iter() {
                descend(name.into(), inner);
            }
        }
        Value::Array(items) => {
            for (at, inner) in items.iter().enumerate() {
                descend(position(at), inner);
            }
        }
        _ => leaves.push(Leaf {
            vector,
            path: path.clone(),
            value: value.clone(),
        }),
    }
}

#[expect(
    clippy::cast_precision_loss,
    reason = "no list has so many items that a double could not count them"
)]
fn position(at: usize) -> Value {
    Value::Number(at as f64)
}
