//! `strategy`: the matrix of a job and how its legs are run.
//!
//! As in GitHub's own parser there is one reading of it, done twice: when the file is read, where
//! what holds expressions is passed over, and when the job is about to be split into legs, where
//! nothing does.

use crate::diagnostic::{Problem, Problems};
use crate::expr::{EvalError, Expression, Object, Scope, Value};
use crate::matrix::{Combination, Matrix};
use crate::source::{SourceFile, Span};
use crate::text;

use super::data::{Content, Data, DataEntry};

/// The matrix of a job and how its legs are run, with its expressions.
#[derive(Debug, Clone, PartialEq)]
pub struct Strategy {
    /// Where the key stands.
    pub key: Span,
    /// The value: a mapping of `matrix`, `fail-fast` and `max-parallel`, or an expression that
    /// gives one.
    pub data: Data,
}

/// A strategy without expressions.
#[derive(Debug, Clone, PartialEq)]
pub struct ResolvedStrategy {
    /// Whether the other legs are cancelled when one fails. True by default.
    pub fail_fast: bool,
    /// How many legs may run at once. None by default, which is all of them.
    pub max_parallel: Option<usize>,
    /// The legs. None where there is no matrix: then the job runs once. There may be no leg at
    /// all, if everything is excluded.
    pub legs: Option<Vec<Combination>>,
}

impl Default for ResolvedStrategy {
    fn default() -> Self {
        Self {
            fail_fast: true,
            max_parallel: None,
            legs: None,
        }
    }
}

impl Strategy {
    /// The value of `matrix`, where it is written down.
    pub fn matrix(&self) -> Option<&Data> {
        self.part("matrix")
    }

    /// The value of `fail-fast`, where it is written down.
    pub fn fail_fast(&self) -> Option<&Data> {
        self.part("fail-fast")
    }

    /// The value of `max-parallel`, where it is written down.
    pub fn max_parallel(&self) -> Option<&Data> {
        self.part("max-parallel")
    }

    fn part(&self, key: &str) -> Option<&Data> {
        let Content::Mapping(entries) = &self.data.content else {
            return None;
        };
        let entry = entries.iter().find(|entry| entry.name.value == key)?;
        Some(&entry.value)
    }

    /// The expressions in it.
    pub fn expressions(&self) -> impl Iterator<Item = &Expression> {
        self.data.expressions()
    }

    /// Evaluates all expressions and expands the matrix.
    ///
    /// # Errors
    ///
    /// Expressions that failed, and everything that is wrong with what they gave, as problems of
    /// the file that the strategy was read from.
    pub fn resolve(
        &self,
        scope: &dyn Scope,
        source: &SourceFile,
    ) -> Result<ResolvedStrategy, Problems> {
        let data = self.data.resolve(scope).map_err(|errors| {
            let problem = |error: &EvalError| error.problem_or(source, self.key);
            Problems::from(errors.iter().map(problem).collect::<Vec<_>>())
        })?;
        let mut problems = Vec::new();
        let resolved = read(&data, &mut |span, message, help| {
            let problem = Problem::new(source, span, message);
            problems.push(Problem { help, ..problem });
        });
        if problems.is_empty() {
            Ok(resolved)
        } else {
            Err(problems.into())
        }
    }
}

impl ResolvedStrategy {
    /// How many legs there are; 1 where there is no matrix.
    pub fn total(&self) -> usize {
        self.legs.as_ref().map_or(1, Vec::len)
    }

    /// The `strategy` context of a leg, whose index counts from 0.
    #[expect(
        clippy::cast_precision_loss,
        reason = "no job has so many legs that a double could not count them"
    )]
    pub fn context(&self, index: usize) -> Object {
        let total = self.total();
        let mut context = Object::new();
        context.insert("fail-fast", self.fail_fast);
        context.insert("job-index", index as f64);
        context.insert("job-total", total as f64);
        context.insert("max-parallel", self.max_parallel.unwrap_or(total) as f64);
        context
    }
}

