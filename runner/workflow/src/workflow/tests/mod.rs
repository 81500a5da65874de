//! What is made of whole workflow files.

mod evaluation;
mod model;
mod problems;
mod properties;
mod settings;
mod triggers;

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

/// A workflow with this `on`, in flow style or as lines that are indented.
fn with_on(on: &str) -> String {
    format!("on: {on}\njobs: {{a: {{runs-on: x, steps: [run: x]}}}}\n")
}

/// The warnings of a workflow that is right, one a line.
#[track_caller]
fn warnings(text: &str) -> String {
    let lines: Vec<String> = read(text)
        .warnings
        .iter()
        .map(ToString::to_string)
        .collect();
    lines.join("\n")
}

/// The same without their places.
fn messages(lines: &str) -> String {
    let message = |line: &str| {
        line.splitn(4, ':')
            .nth(3)
            .unwrap_or_default()
            .trim()
            .to_owned()
    };
    let messages: Vec<String> = lines.lines().map(message).collect();
    messages.join("; ")
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
