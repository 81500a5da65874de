//! From text to tokens.

use crate::number;
use crate::source::Span;

use super::ast::{Comparison, Literal};
use super::error::Fault;
use super::token::{Bracket, Expected, Token, TokenKind};

/// Splits a text into tokens that follow one another legally, with every bracket closed.
pub(super) fn tokens(text: &str) -> Result<Vec<Token>, Fault> {
    let mut lexer = Lexer {
        text,
        at: 0,
        open: Vec::new(),
        tokens: Vec::new(),
    };
    while lexer.next()? {}
    lexer.end()?;
    Ok(lexer.tokens)
}

struct Lexer<'a> {
    text: &'a str,
    at: usize,
    /// Brackets that are not closed, with the place of each.
    open: Vec<(Bracket, Span)>,
    tokens: Vec<Token>,
}

impl Lexer<'_> {
    /// Reads one token; `false` at the end.
    fn next(&mut self) -> Result<bool, Fault> {
        let rest = &self.text[self.at..];
        let trimmed = rest.trim_start();
        self.at += rest.len() - trimmed.len();
        let Some(first) = trimmed.chars().next() else {
            return Ok(false);
        };
        let start = self.at;
        let (kind, len) = self.read(trimmed, first)?;
        let span = Span::new(start, start + len);
        self.push(Token { kind, span })?;
        self.at = start + len;
        Ok(true)
    }

    fn read(&self, rest: &str, first: char) -> Result<(TokenKind, usize), Fault> {
        if let Some(found) = operator(rest) {
            return Ok(found);
        }
        let kind = match first {
            '(' if self.expected() == Expected::Arguments => TokenKind::Open(Bracket::Arguments),
            '(' => TokenKind::Open(Bracket::Group),
            '[' => TokenKind::Open(Bracket::Index),
            ')' if matches!(self.open.last(), Some((Bracket::Arguments, _))) => {
                TokenKind::Close(Bracket::Arguments)
            }
            ')' => TokenKind::Close(Bracket::Group),
            ']' => TokenKind::Close(Bracket::Index),
            ',' => TokenKind::Comma,
            '*' => TokenKind::Star,
            '.' if !self.expected().is_value() => TokenKind::Dot,
            '\'' => return self.string(rest),
            '.' | '+' | '-' | '0'..='9' => return self.number(rest),
            _ => return self.name(rest),
        };
        Ok((kind, first.len_utf8()))
    }

    /// A string; a quote in it is written twice.
    fn string(&self, rest: &str) -> Result<(TokenKind, usize), Fault> {
        let mut end = 1;
        loop {
            let Some(quote) = rest[end..].find('\'') else {
                let span = Span::new(self.at, self.text.len());
                return Err(Fault::new("this string is not closed", span)
                    .with_help(Some("a quote in a string is written twice: `''`")));
            };
            end += quote + 1;
            if !rest[end..].starts_with('\'') {
                break;
            }
            end += 1;
        }
        let value = rest[1..end - 1].replace("''", "'");
        Ok((TokenKind::Literal(Literal::String(value.into())), end))
    }

    fn number(&self, rest: &str) -> Result<(TokenKind, usize), Fault> {
        let len = rest
            .char_indices()
            .skip(1)
            .find(|&(_, c)| c != '.' && ends_word(c))
            .map_or(rest.len(), |(at, _)| at);
        let value = number::parse(&rest[..len]);
        if value.is_nan() {
            let span = Span::new(self.at, self.at + len);
            return Err(Fault::new(
                format!("`{}` is not a number", shown(&rest[..len])),
                span,
            ));
        }
        Ok((TokenKind::Literal(Literal::Number(value)), len))
    }

    fn name(&self, rest: &str) -> Result<(TokenKind, usize), Fault> {
        let len = rest
            .char_indices()
            .skip(1)
            .find(|&(_, c)| ends_word(c))
            .map_or(rest.len(), |(at, _)| at);
        let word = &rest[..len];
        if !is_name(word) {
            return Err(self.unexpected(word));
        }
        let kind = match word {
            _ if self.expected() == Expected::Property => TokenKind::Property(word.into()),
            "null" => TokenKind::Literal(Literal::Null),
            "true" => TokenKind::Literal(Literal::Bool(true)),
            "false" => TokenKind::Literal(Literal::Bool(false)),
            "NaN" => TokenKind::Literal(Literal::Number(f64::NAN)),
            "Infinity" => TokenKind::Literal(Literal::Number(f64::INFINITY)),
            _ if rest[len..].trim_start().starts_with('(') => TokenKind::Function(word.into()),
            _ => TokenKind::Name(word.into()),
        };
        Ok((kind, len))
    }

    fn unexpected(&self, symbol: &str) -> Fault {
        let span = Span::new(self.at, self.at + symbol.len());
        let help = match symbol.chars().next() {
            Some('"') => Some("strings are written in single quotes"),
            Some('=') => Some("values are compared with `==`"),
            Some('&' | '|') => Some("conditions are joined with `&&` and `||`"),
            Some('$') => Some("an expression within an expression needs no `${{ }}`"),
            Some('/' | '%' | '+' | '-') => Some("there is no arithmetic in expressions"),
            _ => None,
        };
        Fault::new(format!("unexpected symbol `{}`", shown(symbol)), span).with_help(help)
    }

    /// Adds a token where it is legal.
    fn push(&mut self, token: Token) -> Result<(), Fault> {
        let innermost = self.open.last().map(|&(bracket, _)| bracket);
        if !self.expected().allows(&token.kind, innermost) {
            return Err(self.unexpected(&self.text[token.span.start..token.span.end]));
        }
        match token.kind {
            TokenKind::Open(bracket) => self.open.push((bracket, token.span)),
            TokenKind::Close(_) => {
                self.open.pop();
            }
            _ => {}
        }
        self.tokens.push(token);
        Ok(())
    }

    fn expected(&self) -> Expected {
        Expected::after(&self.tokens)
    }

    /// The text must not end within anything.
    fn end(&self) -> Result<(), Fault> {
        if self.tokens.is_empty() {
            return Err(Fault::new(
                "expected an expression, found nothing",
                Span::at(0),
            ));
        }
        if !self.expected().ends_value() {
            let end = self.text.trim_end().len();
            return Err(Fault::new(
                "the expression ends where a value is expected",
                Span::at(end),
            ));
        }
        match self.open.last() {
            None => Ok(()),
            Some(&(bracket, span)) => {
                let name = if bracket == Bracket::Index { '[' } else { '(' };
                Err(Fault::new(format!("this `{name}` is not closed"), span))
            }
        }
    }
}

