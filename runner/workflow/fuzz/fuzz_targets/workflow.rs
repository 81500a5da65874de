//! Any text is a workflow or has problems that can be shown.

#![no_main]

use dormer_workflow::{SourceFile, parse_workflow};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let source = SourceFile::new("fuzz.yml", text);
    match parse_workflow(&source) {
        Ok(workflow) => {
            for job in &workflow.jobs {
                let _ = workflow.unsupported_in(&job.id.value);
            }
        }
        Err(problems) => {
            assert!(!problems.is_empty());
            let _ = problems.render();
        }
    }
});
