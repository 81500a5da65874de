//! Matcher files: JSON in, matchers out.
//!
//! What the official runner checks is checked here, in its words, but for all of a file at once. It
//! reads keys in any case and numbers within quotes, and ignores keys that it does not know.

use std::collections::HashSet;
use std::fmt;

use serde_json::{Map, Value};

use crate::annotation::Severity;
use crate::text;

use super::lenient;
use super::pattern::{Compiled, Pattern, Property};
use super::{Budget, FILE_LIMIT, MATCHER_LIMIT, Matcher, PATTERNS_LIMIT};

const ROOT: &str = "problemMatcher";

/// Something that is wrong with a matcher file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MatcherProblem {
    /// Where: `problemMatcher[0].pattern[1].regexp`; empty for the file as a whole.
    pub place: String,
    /// What is wrong.
    pub message: String,
}

impl fmt::Display for MatcherProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.place.is_empty() {
            f.write_str(&self.message)
        } else {
            write!(f, "{}: {}", self.place, self.message)
        }
    }
}

/// Everything that is wrong with a matcher file, in its order; never empty.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}", listed(.0))]
pub struct MatcherProblems(pub Vec<MatcherProblem>);

fn listed(problems: &[MatcherProblem]) -> String {
    let lines: Vec<String> = problems.iter().map(ToString::to_string).collect();
    lines.join("\n")
}

/// Reads a matcher file. One without matchers gives none.
///
/// # Errors
///
/// Everything that is wrong with the file.
pub fn parse_matchers(text: &str, budget: &Budget) -> Result<Vec<Matcher>, MatcherProblems> {
    let mut reader = Reader {
        budget,
        problems: Vec::new(),
    };
    let matchers = reader.file(text);
    if reader.problems.is_empty() {
        Ok(matchers)
    } else {
        Err(MatcherProblems(reader.problems))
    }
}

/// The owners of a file's matchers, for `remove-matcher`: nothing else of the file has to be right.
///
/// # Errors
///
/// That the file is too large or is not JSON.
pub fn parse_owners(text: &str) -> Result<Vec<String>, MatcherProblems> {
    let root = json(text).map_err(|message| {
        MatcherProblems(vec![MatcherProblem {
            place: String::new(),
            message,
        }])
    })?;
    let matchers = root.as_object().and_then(|root| get(root, ROOT));
    let owner = |matcher: &Value| Some(get(matcher.as_object()?, "owner")?.as_str()?.to_owned());
    let matchers = matchers.and_then(Value::as_array).into_iter().flatten();
    Ok(matchers.filter_map(owner).collect())
}

fn json(text: &str) -> Result<Value, String> {
    if text.len() > FILE_LIMIT {
        return Err(format!("the file is longer than {FILE_LIMIT} bytes"));
    }
    let text = lenient::strict(text.trim_start_matches('\u{feff}'));
    serde_json::from_str(&text).map_err(|error| format!("the file is not JSON: {error}"))
}

/// The value of a key, in any case; null is as good as none.
fn get<'v>(object: &'v Map<String, Value>, key: &str) -> Option<&'v Value> {
    let mut entries = object.iter();
    let value = object
        .get(key)
        .or_else(|| Some(entries.find(|(known, _)| text::equal(known, key))?.1));
    value.filter(|value| !value.is_null())
}

struct Reader<'b> {
    budget: &'b Budget,
    problems: Vec<MatcherProblem>,
}