/// The operator a text begins with.
fn operator(rest: &str) -> Option<(TokenKind, usize)> {
    const OPERATORS: [(&str, TokenKind); 9] = [
        ("==", TokenKind::Compare(Comparison::Equal)),
        ("!=", TokenKind::Compare(Comparison::NotEqual)),
        ("<=", TokenKind::Compare(Comparison::LessOrEqual)),
        (">=", TokenKind::Compare(Comparison::GreaterOrEqual)),
        ("&&", TokenKind::And),
        ("||", TokenKind::Or),
        ("<", TokenKind::Compare(Comparison::Less)),
        (">", TokenKind::Compare(Comparison::Greater)),
        ("!", TokenKind::Not),
    ];
    OPERATORS
        .into_iter()
        .find(|(symbol, _)| rest.starts_with(symbol))
        .map(|(symbol, kind)| (kind, symbol.len()))
}

fn ends_word(c: char) -> bool {
    c.is_whitespace()
        || matches!(
            c,
            '(' | '[' | ')' | ']' | ',' | '.' | '!' | '>' | '<' | '=' | '&' | '|'
        )
}

/// A letter or `_`, then letters, digits, `_` and `-`.
fn is_name(word: &str) -> bool {
    word.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && word
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-')
}

/// A symbol for a message: not all of a very long one.
fn shown(symbol: &str) -> String {
    const LIMIT: usize = 40;
    if symbol.chars().count() <= LIMIT {
        symbol.to_owned()
    } else {
        format!("{}…", symbol.chars().take(LIMIT).collect::<String>())
    }
}
