//! How much a commit would write, counted before anything is written: a few kilobytes of trees that name
//! one another many times come to any number of files, and git would take the memory and the disk for all
//! of them.

use crate::actions::error::FetchError;
use crate::actions::tree::Limits;

/// The longest path that Linux takes. A tree's can be longer, since it grows with each level.
const LONGEST_PATH: usize = 4096;
/// What stands before a path, `MODE TYPE OBJECT SIZE` and a tab, is shorter.
const LONGEST_HEAD: usize = 256;

/// Counts what `git ls-tree -r -t -l -z` prints, piece by piece.
#[derive(Debug)]
pub(super) struct Measure {
    limits: Limits,
    entries: usize,
    bytes: u64,
    /// The entry that has begun, up to its path.
    head: Vec<u8>,
    /// How much of the path there was, once that has begun.
    path: Option<usize>,
}

impl Measure {
    pub(super) fn new(limits: Limits) -> Self {
        Self {
            limits,
            entries: 0,
            bytes: 0,
            head: Vec::new(),
            path: None,
        }
    }

    /// Takes a piece.
    ///
    /// # Errors
    ///
    /// It is more than may be: nothing that follows matters any more.
    pub(super) fn take(&mut self, piece: &[u8]) -> Result<(), FetchError> {
        piece.iter().try_for_each(|&byte| self.byte(byte))
    }

    fn byte(&mut self, byte: u8) -> Result<(), FetchError> {
        match (byte, self.path) {
            (0, _) => {
                self.head.clear();
                self.path = None;
                Ok(())
            }
            (_, Some(length)) if length < LONGEST_PATH => {
                self.path = Some(length + 1);
                Ok(())
            }
            (_, Some(_)) => Err(unfit(format!(
                "a path in it is longer than {LONGEST_PATH} bytes"
            ))),
            (b'\t', None) => {
                self.path = Some(0);
                self.entry()
            }
            (byte, None) if self.head.len() < LONGEST_HEAD => {
                self.head.push(byte);
                Ok(())
            }
            (_, None) => Err(unfit("git's list of its files cannot be read".to_owned())),
        }
    }

    fn entry(&mut self) -> Result<(), FetchError> {
        self.entries += 1;
        if self.entries > self.limits.entries {
            let most = self.limits.entries;
            return Err(unfit(format!("it has more than {most} files")));
        }
        let head = String::from_utf8_lossy(&self.head);
        let size = head.split_ascii_whitespace().next_back();
        // Of a directory or a submodule it is `-`.
        let size: u64 = size.and_then(|size| size.parse().ok()).unwrap_or(0);
        self.bytes = self.bytes.saturating_add(size);
        if self.bytes > self.limits.bytes {
            return Err(FetchError::Large(self.limits.bytes));
        }
        Ok(())
    }
}

fn unfit(why: String) -> FetchError {
    FetchError::Unfit(why)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn measured(listing: &str, pieces: usize) -> Result<(usize, u64), String> {
        let limits = Limits {
            bytes: 100,
            entries: 3,
            ..Limits::default()
        };
        let mut measure = Measure::new(limits);
        for piece in listing.as_bytes().chunks(pieces) {
            measure.take(piece).map_err(|error| error.to_string())?;
        }
        Ok((measure.entries, measure.bytes))
    }

    #[test]
    fn entries_and_bytes_are_counted_however_they_come() {
        let listing =
            "040000 tree 0a       -\ta\x00100644 blob 0b      60\ta/7\t9\x00120000 blob 0c 40\tb\0";
        for pieces in [1, 7, 1000] {
            assert_eq!(measured(listing, pieces), Ok((3, 100)));
        }
        let one_more = |entry: &str| measured(&format!("{listing}{entry}"), 5).unwrap_err();
        assert!(one_more("100644 blob 0d 0\tc\0").contains("more than 3 files"));
        let large = measured("100644 blob 0b 101\tx", 3).unwrap_err();
        assert!(large.contains("larger than 100 bytes"), "{large}");
        let long = format!("100644 blob 0b 1\t{}", "x/".repeat(3000));
        assert!(measured(&long, 100).unwrap_err().contains("4096 bytes"));
        assert!(measured(&"x".repeat(300), 100).is_err());
    }
}
