//! What holds for any matrix.

use proptest::prelude::*;

use super::super::{Combination, MAX_LEGS, Matrix, TooLarge, leg_name};
use super::*;

fn value() -> impl Strategy<Value = Value> {
    let scalar = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        (0..4).prop_map(|number| Value::from(f64::from(number))),
        "[abA1]{0,2}".prop_map(Value::from),
    ];
    scalar.prop_recursive(2, 6, 3, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..3).prop_map(Value::from),
            proptest::collection::vec(("[xy]", inner), 0..3)
                .prop_map(|entries| Object::from_iter(entries).into()),
        ]
    })
}

fn entries() -> impl Strategy<Value = Vec<Object>> {
    let entry = proptest::collection::vec(("[abcde]", value()), 1..3).prop_map(Object::from_iter);
    proptest::collection::vec(entry, 0..4)
}

/// A matrix of the vectors `a`, `b`, … as many as there are.
fn matrix() -> impl Strategy<Value = Matrix> {
    let vectors = proptest::collection::vec(proptest::collection::vec(value(), 1..4), 0..4);
    (vectors, entries(), entries()).prop_map(|(vectors, include, exclude)| Matrix {
        vectors: ('a'..='d').map(String::from).zip(vectors).collect(),
        include,
        exclude,
    })
}

fn without_include(matrix: &Matrix) -> Matrix {
    Matrix {
        include: Vec::new(),
        ..matrix.clone()
    }
}

fn product(matrix: &Matrix) -> usize {
    match matrix.vectors.as_slice() {
        [] => 0,
        vectors => vectors.iter().map(|(_, values)| values.len()).product(),
    }
}

/// The first values of a leg.
fn first(leg: &Combination, count: usize) -> Vec<(String, Value)> {
    let values = leg.values.iter().take(count);
    values
        .map(|(name, value)| (name.to_owned(), value.clone()))
        .collect()
}

proptest! {
    #[test]
    fn legs_are_the_product_and_no_more_than_one_for_each_include(matrix in matrix()) {
        let legs = matrix.expand().unwrap();
        prop_assert!(legs.len() <= product(&matrix) + matrix.include.len());
        let all = Matrix { exclude: Vec::new(), ..without_include(&matrix) };
        prop_assert_eq!(all.expand().unwrap().len(), product(&matrix));
    }

    #[test]
    fn include_never_loses_a_leg_or_a_value_of_a_vector(matrix in matrix()) {
        let before = without_include(&matrix).expand().unwrap();
        let after = matrix.expand().unwrap();
        prop_assert!(after.len() >= before.len());
        let count = matrix.vectors.len();
        for (before, after) in before.iter().zip(&after) {
            prop_assert_eq!(first(before, count), first(after, count));
            prop_assert_eq!(leg_name("j", before), leg_name("j", after));
        }
    }

    /// What a combination itself is excluded by, is never there.
    #[test]
    fn excluded_legs_are_never_there(matrix in matrix(), at in any::<prop::sample::Index>()) {
        let legs = Matrix { exclude: Vec::new(), ..without_include(&matrix) }.expand().unwrap();
        prop_assume!(!legs.is_empty());
        let victim = at.get(&legs).values.clone();
        let exclude = vec![victim.clone()];
        let left = Matrix { exclude, ..without_include(&matrix) }.expand().unwrap();
        // NaN, which equals nothing, is never made here.
        prop_assert!(left.len() < legs.len());
        prop_assert!(left.iter().all(|leg| leg.values != victim));
    }

    #[test]
    fn exclude_only_takes_away(matrix in matrix()) {
        let all = Matrix { exclude: Vec::new(), ..without_include(&matrix) }.expand().unwrap();
        let left = without_include(&matrix).expand().unwrap();
        let mut rest = all.iter();
        prop_assert!(left.iter().all(|leg| rest.any(|other| other == leg)), "in another order");
    }

    #[test]
    fn every_include_is_somewhere(matrix in matrix()) {
        let legs = matrix.expand().unwrap();
        for entry in &matrix.include {
            // A later entry may have overwritten what it added, but not the names.
            let has_names = |leg: &Combination| {
                entry.iter().all(|(name, _)| leg.values.get(name).is_some())
            };
            prop_assert!(legs.iter().any(has_names), "{}", shown(entry));
        }
    }

    #[test]
    fn names_are_short(matrix in matrix(), job in "\\PC{0,120}") {
        for leg in matrix.expand().unwrap() {
            prop_assert!(crate::text::utf16_len(&leg_name(&job, &leg)) <= 100);
        }
    }

    #[test]
    fn large_matrices_are_refused_in_time(sizes in proptest::collection::vec(1usize..60, 1..6)) {
        let count = sizes.iter().fold(1usize, |count, size| count.saturating_mul(*size));
        let vector = |(i, size): (usize, usize)| (format!("v{i}"), vec![Value::Null; size]);
        let vectors = sizes.into_iter().enumerate().map(vector).collect();
        let result = Matrix { vectors, ..Matrix::default() }.expand();
        match result {
            Ok(legs) => prop_assert_eq!(legs.len(), count),
            Err(TooLarge::Legs | TooLarge::Combinations) => prop_assert!(count > MAX_LEGS),
            Err(TooLarge::Work) => prop_assert!(false),
        }
    }
}