/// Is told what is wrong, where, and what to do about it.
type Report<'r> = dyn FnMut(Span, String, Option<String>) + 'r;

/// Says what can be said while there are expressions.
pub(super) fn check(data: &Data, report: &mut Report<'_>) {
    read(data, report);
}

/// Reads a strategy and expands its matrix. Where the matrix holds expressions, or where anything
/// is wrong with it, the legs are not to be relied on.
fn read(data: &Data, report: &mut Report<'_>) -> ResolvedStrategy {
    let mut strategy = ResolvedStrategy::default();
    if data.as_template().is_some() {
        return strategy;
    }
    let Some(entries) = data.entries() else {
        expected("a mapping of the keys of `strategy`", data, report);
        return strategy;
    };
    for entry in &entries {
        let value = &entry.value;
        if value.as_template().is_some() {
            continue;
        }
        match entry.name.value.as_str() {
            "fail-fast" => strategy.fail_fast = fail_fast(value, report).unwrap_or(true),
            "max-parallel" => strategy.max_parallel = max_parallel(value, report),
            "matrix" => strategy.legs = legs(value, report),
            // What is written down was looked at when the file was read.
            name if matches!(data.content, Content::Value(_)) => {
                report(
                    data.span,
                    format!("unknown key `{name}` in `strategy`"),
                    None,
                );
            }
            _ => {}
        }
    }
    strategy
}

fn expected(what: &str, found: &Data, report: &mut Report<'_>) {
    let message = format!("expected {what}, found {}", found.described());
    report(found.span, message, None);
}

fn fail_fast(data: &Data, report: &mut Report<'_>) -> Option<bool> {
    match data.content {
        Content::Value(Value::Bool(value)) => Some(value),
        _ => {
            expected("a boolean or an expression", data, report);
            None
        }
    }
}

/// GitHub cuts off a fraction, and takes what is below 1 as no limit at all.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a float that becomes an integer stays within its range"
)]
fn max_parallel(data: &Data, report: &mut Report<'_>) -> Option<usize> {
    match data.content {
        Content::Value(Value::Number(value)) => Some(value as usize).filter(|&count| count > 0),
        _ => {
            expected("a number or an expression", data, report);
            None
        }
    }
}

fn legs(data: &Data, report: &mut Report<'_>) -> Option<Vec<Combination>> {
    let mut reader = MatrixReader {
        matrix: Matrix::default(),
        is_complete: true,
        has_all_names: true,
        report,
    };
    reader.read(data);
    let MatrixReader {
        matrix,
        is_complete,
        ..
    } = reader;
    if !is_complete {
        return None;
    }
    match matrix.expand() {
        Ok(legs) => Some(legs),
        Err(error) => {
            report(data.span, error.to_string(), None);
            None
        }
    }
}

/// Reads a matrix, of which parts may not be known yet.
struct MatrixReader<'a, 'r> {
    matrix: Matrix,
    /// Whether nothing is wrong and there are no expressions.
    is_complete: bool,
    /// Whether the names of all vectors are known.
    has_all_names: bool,
    report: &'a mut Report<'r>,
}

impl MatrixReader<'_, '_> {
    fn read(&mut self, data: &Data) {
        let Some(entries) = data.entries() else {
            self.expected("a mapping of names and lists", data);
            return;
        };
        let (mut include, mut exclude) = (None, None);
        for entry in &entries {
            match entry.literal_name() {
                Some("include") => include = Some(&entry.value),
                Some("exclude") => exclude = Some(&entry.value),
                Some(name) => self.vector(name, &entry.value),
                None => {
                    self.has_all_names = false;
                    self.is_complete = false;
                }
            }
        }
        let has_vectors = !self.matrix.vectors.is_empty() || !self.has_all_names;
        let has_include = include.is_some_and(|include| self.include(include));
        if !has_vectors && !has_include {
            let help = "write `name: [value, …]`, or a list in `include`";
            self.refuse(data.span, "the matrix has no vectors", Some(help));
        }
        if let Some(exclude) = exclude {
            self.exclude(exclude);
        }
    }

