//! The table at the end of a run: its jobs and their steps, with how each ended and how long it took.

use std::sync::Arc;

use unicode_width::UnicodeWidthStr;

use crate::event::{Conclusion, JobEvent, Stage, Stamped};
use crate::report::plain::{harmless_name, shortened};
use crate::report::style::duration;
use crate::report::words::{is_kept_from_starting, numbered};

/// How many columns names have where nobody says how many there are.
const WIDEST: usize = 60;
/// How many they have on any terminal.
const NARROWEST: usize = 20;
/// How many columns are left free beside a cell.
const GAP: u16 = 2;

/// Gathers what the table shows.
#[derive(Debug, Default)]
pub struct Table {
    jobs: Vec<Row>,
}

#[derive(Debug)]
struct Row {
    key: Arc<str>,
    whose: Arc<str>,
    end: Option<(Conclusion, u64)>,
    has_begun: bool,
    /// Whether there was no time left for it.
    is_late: bool,
    /// Whether its failure counts as a success.
    may_fail: bool,
    steps: Vec<Step>,
}

#[derive(Debug)]
struct Step {
    name: String,
    outcome: Conclusion,
    conclusion: Conclusion,
    ms: u64,
}

/// Three columns: what it is, how it ended, how long it took.
type Cells = [String; 3];

impl Table {
    /// Takes what an event says of a job or a step.
    pub fn take(&mut self, event: &Stamped) {
        match &event.event {
            JobEvent::JobAccepted => self.row(event).has_begun = true,
            JobEvent::StepFinished {
                number,
                stage,
                name,
                outcome,
                conclusion,
                ms,
                ..
            } => {
                let part = match stage {
                    Stage::Main => "",
                    Stage::Pre => " (before)",
                    Stage::Post => " (after)",
                };
                let name = numbered(*number, name) + part;
                let step = Step {
                    name,
                    outcome: *outcome,
                    conclusion: *conclusion,
                    ms: *ms,
                };
                self.row(event).steps.push(step);
            }
            JobEvent::JobCompleted {
                conclusion,
                exit_code,
                ..
            } => {
                let row = self.row(event);
                row.end = Some((*conclusion, event.t_ms));
                row.is_late = is_kept_from_starting(row.has_begun, *exit_code);
            }
            _ => {}
        }
    }

    fn row(&mut self, event: &Stamped) -> &mut Row {
        let known = self.jobs.iter().position(|row| row.key == event.key);
        let at = known.unwrap_or_else(|| {
            self.jobs.push(Row {
                key: Arc::clone(&event.key),
                whose: Arc::clone(event.whose()),
                end: None,
                has_begun: false,
                is_late: false,
                may_fail: event.may_fail,
                steps: Vec::new(),
            });
            self.jobs.len() - 1
        });
        &mut self.jobs[at]
    }

    /// The table's lines, on a terminal of so many columns if it is one. Names that are too wide are cut.
    pub fn lines(&self, columns: Option<usize>) -> Vec<String> {
        let mut rows: Vec<Cells> = self.jobs.iter().flat_map(Row::cells).collect();
        let widest = widest_name(&rows, columns);
        for [name, ..] in &mut rows {
            *name = shortened(name, widest).into_owned();
        }
        let mut table = comfy_table::Table::new();
        table.load_style(comfy_table::presets::NOTHING);
        table.set_content_arrangement(comfy_table::ContentArrangement::Disabled);
        table.add_rows(rows);
        for column in table.column_iter_mut() {
            column.set_padding((0, GAP));
        }
        let text = table.to_string();
        text.lines()
            .map(|line| line.trim_end().to_owned())
            .collect()
    }
}

impl Row {
    fn cells(&self) -> Vec<Cells> {
        let end = match self.end {
            Some(_) if self.is_late => "! did not start",
            Some((Conclusion::Failure, _)) if self.may_fail => "✗ failure (allowed)",
            Some((conclusion, _)) => word(conclusion),
            None => "",
        };
        let end_of_work = self.end.filter(|_| !self.is_late);
        let took = end_of_work.map(|(conclusion, ms)| took(conclusion, ms));
        let name = harmless_name(&self.whose).into_owned();
        let mut cells = vec![[name, end.to_owned(), took.unwrap_or_default()]];
        cells.extend(self.steps.iter().map(Step::cells));
        cells
    }
}

impl Step {
    fn cells(&self) -> Cells {
        let end = match (self.outcome, self.conclusion) {
            (Conclusion::Failure, Conclusion::Success) => "✓ success (failure allowed)",
            (_, conclusion) => word(conclusion),
        };
        let name = format!("  {}", harmless_name(&self.name));
        [name, end.to_owned(), took(self.conclusion, self.ms)]
    }
}

