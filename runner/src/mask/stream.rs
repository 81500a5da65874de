//! A masked stream of bytes that comes in pieces.

use super::patterns::{Cover, Patterns};
use super::{MASK, Masker};

/// Masks a stream. It holds back the end of a piece only while that could be a secret's beginning.
#[derive(Debug)]
pub struct MaskedStream {
    masker: Masker,
    held: Vec<u8>,
    cover: Cover,
}

impl MaskedStream {
    pub(super) fn new(masker: Masker) -> Self {
        Self {
            masker,
            held: Vec::new(),
            cover: Cover::default(),
        }
    }

    /// Takes the next piece and returns what may be shown by now.
    pub fn push(&mut self, piece: &[u8]) -> Vec<u8> {
        self.held.extend_from_slice(piece);
        let patterns = self.masker.patterns();
        let decided = match patterns.as_ref() {
            Patterns::Known(known) => known.undecided(&self.held),
            Patterns::Nothing | Patterns::Everything => self.held.len(),
        };
        self.take(&patterns, decided)
    }

    /// Ends the stream and returns what was held back.
    pub fn finish(&mut self) -> Vec<u8> {
        let patterns = self.masker.patterns();
        self.take(&patterns, self.held.len())
    }

    /// What is shown of so many of the bytes that are held, which go.
    fn take(&mut self, patterns: &Patterns, decided: usize) -> Vec<u8> {
        match patterns {
            Patterns::Nothing => std::mem::take(&mut self.held),
            Patterns::Everything if self.held.is_empty() => Vec::new(),
            Patterns::Everything => {
                self.held.clear();
                MASK.as_bytes().to_vec()
            }
            Patterns::Known(known) => {
                let shown = known.replace_before(&self.held, decided, self.cover);
                self.held.drain(..decided);
                self.cover = shown.cover;
                shown.bytes
            }
        }
    }
}
