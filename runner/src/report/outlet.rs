//! One of a reporter's outputs, which may be lost without the others.

use std::io::{self, Write};

/// An output. Once writing fails it takes everything and shows nothing, so that whoever writes to two of
/// them can go on with the other.
#[derive(Debug)]
pub struct Outlet<W: Write> {
    /// None once it is lost.
    out: Option<W>,
    lost: Option<io::Error>,
}

impl<W: Write> Outlet<W> {
    /// To this output.
    pub fn new(out: W) -> Self {
        Self {
            out: Some(out),
            lost: None,
        }
    }

    /// Whether it still shows anything.
    pub fn is_open(&self) -> bool {
        self.out.is_some()
    }

    /// Why it was lost, if that was not told yet.
    pub fn loss(&mut self) -> io::Result<()> {
        self.lost.take().map_or(Ok(()), Err)
    }

    fn attempt(&mut self, act: impl FnOnce(&mut W) -> io::Result<()>) {
        if let Some(out) = &mut self.out
            && let Err(error) = act(out)
        {
            self.out = None;
            self.lost = Some(error);
        }
    }
}

impl<W: Write> Write for Outlet<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        // The whole of it: a write that is interrupted must not count as a loss.
        self.attempt(|out| out.write_all(bytes));
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.attempt(Write::flush);
        Ok(())
    }
}
