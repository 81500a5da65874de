//! What holds for any input.

use std::time::{Duration, Instant};

use dormer_workflow::SourceFile;
use dormer_workflow::expr::{MAX_MEMORY, answer};
use proptest::prelude::*;

use crate::{ask, contexts};

/// Much longer than anything takes, since a debug build on a busy machine is slow.
const BOUND: Duration = Duration::from_secs(10);

/// Expressions that parse, mostly.
fn expressions() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        "null|true|false|NaN|Infinity|-?[0-9]{1,3}(\\.[0-9])?|0x[0-9a-f]{1,3}|0o[0-7]{1,3}",
        "'[a-c1-3 {}]{0,4}'",
        "github|env|matrix|array|object|blank|none|words|needs",
        "needs\\.\\*\\.result|matrix\\.nested\\.\\*|github\\.event\\.commits\\[[0-3]\\]",
    ];
    leaf.prop_recursive(5, 40, 3, |inner| {
        let two = (inner.clone(), inner.clone());
        prop_oneof![
            inner.clone().prop_map(|a| format!("(!{a})")),
            (two.clone(), "==|!=|<|<=|>|>=|&&|\\|\\|")
                .prop_map(|((a, b), operator)| format!("({a} {operator} {b})")),
            (two.clone(), "contains|startsWith|endsWith|join|format")
                .prop_map(|((a, b), function)| format!("{function}({a}, {b})")),
            (inner.clone(), "toJSON|fromJSON|join|format")
                .prop_map(|(a, function)| format!("{function}({a})")),
            two.clone().prop_map(|(a, b)| format!("({a})[{b}]")),
            inner.clone().prop_map(|a| format!("({a}).*")),
            inner.clone().prop_map(|a| format!("({a}).a")),
            (two, inner).prop_map(|((a, b), c)| format!("case(!{a}, {b}, {c})")),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    #[test]
    fn evaluation_is_the_same_every_time_and_takes_no_second(text in expressions()) {
        let start = Instant::now();
        let first = ask(&text);
        prop_assert!(start.elapsed() < BOUND, "{:?}", start.elapsed());
        let second = ask(&text);
        match (&first, &second) {
            (Ok(first), Ok(second)) => prop_assert_eq!(first.to_json(), second.to_json()),
            _ => prop_assert_eq!(first, second),
        }
    }

    #[test]
    fn answers_are_json_with_three_keys(text in expressions()) {
        if let Ok(answer) = ask(&text) {
            let json: serde_json::Value = serde_json::from_str(&answer.to_json()).unwrap();
            let keys: Vec<&String> = json.as_object().unwrap().keys().collect();
            prop_assert_eq!(keys.len(), 3);
            prop_assert_eq!(&json["kind"], answer.value.kind());
            prop_assert_eq!(&json["string"], &*answer.text());
            prop_assert!(answer.text().len() <= MAX_MEMORY);
        }
    }

    #[test]
    fn errors_point_into_the_text(text in "[ -~é⏎]{0,30}|\\PC{0,20}") {
        if let Err(error) = ask(&text) {
            prop_assert!(error.render().contains('^'), "{}", error.render());
        }
    }

    #[test]
    fn operators_agree_with_one_another(a in expressions(), b in expressions()) {
        let Ok(sides) = ["==", "!=", "<", "<=", ">", ">="]
            .map(|operator| ask(&format!("({a}) {operator} ({b})")))
            .into_iter()
            .map(|answer| answer.map(|answer| answer.value.is_truthy()))
            .collect::<Result<Vec<bool>, _>>()
        else {
            return Ok(());
        };
        let [equal, differs, less, most, greater, least] = sides[..] else {
            unreachable!()
        };
        prop_assert_eq!(equal, !differs);
        prop_assert_eq!(most, less || equal);
        prop_assert_eq!(least, greater || equal);
        prop_assert!(!(less && greater));
        prop_assert!(!(equal && (less || greater)));
    }

    #[test]
    fn any_context_file_is_read_or_refused_in_its_text(json in "[\\[\\]{}\":,a-c0-9.eE \\\\\n-]{0,40}|\\PC{0,20}") {
        let file = SourceFile::new("c.json", json.as_str());
        if let Err(error) = answer("1", Some(&file)) {
            prop_assert!(error.render().contains("c.json:"), "{}", error.render());
        }
    }
}

#[test]
fn the_contexts_are_the_same_object_wherever_they_are_named() {
    assert_eq!(ask("array == array").unwrap().text(), "true");
    assert!(contexts().text().starts_with('{'));
}
