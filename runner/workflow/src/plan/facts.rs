//! What is known, and what has to wait.

use std::sync::Arc;

use crate::expr::{Contexts, EvalError, Expression, Scope, Value};

use super::model::Planned;

/// The contexts of something that is planned. Some may not be known yet.
#[derive(Debug, Clone)]
pub(super) struct Facts {
    pub(super) contexts: Contexts,
    /// Names of contexts that are not known, and the jobs that must be over before they are.
    unknown: Vec<(&'static str, Arc<[String]>)>,
}

impl Facts {
    pub(super) fn new(contexts: Contexts) -> Self {
        Self {
            contexts,
            unknown: Vec::new(),
        }
    }

    /// The same facts and one more context.
    pub(super) fn with(&self, name: &str, value: impl Into<Value>) -> Self {
        let mut facts = self.clone();
        facts.contexts.values.insert(name, value);
        facts
    }

    /// The same facts, of which one is known only after some jobs.
    pub(super) fn without(&self, name: &'static str, after: Arc<[String]>) -> Self {
        let mut facts = self.clone();
        facts.unknown.push((name, after));
        facts
    }

    /// The jobs that must be over before an expression can be evaluated, if any must.
    pub(super) fn awaited<'e>(
        &self,
        expressions: impl IntoIterator<Item = &'e Expression>,
    ) -> Option<Arc<[String]>> {
        if self.unknown.is_empty() {
            return None;
        }
        let mut expressions = expressions.into_iter();
        let after = expressions.find_map(|expression| {
            let mut unknown = self.unknown.iter();
            unknown.find(|(name, _)| expression.uses(name))
        });
        after.map(|(_, jobs)| jobs.clone())
    }

    /// A value of expressions, if all they use is known.
    pub(super) fn planned<'e, T>(
        &self,
        expressions: impl IntoIterator<Item = &'e Expression>,
        evaluate: impl FnOnce(&dyn Scope) -> Result<T, EvalError>,
    ) -> Result<Planned<T>, EvalError> {
        match self.awaited(expressions) {
            Some(jobs) => Ok(Planned::After(jobs)),
            None => evaluate(&self.contexts).map(Planned::Now),
        }
    }
}
