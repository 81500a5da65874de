//! From tokens to a tree.
//!
//! Values and operators wait on two stacks until an operator that binds less tightly comes, so
//! nothing recurses however the text is nested; a tree that is too deep is refused as it grows.

use std::sync::Arc;

use crate::source::Span;
use crate::text;

use super::ast::{Ast, AstKind, Comparison, Literal};
use super::error::Fault;
use super::function::Function;
use super::lexer;
use super::token::{Bracket, Token, TokenKind};
use super::{MAX_DEPTH, MAX_LENGTH};

/// Parses one bare expression.
pub(super) fn parse(text: &str) -> Result<Ast, Fault> {
    if text::utf16_len(text) > MAX_LENGTH {
        let message = format!("the expression is longer than {MAX_LENGTH} characters");
        return Err(Fault::new(message, Span::at(0)));
    }
    let mut parser = Parser {
        values: Vec::new(),
        waiting: Vec::new(),
        function: None,
        after_dot: false,
    };
    for token in lexer::tokens(text)? {
        parser.take(token)?;
    }
    parser.reduce_while(|_| true)?;
    match parser.values.pop() {
        Some(value) => Ok(value.ast),
        None => Err(Fault::new(
            "expected an expression, found nothing",
            Span::at(0),
        )),
    }
}

struct Parser {
    values: Vec<Tree>,
    waiting: Vec<Waiting>,
    /// The function whose parenthesis comes next.
    function: Option<(Function, Span)>,
    /// Whether the last token was a dot, which takes its right side at once.
    after_dot: bool,
}

/// A complete part, with the levels of its tree.
struct Tree {
    ast: Ast,
    depth: usize,
}

/// What waits for its last operand or its closing bracket.
enum Waiting {
    Not(Span),
    Binary(Binary),
    Group,
    Index,
    /// A call, its place, and how many values there were before its arguments.
    Call(Function, Span, usize),
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Binary {
    And,
    Or,
    Compare(Comparison),
}

impl Waiting {
    /// How tightly an operator binds. Brackets bind nothing: they wait for their end.
    fn strength(&self) -> u8 {
        match self {
            Waiting::Not(_) => 5,
            Waiting::Binary(operator) => operator.strength(),
            Waiting::Group | Waiting::Index | Waiting::Call(..) => 0,
        }
    }
}

impl Binary {
    fn strength(self) -> u8 {
        match self {
            Binary::Compare(Comparison::Equal | Comparison::NotEqual) => 3,
            Binary::Compare(_) => 4,
            Binary::And => 2,
            Binary::Or => 1,
        }
    }
}

impl Parser {
    fn take(&mut self, token: Token) -> Result<(), Fault> {
        let Token { kind, span } = token;
        let is_dot = kind == TokenKind::Dot;
        match kind {
            TokenKind::Literal(literal) => self.leaf(AstKind::Literal(literal), span),
            TokenKind::Name(name) => self.leaf(AstKind::Context(name), span),
            TokenKind::Property(name) => {
                self.leaf(AstKind::Literal(Literal::String(name)), span);
                self.index(span)?;
            }
            TokenKind::Star => {
                self.leaf(AstKind::Wildcard, span);
                if self.after_dot {
                    self.index(span)?;
                }
            }
            TokenKind::Dot => {}
            TokenKind::Function(name) => self.function = Some((function(&name, span)?, span)),
            TokenKind::Open(bracket) => self.open(bracket, span),
            TokenKind::Close(bracket) => self.close(bracket, span)?,
            TokenKind::Comma => self.reduce_to_bracket()?,
            TokenKind::Not => self.waiting.push(Waiting::Not(span)),
            TokenKind::And => self.binary(Binary::And)?,
            TokenKind::Or => self.binary(Binary::Or)?,
            TokenKind::Compare(comparison) => self.binary(Binary::Compare(comparison))?,
        }
        self.after_dot = is_dot;
        Ok(())
    }

    fn leaf(&mut self, kind: AstKind, span: Span) {
        self.values.push(Tree {
            ast: Ast { kind, span },
            depth: 1,
        });
    }

    fn open(&mut self, bracket: Bracket, span: Span) {
        self.waiting.push(match (bracket, self.function.take()) {
            (Bracket::Arguments, Some((function, name))) => {
                Waiting::Call(function, name.to(span), self.values.len())
            }
            (Bracket::Index, _) => Waiting::Index,
            _ => Waiting::Group,
        });
    }

    fn close(&mut self, bracket: Bracket, span: Span) -> Result<(), Fault> {
        self.reduce_to_bracket()?;
        match (bracket, self.waiting.pop()) {
            (_, Some(Waiting::Index)) => self.index(span),
            (_, Some(Waiting::Call(function, start, before))) => {
                self.call(function, start.to(span), before)
            }
            _ => Ok(()),
        }
    }

