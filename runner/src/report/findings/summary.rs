//! `summary.md`: what the steps wrote to `GITHUB_STEP_SUMMARY`, in the steps' order, under the names of
//! their jobs if there are several.

use crate::report::findings::{Findings, JobFindings};

/// How the file begins; Markdown does not show it.
pub const BEGINNING: &str =
    "<!-- Written by dormer: what steps wrote to GITHUB_STEP_SUMMARY. -->\n";

/// The file's contents; none if there are no summaries.
pub fn render(findings: &Findings) -> Option<Vec<u8>> {
    let jobs = findings.jobs().iter();
    let jobs: Vec<_> = jobs.filter(|job| !job.summaries.is_empty()).collect();
    if jobs.is_empty() {
        return None;
    }
    let mut text = BEGINNING.to_owned();
    for job in &jobs {
        if jobs.len() > 1 {
            text += &format!("\n## {}\n", job.job);
        }
        append(&mut text, job);
    }
    Some(text.into_bytes())
}

fn append(text: &mut String, job: &JobFindings) {
    for summary in &job.summaries {
        text.push('\n');
        text.push_str(&summary.text);
        if !summary.text.ends_with('\n') {
            text.push('\n');
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::findings::Limits;
    use crate::report::findings::tests::{event, summary};

    #[test]
    fn headings_are_there_only_where_there_are_several_jobs() {
        let mut findings = Findings::new(Limits::STORED);
        assert!(render(&findings).is_none());
        findings.take(&event("build", summary(1, "# one\n")));
        findings.take(&event("build", summary(3, "three")));
        let text = String::from_utf8(render(&findings).unwrap()).unwrap();
        assert_eq!(text, format!("{BEGINNING}\n# one\n\nthree\n"));
        findings.take(&event("test", summary(1, "other")));
        let text = String::from_utf8(render(&findings).unwrap()).unwrap();
        let expected = "\n## build\n\n# one\n\nthree\n\n## test\n\nother\n";
        assert_eq!(text, format!("{BEGINNING}{expected}"));
    }
}
