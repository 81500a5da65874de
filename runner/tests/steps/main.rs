//! The steps of a job in a guest that is a directory of this host: stages, actions, conditions, time. Each
//! test is a workflow and what has to become of it.

mod artifacts;
mod commands;
mod composite;
mod fetched;
mod handover;
mod mapped;
mod node;
mod preparing;
mod references;
mod running;
mod stages;
mod stopping;
mod told;

use std::time::Duration;

use dormer_localguest::lab::{Lab, Outcome};

/// A workflow of one job with these steps, each line of which is indented already or begins a step.
fn workflow(steps: &str) -> String {
    let steps = steps.trim_end().replace('\n', "\n      ");
    format!("on: push\njobs:\n  job:\n    runs-on: windows-latest\n    steps:\n      {steps}\n")
}

/// The outcome of a job of these steps. Nothing in these tests may take longer.
async fn run(lab: &Lab, steps: &str) -> Outcome {
    soon(lab.run(&workflow(steps))).await
}

async fn soon<T>(work: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(60), work)
        .await
        .expect("it hangs")
}

/// What steps printed, without the headings inside of composite actions.
fn printed(outcome: &Outcome) -> Vec<&str> {
    let lines = outcome.log().into_iter();
    lines.filter(|line| !line.starts_with("##[")).collect()
}

/// An action in "JavaScript" (which is a shell here) whose stages print their names.
fn speaking(stages: &[&str]) -> String {
    let mut text = "runs:\n  using: node20\n  main: main.js\n".to_owned();
    for stage in stages {
        text.push_str(&format!("  {stage}: {stage}.js\n"));
    }
    text
}

/// Puts such an action on the shelf; each stage prints `OWNER/REPO STAGE`.
fn put_speaking(lab: &Lab, repository: &str, stages: &[&str]) {
    lab.action(repository, "action.yml", &speaking(stages));
    for stage in ["main"].iter().chain(stages) {
        let script = format!("echo {repository} {stage}\n");
        lab.action(repository, &format!("{stage}.js"), &script);
    }
}
