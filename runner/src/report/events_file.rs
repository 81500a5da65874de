//! `--events FILE`: one JSON object a line, each written with one unbuffered write, so that a reader
//! never sees half a line and sees each at once.

use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use crate::event::Stamped;
use crate::report::Reporter;
use crate::report::record::Encoder;

/// Writes events to a file.
#[derive(Debug)]
pub struct EventsFile {
    path: PathBuf,
    file: File,
    encoder: Encoder,
}

impl EventsFile {
    /// Creates the file, or empties it. A pipe or a device will do.
    pub fn create(path: &Path) -> io::Result<Self> {
        Ok(Self {
            path: path.to_owned(),
            file: File::create(path)?,
            encoder: Encoder::default(),
        })
    }
}

impl Reporter for EventsFile {
    fn report(&mut self, event: &Stamped) -> io::Result<()> {
        self.file.write_all(self.encoder.encode(event)?)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }

    fn name(&self) -> String {
        format!("writing events to `{}`", self.path.display())
    }

    fn is_record(&self) -> bool {
        true
    }
}
