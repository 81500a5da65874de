//! Secrets, kept out of everything that is shown or stored. A leaf behind which every sink stands:
//! bytes pass through here before anybody splits, logs or prints them.
//!
//! A secret rarely comes out as it went in: programs print it as base64, in a URL, inside JSON.
//! [`Masker`] therefore looks for each secret in every encoding that the official runner knows.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::sync::{Arc, PoisonError, RwLock};

use aho_corasick::{AhoCorasick, MatchKind};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE};

/// What is shown instead of a secret.
pub const MASK: &str = "***";

/// Text shorter than this is not looked for in base64, where it would match anything.
const SHORTEST_IN_BASE64: usize = 6;

/// A set of secrets that may grow while it is used.
#[derive(Debug, Clone, Default)]
pub struct Masker {
    secrets: Arc<RwLock<Arc<Patterns>>>,
}

#[derive(Debug, Default)]
struct Patterns {
    texts: BTreeSet<Vec<u8>>,
    /// Built from `texts`; none while there is nothing to look for.
    automaton: Option<AhoCorasick>,
    longest: usize,
}

impl Masker {
    /// Masks a secret from now on, in every encoding. An empty one is ignored.
    pub fn add(&self, secret: &str) {
        self.add_all([secret]);
    }

    /// Masks several secrets from now on.
    pub fn add_all<'a>(&self, secrets: impl IntoIterator<Item = &'a str>) {
        let mut current = self.secrets.write().unwrap_or_else(PoisonError::into_inner);
        let mut texts = current.texts.clone();
        texts.extend(secrets.into_iter().flat_map(encodings));
        *current = Arc::new(Patterns::new(texts));
    }

    /// The text with every secret replaced.
    pub fn mask<'a>(&self, text: &'a str) -> Cow<'a, str> {
        let patterns = self.patterns();
        match &patterns.automaton {
            Some(automaton) if automaton.is_match(text) => {
                let replacements = vec![MASK; patterns.texts.len()];
                Cow::Owned(automaton.replace_all(text, &replacements))
            }
            _ => Cow::Borrowed(text),
        }
    }

    /// A filter for a stream of bytes that comes in pieces.
    pub fn stream(&self) -> MaskedStream {
        MaskedStream {
            masker: self.clone(),
            held: Vec::new(),
        }
    }

    fn patterns(&self) -> Arc<Patterns> {
        Arc::clone(&self.secrets.read().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Patterns {
    fn new(texts: BTreeSet<Vec<u8>>) -> Self {
        let longest = texts.iter().map(Vec::len).max().unwrap_or(0);
        // Leftmost-longest: of a secret and its own beginning, the whole secret goes. The patterns
        // are few and plain bytes; that they can't be compiled would be beyond any size limit.
        let automaton = (!texts.is_empty())
            .then(|| {
                AhoCorasick::builder()
                    .match_kind(MatchKind::LeftmostLongest)
                    .build(&texts)
                    .ok()
            })
            .flatten();
        Self {
            texts,
            automaton,
            longest,
        }
    }

    /// Where the last part of `bytes` begins that could still become a secret; its length if none.
    fn undecided(&self, bytes: &[u8]) -> usize {
        let first = bytes.len().saturating_sub(self.longest.saturating_sub(1));
        (first..bytes.len())
            .find(|&start| {
                let tail = &bytes[start..];
                self.texts
                    .iter()
                    .any(|text| text.len() > tail.len() && text.starts_with(tail))
            })
            .unwrap_or(bytes.len())
    }
}

/// Masks a stream. It holds back the end of a piece only while that could be a secret's beginning.
#[derive(Debug)]
pub struct MaskedStream {
    masker: Masker,
    held: Vec<u8>,
}

impl MaskedStream {
    /// Takes the next piece and returns what may be shown by now.
    pub fn push(&mut self, piece: &[u8]) -> Vec<u8> {
        let patterns = self.masker.patterns();
        let Some(automaton) = &patterns.automaton else {
            let mut shown = std::mem::take(&mut self.held);
            shown.extend_from_slice(piece);
            return shown;
        };
        self.held.extend_from_slice(piece);
        let undecided = patterns.undecided(&self.held);
        let (shown, used) = replace_before(automaton, &self.held, undecided);
        self.held.drain(..used);
        shown
    }

    /// Ends the stream and returns what was held back.
    pub fn finish(&mut self) -> Vec<u8> {
        let patterns = self.masker.patterns();
        let held = std::mem::take(&mut self.held);
        match &patterns.automaton {
            Some(automaton) => replace_before(automaton, &held, held.len()).0,
            None => held,
        }
    }
}

/// Replaces the secrets that begin before `end`; returns the result and how many bytes it stands for.
fn replace_before(automaton: &AhoCorasick, bytes: &[u8], end: usize) -> (Vec<u8>, usize) {
    let mut shown = Vec::with_capacity(bytes.len());
    let mut used = 0;
    for found in automaton.find_iter(bytes) {
        if found.start() >= end {
            break;
        }
        shown.extend_from_slice(&bytes[used..found.start()]);
        shown.extend_from_slice(MASK.as_bytes());
        used = found.end();
    }
    if used < end {
        shown.extend_from_slice(&bytes[used..end]);
        used = end;
    }
    (shown, used)
}

/// Every form in which a secret may come out.
fn encodings(secret: &str) -> Vec<Vec<u8>> {
    let secret = secret.trim_end_matches(['\r', '\n']);
    let mut forms = BTreeSet::new();
    // A program that prints a secret of several lines prints them one by one.
    let lines = secret
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty());
    for text in std::iter::once(secret).chain(lines) {
        forms.extend(encodings_of_one(text));
    }
    forms.retain(|form| !form.trim_ascii().is_empty());
    forms.into_iter().collect()
}

fn encodings_of_one(text: &str) -> Vec<Vec<u8>> {
    let mut forms = vec![
        text.as_bytes().to_vec(),
        json_escaped(text).into_bytes(),
        uri_escaped(text, |byte| {
            byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte)
        }),
        uri_escaped(text, |byte| {
            byte.is_ascii_alphanumeric() || b"-_.!~*'()".contains(&byte)
        }),
        uri_escaped(&text.replace(' ', "+"), |byte| {
            byte.is_ascii_alphanumeric() || b"-_.~+".contains(&byte)
        }),
        xml_escaped(text).into_bytes(),
        text.replace('\'', "''").into_bytes(),
        text.replace('"', "\\\"").into_bytes(),
    ];
    forms.extend(
        text.strip_prefix('"')
            .and_then(|t| t.strip_suffix('"'))
            .map(Vec::from),
    );
    forms.extend(powershell_fragments(text));
    forms.extend(base64_anywhere(text.as_bytes()));
    forms
}

