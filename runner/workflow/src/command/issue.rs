//! `::error`, `::warning` and `::notice`: from properties to an annotation.

use crate::annotation::{Annotation, Severity};

use super::parse::Command;

const LINE: &str = "line";
const END_LINE: &str = "endLine";
const COLUMN: &str = "col";
const END_COLUMN: &str = "endColumn";

/// The annotation, and for the debug log what was wrong with its range.
pub(super) fn annotation(severity: Severity, command: &Command<'_>) -> (Annotation, Vec<String>) {
    let mut range = Range::of(command);
    let remarks = range.repair(severity);
    let text = |key| command.property(key).map(str::to_owned);
    let annotation = Annotation {
        title: text("title"),
        file: text("file"),
        line: range.line.as_deref().and_then(counted),
        end_line: range.end_line.as_deref().and_then(counted),
        column: range.column.as_deref().and_then(counted),
        end_column: range.end_column.as_deref().and_then(counted),
        ..Annotation::new(severity, command.data.clone())
    };
    (annotation, remarks)
}

/// A range as it was written. The official runner compares some of it as text.
#[derive(Default)]
struct Range {
    line: Option<String>,
    end_line: Option<String>,
    column: Option<String>,
    end_column: Option<String>,
}

impl Range {
    fn of(command: &Command<'_>) -> Self {
        let text = |key| command.property(key).map(str::to_owned);
        Self {
            line: text(LINE),
            end_line: text(END_LINE),
            column: text(COLUMN),
            end_column: text(END_COLUMN),
        }
    }

    /// Drops or completes what makes no sense, step by step as the official runner does it.
    fn repair(&mut self, severity: Severity) -> Vec<String> {
        let number = |text: &Option<String>| text.as_deref().and_then(parsed);
        let (line, end_line) = (number(&self.line), number(&self.end_line));
        let (column, end_column) = (number(&self.column), number(&self.end_column));
        let has_column = column.is_some() || end_column.is_some();
        let has_line = line.is_some() || end_line.is_some();
        let mut remarks = Vec::new();
        let mut remark = |what: String| {
            remarks.push(format!("Invalid {severity} command value. {what}"));
        };
        if end_line.is_some() && line.is_none() {
            remark(format!(
                "'{END_LINE}' can only be set if '{LINE}' is provided"
            ));
            self.line.clone_from(&self.end_line);
        }
        if end_column.is_some() && column.is_none() {
            remark(format!(
                "'{END_COLUMN}' can only be set if '{COLUMN}' is provided"
            ));
            self.column.clone_from(&self.end_column);
        }
        let columns = format!("'{COLUMN}' and '{END_COLUMN}'");
        if has_column && !has_line {
            remark(format!(
                "{columns} can only be set if '{LINE}' value is provided."
            ));
            (self.column, self.end_column) = (None, None);
        }
        if end_line.is_some() && self.line != self.end_line && has_column {
            remark(format!(
                "{columns} cannot be set if '{LINE}' and '{END_LINE}' are different values."
            ));
            (self.column, self.end_column) = (None, None);
        }
        if precedes(end_line, line) {
            remark(format!("'{END_LINE}' cannot be less than '{LINE}'."));
            (self.line, self.end_line) = (None, None);
        }
        if precedes(end_column, column) {
            remark(format!("'{END_COLUMN}' cannot be less than '{COLUMN}'."));
            (self.column, self.end_column) = (None, None);
        }
        remarks
    }
}

fn precedes(end: Option<i32>, start: Option<i32>) -> bool {
    matches!((end, start), (Some(end), Some(start)) if end < start)
}

/// A number as .NET's `int.TryParse` takes it: with a sign, and blanks around it.
fn parsed(text: &str) -> Option<i32> {
    text.trim().parse().ok()
}

/// A number that counts from 1; anything else is none.
fn counted(text: &str) -> Option<u32> {
    parsed(text)
        .and_then(|number| u32::try_from(number).ok())
        .filter(|&number| number > 0)
}
