//! What is made of whole workflow files.

mod evaluation;
mod model;
mod problems;
mod properties;

use super::*;

/// Reads a workflow that is right.
#[track_caller]
fn read(text: &str) -> Workflow {
    match parse_workflow(&SourceFile::new("ci.yml", text)) {
        Ok(workflow) => workflow,
        Err(problems) => panic!("{}", problems.render()),
    }
}

/// The problems of a workflow that is wrong, one a line.
#[track_caller]
fn problems(text: &str) -> String {
    match parse_workflow(&SourceFile::new("ci.yml", text)) {
        Ok(_) => panic!("accepted:\n{text}"),
        Err(problems) => problems.to_string(),
    }
}

/// A workflow with one job of one step, which has these lines.
fn with_step(lines: &str) -> String {
    let lines: String = lines
        .lines()
        .map(|line| format!("        {line}\n"))
        .collect();
    format!("on: push\njobs:\n  build:\n    runs-on: windows\n    steps:\n      -\n{lines}")
}

/// A workflow with one job, which has these lines beside `runs-on` and `steps`.
fn with_job(lines: &str) -> String {
    let lines: String = lines.lines().map(|line| format!("    {line}\n")).collect();
    format!("on: push\njobs:\n  build:\n    runs-on: windows\n    steps: [run: x]\n{lines}")
}
