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
        if let Some(log) = self.serial_log.as_ref().filter(|log| log.is_file()) {
            fs::copy(log, directory.join("serial.log"))?;
        }
        if let Some(tail) = &self.serial {
            fs::write(directory.join("serial-tail.txt"), tail.text())?;
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
