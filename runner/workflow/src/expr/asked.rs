//! Which parts of the contexts an expression asks for: `steps.build.outputs.x`.
//!
//! What is asked for with a name that is known only when the expression is evaluated, or with `*`,
//! ends there: of `steps[inputs.x].outputs` only `steps` is known.

use std::sync::Arc;

use crate::source::{SourceFile, Span};

use super::ast::{Ast, AstKind, Literal};
use super::condition::Condition;
use super::expression::{Expression, Origin};
use super::template::Template;

/// A part of a context that an expression asks for.
#[derive(Debug, Clone, PartialEq)]
pub struct Asked {
    context: Arc<str>,
    span: Span,
    /// The names after the context, as far as they are known, and where each of them stands.
    names: Vec<(Arc<str>, Span)>,
    origin: Option<Origin>,
}

impl Asked {
    /// The name of the context as it is written.
    pub fn context(&self) -> &str {
        &self.context
    }

    /// A name after the context, from 0. None past what is known.
    pub fn name(&self, index: usize) -> Option<&str> {
        self.names.get(index).map(|(name, _)| &**name)
    }

    /// Where a name after the context stands in the file that the expression was read from. The
    /// context itself where there is no such name; nothing for an expression of no file.
    pub fn place(&self, source: &SourceFile, index: usize) -> Option<Span> {
        let span = self.names.get(index).map_or(self.span, |(_, span)| *span);
        Some(self.origin.as_ref()?.place(source, span))
    }
}

impl Expression {
    /// Every part of a context that it asks for, in the order of the text.
    pub fn asked(&self) -> Vec<Asked> {
        let mut found = Vec::new();
        gather(self.root(), self.origin(), &mut found);
        found.sort_by_key(|asked| asked.span);
        found
    }
}

impl Template {
    /// Every part of a context that its expressions ask for.
    pub fn asked(&self) -> Vec<Asked> {
        self.expressions().flat_map(Expression::asked).collect()
    }
}

impl Condition {
    /// Every part of a context that it asks for.
    pub fn asked(&self) -> Vec<Asked> {
        self.expressions()
            .into_iter()
            .flat_map(Expression::asked)
            .collect()
    }
}

/// Trees are at most [`super::MAX_DEPTH`] levels deep, so this may recurse.
fn gather(ast: &Ast, origin: Option<&Origin>, found: &mut Vec<Asked>) {
    let mut indices = Vec::new();
    let mut base = ast;
    while let AstKind::Index(value, index) = &base.kind {
        indices.push(&**index);
        base = value;
    }
    indices.reverse();
    match &base.kind {
        AstKind::Context(name) => found.push(Asked {
            context: name.clone(),
            span: base.span,
            names: indices.iter().map_while(|index| name_of(index)).collect(),
            origin: origin.cloned(),
        }),
        _ => base
            .children()
            .into_iter()
            .for_each(|child| gather(child, origin, found)),
    }
    for index in indices {
        gather(index, origin, found);
    }
}

fn name_of(index: &Ast) -> Option<(Arc<str>, Span)> {
    match &index.kind {
        AstKind::Literal(Literal::String(name)) => Some((name.clone(), index.span)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(text: &str) -> Vec<String> {
        let expression = Expression::parse(text).unwrap();
        let write = |asked: &Asked| {
            let names = (0..).map_while(|index| asked.name(index));
            let parts: Vec<&str> = std::iter::once(asked.context()).chain(names).collect();
            parts.join(".")
        };
        expression.asked().iter().map(write).collect()
    }

    #[test]
    fn what_is_asked_for_is_known_as_far_as_it_is_written() {
        for (text, expected) in [
            ("steps.a.outputs.b", &["steps.a.outputs.b"][..]),
            ("Steps['a']['x y']", &["Steps.a.x y"]),
            ("needs.*.result", &["needs"]),
            ("needs.a.*", &["needs.a"]),
            ("steps[inputs.x].outputs", &["steps", "inputs.x"]),
            ("a.b[0].c", &["a.b"]),
            (
                "fromJSON(a.b).c == !d[e.f] || (g.h && 'x')",
                &["a.b", "d", "e.f", "g.h"],
            ),
            ("format('{0}', a)[b.c]", &["a", "b.c"]),
            ("1 == 2", &[]),
        ] {
            assert_eq!(asked(text), expected, "{text}");
        }
    }

    #[test]
    fn templates_and_conditions_ask_too() {
        let template = Template::parse("x ${{ a.b }} ${{ c }}").unwrap();
        assert_eq!(template.asked().len(), 2);
        for text in ["a.b && c", "${{ a.b && c }}"] {
            assert_eq!(Condition::parse(text).unwrap().asked().len(), 2);
        }
        assert!(Condition::parse("").unwrap().asked().is_empty());
    }
}
