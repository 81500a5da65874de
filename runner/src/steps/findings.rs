//! What a step's command files have for people: its summary, and what was wrong with them as annotations,
//! as the official runner does it.

use dormer_workflow::command_file::parse_text;

use crate::event::{Annotation, JobEvent, Level};
use crate::steps::command_files::Said;

/// What is stated of a step's command files once it is over.
pub fn of(said: &Said, number: usize) -> Vec<JobEvent> {
    let mut facts: Vec<JobEvent> = said
        .complaints()
        .into_iter()
        .map(|text| JobEvent::Annotation(Box::new(error(number, text))))
        .collect();
    facts.extend(summary(&said.summary, number));
    facts
}

/// The summary, with the ends of its lines as on the host; none if it is blank.
fn summary(bytes: &[u8], number: usize) -> Option<JobEvent> {
    // Its size has been looked at before.
    let text = parse_text(bytes).ok()?.replace("\r\n", "\n");
    (!text.trim().is_empty()).then_some(JobEvent::StepSummary { number, text })
}

fn error(number: usize, message: String) -> Annotation {
    Annotation {
        number,
        severity: Level::Error,
        message,
        title: None,
        file: None,
        line: None,
        end_line: None,
        col: None,
        end_col: None,
        code: None,
        matcher: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_summary_is_text_whatever_wrote_it() {
        let utf16: Vec<u8> = "\u{feff}# ä\r\n"
            .encode_utf16()
            .flat_map(u16::to_le_bytes)
            .collect();
        for bytes in [
            utf16.as_slice(),
            "\u{feff}# ä\r\n".as_bytes(),
            "# ä\n".as_bytes(),
        ] {
            let text = "# ä\n".to_owned();
            assert_eq!(
                summary(bytes, 3),
                Some(JobEvent::StepSummary { number: 3, text })
            );
        }
        assert_eq!(summary(b" \r\n", 3), None);
        assert_eq!(summary(b"", 3), None);
    }

    #[test]
    fn what_is_wrong_with_a_file_is_an_annotation() {
        let said = Said {
            refused: vec!["no".to_owned()],
            summary: b"# hi".to_vec(),
            ..Said::default()
        };
        let facts = of(&said, 2);
        assert!(
            matches!(&facts[0], JobEvent::Annotation(one) if one.message == "no" && one.number == 2)
        );
        assert!(matches!(&facts[1], JobEvent::StepSummary { number: 2, .. }));
    }
}
