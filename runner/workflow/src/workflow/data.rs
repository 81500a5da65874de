//! Data with expressions in it, for keys whose values have no fixed shape.
//!
//! Data keeps its places, also after its expressions were evaluated, so that what is wrong with a
//! computed value is shown at the expression that gave it.

use std::sync::Arc;

use crate::expr::{EvalError, Expression, Object, Scope, Template, Value};
use crate::source::{Span, Spanned};

/// A value of any shape with expressions in it. Cloning is cheap: collections are shared.
#[derive(Debug, Clone, PartialEq)]
pub struct Data {
    /// Where it stands; what an expression gave stands where the expression does.
    pub span: Span,
    pub(super) content: Content,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Content {
    /// A scalar without expressions, or whatever an expression gave.
    Value(Value),
    /// Text with expressions.
    Template(Template),
    Sequence(Arc<[Data]>),
    Mapping(Arc<[DataEntry]>),
}

/// A name with its value.
#[derive(Debug, Clone, PartialEq)]
pub struct DataEntry {
    /// The name as written.
    pub name: Spanned<String>,
    /// The name as a template, where it holds expressions. None by default.
    pub computed_name: Option<Template>,
    /// The value.
    pub value: Data,
}

impl Data {
    pub(super) fn new(span: Span, content: Content) -> Self {
        Self { span, content }
    }

    /// Whether there is no expression in it.
    pub fn is_literal(&self) -> bool {
        self.templates().is_empty()
    }

    /// The text with expressions, where it is that and nothing else.
    pub fn as_template(&self) -> Option<&Template> {
        match &self.content {
            Content::Template(template) => Some(template),
            _ => None,
        }
    }

    /// The expressions in it, outermost first.
    pub fn expressions(&self) -> impl Iterator<Item = &Expression> {
        self.templates().into_iter().flat_map(Template::expressions)
    }

    /// Everything in it that holds expressions.
    pub fn templates(&self) -> Vec<&Template> {
        let mut found = Vec::new();
        self.gather(&mut found);
        found
    }

    /// Nodes are nested [`crate::yaml::MAX_DEPTH`] levels at most, so this may recurse.
    fn gather<'d>(&'d self, found: &mut Vec<&'d Template>) {
        match &self.content {
            Content::Value(_) => {}
            Content::Template(template) => found.push(template),
            Content::Sequence(items) => items.iter().for_each(|item| item.gather(found)),
            Content::Mapping(entries) => {
                for entry in entries.iter() {
                    found.extend(&entry.computed_name);
                    entry.value.gather(found);
                }
            }
        }
    }

    /// The same with a value for every expression.
    ///
    /// # Errors
    ///
    /// Every expression that failed.
    pub fn resolve(&self, scope: &dyn Scope) -> Result<Data, Vec<EvalError>> {
        let mut errors = Vec::new();
        let resolved = self.resolved(scope, &mut errors);
        if errors.is_empty() {
            Ok(resolved)
        } else {
            Err(errors)
        }
    }

    fn resolved(&self, scope: &dyn Scope, errors: &mut Vec<EvalError>) -> Data {
        let content = match &self.content {
            Content::Value(_) => self.content.clone(),
            Content::Template(template) => {
                let value = template.evaluate(scope);
                Content::Value(value.unwrap_or_else(|error| refused(error, errors)))
            }
            Content::Sequence(items) => {
                let items = items.iter().map(|item| item.resolved(scope, errors));
                Content::Sequence(items.collect())
            }
            Content::Mapping(entries) => {
                let entries = entries.iter().map(|entry| entry.resolved(scope, errors));
                Content::Mapping(entries.collect())
            }
        };
        Data::new(self.span, content)
    }

    /// The value, where there is no expression in it.
    pub fn to_value(&self) -> Option<Value> {
        Some(match &self.content {
            Content::Value(value) => value.clone(),
            Content::Template(_) => return None,
            Content::Sequence(items) => {
                let items: Option<Vec<Value>> = items.iter().map(Data::to_value).collect();
                items?.into()
            }
            Content::Mapping(entries) => {
                let mut object = Object::new();
                for entry in entries.iter() {
                    object.insert(entry.literal_name()?, entry.value.to_value()?);
                }
                object.into()
            }
        })
    }

    /// The items, where it is a list.
    pub fn items(&self) -> Option<Vec<Data>> {
        match &self.content {
            Content::Sequence(items) => Some(items.to_vec()),
            Content::Value(Value::Array(items)) => {
                Some(items.iter().map(|item| self.part(item)).collect())
            }
            _ => None,
        }
    }

    /// The entries, where it is a mapping.
    pub fn entries(&self) -> Option<Vec<DataEntry>> {
        match &self.content {
            Content::Mapping(entries) => Some(entries.to_vec()),
            Content::Value(Value::Object(object)) => {
                let entry = |(name, value): (&str, &Value)| DataEntry {
                    name: Spanned::new(name.to_owned(), self.span),
                    computed_name: None,
                    value: self.part(value),
                };
                Some(object.iter().map(entry).collect())
            }
            _ => None,
        }
    }

    /// What it is, with its article, for messages.
    pub(crate) fn described(&self) -> &'static str {
        match &self.content {
            Content::Sequence(_) | Content::Value(Value::Array(_)) => "a sequence",
            Content::Mapping(_) | Content::Value(Value::Object(_)) => "a mapping",
            Content::Template(_) | Content::Value(Value::String(_)) => "a string",
            Content::Value(Value::Null) => "nothing",
            Content::Value(Value::Bool(_)) => "a boolean",
            Content::Value(Value::Number(_)) => "a number",
        }
    }

    fn part(&self, value: &Value) -> Data {
        Data::new(self.span, Content::Value(value.clone()))
    }
}

impl DataEntry {
    /// The name, where there is no expression in it.
    pub fn literal_name(&self) -> Option<&str> {
        self.computed_name.is_none().then_some(&*self.name.value)
    }

    fn resolved(&self, scope: &dyn Scope, errors: &mut Vec<EvalError>) -> DataEntry {
        let name = match &self.computed_name {
            None => self.name.value.clone(),
            Some(template) => {
                let name = template.render(scope);
                name.unwrap_or_else(|error| refused(error, errors))
            }
        };
        DataEntry {
            name: Spanned::new(name, self.name.span),
            computed_name: None,
            value: self.value.resolved(scope, errors),
        }
    }
}

/// Something in place of what could not be evaluated.
fn refused<T: Default>(error: EvalError, errors: &mut Vec<EvalError>) -> T {
    errors.push(error);
    T::default()
}
