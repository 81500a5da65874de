//! Tokens, and which of them may follow which.
//!
//! As in GitHub's lexer, what comes next is decided by what came before. It makes the parser simple
//! and puts an error on the first symbol that can't be right.

use std::sync::Arc;

use crate::source::Span;

use super::ast::{Comparison, Literal};

#[derive(Debug, Clone, PartialEq)]
pub(super) struct Token {
    pub(super) kind: TokenKind,
    pub(super) span: Span,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) enum TokenKind {
    Open(Bracket),
    Close(Bracket),
    Comma,
    Dot,
    Star,
    Not,
    And,
    Or,
    Compare(Comparison),
    Literal(Literal),
    /// A name after a dot.
    Property(Arc<str>),
    /// A name before an opening parenthesis.
    Function(Arc<str>),
    /// Any other name.
    Name(Arc<str>),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Bracket {
    Group,
    Arguments,
    Index,
}

/// What may come next.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Expected {
    /// The beginning of a value.
    Value,
    /// The beginning of a value, or the end of an empty argument list.
    ValueOrClose,
    /// The beginning of a value, or `*`.
    ValueOrStar,
    /// A property name or `*`.
    Property,
    /// The parenthesis after a function name.
    Arguments,
    /// An operator, or whatever ends the value.
    Operator,
    /// The same, or `.` and `[`, since the value may have parts.
    OperatorOrPart,
    /// The bracket that closes `[*`.
    CloseIndex,
}

impl Expected {
    /// What may come after these tokens.
    pub(super) fn after(tokens: &[Token]) -> Self {
        let mut backwards = tokens.iter().rev().map(|token| &token.kind);
        let Some(last) = backwards.next() else {
            return Self::Value;
        };
        match last {
            TokenKind::Open(Bracket::Arguments) => Self::ValueOrClose,
            TokenKind::Open(Bracket::Index) => Self::ValueOrStar,
            TokenKind::Open(Bracket::Group)
            | TokenKind::Comma
            | TokenKind::Not
            | TokenKind::And
            | TokenKind::Or
            | TokenKind::Compare(_) => Self::Value,
            TokenKind::Dot => Self::Property,
            TokenKind::Function(_) => Self::Arguments,
            TokenKind::Literal(_) => Self::Operator,
            TokenKind::Star if backwards.next() == Some(&TokenKind::Open(Bracket::Index)) => {
                Self::CloseIndex
            }
            TokenKind::Close(_) | TokenKind::Star | TokenKind::Property(_) | TokenKind::Name(_) => {
                Self::OperatorOrPart
            }
        }
    }

    /// Whether a value may begin.
    pub(super) fn is_value(self) -> bool {
        matches!(self, Self::Value | Self::ValueOrClose | Self::ValueOrStar)
    }

    /// Whether a value is complete.
    pub(super) fn ends_value(self) -> bool {
        matches!(self, Self::Operator | Self::OperatorOrPart)
    }

    /// Whether a token may come, within this bracket.
    pub(super) fn allows(self, kind: &TokenKind, innermost: Option<Bracket>) -> bool {
        match kind {
            TokenKind::Open(Bracket::Arguments) => self == Self::Arguments,
            TokenKind::Open(Bracket::Index) | TokenKind::Dot => self == Self::OperatorOrPart,
            TokenKind::Open(Bracket::Group)
            | TokenKind::Not
            | TokenKind::Literal(_)
            | TokenKind::Function(_)
            | TokenKind::Name(_) => self.is_value(),
            TokenKind::Property(_) => self == Self::Property,
            TokenKind::Star => matches!(self, Self::Property | Self::ValueOrStar),
            TokenKind::And | TokenKind::Or | TokenKind::Compare(_) => self.ends_value(),
            TokenKind::Comma => self.ends_value() && innermost == Some(Bracket::Arguments),
            TokenKind::Close(bracket) => {
                let closes = self.ends_value()
                    || (self == Self::ValueOrClose && *bracket == Bracket::Arguments)
                    || (self == Self::CloseIndex && *bracket == Bracket::Index);
                closes && innermost == Some(*bracket)
            }
        }
    }
}
