//! `--format json`: the events on standard output, in the same form as in an events file.

use std::io::{self, BufWriter, Stdout, Write};

use crate::event::Stamped;
use crate::report::Reporter;

/// Writes events to standard output.
#[derive(Debug)]
pub struct Json {
    out: BufWriter<Stdout>,
}

impl Default for Json {
    fn default() -> Self {
        Self {
            out: BufWriter::new(io::stdout()),
        }
    }
}

impl Reporter for Json {
    fn report(&mut self, event: &Stamped) -> io::Result<()> {
        serde_json::to_writer(&mut self.out, event)?;
        self.out.write_all(b"\n")
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
