//! An output that several reporters write to, one after the other, each line marked with whose it is.

use std::io::{self, Write};
use std::sync::{Arc, Mutex, PoisonError};

/// An output with several writers. They are all in one thread, and each writes whole lines.
#[derive(Debug)]
pub struct Shared<W>(Arc<Mutex<W>>);

impl<W> Shared<W> {
    /// An output that can be handed out.
    pub fn new(out: W) -> Self {
        Self(Arc::new(Mutex::new(out)))
    }

    /// Does something with the output itself.
    pub fn with<T>(&self, act: impl FnOnce(&mut W) -> T) -> T {
        act(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl<W> Clone for Shared<W> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<W: Write> Write for Shared<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.write_all(bytes).map(|()| bytes.len())
    }

    fn write_all(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.with(|out| out.write_all(bytes))
    }

    fn flush(&mut self) -> io::Result<()> {
        self.with(W::flush)
    }
}

/// Puts a mark in front of every line. A line is written when it is whole.
#[derive(Debug)]
pub struct Marked<W: Write> {
    out: W,
    mark: String,
    line: Vec<u8>,
}

impl<W: Write> Marked<W> {
    /// Lines for `out`, each behind `mark`.
    pub fn new(out: W, mark: String) -> Self {
        Self {
            out,
            mark,
            line: Vec::new(),
        }
    }

    fn pass_on(&mut self) -> io::Result<()> {
        let mut whole = self.mark.as_bytes().to_vec();
        whole.append(&mut self.line);
        self.out.write_all(&whole)
    }
}

impl<W: Write> Write for Marked<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        for piece in bytes.split_inclusive(|&byte| byte == b'\n') {
            self.line.extend_from_slice(piece);
            if piece.ends_with(b"\n") {
                self.pass_on()?;
            }
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        // What is no whole line yet stays: a mark in the middle of one would be worse than a delay.
        self.out.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_line_has_the_mark_of_its_writer_whatever_the_pieces() {
        let out = Shared::new(Vec::new());
        let mut one = Marked::new(out.clone(), "one | ".to_owned());
        let mut two = Marked::new(out.clone(), "two | ".to_owned());
        one.write_all(b"a").unwrap();
        two.write_all(b"b\nc").unwrap();
        one.write_all(b"d\n\n").unwrap();
        two.flush().unwrap();
        two.write_all(b"\n").unwrap();
        drop((one, two));
        let text = Arc::try_unwrap(out.0).unwrap().into_inner().unwrap();
        assert_eq!(
            String::from_utf8(text).unwrap(),
            "two | b\none | ad\none | \ntwo | c\n"
        );
    }
}