/// What every base64 text contains that encodes `bytes` somewhere inside, at each of the three
/// alignments, and the whole with its padding.
fn base64_anywhere(bytes: &[u8]) -> Vec<Vec<u8>> {
    let mut forms = Vec::new();
    if bytes.len() < SHORTEST_IN_BASE64 {
        return forms;
    }
    for engine in [&STANDARD, &URL_SAFE] {
        forms.push(engine.encode(bytes).into_bytes());
        for skipped in 0..3 {
            let aligned = &bytes[skipped..];
            let whole = aligned.len() / 3 * 3;
            forms.push(engine.encode(&aligned[..whole]).into_bytes());
        }
    }
    forms
}

fn json_escaped(text: &str) -> String {
    let quoted = serde_json::Value::from(text).to_string();
    quoted[1..quoted.len() - 1].to_owned()
}

fn xml_escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
        .replace('\'', "&apos;")
}

fn uri_escaped(text: &str, plain: impl Fn(u8) -> bool) -> Vec<u8> {
    let mut escaped = Vec::with_capacity(text.len());
    for byte in text.bytes() {
        if plain(byte) {
            escaped.push(byte);
        } else {
            escaped.extend_from_slice(format!("%{byte:02X}").as_bytes());
        }
    }
    escaped
}

/// PowerShell cuts an error's text at an ampersand; the longer fragments still give a secret away.
fn powershell_fragments(text: &str) -> Vec<Vec<u8>> {
    const SHORTEST: usize = 6;
    let Some((before, after)) = text.split_once('&') else {
        return Vec::new();
    };
    [before, after]
        .into_iter()
        .filter(|part| part.len() >= SHORTEST)
        .map(Vec::from)
        .collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn masker(secrets: &[&str]) -> Masker {
        let masker = Masker::default();
        masker.add_all(secrets.iter().copied());
        masker
    }

    #[test]
    fn a_secret_is_masked_in_its_encodings() {
        let secret = "p&ss \"wörd\"/+<key>";
        let masker = masker(&[secret]);
        let texts = [
            secret.to_owned(),
            serde_json::to_string(secret).unwrap(),
            STANDARD.encode(secret),
            STANDARD.encode(format!("user:{secret}")),
            STANDARD.encode(format!("me:{secret}@host")),
            URL_SAFE.encode(format!("xx{secret}yy")),
            "p%26ss%20%22w%C3%B6rd%22%2F%2B%3Ckey%3E".to_owned(),
            "p&amp;ss &quot;wörd&quot;/+&lt;key&gt;".to_owned(),
        ];
        for text in texts {
            assert!(masker.mask(&text).contains(MASK), "{text}");
        }
    }

    #[test]
    fn each_line_of_a_secret_is_one() {
        let masker = masker(&["-----BEGIN KEY-----\nabcdef\n-----END KEY-----\n"]);
        assert_eq!(masker.mask("x abcdef y"), "x *** y");
        assert_eq!(masker.mask("nothing here"), "nothing here");
    }

    #[test]
    fn the_longest_secret_wins_and_empty_ones_do_nothing() {
        let masker = masker(&["abc", "abcdef", "", "\n"]);
        assert_eq!(masker.mask("abcdef abc a"), "*** *** a");
    }

    #[test]
    fn nothing_is_held_back_without_need() {
        let masker = masker(&["secret"]);
        let mut stream = masker.stream();
        assert_eq!(stream.push(b"hello"), b"hello");
        assert_eq!(stream.push(b"a sec"), b"a ");
        assert_eq!(stream.push(b"ond"), b"second");
        assert_eq!(stream.finish(), b"");
    }

    proptest! {
        #[test]
        fn splits_do_not_matter(
            secrets in proptest::collection::vec("[ab]{1,6}", 1..4),
            text in "[abc]{0,60}",
            cuts in proptest::collection::vec(0usize..61, 0..6),
        ) {
            let masker = Masker::default();
            masker.add_all(secrets.iter().map(String::as_str));
            let mut stream = masker.stream();
            let mut cuts: Vec<usize> = cuts.into_iter().map(|cut| cut.min(text.len())).collect();
            cuts.extend([0, text.len()]);
            cuts.sort_unstable();
            let mut shown = Vec::new();
            for pair in cuts.windows(2) {
                shown.extend(stream.push(&text.as_bytes()[pair[0]..pair[1]]));
            }
            shown.extend(stream.finish());
            prop_assert_eq!(String::from_utf8(shown).unwrap(), masker.mask(&text));
        }
    }
}
