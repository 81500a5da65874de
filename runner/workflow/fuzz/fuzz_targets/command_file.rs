//! Any bytes are a command file or fail their step.

#![no_main]

use dormer_workflow::command_file::{
    parse_assignments, parse_env, parse_path, parse_summary, parse_text,
};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let assignments = parse_assignments(bytes);
    assert!(
        assignments
            .entries
            .iter()
            .all(|entry| !entry.name.is_empty())
    );
    let env = parse_env(bytes);
    assert_eq!(
        env.entries.len() + env.refused.len(),
        assignments.entries.len()
    );
    let _ = parse_path(bytes);
    let _ = parse_text(bytes);
    let _ = parse_summary(bytes);
});
