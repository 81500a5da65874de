//! Regular expressions as matcher files have them, in the words of `fancy-regex`.
//!
//! The official runner uses .NET's engine with its `ECMAScript` option, so that `\d`, `\w` and `\s`
//! are about ASCII. Most of the syntax is common; what differs is written anew here: escapes that
//! stand for themselves, braces and brackets that are no quantifiers and no classes, and classes
//! within classes, which only Rust's syntax has. Unnamed groups are numbered before named ones.

/// A translated expression.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Translated {
    pub(super) pattern: String,
    /// The engine's number of each of .NET's groups; that of the whole match first.
    pub(super) groups: Vec<usize>,
}

const DIGIT: &str = "0-9";
const WORD: &str = "a-zA-Z0-9_";
const SPACE: &str = r" \f\n\r\t\v";

/// Characters that mean something within a class of Rust's syntax but not here.
const CLASS_SPECIAL: &str = "[&~-";

/// Translates an expression. What is wrong with it is left for the engine to say.
pub(super) fn translate(pattern: &str) -> Translated {
    let chars: Vec<char> = pattern.chars().collect();
    let groups = groups(&chars);
    let mut translator = Translator {
        chars: &chars,
        at: 0,
        groups: &groups,
        out: String::with_capacity(pattern.len() + 16),
    };
    translator.run();
    Translated {
        pattern: translator.out,
        groups,
    }
}

/// The numbers of all groups, as .NET orders them.
fn groups(chars: &[char]) -> Vec<usize> {
    let (mut unnamed, mut named) = (Vec::new(), Vec::new());
    let mut in_class = false;
    let mut number = 0;
    let mut at = 0;
    while at < chars.len() {
        match chars[at] {
            '\\' => at += 1,
            '[' if !in_class => in_class = true,
            ']' => in_class = false,
            '(' if !in_class => match kind(&chars[at + 1..]) {
                Group::Unnamed => {
                    number += 1;
                    unnamed.push(number);
                }
                Group::Named => {
                    number += 1;
                    named.push(number);
                }
                Group::Other => {}
            },
            _ => {}
        }
        at += 1;
    }
    std::iter::once(0).chain(unnamed).chain(named).collect()
}

enum Group {
    Unnamed,
    Named,
    /// One that does not capture.
    Other,
}

/// The kind of a group by what follows its parenthesis.
fn kind(rest: &[char]) -> Group {
    match rest {
        ['?', '<', '=' | '!', ..] => Group::Other,
        ['?', '<' | '\'', ..] => Group::Named,
        ['?', ..] => Group::Other,
        _ => Group::Unnamed,
    }
}

struct Translator<'c> {
    chars: &'c [char],
    at: usize,
    groups: &'c [usize],
    out: String,
}

