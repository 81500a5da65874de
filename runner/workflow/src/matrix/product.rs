//! The combinations of all values of all vectors.

use crate::expr::Value;

use super::{MAX_COMBINATIONS, TooLarge};

/// Every combination, one value of each vector, in the order of the vectors; the first vector
/// changes slowest. No vectors make no combination, and neither does one without values.
pub(super) fn of(
    vectors: &[(String, Vec<Value>)],
) -> Result<impl Iterator<Item = Vec<&Value>>, TooLarge> {
    let count = count(vectors)?;
    Ok((0..count).map(move |index| combination(vectors, index, count)))
}

fn count(vectors: &[(String, Vec<Value>)]) -> Result<usize, TooLarge> {
    if vectors.iter().any(|(_, values)| values.is_empty()) {
        return Ok(0);
    }
    let mut count = usize::from(!vectors.is_empty());
    for (_, values) in vectors {
        count = count.saturating_mul(values.len());
    }
    if count > MAX_COMBINATIONS {
        return Err(TooLarge::Combinations);
    }
    Ok(count)
}

/// The combination of a number, whose digits are positions in the vectors.
fn combination(vectors: &[(String, Vec<Value>)], index: usize, count: usize) -> Vec<&Value> {
    let mut block = count;
    let value = |(_, values): &'_ (String, Vec<Value>)| {
        block /= values.len();
        (index / block) % values.len()
    };
    let positions: Vec<usize> = vectors.iter().map(value).collect();
    let values = vectors.iter().zip(positions);
    values.map(|((_, values), at)| &values[at]).collect()
}
