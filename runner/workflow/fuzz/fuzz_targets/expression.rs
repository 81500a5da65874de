//! Any text is an expression, a template and a condition, or is refused as one; any other text is a
//! file of contexts, or is refused as that. The two are separated by a zero byte.

#![no_main]

use dormer_workflow::SourceFile;
use dormer_workflow::expr::{
    Availability, Condition, Contexts, Expression, HashFiles, JobStatus, Object, StatusFunctions,
    Template, answer, read_contexts,
};
use libfuzzer_sys::fuzz_target;

/// Contexts with a little of everything.
const CONTEXTS: &str = r#"{
    "github": {"ref": "main", "n": 17, "event": {"commits": [{"id": "a", "n": 1}, null, true]}},
    "env": {"Path": "C:\\bin", "EMPTY": ""},
    "matrix": {"os": ["linux", "windows"], "nested": [[1, 2], [3]]},
    "none": null
}"#;

/// Where little is available, so that there is something to refuse.
const PLACE: Availability = Availability {
    key: "",
    contexts: &["github"],
    status: StatusFunctions::Step,
    hash_files: false,
};

fuzz_target!(|input: &str| {
    let (text, json) = input.split_once('\0').unwrap_or((input, CONTEXTS));
    let file = SourceFile::new("contexts.json", json);
    evaluate(text, &file);
    let values = read_contexts(&file).unwrap_or_default();
    template(text, &values);
    condition(text, &values);
    let _ = HashFiles::parse(&[text.to_owned()]);
});

/// An answer is the same every time, and JSON; an error can be shown.
fn evaluate(text: &str, file: &SourceFile) {
    match answer(text, Some(file)) {
        Ok(first) => {
            let json = first.to_json();
            let again = answer(text, Some(file)).map(|again| again.to_json());
            assert_eq!(again.as_deref(), Ok(&*json));
        }
        Err(error) => assert!(error.render().contains('^')),
    }
    if let Ok(expression) = Expression::parse(text) {
        for error in expression.check(&PLACE) {
            assert!(error.span().end <= text.len());
        }
    }
}

fn template(text: &str, values: &Object) {
    match Template::parse(text) {
        Ok(template) => {
            let scope = Contexts {
                values: values.clone(),
                ..Contexts::default()
            };
            let _ = template.check(&PLACE);
            if let Err(error) = template.render(&scope) {
                let _ = error.render();
            }
        }
        Err(error) => assert!(error.span().end <= text.len()),
    }
}

fn condition(text: &str, values: &Object) {
    let Ok(condition) = Condition::parse(text) else {
        return;
    };
    for status in [JobStatus::Success, JobStatus::Failure, JobStatus::Cancelled] {
        let values = values.clone();
        let holds = condition.evaluate(&Contexts { values, status });
        if condition.implies_success() && status != JobStatus::Success {
            assert_eq!(holds, Ok(false));
        }
    }
}