    fn binary(&mut self, operator: Binary) -> Result<(), Fault> {
        self.reduce_while(|waiting| waiting.strength() >= operator.strength())?;
        self.waiting.push(Waiting::Binary(operator));
        Ok(())
    }

    fn reduce_to_bracket(&mut self) -> Result<(), Fault> {
        self.reduce_while(|waiting| waiting.strength() > 0)
    }

    /// Completes waiting operators, innermost first, as long as they satisfy a condition.
    fn reduce_while(&mut self, goes_on: impl Fn(&Waiting) -> bool) -> Result<(), Fault> {
        while let Some(waiting) = self.waiting.pop_if(|waiting| goes_on(waiting)) {
            match waiting {
                Waiting::Not(span) => self.not(span)?,
                Waiting::Binary(operator) => self.join(operator)?,
                Waiting::Group | Waiting::Index | Waiting::Call(..) => {}
            }
        }
        Ok(())
    }

    /// The last value as the index of the one before it.
    fn index(&mut self, end: Span) -> Result<(), Fault> {
        let (base, index) = self.pop_two(end)?;
        let span = base.ast.span.to(end);
        let depth = base.depth.max(index.depth) + 1;
        let kind = AstKind::Index(Box::new(base.ast), Box::new(index.ast));
        self.grow(kind, span, depth)
    }

    fn not(&mut self, start: Span) -> Result<(), Fault> {
        let inner = self.pop(start)?;
        let span = start.to(inner.ast.span);
        self.grow(AstKind::Not(Box::new(inner.ast)), span, inner.depth + 1)
    }

    fn join(&mut self, operator: Binary) -> Result<(), Fault> {
        let (left, right) = self.pop_two(Span::default())?;
        let span = left.ast.span.to(right.ast.span);
        if let Binary::Compare(comparison) = operator {
            let depth = left.depth.max(right.depth) + 1;
            let kind = AstKind::Compare(comparison, Box::new(left.ast), Box::new(right.ast));
            return self.grow(kind, span, depth);
        }
        let mut operands = Vec::new();
        let mut depth = 0;
        for side in [left, right] {
            depth = depth.max(side.unchained(operator, &mut operands));
        }
        let kind = if operator == Binary::And {
            AstKind::And(operands)
        } else {
            AstKind::Or(operands)
        };
        self.grow(kind, span, depth + 1)
    }

    fn call(&mut self, function: Function, span: Span, before: usize) -> Result<(), Fault> {
        let arguments = self.values.split_off(before.min(self.values.len()));
        if let Some(message) = function.refuse(arguments.len()) {
            return Err(Fault::new(message, span));
        }
        let depth = arguments.iter().map(|tree| tree.depth).max().unwrap_or(0) + 1;
        let arguments = arguments.into_iter().map(|tree| tree.ast).collect();
        self.grow(AstKind::Call(function, arguments), span, depth)
    }

    fn grow(&mut self, kind: AstKind, span: Span, depth: usize) -> Result<(), Fault> {
        if depth > MAX_DEPTH {
            let message = format!("the expression is nested more than {MAX_DEPTH} levels deep");
            return Err(Fault::new(message, span));
        }
        self.values.push(Tree {
            ast: Ast { kind, span },
            depth,
        });
        Ok(())
    }

    fn pop_two(&mut self, place: Span) -> Result<(Tree, Tree), Fault> {
        let second = self.pop(place)?;
        Ok((self.pop(place)?, second))
    }

    /// The lexer lets nothing through that lacks a value, so the error is only a precaution.
    fn pop(&mut self, place: Span) -> Result<Tree, Fault> {
        self.values
            .pop()
            .ok_or_else(|| Fault::new("expected a value", place))
    }
}

impl Tree {
    /// Adds the operands of a chain of the same operator, or else the whole tree; gives the levels
    /// of the deepest one.
    fn unchained(self, operator: Binary, operands: &mut Vec<Ast>) -> usize {
        match (operator, self.ast.kind) {
            (Binary::And, AstKind::And(chain)) | (Binary::Or, AstKind::Or(chain)) => {
                operands.extend(chain);
                self.depth - 1
            }
            (_, kind) => {
                operands.push(Ast {
                    kind,
                    span: self.ast.span,
                });
                self.depth
            }
        }
    }
}

/// The function of a name.
fn function(name: &Arc<str>, span: Span) -> Result<Function, Fault> {
    Function::named(name).ok_or_else(|| {
        let known = text::suggestion(name, Function::ALL.map(Function::name));
        Fault::new(format!("unknown function `{name}`"), span)
            .with_help(known.map(|known| format!("did you mean `{known}`?")))
    })
}