impl Translator<'_> {
    fn next(&mut self) -> Option<char> {
        let c = self.chars.get(self.at).copied();
        self.at += usize::from(c.is_some());
        c
    }

    fn rest(&self) -> &[char] {
        &self.chars[self.at..]
    }

    fn run(&mut self) {
        while let Some(c) = self.next() {
            match c {
                '\\' => self.escape(),
                '[' => self.class(),
                '{' => self.brace(),
                ']' | '}' => self.literal(c),
                '(' => self.group(),
                _ => self.out.push(c),
            }
        }
    }

    /// A character that stands for itself.
    fn literal(&mut self, c: char) {
        if c.is_ascii_alphanumeric() || !c.is_ascii() {
            self.out.push(c);
        } else {
            self.code(u32::from(c));
        }
    }

    fn code(&mut self, code: u32) {
        self.out.push_str(&format!("\\x{{{code:x}}}"));
    }

    /// A brace is a quantifier only where it looks like one.
    fn brace(&mut self) {
        let rest = self.rest();
        let body = rest.iter().position(|&c| c == '}').map(|end| &rest[..end]);
        let is_quantifier = body.is_some_and(|body| {
            let mut parts = body.split(|&c| c == ',');
            let is_number =
                |part: &[char]| !part.is_empty() && part.iter().all(char::is_ascii_digit);
            let starts = parts.next().is_some_and(is_number);
            let goes_on = parts
                .next()
                .is_none_or(|part| part.is_empty() || is_number(part));
            starts && goes_on && parts.next().is_none()
        });
        if is_quantifier {
            let len = body.map_or(0, |body| body.len() + 1);
            self.out.push('{');
            self.out.extend(&self.chars[self.at..self.at + len]);
            self.at += len;
        } else {
            self.literal('{');
        }
    }

    /// The beginning of a group. Comments go, and names are written in one way.
    fn group(&mut self) {
        match self.rest() {
            ['?', '#', ..] => while self.next().is_some_and(|c| c != ')') {},
            ['?', '\'', ..] => {
                self.at += 2;
                self.out.push_str("(?<");
                while let Some(c) = self.next().filter(|&c| c != '\'') {
                    self.out.push(c);
                }
                self.out.push('>');
            }
            _ => self.out.push('('),
        }
    }

    fn escape(&mut self) {
        let Some(c) = self.next() else {
            self.out.push('\\');
            return;
        };
        match c {
            'd' | 'w' | 's' => self.out.push_str(&format!("[{}]", set(c))),
            'D' | 'W' | 'S' => self
                .out
                .push_str(&format!("[^{}]", set(c.to_ascii_lowercase()))),
            'b' | 'B' | 'A' | 'z' | 'p' | 'P' => self.out.extend(['\\', c]),
            // A line has no end of its own before which `\Z` could match.
            'Z' => self.out.push_str(r"\z"),
            'k' => self.out.push_str(r"\k"),
            '1'..='9' => self.backreference(c),
            _ => self.escaped_character(c),
        }
    }

    /// `\7`: a group where there is one, else a character by its octal code.
    fn backreference(&mut self, first: char) {
        let mut number = first.to_digit(10).map_or(0, |digit| digit as usize);
        while let Some(digit) = self.rest().first().and_then(|c| c.to_digit(10)) {
            let longer = number * 10 + digit as usize;
            if longer >= self.groups.len() {
                break;
            }
            number = longer;
            self.at += 1;
        }
        match self.groups.get(number) {
            Some(group) => self.out.push_str(&format!("(?:\\{group})")),
            None => self.escaped_character(first),
        }
    }

    /// An escape that is one character, in a class or outside.
    fn escaped_character(&mut self, c: char) {
        let code = match c {
            'n' => 0x0a,
            't' => 0x09,
            'r' => 0x0d,
            'f' => 0x0c,
            'v' => 0x0b,
            'a' => 0x07,
            'e' => 0x1b,
            'x' => self.hexadecimal(2).unwrap_or(u32::from(c)),
            'u' => self.hexadecimal(4).unwrap_or(u32::from(c)),
            'c' => self.control().unwrap_or(u32::from(c)),
            '0'..='7' => self.octal(c),
            _ => return self.literal(c),
        };
        self.code(code);
    }

    fn hexadecimal(&mut self, len: usize) -> Option<u32> {
        let digits: String = self.rest().get(..len)?.iter().collect();
        let is_hexadecimal = digits.chars().all(|c| c.is_ascii_hexdigit());
        let code = u32::from_str_radix(&digits, 16)
            .ok()
            .filter(|_| is_hexadecimal)?;
        self.at += len;
        Some(code)
    }

    fn control(&mut self) -> Option<u32> {
        let letter = self.rest().first().filter(|c| c.is_ascii_alphabetic())?;
        let code = u32::from(letter.to_ascii_uppercase()) - u32::from('@');
        self.at += 1;
        Some(code)
    }

    /// Up to three octal digits.
    fn octal(&mut self, first: char) -> u32 {
        let mut code = first.to_digit(8).unwrap_or_default();
        for _ in 0..2 {
            let Some(digit) = self.rest().first().and_then(|c| c.to_digit(8)) else {
                break;
            };
            code = code * 8 + digit;
            self.at += 1;
        }
        code
    }

    /// A class, from after its `[`.
    fn class(&mut self) {
        let negated = self.rest().first() == Some(&'^');
        self.at += usize::from(negated);
        if negated && self.rest().first() == Some(&']') {
            self.at += 1;
            self.out.push_str("(?s:.)");
            return;
        }
        self.out.push_str(if negated { "[^" } else { "[" });
        let mut is_first = true;
        while let Some(c) = self.next() {
            match c {
                ']' if !is_first => {
                    self.out.push(']');
                    return;
                }
                '\\' => self.class_escape(),
                // A hyphen between two characters is a range; else it is one itself.
                '-' if !is_first && self.is_range() => self.out.push('-'),
                c if CLASS_SPECIAL.contains(c) || matches!(c, ']' | '^') => self.literal(c),
                c => self.out.push(c),
            }
            is_first = false;
        }
    }

    /// Whether a hyphen that was just read stands between two single characters.
    fn is_range(&self) -> bool {
        let is_set = |c: Option<&char>| c.is_some_and(|c| "dDwWsSpP".contains(*c));
        let before = &self.chars[..self.at - 1];
        let after_set = matches!(before, [.., '\\', _]) && is_set(before.last());
        match self.rest() {
            [']', ..] | [] => false,
            ['\\', c, ..] => !after_set && !is_set(Some(c)),
            _ => !after_set,
        }
    }

    fn class_escape(&mut self) {
        let Some(c) = self.next() else {
            return;
        };
        match c {
            'd' | 'w' | 's' => self.out.push_str(set(c)),
            'D' | 'W' | 'S' => self
                .out
                .push_str(&format!("[^{}]", set(c.to_ascii_lowercase()))),
            'p' | 'P' => self.out.extend(['\\', c]),
            'b' => self.code(0x08),
            _ => self.escaped_character(c),
        }
    }
}

/// What a letter stands for, within a class.
fn set(c: char) -> &'static str {
    match c {
        'd' => DIGIT,
        'w' => WORD,
        _ => SPACE,
    }
}
