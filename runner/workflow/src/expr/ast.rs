//! The tree of an expression.

use std::sync::Arc;

use crate::source::Span;

use super::function::Function;

/// A part of an expression, and where it stands in the expression's text.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Ast {
    pub(super) kind: AstKind,
    pub(super) span: Span,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) enum AstKind {
    Literal(Literal),
    /// A context by its name as written.
    Context(Arc<str>),
    /// `a.b`, `a['b']` and, with [`AstKind::Wildcard`] as the second part, `a.*` and `a[*]`.
    Index(Box<Ast>, Box<Ast>),
    Wildcard,
    Call(Function, Vec<Ast>),
    Not(Box<Ast>),
    Compare(Comparison, Box<Ast>, Box<Ast>),
    /// Two or more operands: chains are one node.
    And(Vec<Ast>),
    Or(Vec<Ast>),
}

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Literal {
    Null,
    Bool(bool),
    Number(f64),
    String(Arc<str>),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Comparison {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

impl Ast {
    /// Visits this part and every part of it, outermost first.
    pub(super) fn walk<'a>(&'a self, visit: &mut dyn FnMut(&'a Ast)) {
        visit(self);
        for child in self.children() {
            child.walk(visit);
        }
    }

    /// The parts of this part.
    pub(super) fn children(&self) -> Vec<&Ast> {
        match &self.kind {
            AstKind::Literal(_) | AstKind::Context(_) | AstKind::Wildcard => Vec::new(),
            AstKind::Not(inner) => vec![inner],
            AstKind::Index(a, b) | AstKind::Compare(_, a, b) => vec![a, b],
            AstKind::Call(_, items) | AstKind::And(items) | AstKind::Or(items) => {
                items.iter().collect()
            }
        }
    }

    /// Whether `success()`, `failure()`, `cancelled()` or `always()` is called anywhere.
    pub(super) fn has_status_function(&self) -> bool {
        let mut found = false;
        self.walk(&mut |part| {
            found |= matches!(part.kind, AstKind::Call(function, _) if function.is_status());
        });
        found
    }
}
