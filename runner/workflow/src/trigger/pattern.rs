//! The patterns of filters, which are neither globs nor regular expressions.
//!
//! | written | means |
//! | --- | --- |
//! | `*` | any characters but `/` |
//! | `**` | any characters; `**/` at the beginning of a folder or file also nothing at all |
//! | `?` | the character before it, once or not at all |
//! | `+` | the character before it, once or more often |
//! | `[a-c1]` | one of these characters |
//! | `\` | the next character as it is |
//! | `!` | at the beginning: takes out what fits the rest |
//!
//! GitHub refuses to start anything where a pattern is none, such as `[a`. Here what can't be
//! understood stands for itself, so that there is always an answer.

use std::iter::Peekable;
use std::str::Chars;

/// How many steps all comparisons of one verdict may take together: a second at most, and far more
/// than any push and any filters of people need.
const MOST_WORK: usize = 20_000_000;

/// How many characters are looked through for a `]`: twice as many as there are to list.
const LONGEST_LIST: usize = 128;

/// What may still be done, so that no file of patterns and no payload takes for ever.
#[derive(Debug)]
pub(super) struct Work {
    left: usize,
}

impl Work {
    pub(super) fn new() -> Self {
        Self { left: MOST_WORK }
    }

    /// Whether answers since the beginning may be wrong.
    pub(super) fn is_over(&self) -> bool {
        self.left == 0
    }

    fn take(&mut self, steps: usize) {
        self.left = self.left.saturating_sub(steps);
    }
}

/// One pattern.
#[derive(Debug)]
pub(super) struct Pattern {
    /// Whether it takes out what fits.
    pub(super) excludes: bool,
    parts: Vec<Part>,
}

#[derive(Debug, PartialEq)]
struct Part {
    what: What,
    /// Whether it may stand for nothing.
    is_optional: bool,
    /// Whether it may stand for several characters.
    repeats: bool,
}

#[derive(Debug, PartialEq)]
enum What {
    Any,
    /// Any but `/`.
    InName,
    One(char),
    /// The first and the last of each range.
    Among(Vec<(char, char)>),
    /// No character: the place where a folder or file begins.
    Beginning,
}

impl What {
    fn is(&self, c: char) -> bool {
        match self {
            What::Any => true,
            What::InName => c != '/',
            What::One(one) => *one == c,
            What::Among(ranges) => ranges.iter().any(|(from, to)| (*from..=*to).contains(&c)),
            What::Beginning => false,
        }
    }
}

impl Part {
    fn once(what: What) -> Self {
        Self {
            what,
            is_optional: false,
            repeats: false,
        }
    }

    fn any_number_of(what: What) -> Self {
        Self {
            what,
            is_optional: true,
            repeats: true,
        }
    }

    /// Whether it can be passed without a character, behind this one.
    fn is_passed(&self, before: Option<char>) -> bool {
        match self.what {
            What::Beginning => matches!(before, None | Some('/')),
            _ => self.is_optional,
        }
    }
}

impl Pattern {
    pub(super) fn read(text: &str) -> Self {
        let body = text.strip_prefix('!');
        Self {
            excludes: body.is_some(),
            parts: parts(body.unwrap_or(text)),
        }
    }

    /// Whether a text fits. All places where the pattern may be are followed at once, so that the
    /// time is at most that of the product of both lengths.
    pub(super) fn fits(&self, text: &str, work: &mut Work) -> bool {
        if work.is_over() {
            return false;
        }
        let mut places = self.closed([0], None);
        for c in text.chars() {
            work.take(places.len());
            if places.is_empty() || work.is_over() {
                return false;
            }
            let after = places.iter().flat_map(|&at| self.after(at, c));
            places = self.closed(after, Some(c));
        }
        places.last() == Some(&self.parts.len())
    }

    /// The places behind a character that stands at one.
    fn after(&self, at: usize, c: char) -> impl Iterator<Item = usize> + use<> {
        let part = self.parts.get(at).filter(|part| part.what.is(c));
        let stays = part.filter(|part| part.repeats).map(|_| at);
        stays.into_iter().chain(part.map(|_| at + 1))
    }

    /// Places and those behind parts that may be passed. What is given ascends, and so does this: what
    /// lies behind one place are those next to it.
    fn closed(&self, given: impl IntoIterator<Item = usize>, before: Option<char>) -> Vec<usize> {
        let mut places: Vec<usize> = Vec::new();
        for mut at in given {
            if places.last().is_some_and(|last| at <= *last) {
                continue;
            }
            places.push(at);
            while self
                .parts
                .get(at)
                .is_some_and(|part| part.is_passed(before))
            {
                at += 1;
                places.push(at);
            }
        }
        places
    }
}

fn parts(text: &str) -> Vec<Part> {
    let mut parts: Vec<Part> = Vec::new();
    let mut rest = text.chars().peekable();
    while let Some(c) = rest.next() {
        match (c, parts.last_mut()) {
            ('*', _) if rest.next_if_eq(&'*').is_some() => any_folders(&mut parts, &mut rest),
            ('*', _) => parts.push(Part::any_number_of(What::InName)),
            ('?', Some(last)) => last.is_optional = true,
            ('+', Some(last)) => last.repeats = true,
            ('[', _) => parts.push(Part::once(among(&mut rest))),
            ('\\', _) => parts.push(Part::once(What::One(rest.next().unwrap_or(c)))),
            _ => parts.push(Part::once(What::One(c))),
        }
    }
    parts
}

/// What `**` means, with the `/` behind it where that belongs to it.
fn any_folders(parts: &mut Vec<Part>, rest: &mut Peekable<Chars<'_>>) {
    let begins = parts
        .last()
        .is_none_or(|last| matches!(last.what, What::One('/') | What::Beginning));
    parts.push(Part::any_number_of(What::Any));
    if begins && rest.next_if_eq(&'/').is_some() {
        parts.push(Part::once(What::Beginning));
    }
}

/// What stands behind `[`. Where no `]` closes it, it is that character and nothing more.
fn among(rest: &mut Peekable<Chars<'_>>) -> What {
    let inside = rest.clone().take(LONGEST_LIST);
    let listed: Vec<char> = inside.take_while(|c| *c != ']').collect();
    let mut behind = rest.clone().skip(listed.len());
    if listed.is_empty() || behind.next() != Some(']') {
        return What::One('[');
    }
    rest.nth(listed.len());
    What::Among(ranges(&listed))
}

fn ranges(listed: &[char]) -> Vec<(char, char)> {
    let mut ranges = Vec::new();
    let mut left = listed;
    while let [first, after @ ..] = left {
        left = match after {
            ['-', last, after @ ..] => {
                ranges.push((*first, *last));
                after
            }
            _ => {
                ranges.push((*first, *first));
                after
            }
        };
    }
    ranges
}
