//! Which runs or jobs exclude one another.

use serde::Serialize;

use crate::expr::{EvalError, Scope, Template, Value};
use crate::source::Span;

use crate::reader::Setting;

/// The value of `concurrency`.
#[derive(Debug, Clone, PartialEq)]
pub struct Concurrency {
    /// Where the key stands.
    pub key: Span,
    /// The name of the group, of which only one runs at a time. Where nothing else is given it may
    /// be an expression that gives an object with the keys of a mapping.
    pub group: Template,
    /// Whether one that runs is cancelled for the next. None by default, which is no.
    pub cancel_in_progress: Option<Setting<bool>>,
    /// How many may wait. None by default, which is one.
    pub queue: Option<Setting<Queue>>,
}

/// How many may wait for their turn in a group.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Queue {
    /// One; the next takes its place.
    #[default]
    Single,
    /// As many as GitHub keeps, which is 100.
    Max,
}

/// A group with all its settings known.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ConcurrencyGroup {
    /// The name; not empty, and the same in any case.
    pub name: String,
    /// Whether one that runs is cancelled for the next.
    pub cancel_in_progress: bool,
    /// How many may wait.
    pub queue: Queue,
}

impl Queue {
    /// The words for it in a file.
    pub(super) const NAMES: [&'static str; 2] = ["single", "max"];

    pub(super) fn named(name: &str) -> Option<Self> {
        match name {
            "single" => Some(Queue::Single),
            "max" => Some(Queue::Max),
            _ => None,
        }
    }
}

impl Concurrency {
    /// The group.
    ///
    /// # Errors
    ///
    /// An expression that failed, that gave something of another type, or an empty name.
    pub fn evaluate(&self, scope: &dyn Scope) -> Result<ConcurrencyGroup, EvalError> {
        let value = self.group.evaluate(scope)?;
        if let Value::Object(object) = &value {
            let get = |key: &str| object.get(key).unwrap_or(&Value::Null);
            return Ok(ConcurrencyGroup {
                name: self.group_name(get("group"))?,
                cancel_in_progress: match get("cancel-in-progress") {
                    Value::Null => false,
                    Value::Bool(cancel) => *cancel,
                    other => return Err(self.group.refuse(other, "a boolean")),
                },
                queue: match get("queue") {
                    Value::Null => Queue::default(),
                    other => queue(&self.group, other)?,
                },
            });
        }
        Ok(ConcurrencyGroup {
            name: self.group_name(&value)?,
            cancel_in_progress: match &self.cancel_in_progress {
                None => false,
                Some(setting) => setting.evaluate(scope)?,
            },
            queue: match &self.queue {
                None => Queue::default(),
                Some(Setting::Literal(queue)) => *queue,
                Some(Setting::Template(template)) => queue(template, &template.evaluate(scope)?)?,
            },
        })
    }

    fn group_name(&self, value: &Value) -> Result<String, EvalError> {
        let name = value.to_text();
        if !value.is_primitive() || name.is_empty() {
            return Err(self.group.refuse(value, "the name of a group"));
        }
        Ok(name)
    }
}

fn queue(template: &Template, value: &Value) -> Result<Queue, EvalError> {
    Queue::named(&value.to_text()).ok_or_else(|| template.refuse(value, "`single` or `max`"))
}
