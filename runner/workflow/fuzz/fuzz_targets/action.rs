//! Any text is an action or has problems that can be shown; any `uses` is a reference or none.

#![no_main]

use dormer_workflow::action::ActionReference;
use dormer_workflow::expr::Contexts;
use dormer_workflow::{SourceFile, parse_action};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    match parse_action(&SourceFile::new("fuzz.yml", text)) {
        Ok(action) => {
            let given = [("a".to_owned(), text.to_owned())];
            if let Err(error) = action.inputs(&given, &Contexts::default()) {
                let _ = action.problem(&error).map(|problem| problem.render());
            }
        }
        Err(problems) => {
            assert!(!problems.is_empty());
            let _ = problems.render();
        }
    }
    if let Ok(reference) = ActionReference::parse(text) {
        assert_eq!(ActionReference::parse(&reference.to_string()), Ok(reference));
    }
});
