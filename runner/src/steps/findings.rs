//! What a step's command files have for people: its summary, and what was wrong with them as annotations,
//! as the official runner does it.

use crate::event::{Annotation, JobEvent};
use crate::steps::command_files::Said;

/// What is stated of a step's command files once it is over.
pub fn of(said: &Said, number: usize) -> Vec<JobEvent> {
    let mut facts: Vec<JobEvent> = said
        .complaints()
        .into_iter()
        .map(|text| JobEvent::Annotation(Box::new(Annotation::error(number, text))))
        .collect();
    facts.extend(summary(&said.summary, number));
    facts
}

/// The summary; none if it is blank.
fn summary(lines: &[String], number: usize) -> Option<JobEvent> {
    let is_blank = lines.iter().all(|line| line.trim().is_empty());
    let text = lines.iter().flat_map(|line| [line, "\n"]).collect();
    (!is_blank).then_some(JobEvent::StepSummary { number, text })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_summary_is_its_lines_unless_they_are_blank() {
        let lines =
            |lines: &[&str]| -> Vec<String> { lines.iter().map(ToString::to_string).collect() };
        let text = "# ä\n\nb\n".to_owned();
        assert_eq!(
            summary(&lines(&["# ä", "", "b"]), 3),
            Some(JobEvent::StepSummary { number: 3, text })
        );
        assert_eq!(summary(&lines(&[" ", ""]), 3), None);
        assert_eq!(summary(&[], 3), None);
    }

    #[test]
    fn what_is_wrong_with_a_file_is_an_annotation() {
        let said = Said {
            refused: vec!["no".to_owned()],
            summary: vec!["# hi".to_owned()],
            ..Said::default()
        };
        let facts = of(&said, 2);
        assert!(
            matches!(&facts[0], JobEvent::Annotation(one) if one.message == "no" && one.number == 2)
        );
        assert!(matches!(&facts[1], JobEvent::StepSummary { number: 2, .. }));
    }
}