    fn vector(&mut self, name: &str, data: &Data) {
        let values = self.values(name, data).unwrap_or_default();
        let vectors = &mut self.matrix.vectors;
        match vectors
            .iter_mut()
            .find(|(known, _)| text::equal(known, name))
        {
            Some((_, known)) => *known = values,
            None => vectors.push((name.to_owned(), values)),
        }
    }

    /// The values of a vector; nothing where they are not known or wrong.
    fn values(&mut self, name: &str, data: &Data) -> Option<Vec<Value>> {
        if data.as_template().is_some() {
            self.is_complete = false;
            return None;
        }
        let Some(items) = data.items() else {
            self.expected(&format!("a sequence of values as `{name}`"), data);
            return None;
        };
        if items.is_empty() {
            self.refuse(
                data.span,
                format!("the vector `{name}` has no values"),
                None,
            );
        }
        let values: Option<Vec<Value>> = items.iter().map(Data::to_value).collect();
        self.is_complete &= values.is_some();
        values
    }

    /// Whether there may be something in it.
    fn include(&mut self, data: &Data) -> bool {
        let Some(items) = self.list("include", data) else {
            return true;
        };
        for item in &items {
            if let Some(object) = self.entry("include", item) {
                self.matrix.include.push(object);
            }
        }
        !items.is_empty()
    }

    fn exclude(&mut self, data: &Data) {
        for item in self.list("exclude", data).unwrap_or_default() {
            for entry in item.entries().unwrap_or_default() {
                self.known_vector(&entry);
            }
            if let Some(object) = self.entry("exclude", &item) {
                self.matrix.exclude.push(object);
            }
        }
    }

    /// Refuses a name in `exclude` that no vector has, where all vectors are known.
    fn known_vector(&mut self, entry: &DataEntry) {
        let Some(name) = entry.literal_name().filter(|_| self.has_all_names) else {
            return;
        };
        let vectors = &self.matrix.vectors;
        if !vectors.iter().any(|(vector, _)| text::equal(vector, name)) {
            let help = "`exclude` goes before `include`, and sees only what is a vector";
            let message = format!("`exclude` names `{name}`, which is no vector of the matrix");
            self.refuse(entry.name.span, message, Some(help));
        }
    }

    /// The items of `include` or `exclude`; nothing where they are not known or wrong.
    fn list(&mut self, key: &str, data: &Data) -> Option<Vec<Data>> {
        if data.as_template().is_some() {
            self.is_complete = false;
            return None;
        }
        let items = data.items();
        if items.is_none() {
            self.expected(&format!("a sequence of mappings as `{key}`"), data);
        }
        items
    }

    /// An item of `include` or `exclude`, likewise.
    fn entry(&mut self, key: &str, item: &Data) -> Option<Object> {
        if item.as_template().is_some() {
            self.is_complete = false;
            return None;
        }
        let Some(entries) = item.entries() else {
            self.expected(&format!("a mapping in `{key}`"), item);
            return None;
        };
        if entries.is_empty() {
            self.refuse(item.span, format!("this mapping in `{key}` is empty"), None);
            return None;
        }
        match item.to_value() {
            Some(Value::Object(object)) => Some((*object).clone()),
            _ => {
                self.is_complete = false;
                None
            }
        }
    }

    fn expected(&mut self, what: &str, found: &Data) {
        self.is_complete = false;
        expected(what, found, self.report);
    }

    fn refuse(&mut self, span: Span, message: impl Into<String>, help: Option<&str>) {
        self.is_complete = false;
        (self.report)(span, message.into(), help.map(str::to_owned));
    }
}
