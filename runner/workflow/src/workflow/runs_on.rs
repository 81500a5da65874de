//! What a job runs on.

use serde::Serialize;

use crate::expr::{EvalError, Scope, Template, Value};

/// The value of `runs-on`.
#[derive(Debug, Clone, PartialEq)]
pub enum RunsOn {
    /// One label, or an expression that gives a label, a list of labels, or an object with
    /// `group` and `labels`.
    Label(Template),
    /// A list of labels.
    Labels(Vec<Template>),
    /// `group` and `labels`.
    Group {
        /// The group of runners. None by default.
        group: Option<Template>,
        /// The labels, of which there may be none.
        labels: Vec<Template>,
    },
}

/// A runner that a job asks for.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct RunnerSelector {
    /// The group it belongs to. None by default.
    pub group: Option<String>,
    /// The labels it must have, all of them.
    pub labels: Vec<String>,
}

impl RunsOn {
    /// The runner it asks for.
    ///
    /// # Errors
    ///
    /// An expression that failed, or that gave something else than labels.
    pub fn evaluate(&self, scope: &dyn Scope) -> Result<RunnerSelector, EvalError> {
        let render = |labels: &[Template]| -> Result<Vec<String>, EvalError> {
            let labels = labels.iter();
            labels
                .map(|label| full(label, &label.render(scope)?.into()))
                .collect()
        };
        match self {
            RunsOn::Label(template) => selector(template, &template.evaluate(scope)?),
            RunsOn::Labels(labels) => Ok(RunnerSelector {
                group: None,
                labels: render(labels)?,
            }),
            RunsOn::Group { group, labels } => Ok(RunnerSelector {
                group: group
                    .as_ref()
                    .map(|group| group.render(scope))
                    .transpose()?,
                labels: render(labels)?,
            }),
        }
    }

    /// The labels and groups as they are written, in order.
    pub fn templates(&self) -> Vec<&Template> {
        match self {
            RunsOn::Label(template) => vec![template],
            RunsOn::Labels(labels) => labels.iter().collect(),
            RunsOn::Group { group, labels } => group.iter().chain(labels).collect(),
        }
    }
}

fn selector(template: &Template, value: &Value) -> Result<RunnerSelector, EvalError> {
    match value {
        Value::Object(object) => Ok(RunnerSelector {
            group: object
                .get("group")
                .filter(|group| group.is_primitive())
                .map(Value::to_text),
            labels: object
                .get("labels")
                .map_or(Ok(Vec::new()), |found| labels(template, found))?,
        }),
        _ => Ok(RunnerSelector {
            group: None,
            labels: labels(template, value)?,
        }),
    }
}

fn labels(template: &Template, value: &Value) -> Result<Vec<String>, EvalError> {
    match value {
        Value::Array(items) if items.is_empty() => {
            Err(template.refuse(value, "at least one label"))
        }
        Value::Array(items) => items.iter().map(|item| full(template, item)).collect(),
        _ => Ok(vec![full(template, value)?]),
    }
}

/// A label, which has at least one character that is no blank.
fn full(template: &Template, value: &Value) -> Result<String, EvalError> {
    match value.to_text() {
        text if value.is_primitive() && !text.trim().is_empty() => Ok(text),
        _ => Err(template.refuse(value, "a label")),
    }
}
