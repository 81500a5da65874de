//! The table at the end of a run: its jobs and their steps, with how each ended and how long it took.

use std::sync::Arc;

use crate::event::{Conclusion, JobEvent, Stage, Stamped};
use crate::report::plain::harmless_name;
use crate::report::style::duration;

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
    steps: Vec<Step>,
}

#[derive(Debug)]
struct Step {
    name: String,
    conclusion: Conclusion,
    ms: u64,
}

impl Table {
    /// Takes what an event says of a job or a step.
    pub fn take(&mut self, event: &Stamped) {
        match &event.event {
            JobEvent::JobAccepted => drop(self.row(event)),
            JobEvent::StepFinished {
                number,
                stage,
                name,
                conclusion,
                ms,
                ..
            } => {
                let name = match stage {
                    Stage::Main => format!("{number}. {name}"),
                    Stage::Pre => format!("{number}. {name} (before)"),
                    Stage::Post => format!("{number}. {name} (after)"),
                };
                let step = Step {
                    name,
                    conclusion: *conclusion,
                    ms: *ms,
                };
                self.row(event).steps.push(step);
            }
            JobEvent::JobCompleted { conclusion, .. } => {
                self.row(event).end = Some((*conclusion, event.t_ms));
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
                steps: Vec::new(),
            });
            self.jobs.len() - 1
        });
        &mut self.jobs[at]
    }

    /// The table's lines.
    pub fn lines(&self) -> Vec<String> {
        let mut table = comfy_table::Table::new();
        table.load_style(comfy_table::presets::NOTHING);
        table.set_content_arrangement(comfy_table::ContentArrangement::Disabled);
        for row in &self.jobs {
            let (end, took) = match row.end {
                Some((Conclusion::Skipped, _)) => (word(Conclusion::Skipped), String::new()),
                Some((conclusion, ms)) => (word(conclusion), duration(ms)),
                None => ("", String::new()),
            };
            table.add_row([&harmless_name(&row.whose), end, &took]);
            for step in &row.steps {
                let took = match step.conclusion {
                    Conclusion::Skipped => String::new(),
                    _ => duration(step.ms),
                };
                let name = format!("  {}", harmless_name(&step.name));
                table.add_row([&name, word(step.conclusion), &took]);
            }
        }
        for column in table.column_iter_mut() {
            column.set_padding((0, 2));
        }
        let text = table.to_string();
        text.lines()
            .map(|line| line.trim_end().to_owned())
            .collect()
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
        assert_eq!(table.lines(), expected);
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
            table.lines(),
            ["same  ✓ success  1.0 s", "same  ✗ failure  1.0 s"]
        );
    }
}
