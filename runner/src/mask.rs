//! Secrets, kept out of everything that is shown or stored. A leaf behind which every sink stands:
//! bytes pass through here before anybody splits, logs or prints them.
//!
//! A secret rarely comes out as it went in: programs print it as base64, in a URL, inside JSON.
//! [`Masker`] therefore looks for each secret in every encoding that the official runner knows.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use aho_corasick::{AhoCorasick, AhoCorasickKind, MatchKind};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE};

/// What is shown instead of a secret.
pub const MASK: &str = "***";

/// Text shorter than this is not looked for in base64, where it would match anything.
const SHORTEST_IN_BASE64: usize = 6;
/// Text longer than this is looked for as it is, in JSON and in base64 only: the other encodings are
/// those of values that are put into command lines and addresses.
const LONGEST_IN_ALL_FORMS: usize = 8 << 10;
/// Below this many bytes to look for, the fastest automaton is still small.
const FEW_BYTES: usize = 4 << 10;

/// How many masks a guest may add.
pub const GUEST_MASKS: usize = 1000;
/// How long a mask may be that a guest adds.
pub const LONGEST_GUEST_MASK: usize = 64 << 10;
/// How many bytes all that a guest adds may have, in all its encodings. Each takes some 100 bytes of the
/// host's memory while the automaton is built.
const GUEST_BYTES: usize = 1 << 20;

/// A set of secrets that may grow while it is used.
#[derive(Debug, Clone, Default)]
pub struct Masker {
    secrets: Arc<Mutex<Secrets>>,
}

#[derive(Debug, Default)]
struct Secrets {
    texts: BTreeSet<Arc<[u8]>>,
    /// Made of `texts` when somebody looks, so that many that come at once cost one building; none
    /// since they changed.
    patterns: Option<Arc<Patterns>>,
    guest: GuestShare,
}

/// What a guest has added so far.
#[derive(Debug, Default)]
struct GuestShare {
    masks: usize,
    bytes: usize,
    refused: bool,
}

/// A mask of a guest that is beyond what a guest may add.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MaskRefused {
    /// Whether it is the first one. People need to hear of it once.
    pub first: bool,
}

impl Masker {
    /// Masks a secret from now on, in every encoding. An empty one is ignored.
    pub fn add(&self, secret: &str) {
        self.add_all([secret]);
    }

    /// Masks several secrets from now on.
    pub fn add_all<'a>(&self, secrets: impl IntoIterator<Item = &'a str>) {
        let forms: Vec<_> = secrets.into_iter().flat_map(encodings).collect();
        let mut current = self.lock();
        current.texts.extend(forms);
        current.patterns = None;
    }

    /// Masks what a guest asks for, within limits. What is masked already stays so in any case.
    pub fn add_from_guest(&self, secret: &str) -> Result<(), MaskRefused> {
        let mut current = self.lock();
        if secret.len() > LONGEST_GUEST_MASK {
            return Err(current.guest.refuse());
        }
        let mut forms = encodings(secret);
        forms.retain(|form| !current.texts.contains(form));
        if forms.is_empty() {
            return Ok(());
        }
        current.guest.take(&forms)?;
        current.texts.extend(forms);
        current.patterns = None;
        Ok(())
    }

    /// The text with every secret replaced.
    pub fn mask<'a>(&self, text: &'a str) -> Cow<'a, str> {
        match self.patterns().as_ref() {
            Patterns::Everything if !text.is_empty() => Cow::Owned(MASK.to_owned()),
            Patterns::Nothing | Patterns::Everything => Cow::Borrowed(text),
            Patterns::Known(known) => known.mask(text),
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
        let mut current = self.lock();
        let Secrets {
            texts, patterns, ..
        } = &mut *current;
        Arc::clone(patterns.get_or_insert_with(|| Arc::new(Patterns::new(texts))))
    }

    fn lock(&self) -> MutexGuard<'_, Secrets> {
        self.secrets.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl GuestShare {
    fn take(&mut self, forms: &[Arc<[u8]>]) -> Result<(), MaskRefused> {
        let bytes = self.bytes + forms.iter().map(|form| form.len()).sum::<usize>();
        if self.masks == GUEST_MASKS || bytes > GUEST_BYTES {
            return Err(self.refuse());
        }
        self.masks += 1;
        self.bytes = bytes;
        Ok(())
    }

    fn refuse(&mut self) -> MaskRefused {
        let first = !std::mem::replace(&mut self.refused, true);
        MaskRefused { first }
    }
}

