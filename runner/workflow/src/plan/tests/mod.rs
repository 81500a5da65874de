//! Plans of small workflows, as text.

mod calls;
mod conditions;
mod document;
mod jobs;
mod properties;
mod starts;

use std::collections::HashMap;

use super::*;
use crate::expr::Value;
use crate::parse_workflow;
use crate::source::SourceFile;
use crate::workflow::RemoteReference;

/// Workflows by the names that references have.
#[derive(Default)]
struct Texts(HashMap<&'static str, &'static str>);

impl Files for Texts {
    fn read(&self, path: &str) -> Result<SourceFile, Unreadable> {
        let name = path.trim_start_matches(".github/workflows/");
        match self.0.get(name) {
            Some(&"\0") => Err(Unreadable::Other("it is no text".to_owned())),
            Some(text) => Ok(SourceFile::new(name, *text)),
            None => Err(Unreadable::Missing),
        }
    }

    fn remote(&self, remote: &RemoteReference) -> Option<RemoteFile> {
        let name = remote.repository.as_str();
        Some(RemoteFile {
            file: SourceFile::new(name, *self.0.get(name)?),
            commit: Some("c0ffee".to_owned()),
        })
    }
}

fn read(text: &str) -> Arc<Workflow> {
    match parse_workflow(&SourceFile::new("ci.yml", text)) {
        Ok(workflow) => Arc::new(workflow),
        Err(problems) => panic!("{}", problems.render()),
    }
}

fn object(json: &str) -> Object {
    let value: Value = serde_json::from_str(json).unwrap();
    value.as_object().unwrap().clone()
}

fn request() -> Request {
    Request {
        github: object(r#"{"ref": "refs/heads/main", "actor": "Mona", "event": {"after": "1"}}"#),
        vars: object(r#"{"LABEL": "windows", "MATRIX": "{\"a\": [1, 2]}", "MINUTES": "5"}"#),
        ..Request::default()
    }
}

fn planned(text: &str) -> Plan {
    match plan(&read(text), &request(), &NoFiles) {
        Ok(plan) => plan,
        Err(problems) => panic!("{}", problems.render()),
    }
}

/// A workflow of these jobs, with steps where they have none.
fn jobs(lines: &str) -> String {
    let lines: String = lines
        .lines()
        .map(|line| match line.strip_suffix('}') {
            Some(head) if !line.contains("uses:") => {
                let runs_on = if line.contains("runs-on") {
                    ""
                } else {
                    ", runs-on: x"
                };
                format!("  {head}{runs_on}, steps: [run: x]}}\n")
            }
            _ => format!("  {line}\n"),
        })
        .collect();
    format!("on: push\njobs:\n{}", lines.replace("{, ", "{"))
}

/// A plan of these jobs, as text.
fn shown_jobs(lines: &str) -> String {
    shown(&planned(&jobs(lines)))
}

#[track_caller]
fn problems(result: Result<Plan, Problems>) -> String {
    match result {
        Ok(plan) => panic!("accepted:\n{}", shown(&plan)),
        Err(problems) => problems.to_string(),
    }
}

/// One line a job and one a leg, those of called workflows below the leg that calls.
fn shown(plan: &Plan) -> String {
    let mut out = String::new();
    for job in &plan.jobs {
        let holds = match job.condition.holds {
            Some(true) => "runs",
            Some(false) => "is skipped",
            None => "may run",
        };
        out.push_str(&format!("{} {holds}: {}\n", job.id, job.name));
        match &job.legs {
            Planned::After(jobs) => out.push_str(&format!("  after {}\n", jobs.join(", "))),
            Planned::Now(legs) => legs
                .items
                .iter()
                .for_each(|leg| out.push_str(&shown_leg(leg))),
        }
    }
    out
}

fn shown_leg(leg: &Leg) -> String {
    let runs_on = match &leg.runs_on {
        None => String::new(),
        Some(Planned::After(jobs)) => format!(" on ? after {}", jobs.join(", ")),
        Some(Planned::Now(selector)) => format!(" on {}", selector.labels.join(" ")),
    };
    let nested = leg.calls.as_ref().and_then(|called| called.plan.as_ref());
    let nested: String = nested
        .map(|plan| shown(plan))
        .unwrap_or_default()
        .lines()
        .map(|line| format!("    {line}\n"))
        .collect();
    format!("  - {}{runs_on}\n{nested}", leg.name)
}