impl Reader<'_> {
    fn report(&mut self, place: &str, message: impl Into<String>) {
        self.problems.push(MatcherProblem {
            place: place.to_owned(),
            message: message.into(),
        });
    }

    fn file(&mut self, text: &str) -> Vec<Matcher> {
        let root = match json(text) {
            Ok(root) => root,
            Err(message) => {
                self.report("", message);
                return Vec::new();
            }
        };
        let Some(root) = self.object(&root, "") else {
            return Vec::new();
        };
        let items = self.list(root, ROOT, "").unwrap_or_default();
        if items.len() > MATCHER_LIMIT {
            self.report(
                ROOT,
                format!("there are more than {MATCHER_LIMIT} matchers"),
            );
            return Vec::new();
        }
        let mut owners = HashSet::new();
        let mut matchers = Vec::new();
        for (i, item) in items.iter().enumerate() {
            let place = format!("{ROOT}[{i}]");
            let Some(matcher) = self.matcher(item, &place) else {
                continue;
            };
            let is_new = owners.insert(text::folded(&matcher.owner).into_owned());
            if !is_new && !matcher.owner.is_empty() {
                self.report(&place, format!("Duplicate owner name '{}'", matcher.owner));
            }
            matchers.push(matcher);
        }
        matchers
    }

    fn object<'v>(&mut self, value: &'v Value, place: &str) -> Option<&'v Map<String, Value>> {
        let object = value.as_object();
        if object.is_none() {
            self.report(place, "expected an object");
        }
        object
    }

    /// A list; empty where there is none, and none where there is something else.
    fn list<'v>(
        &mut self,
        object: &'v Map<String, Value>,
        key: &str,
        place: &str,
    ) -> Option<&'v [Value]> {
        match get(object, key) {
            None => Some(&[]),
            Some(Value::Array(items)) => Some(items),
            Some(_) => {
                self.report(&join(place, key), "expected an array");
                None
            }
        }
    }

    /// A string; empty where there is none, and none where there is something else.
    fn string<'v>(
        &mut self,
        object: &'v Map<String, Value>,
        key: &str,
        place: &str,
    ) -> Option<&'v str> {
        match get(object, key) {
            None => Some(""),
            Some(Value::String(text)) => Some(text),
            Some(_) => {
                self.report(&join(place, key), "expected a string");
                None
            }
        }
    }

    fn matcher(&mut self, value: &Value, place: &str) -> Option<Matcher> {
        let object = self.object(value, place)?;
        let owner = self.string(object, "owner", place);
        if owner == Some("") {
            self.report(place, "Owner must not be empty");
        }
        let owner = owner.unwrap_or_default().to_owned();
        let severity = self.string(object, "severity", place).unwrap_or_default();
        let default_severity = Severity::parse(severity);
        if !severity.is_empty() && default_severity.is_none() {
            let message =
                format!("Matcher '{owner}' contains unexpected default severity '{severity}'");
            self.report(place, message);
        }
        let patterns = match self.list(object, "pattern", place) {
            Some(items) => self.patterns(items, &owner, place),
            None => Vec::new(),
        };
        Some(Matcher::new(owner, default_severity, patterns))
    }

    fn patterns(&mut self, items: &[Value], owner: &str, place: &str) -> Vec<Pattern> {
        if items.is_empty() {
            self.report(
                place,
                format!("Matcher '{owner}' does not contain any patterns"),
            );
            return Vec::new();
        }
        if items.len() > PATTERNS_LIMIT {
            let message = format!("Matcher '{owner}' has more than {PATTERNS_LIMIT} patterns");
            self.report(place, message);
            return Vec::new();
        }
        let mut set = HashSet::new();
        let mut patterns = Vec::new();
        for (i, item) in items.iter().enumerate() {
            let is_loop_place = i > 0 && i + 1 == items.len();
            let place = format!("{place}.pattern[{i}]");
            patterns.extend(self.pattern(item, &place, is_loop_place, &mut set));
        }
        if !set.contains(&Property::Message) {
            self.report(place, "At least one pattern must set 'message'");
        }
        patterns
    }

    fn pattern(
        &mut self,
        value: &Value,
        place: &str,
        is_loop_place: bool,
        set: &mut HashSet<Property>,
    ) -> Option<Pattern> {
        let object = self.object(value, place)?;
        let repeats = self.boolean(object, "loop", place);
        let numbers = Property::ALL.map(|property| self.number(object, property.key(), place));
        if repeats && !is_loop_place {
            let message = "Only the last pattern in a multiline matcher may set 'loop'";
            self.report(place, message);
        }
        if repeats && get(object, Property::Message.key()).is_none() {
            self.report(place, "The loop pattern must set 'message'");
        }
        let expression = self.string(object, "regexp", place).unwrap_or_default();
        let compiled = match Compiled::new(expression, self.budget) {
            Ok(compiled) => compiled,
            Err(error) => {
                let message = format!("the regular expression can't be used: {error}");
                self.report(&join(place, "regexp"), message);
                // What it would have set does not lack.
                let given = Property::ALL.into_iter().zip(numbers);
                set.extend(given.filter_map(|(property, number)| number.map(|_| property)));
                return None;
            }
        };
        for (property, number) in Property::ALL.into_iter().zip(numbers) {
            let Some(number) = number else { continue };
            let key = property.key();
            if !set.insert(property) {
                self.report(place, format!("The property '{key}' is set twice"));
            } else if usize::try_from(number).map_or(true, |number| number >= compiled.count()) {
                let message =
                    format!("The property '{key}' is set to {number} which is out of range");
                self.report(place, message);
            }
        }
        let numbers = numbers.map(|number| usize::try_from(number?).ok());
        Some(compiled.pattern(numbers, repeats))
    }

    fn boolean(&mut self, object: &Map<String, Value>, key: &str, place: &str) -> bool {
        match get(object, key) {
            None => false,
            Some(Value::Bool(value)) => *value,
            Some(Value::String(value)) if value.trim().eq_ignore_ascii_case("true") => true,
            Some(Value::String(value)) if value.trim().eq_ignore_ascii_case("false") => false,
            Some(_) => {
                self.report(&join(place, key), "expected true or false");
                false
            }
        }
    }

    fn number(&mut self, object: &Map<String, Value>, key: &str, place: &str) -> Option<i64> {
        let value = get(object, key)?;
        let number = match value {
            Value::Number(number) => number.as_i64(),
            Value::String(text) => text.trim().parse().ok(),
            _ => None,
        };
        if number.is_none() {
            self.report(&join(place, key), "expected the number of a group");
        }
        number
    }
}

fn join(place: &str, key: &str) -> String {
    if place.is_empty() {
        key.to_owned()
    } else {
        format!("{place}.{key}")
    }
}