/// What is looked for.
#[derive(Debug)]
enum Patterns {
    /// There are no secrets.
    Nothing,
    /// These texts.
    Known(Known),
    /// There are secrets, and no way to look for them: nothing may be shown.
    Everything,
}

#[derive(Debug)]
struct Known {
    texts: Vec<Arc<[u8]>>,
    automaton: AhoCorasick,
}

impl Patterns {
    fn new(texts: &BTreeSet<Arc<[u8]>>) -> Self {
        if texts.is_empty() {
            return Self::Nothing;
        }
        let bytes: usize = texts.iter().map(|text| text.len()).sum();
        // Leftmost-longest: of a secret and its own beginning, the whole secret goes. With many bytes,
        // any kind of automaton but this one takes up to a thousand times as many.
        let kind = (bytes > FEW_BYTES).then_some(AhoCorasickKind::ContiguousNFA);
        let automaton = AhoCorasick::builder()
            .match_kind(MatchKind::LeftmostLongest)
            .kind(kind)
            .build(texts);
        Self::with(texts, automaton.ok())
    }

    /// Without an automaton, secrets can't be told from the rest.
    fn with(texts: &BTreeSet<Arc<[u8]>>, automaton: Option<AhoCorasick>) -> Self {
        let texts = texts.iter().cloned().collect();
        match automaton {
            Some(automaton) => Self::Known(Known { texts, automaton }),
            None => Self::Everything,
        }
    }
}

