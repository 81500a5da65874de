//! A matcher and what it has found so far.

use crate::annotation::{Annotation, Severity, resolved_from};

use super::pattern::{Found, Overrun, Pattern, Property};

/// A problem matcher.
#[derive(Debug, Clone)]
pub struct Matcher {
    pub(super) owner: String,
    default_severity: Option<Severity>,
    patterns: Vec<Pattern>,
    /// What was found up to each pattern but the last, on the lines before.
    state: Vec<Option<Found>>,
    /// On how many lines a pattern took too many steps.
    pub(super) overruns: usize,
}

impl Matcher {
    pub(super) fn new(
        owner: String,
        default_severity: Option<Severity>,
        patterns: Vec<Pattern>,
    ) -> Self {
        let state = vec![None; patterns.len().saturating_sub(1)];
        Self {
            owner,
            default_severity,
            patterns,
            state,
            overruns: 0,
        }
    }

    /// Who it belongs to: a name by which it can be removed.
    pub fn owner(&self) -> &str {
        &self.owner
    }

    /// Forgets what was found so far.
    pub(super) fn reset(&mut self) {
        self.state.fill(None);
    }

    /// What is found where a line completes a match.
    pub(super) fn try_line(&mut self, line: &str) -> Option<Found> {
        match self.step(line) {
            Ok(found) => found,
            Err(Overrun) => {
                self.overruns += 1;
                None
            }
        }
    }

    /// Patterns are tried last to first, so that a line that begins a match does not go on with it.
    fn step(&mut self, line: &str) -> Result<Option<Found>, Overrun> {
        for i in (0..self.patterns.len()).rev() {
            let before = match i.checked_sub(1) {
                None => None,
                Some(previous) if self.state[previous].is_none() => continue,
                Some(previous) => self.state[previous].as_ref(),
            };
            let found = self.patterns[i].try_line(line, before)?;
            if i < self.state.len() {
                self.state[i] = found;
                continue;
            }
            let Some(found) = found else {
                if let Some(previous) = i.checked_sub(1) {
                    self.state[previous] = None;
                }
                continue;
            };
            let kept = i.checked_sub(1).filter(|_| self.patterns[i].repeats);
            let running = kept.and_then(|previous| self.state[previous].take());
            self.reset();
            if let Some(previous) = kept {
                self.state[previous] = running;
            }
            return Ok(Some(found));
        }
        Ok(None)
    }

    /// The annotation of what was found. None where it has no message, or a severity that there is
    /// not.
    pub(super) fn annotation(&self, mut found: Found) -> Option<Annotation> {
        let mut take = |property: Property| found[property as usize].take().unwrap_or_default();
        let message = take(Property::Message);
        if message.trim().is_empty() {
            return None;
        }
        let severity = match &*take(Property::Severity) {
            "" => self.default_severity.unwrap_or(Severity::Error),
            name => Severity::parse(name)?,
        };
        let code = take(Property::Code);
        let (file, from) = (take(Property::File), take(Property::FromPath));
        Some(Annotation {
            file: resolved(&file, &from),
            line: counted(&take(Property::Line)),
            column: counted(&take(Property::Column)),
            code: Some(code.trim().to_owned()).filter(|code| !code.is_empty()),
            owner: Some(self.owner.clone()),
            ..Annotation::new(severity, message)
        })
    }
}

fn resolved(file: &str, from: &str) -> Option<String> {
    if file.trim().is_empty() {
        return None;
    }
    if from.trim().is_empty() {
        return Some(file.to_owned());
    }
    Some(resolved_from(file, from))
}

/// A number of digits only, within the official runner's range, that counts from 1.
fn counted(text: &str) -> Option<u32> {
    let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let number: i32 = text.parse().ok().filter(|_| is_number)?;
    u32::try_from(number).ok().filter(|&number| number > 0)
}
