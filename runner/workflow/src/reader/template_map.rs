//! Names with text: `env`, `with`, `outputs`.

use crate::expr::{EvalError, Scope, Template, Value};
use crate::source::{Span, Spanned};

/// Names with text that may hold expressions, in the order of the file. Names differ in more than
/// case. An empty one has no entries and stands nowhere.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct TemplateMap {
    /// The entries. Empty by default, and where `whole` is there.
    pub entries: Vec<TemplateEntry>,
    /// One expression that gives all names and values as an object. None by default.
    pub whole: Option<Template>,
    /// Where the value of the key stands.
    pub span: Span,
}

/// A name with its text.
#[derive(Debug, Clone, PartialEq)]
pub struct TemplateEntry {
    /// The name as written, not empty.
    pub name: Spanned<String>,
    /// The name as a template, where it holds expressions. None by default.
    pub computed_name: Option<Template>,
    /// The text.
    pub value: Template,
}

impl TemplateMap {
    /// Whether there is nothing in it.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty() && self.whole.is_none()
    }

    /// The text of a name, in any case. Nothing is known of what an expression gives as a whole.
    pub fn get(&self, name: &str) -> Option<&Template> {
        let entry = self
            .entries
            .iter()
            .find(|entry| crate::text::equal(&entry.name.value, name));
        entry.map(|entry| &entry.value)
    }

    /// All names with their text, in order. An entry does not see the ones before it.
    ///
    /// # Errors
    ///
    /// An expression that failed, or that gave a collection where text is needed.
    pub fn render(&self, scope: &dyn Scope) -> Result<Vec<(String, String)>, EvalError> {
        if let Some(template) = &self.whole {
            return render_whole(template, scope);
        }
        let render =
            |entry: &TemplateEntry| Ok((entry.name.value.clone(), entry.value.render(scope)?));
        self.entries.iter().map(render).collect()
    }
}

fn render_whole(
    template: &Template,
    scope: &dyn Scope,
) -> Result<Vec<(String, String)>, EvalError> {
    let value = template.evaluate(scope)?;
    let Value::Object(object) = &value else {
        return Err(template.refuse(&value, "an object"));
    };
    let pair = |(name, value): (&str, &Value)| {
        if value.is_primitive() {
            Ok((name.to_owned(), value.to_text()))
        } else {
            Err(template.refuse(value, &format!("a string as `{name}`")))
        }
    };
    object.iter().map(pair).collect()
}
