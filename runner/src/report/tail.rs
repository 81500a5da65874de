//! The last lines of a step, to be shown again at the end if it fails.

use std::collections::VecDeque;

use crate::event::Conclusion;

/// How many lines are worth repeating.
const LINES: usize = 15;

/// A step that failed, with its last words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FailedStep {
    /// Its name.
    pub name: String,
    /// What its program ended with.
    pub exit_code: Option<u32>,
    /// Its last lines.
    pub lines: Vec<String>,
}

/// Follows the steps and remembers the first that failed.
#[derive(Debug, Default)]
pub struct Tail {
    lines: VecDeque<String>,
    failed: Option<FailedStep>,
}

impl Tail {
    /// A step begins.
    pub fn begin(&mut self) {
        self.lines.clear();
    }

    /// A line of it, or an error about it.
    pub fn line(&mut self, text: &str) {
        self.lines.push_back(text.to_owned());
        if self.lines.len() > LINES {
            self.lines.pop_front();
        }
    }

    /// It ended.
    pub fn end(&mut self, name: &str, conclusion: Conclusion, exit_code: Option<u32>) {
        if conclusion == Conclusion::Failure && self.failed.is_none() {
            self.failed = Some(FailedStep {
                name: name.to_owned(),
                exit_code,
                lines: self.lines.iter().cloned().collect(),
            });
        }
        self.lines.clear();
    }

    /// The first step that failed.
    pub fn failed(&self) -> Option<&FailedStep> {
        self.failed.as_ref()
    }
}

/// An exit code as Windows people know it: the large ones are NTSTATUS values, read in hexadecimal.
pub fn exit_code(code: u32) -> String {
    if code > 0xFFFF {
        format!("{code} (0x{code:08X})")
    } else {
        code.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_failure_is_remembered_with_its_last_lines() {
        let mut tail = Tail::default();
        tail.begin();
        for number in 0..40 {
            tail.line(&format!("line {number}"));
        }
        tail.end("Test", Conclusion::Failure, Some(3));
        tail.begin();
        tail.line("later");
        tail.end("Other", Conclusion::Failure, None);
        let failed = tail.failed().unwrap();
        assert_eq!((failed.name.as_str(), failed.exit_code), ("Test", Some(3)));
        assert_eq!(failed.lines.len(), LINES);
        assert_eq!(failed.lines.last().unwrap(), "line 39");
        assert_eq!(exit_code(0xC000_0005), "3221225477 (0xC0000005)");
    }
}
