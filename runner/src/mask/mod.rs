//! Secrets, kept out of everything that is shown or stored. A leaf behind which every sink stands:
//! bytes pass through here before anybody splits, logs or prints them.
//!
//! A secret rarely comes out as it went in: programs print it as base64, in a URL, inside JSON.
//! [`Masker`] therefore looks for each secret in every encoding that the official runner knows.

mod encodings;
mod patterns;
mod stream;

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use encodings::encodings;
use patterns::{Cover, Patterns};

pub use stream::MaskedStream;

/// What is shown instead of a secret.
pub const MASK: &str = "***";

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

    /// [`Masker::mask`], for whoever must not know what it does.
    pub fn hide(&self) -> Arc<dyn Fn(&str) -> String + Send + Sync> {
        let masker = self.clone();
        Arc::new(move |text: &str| masker.mask(text).into_owned())
    }

    /// The text with every secret replaced.
    pub fn mask<'a>(&self, text: &'a str) -> Cow<'a, str> {
        match self.patterns().as_ref() {
            Patterns::Everything if !text.is_empty() => Cow::Owned(MASK.to_owned()),
            Patterns::Nothing | Patterns::Everything => Cow::Borrowed(text),
            Patterns::Known(known) if !known.is_match(text.as_bytes()) => Cow::Borrowed(text),
            Patterns::Known(known) => {
                let shown = known.replace_before(text.as_bytes(), text.len(), Cover::default());
                // What is looked for is text, so that what is left is text too.
                Cow::Owned(String::from_utf8_lossy(&shown.bytes).into_owned())
            }
        }
    }

    /// A filter for a stream of bytes that comes in pieces.
    pub fn stream(&self) -> MaskedStream {
        MaskedStream::new(self.clone())
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

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use base64::engine::general_purpose::{STANDARD, URL_SAFE};
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
    fn secrets_that_overlap_or_touch_are_covered_as_one() {
        let masker = masker(&["password1", "1234567", "xyz"]);
        assert_eq!(masker.mask("a password1234567 b"), "a *** b");
        assert_eq!(masker.mask("xyzxyz.xyz"), "***.***");
        let mut stream = masker.stream();
        // The first is known to be one, and the second may begin in it.
        assert_eq!(stream.push(b"a password1"), b"a ***");
        assert_eq!(stream.push(b"23456"), b"");
        assert_eq!(stream.push(b"7xy"), b"");
        assert_eq!(stream.push(b"z b"), b" b");
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
        assert_eq!(masker.mask("abc"), MASK);
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

    /// Shows a text that comes in pieces, cut at these places.
    fn in_pieces(masker: &Masker, text: &[u8], cuts: &[usize]) -> Vec<u8> {
        let mut cuts: Vec<usize> = cuts.iter().map(|cut| (*cut).min(text.len())).collect();
        cuts.extend([0, text.len()]);
        cuts.sort_unstable();
        let mut stream = masker.stream();
        let pieces = cuts.windows(2).map(|pair| &text[pair[0]..pair[1]]);
        let mut shown: Vec<u8> = pieces.flat_map(|piece| stream.push(piece)).collect();
        shown.extend(stream.finish());
        shown
    }

    /// As slowly and plainly as can be: each place that a text is found in is covered.
    fn covered_plainly(texts: &BTreeSet<Arc<[u8]>>, text: &str) -> String {
        let mut is_covered = vec![false; text.len()];
        for form in texts {
            for start in 0..text.len() {
                if text.as_bytes()[start..].starts_with(form) {
                    is_covered[start..start + form.len()].fill(true);
                }
            }
        }
        let mut shown = Vec::new();
        for (at, byte) in text.bytes().enumerate() {
            if !is_covered[at] {
                shown.push(byte);
            } else if at == 0 || !is_covered[at - 1] {
                shown.extend_from_slice(MASK.as_bytes());
            }
        }
        String::from_utf8(shown).unwrap()
    }

    /// How programs write what they are given.
    fn written(secret: &str, how: usize) -> String {
        match how {
            0 => secret.to_owned(),
            1 => serde_json::to_string(secret).unwrap(),
            2 => STANDARD.encode(format!("u:{secret}")),
            3 => STANDARD.encode(secret),
            4 => URL_SAFE.encode(format!("u{secret}x")),
            5 => secret
                .replace('&', "&amp;")
                .replace('<', "&lt;")
                .replace('"', "&quot;"),
            6 => secret.replace('\'', "''"),
            _ => secret.replace('"', "\\\""),
        }
    }

    proptest! {
        #[test]
        fn what_overlaps_is_covered_whole_and_splits_do_not_matter(
            secrets in proptest::collection::vec("[ab]{1,6}", 1..5),
            text in "[abc]{0,60}",
            cuts in proptest::collection::vec(0usize..61, 0..6),
        ) {
            let masker = Masker::default();
            masker.add_all(secrets.iter().map(String::as_str));
            let expected = covered_plainly(&masker.lock().texts, &text);
            prop_assert_eq!(&*masker.mask(&text), &expected);
            let shown = in_pieces(&masker, text.as_bytes(), &cuts);
            prop_assert_eq!(String::from_utf8(shown).unwrap(), expected);
        }

    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn no_form_of_a_secret_is_left_however_the_text_is_cut(
            secrets in proptest::collection::vec("[A-Za-z0-9ä&<\"'+/ =]{6,24}", 1..4),
            parts in proptest::collection::vec((0usize..8, 0usize..4, "[a-z .,:]{0,9}"), 0..12),
            cuts in proptest::collection::vec(0usize..1200, 0..12),
        ) {
            let masker = Masker::default();
            masker.add_all(secrets.iter().map(String::as_str));
            let text: String = parts
                .iter()
                .map(|(how, which, plain)| {
                    let secret = &secrets[which % secrets.len()];
                    format!("{}{plain}", written(secret, *how))
                })
                .collect();
            let shown = in_pieces(&masker, text.as_bytes(), &cuts);
            let shown = String::from_utf8(shown).unwrap();
            prop_assert_eq!(&*masker.mask(&text), &shown);
            // Between two masks stands only what no secret is part of.
            for rest in shown.split(MASK) {
                prop_assert!(!masker.patterns().as_ref().find(rest), "{} in {}", rest, shown);
            }
        }
    }
}
