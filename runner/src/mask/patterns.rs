//! What is looked for, and where it is found. Secrets that overlap or touch are covered as one, so that
//! nothing of the second is left when the first is gone.

use std::collections::BTreeSet;
use std::ops::Range;
use std::sync::Arc;

use aho_corasick::automaton::Automaton;
use aho_corasick::{Anchored, Input, MatchKind, dfa, nfa};

use super::MASK;

/// Below this many bytes to look for, the fastest automaton is still small.
const FEW_BYTES: usize = 8 << 10;

/// What is looked for.
#[derive(Debug)]
pub(super) enum Patterns {
    /// There are no secrets.
    Nothing,
    /// These texts.
    Known(Box<Known>),
    /// There are secrets, and no way to look for them: nothing may be shown.
    Everything,
}

#[derive(Debug)]
pub(super) struct Known {
    texts: Vec<Arc<[u8]>>,
    finder: Finder,
}

/// The automaton. With many bytes to look for, any kind but the second takes up to a thousand times as
/// many.
#[derive(Debug)]
pub(super) enum Finder {
    Fast(dfa::DFA),
    Small(nfa::contiguous::NFA),
}

/// What is shown of a stretch of bytes, and where that leaves the next one.
#[derive(Debug)]
pub(super) struct Shown {
    pub(super) bytes: Vec<u8>,
    pub(super) cover: Cover,
}

/// How a stretch of bytes begins.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Cover {
    /// So many bytes of it belong to a secret that has been replaced already.
    pub(super) bytes: usize,
    /// A mask stands right before the rest.
    pub(super) touches: bool,
}

impl Patterns {
    pub(super) fn new(texts: &BTreeSet<Arc<[u8]>>) -> Self {
        if texts.is_empty() {
            return Self::Nothing;
        }
        Self::with(texts, Finder::new(texts))
    }

    /// Without a finder, secrets can't be told from the rest.
    pub(super) fn with(texts: &BTreeSet<Arc<[u8]>>, finder: Option<Finder>) -> Self {
        let texts = texts.iter().cloned().collect();
        match finder {
            Some(finder) => Self::Known(Box::new(Known { texts, finder })),
            None => Self::Everything,
        }
    }
}

#[cfg(test)]
impl Patterns {
    pub(super) fn find(&self, text: &str) -> bool {
        matches!(self, Self::Known(known) if known.is_match(text.as_bytes()))
    }
}

impl Finder {
    fn new(texts: &BTreeSet<Arc<[u8]>>) -> Option<Self> {
        let bytes: usize = texts.iter().map(|text| text.len()).sum();
        let kind = MatchKind::Standard;
        if bytes > FEW_BYTES {
            let built = nfa::contiguous::Builder::new()
                .match_kind(kind)
                .build(texts);
            return built.ok().map(Self::Small);
        }
        let built = dfa::Builder::new().match_kind(kind).build(texts);
        built.ok().map(Self::Fast)
    }

    fn is_match(&self, bytes: &[u8]) -> bool {
        let input = Input::new(bytes).earliest(true);
        let found = match self {
            Self::Fast(automaton) => automaton.try_find(&input),
            Self::Small(automaton) => automaton.try_find(&input),
        };
        // An error is about a kind of search that was not asked for.
        found.is_ok_and(|found| found.is_some())
    }

    fn covered(&self, bytes: &[u8]) -> Vec<Range<usize>> {
        match self {
            Self::Fast(automaton) => covered(automaton, bytes),
            Self::Small(automaton) => covered(automaton, bytes),
        }
    }
}

/// The places that any text is found in, merged where they overlap or touch, in their order. Linear, since
/// of all texts that end at a place only the longest is looked at.
fn covered(automaton: &impl Automaton, bytes: &[u8]) -> Vec<Range<usize>> {
    let mut places: Vec<Range<usize>> = Vec::new();
    let Ok(mut state) = automaton.start_state(Anchored::No) else {
        return places;
    };
    for (at, byte) in bytes.iter().enumerate() {
        state = automaton.next_state(Anchored::No, state, *byte);
        if !automaton.is_match(state) {
            continue;
        }
        // A state's first match is its longest: the others are found by way of its shorter suffixes.
        let longest = automaton.pattern_len(automaton.match_pattern(state, 0));
        let mut place = at + 1 - longest..at + 1;
        while let Some(last) = places.pop_if(|last| last.end >= place.start) {
            place.start = place.start.min(last.start);
        }
        places.push(place);
    }
    places
}

impl Known {
    pub(super) fn is_match(&self, bytes: &[u8]) -> bool {
        self.finder.is_match(bytes)
    }

    /// Where the last part of `bytes` begins that could still become a secret; its length if none.
    pub(super) fn undecided(&self, bytes: &[u8]) -> usize {
        let mut borders = Vec::new();
        let overlaps = self
            .texts
            .iter()
            .map(|text| overlap(text, bytes, &mut borders));
        bytes.len() - overlaps.max().unwrap_or(0)
    }

    /// Replaces the secrets that begin before `end`. One of them may reach beyond it, into what comes
    /// next.
    pub(super) fn replace_before(&self, bytes: &[u8], end: usize, before: Cover) -> Shown {
        let mut shown = Vec::with_capacity(bytes.len());
        let (mut at, mut touches) = (before.bytes, before.touches);
        let places = self.finder.covered(bytes);
        for place in places.iter().filter(|place| place.start < end) {
            if let Some(plain) = bytes.get(at..place.start).filter(|plain| !plain.is_empty()) {
                shown.extend_from_slice(plain);
                touches = false;
            }
            if !touches {
                shown.extend_from_slice(MASK.as_bytes());
            }
            touches = true;
            at = at.max(place.end);
        }
        if let Some(plain) = bytes.get(at..end).filter(|plain| !plain.is_empty()) {
            shown.extend_from_slice(plain);
            touches = false;
        }
        let cover = Cover {
            bytes: at.saturating_sub(end),
            touches,
        };
        Shown {
            bytes: shown,
            cover,
        }
    }
}

/// How many bytes at the end of `bytes` are the beginning of `text`, but not the whole of it. As Knuth,
/// Morris and Pratt search: a guest chooses both, and may not make this slower than linear. `borders` is
/// room to work in.
fn overlap(text: &[u8], bytes: &[u8], borders: &mut Vec<usize>) -> usize {
    let longest = text.len().saturating_sub(1);
    let tail = &bytes[bytes.len().saturating_sub(longest)..];
    let Some(first) = text.first().and_then(|byte| memchr::memchr(*byte, tail)) else {
        return 0;
    };
    let tail = &tail[first..];
    let step = |borders: &[usize], mut matched: usize, byte: u8| {
        while matched > 0 && text[matched] != byte {
            matched = borders[matched - 1];
        }
        matched + usize::from(text[matched] == byte)
    };
    borders.clear();
    borders.push(0);
    for at in 1..tail.len() {
        let border = step(borders, borders[at - 1], text[at]);
        borders.push(border);
    }
    tail.iter()
        .fold(0, |matched, byte| step(borders, matched, *byte))
}
