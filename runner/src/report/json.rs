//! `--format json`: the events on standard output, in the same form as in an events file.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::os::fd::AsFd;

use crate::event::Stamped;
use crate::report::Reporter;
use crate::report::record::Encoder;

/// Writes events to standard output.
#[derive(Debug)]
pub struct Json {
    out: BufWriter<File>,
    encoder: Encoder,
}

impl Json {
    /// To standard output: to its file itself, since the library's own form of it looks for the last
    /// line's end in everything once more.
    pub fn to_stdout() -> io::Result<Self> {
        let out = File::from(io::stdout().as_fd().try_clone_to_owned()?);
        Ok(Self {
            out: BufWriter::with_capacity(64 << 10, out),
            encoder: Encoder::default(),
        })
    }
}

impl Reporter for Json {
    fn report(&mut self, event: &Stamped) -> io::Result<()> {
        self.out.write_all(self.encoder.encode(event)?)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }

    fn name(&self) -> String {
        "writing to standard output".to_owned()
    }

    fn is_record(&self) -> bool {
        true
    }
}
