//! What explains a failure, kept on the host whenever a job did not succeed: the serial log, QEMU's own
//! words, a screenshot. Gathered while the machine is still there; each part is optional, since the
//! machine may be the thing that failed.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::host::clock::{Deadline, within};
use crate::host::fs::create_private_directory;
use crate::mask::Masker;
use crate::vmm::serial::SerialTail;
use crate::vmm::vm::Vm;

/// Gathering evidence must not hold up the teardown of a machine that answers nothing.
const SCREENSHOT: Deadline = Deadline::seconds("a screenshot", 5);
const WORDS: Deadline = Deadline::seconds("QEMU's own words", 5);

/// What an instance has to show.
#[derive(Debug, Default)]
pub struct Evidence {
    /// The end of the serial log.
    pub serial: Option<SerialTail>,
    /// The whole of it, as far as it is kept.
    pub serial_log: Option<PathBuf>,
}

impl Evidence {
    /// Writes everything that there is into `directory`.
    pub async fn gather(
        &self,
        vm: Option<&Vm>,
        directory: &Path,
        masker: &Masker,
    ) -> io::Result<()> {
        create_private_directory(directory)?;
        // Both were masked as they came, and a step may have named a secret since.
        if let Some(log) = self.serial_log.as_ref().filter(|log| log.is_file()) {
            fs::write(
                directory.join("serial.log"),
                masked(masker, &fs::read(log)?),
            )?;
        }
        if let Some(tail) = &self.serial {
            let text = tail.text();
            fs::write(
                directory.join("serial-tail.txt"),
                masker.mask(&text).as_bytes(),
            )?;
        }
        let Some(vm) = vm else { return Ok(()) };
        if let Ok(words) = within(WORDS, vm.words()).await {
            fs::write(directory.join("qemu.log"), masker.mask(&words).as_bytes())?;
        }
        if let Ok(Ok(png)) = within(SCREENSHOT, vm.screenshot()).await {
            fs::write(directory.join("screenshot.png"), png)?;
        }
        Ok(())
    }
}

fn masked(masker: &Masker, bytes: &[u8]) -> Vec<u8> {
    let mut stream = masker.stream();
    let mut shown = stream.push(bytes);
    shown.extend(stream.finish());
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_secret_that_was_named_after_the_console_printed_it_is_masked_too() {
        let directory = tempfile::tempdir().unwrap();
        let log = directory.path().join("console");
        fs::write(&log, b"boot \xff late-secret end").unwrap();
        let masker = Masker::default();
        masker.add("late-secret");
        let evidence = Evidence {
            serial: None,
            serial_log: Some(log),
        };
        let kept = directory.path().join("kept");
        evidence.gather(None, &kept, &masker).await.unwrap();
        assert_eq!(
            fs::read(kept.join("serial.log")).unwrap(),
            b"boot \xff *** end"
        );
    }
}
