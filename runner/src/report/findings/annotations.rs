//! `annotations.json`: every annotation of a run, for programs. The schema is in `docs/commands.md`; what it
//! promises is what events promise.

use std::io;

use serde::Serialize;

use crate::event::Annotation;
use crate::report::findings::Findings;

/// The field `v` of the file.
pub const VERSION: u32 = 1;

/// The whole file.
#[derive(Debug, Serialize)]
struct File<'a> {
    generator: &'static str,
    v: u32,
    annotations: Vec<Entry<'a>>,
    /// How many were too many to be stored.
    left_out: usize,
}

#[derive(Debug, Serialize)]
struct Entry<'a> {
    job: &'a str,
    /// The step's name.
    step: &'a str,
    #[serde(flatten)]
    annotation: &'a Annotation,
}

/// The file's contents; none if there are no annotations.
pub fn render(findings: &Findings) -> io::Result<Option<Vec<u8>>> {
    let annotations: Vec<_> = findings
        .jobs()
        .iter()
        .flat_map(|job| {
            job.annotations.iter().map(|annotation| Entry {
                job: &job.job,
                step: job.name_of(annotation.number),
                annotation,
            })
        })
        .collect();
    if annotations.is_empty() {
        return Ok(None);
    }
    let file = File {
        generator: super::files::GENERATOR,
        v: VERSION,
        annotations,
        left_out: findings.jobs().iter().map(|job| job.left_out).sum(),
    };
    let mut text = serde_json::to_vec_pretty(&file)?;
    text.push(b'\n');
    Ok(Some(text))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::Level;
    use crate::report::findings::Limits;
    use crate::report::findings::tests::{annotation, event, found, started};

    #[test]
    fn each_annotation_names_its_job_and_step_and_only_what_is_known() {
        let mut findings = Findings::new(Limits::STORED);
        assert!(render(&findings).unwrap().is_none());
        findings.take(&event("build", started(2, "Compile")));
        let one = Annotation {
            file: Some("src/a.c".to_owned()),
            line: Some(3),
            ..annotation(2, Level::Warning, "odd")
        };
        findings.take(&event("build", found(one)));
        let text = render(&findings).unwrap().unwrap();
        let json: serde_json::Value = serde_json::from_slice(&text).unwrap();
        assert_eq!(
            json,
            serde_json::json!({
                "generator": "dormer", "v": 1, "left_out": 0,
                "annotations": [{"job": "build", "step": "Compile", "number": 2, "severity": "warning",
                                 "message": "odd", "file": "src/a.c", "line": 3}],
            })
        );
    }
}