impl Known {
    fn mask<'a>(&self, text: &'a str) -> Cow<'a, str> {
        if !self.automaton.is_match(text) {
            return Cow::Borrowed(text);
        }
        let mut masked = String::with_capacity(text.len());
        self.automaton
            .replace_all_with(text, &mut masked, |_, _, masked| {
                masked.push_str(MASK);
                true
            });
        Cow::Owned(masked)
    }

    /// Where the last part of `bytes` begins that could still become a secret; its length if none.
    fn undecided(&self, bytes: &[u8]) -> usize {
        let mut borders = Vec::new();
        let overlaps = self
            .texts
            .iter()
            .map(|text| overlap(text, bytes, &mut borders));
        bytes.len() - overlaps.max().unwrap_or(0)
    }

    /// Replaces the secrets that begin before `end`; returns the result and how many bytes it stands
    /// for.
    fn replace_before(&self, bytes: &[u8], end: usize) -> (Vec<u8>, usize) {
        let mut shown = Vec::with_capacity(bytes.len());
        let mut used = 0;
        for found in self.automaton.find_iter(bytes) {
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

/// Masks a stream. It holds back the end of a piece only while that could be a secret's beginning.
#[derive(Debug)]
pub struct MaskedStream {
    masker: Masker,
    held: Vec<u8>,
}

impl MaskedStream {
    /// Takes the next piece and returns what may be shown by now.
    pub fn push(&mut self, piece: &[u8]) -> Vec<u8> {
        self.held.extend_from_slice(piece);
        let patterns = self.masker.patterns();
        let Patterns::Known(known) = patterns.as_ref() else {
            return self.take_all(&patterns);
        };
        let undecided = known.undecided(&self.held);
        let (shown, used) = known.replace_before(&self.held, undecided);
        self.held.drain(..used);
        shown
    }

    /// Ends the stream and returns what was held back.
    pub fn finish(&mut self) -> Vec<u8> {
        let patterns = self.masker.patterns();
        self.take_all(&patterns)
    }

    fn take_all(&mut self, patterns: &Patterns) -> Vec<u8> {
        let held = std::mem::take(&mut self.held);
        match patterns {
            Patterns::Nothing => held,
            Patterns::Everything if held.is_empty() => held,
            Patterns::Everything => MASK.as_bytes().to_vec(),
            Patterns::Known(known) => known.replace_before(&held, held.len()).0,
        }
    }
}

/// Every form in which a secret may come out.
fn encodings(secret: &str) -> Vec<Arc<[u8]>> {
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
    forms.into_iter().map(Arc::from).collect()
}

fn encodings_of_one(text: &str) -> Vec<Vec<u8>> {
    let mut forms = base64_anywhere(text.as_bytes());
    forms.push(text.as_bytes().to_vec());
    forms.push(json_escaped(text).into_bytes());
    if text.len() <= LONGEST_IN_ALL_FORMS {
        forms.extend(encodings_of_short(text));
    }
    forms
}

fn encodings_of_short(text: &str) -> Vec<Vec<u8>> {
    let mut forms = vec![
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

    #[test]
    fn what_cannot_be_looked_for_is_withheld_with_everything_else() {
        let texts = BTreeSet::from([Arc::from(&b"secret"[..])]);
        let masker = Masker::default();
        masker.add("secret");
        masker.lock().patterns = Some(Arc::new(Patterns::with(&texts, None)));
        assert_eq!((&*masker.mask("a secret"), &*masker.mask("")), (MASK, ""));
        let mut stream = masker.stream();
        assert_eq!(stream.push(b"a sec"), MASK.as_bytes());
        assert_eq!(stream.push(b"ret"), MASK.as_bytes());
        assert_eq!(stream.finish(), b"");
    }

    #[test]
    fn a_guest_cannot_add_masks_without_end() {
        let masker = Masker::default();
        let refused = |first| Err(MaskRefused { first });
        assert_eq!(
            masker.add_from_guest(&"x".repeat(LONGEST_GUEST_MASK + 1)),
            refused(true)
        );
        for number in 0..GUEST_MASKS {
            assert_eq!(masker.add_from_guest(&format!("mask-{number}-")), Ok(()));
        }
        assert_eq!(masker.add_from_guest("one more"), refused(false));
        // One that is known takes nothing.
        assert_eq!(masker.add_from_guest("mask-7-"), Ok(()));
        assert_eq!(masker.mask("mask-7- mask-999-"), "*** ***");
        // What the user adds is not counted.
        masker.add("one more");
        assert_eq!(masker.mask("one more"), MASK);
    }

    #[test]
    fn long_masks_of_a_guest_are_bounded_together() {
        let masker = Masker::default();
        let long = |number: u8| char::from(b'a' + number).to_string().repeat(50_000);
        let taken = (0..20).take_while(|n| masker.add_from_guest(&long(*n)).is_ok());
        let taken = u8::try_from(taken.count()).unwrap();
        assert!((2..10).contains(&taken), "{taken}");
        let bytes: usize = masker.lock().texts.iter().map(|text| text.len()).sum();
        assert!(bytes <= GUEST_BYTES, "{bytes}");
        assert_eq!(masker.mask(&long(taken - 1)), MASK);
        assert_eq!(masker.mask(&STANDARD.encode(long(0))), MASK);
    }

    #[test]
    fn many_masks_at_once_are_built_once() {
        let masker = Masker::default();
        masker.add("a");
        let before = masker.patterns();
        masker.add("b");
        masker.add("c");
        assert!(masker.lock().patterns.is_none());
        assert_eq!(masker.mask("abc"), "*********");
        assert!(!Arc::ptr_eq(&before, &masker.patterns()));
        assert!(Arc::ptr_eq(&masker.patterns(), &masker.patterns()));
    }

    #[test]
    fn the_end_of_a_piece_is_held_back_in_linear_time() {
        let masker = Masker::default();
        // Each place in the piece is the beginning of the secret, up to the last byte.
        masker.add(&"a".repeat(60_000));
        let piece = [vec![b'a'; 59_000], vec![b'b']].concat();
        let mut stream = masker.stream();
        for _ in 0..20 {
            assert_eq!(stream.push(&piece), piece);
        }
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