/// How wide names may be: so that a line fits the terminal, unless that leaves next to nothing of them.
fn widest_name(rows: &[Cells], columns: Option<usize>) -> usize {
    let Some(columns) = columns else {
        return WIDEST;
    };
    let widest = |cell: usize| rows.iter().map(|row| row[cell].width()).max();
    let others = [1, 2].map(|cell| usize::from(GAP) + widest(cell).unwrap_or(0));
    columns.saturating_sub(others.iter().sum()).max(NARROWEST)
}

/// How long something took that was done.
fn took(conclusion: Conclusion, ms: u64) -> String {
    match conclusion {
        Conclusion::Skipped => String::new(),
        _ => duration(ms),
    }
}

fn word(conclusion: Conclusion) -> &'static str {
    match conclusion {
        Conclusion::Success => "✓ success",
        Conclusion::Failure => "✗ failure",
        Conclusion::Cancelled => "! cancelled",
        Conclusion::Skipped => "- skipped",
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;

    fn stamped(whose: &str, t_ms: u64, event: JobEvent) -> Stamped {
        Stamped {
            v: 1,
            t_ms,
            ts: Timestamp::UNIX_EPOCH,
            job: "x".into(),
            leg: Some(whose.into()),
            instance: None,
            key: whose.into(),
            may_fail: false,
            event,
        }
    }

    fn step(number: usize, name: &str, conclusion: Conclusion, ms: u64) -> JobEvent {
        JobEvent::StepFinished {
            number,
            stage: Stage::Main,
            id: None,
            name: name.to_owned(),
            outcome: conclusion,
            conclusion,
            exit_code: None,
            ms,
        }
    }

    fn completed(conclusion: Conclusion) -> JobEvent {
        JobEvent::JobCompleted {
            conclusion,
            exit_code: 0,
            infra: None,
        }
    }

    #[test]
    fn jobs_and_steps_are_listed_with_how_they_ended() {
        let mut table = Table::default();
        for (whose, t_ms, event) in [
            ("test (1)", 0, JobEvent::JobAccepted),
            ("build", 0, JobEvent::JobAccepted),
            (
                "test (1)",
                9,
                step(1, "Set up\n", Conclusion::Success, 1500),
            ),
            ("build", 9, step(1, "Compile", Conclusion::Failure, 61_000)),
            ("build", 9, step(2, "Pack", Conclusion::Skipped, 0)),
            ("build", 70_000, completed(Conclusion::Failure)),
            ("test (1)", 4200, completed(Conclusion::Cancelled)),
            ("deploy", 0, completed(Conclusion::Skipped)),
        ] {
            table.take(&stamped(whose, t_ms, event));
        }
        let expected = [
            "test (1)      ! cancelled  4.2 s",
            "  1. Set up\u{fffd}  ✓ success    1.5 s",
            "build         ✗ failure    1 min 10 s",
            "  1. Compile  ✗ failure    1 min 1 s",
            "  2. Pack     - skipped",
            "deploy        - skipped",
        ];
        assert_eq!(table.lines(None), expected);
    }

    #[test]
    fn jobs_that_are_called_the_same_have_rows_of_their_own() {
        let mut table = Table::default();
        for (key, conclusion) in [("a#0", Conclusion::Success), ("a#1", Conclusion::Failure)] {
            table.take(&Stamped {
                key: key.into(),
                ..stamped("same", 1000, completed(conclusion))
            });
        }
        assert_eq!(
            table.lines(None),
            ["same  ✓ success  1.0 s", "same  ✗ failure  1.0 s"]
        );
    }
    #[test]
    fn a_failure_that_is_allowed_is_marked() {
        let mut table = Table::default();
        let mut forgiven = step(1, "Try", Conclusion::Success, 1000);
        if let JobEvent::StepFinished { outcome, .. } = &mut forgiven {
            *outcome = Conclusion::Failure;
        }
        for event in [
            forgiven,
            step(2, "Fail", Conclusion::Failure, 1000),
            completed(Conclusion::Failure),
        ] {
            table.take(&Stamped {
                may_fail: true,
                ..stamped("nightly", 2000, event)
            });
        }
        let expected = [
            "nightly    ✗ failure (allowed)          2.0 s",
            "  1. Try   ✓ success (failure allowed)  1.0 s",
            "  2. Fail  ✗ failure                    1.0 s",
        ];
        assert_eq!(table.lines(None), expected);
    }

    #[test]
    fn long_names_make_no_line_wider_than_the_terminal() {
        let mut table = Table::default();
        let name = "n".repeat(100);
        for event in [
            step(1, &name, Conclusion::Success, 1000),
            completed(Conclusion::Success),
        ] {
            table.take(&stamped("job", 1000, event));
        }
        for (columns, widest) in [(None, 60), (Some(78), 60), (Some(40), 22), (Some(10), 20)] {
            let name = format!("  1. {}…", "n".repeat(widest - 6));
            let expected = format!("{name}  ✓ success  1.0 s");
            assert_eq!(table.lines(columns)[1], expected, "{columns:?}");
        }
        let whole = format!("  1. {name}  ✓ success  1.0 s");
        assert_eq!(table.lines(Some(200))[1], whole);
    }
}
