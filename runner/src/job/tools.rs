//! Brings tools into the guest of one job: from the host's store, which fetches what it lacks.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use async_trait::async_trait;
use tokio::sync::Mutex;

use crate::failure::{Failure, InfraFailure};
use crate::guest::channel::GuestChannel;
use crate::guest::profile::GuestTool;
use crate::guest::transfer;
use crate::progress::Progress;
use crate::steps::tools::ToolSource;
use crate::tool::{self, store};

/// The tools of one job.
pub struct JobTools {
    /// Where they lie on the host.
    store: PathBuf,
    channel: Arc<dyn GuestChannel>,
    progress: Arc<dyn Progress>,
    /// The names of those that are in the guest. Held while one is brought, so that it is brought once.
    there: Mutex<BTreeSet<String>>,
}

impl JobTools {
    /// For a guest that has none of them yet.
    pub fn new(
        store: PathBuf,
        channel: Arc<dyn GuestChannel>,
        progress: Arc<dyn Progress>,
    ) -> Self {
        let there = Mutex::default();
        Self {
            store,
            channel,
            progress,
            there,
        }
    }

    async fn bring(&self, wanted: &GuestTool) -> Result<(), Failure> {
        let unknown = || {
            InfraFailure::new(format!("this Dormer knows no tool `{}`", wanted.name))
                .help("the guest's image was made by a newer one")
        };
        let tool = tool::find(&wanted.name).ok_or_else(unknown)?;
        let path = store::ensure(&self.store, tool, self.progress.as_ref()).await?;
        self.progress
            .stage(&format!("sending {} to the guest", tool.title));
        let directory = self.channel.dialect().paths().write(&wanted.directory);
        let progress = Arc::clone(&self.progress);
        let write = move |out: &mut dyn Write| write_program(out, tool.file, &path, &*progress);
        let sent = transfer::send(self.channel.as_ref(), &directory, write).await;
        self.progress.finish();
        let failed = || InfraFailure::new(format!("cannot send {} to the guest", tool.title));
        sent.map_err(|error| failed().because(error).into())
    }
}

#[async_trait]
impl ToolSource for JobTools {
    async fn provide(&self, tool: &GuestTool) -> Result<(), String> {
        let mut there = self.there.lock().await;
        if there.contains(&tool.name) {
            return Ok(());
        }
        self.bring(tool).await.map_err(|failure| told(&failure))?;
        there.insert(tool.name.clone());
        Ok(())
    }
}

/// A failure as a step tells it.
fn told(failure: &Failure) -> String {
    match failure.help() {
        Some(help) => format!("{}; {help}", failure.message()),
        None => failure.message(),
    }
}

/// A tar file with one program.
fn write_program(
    out: &mut dyn Write,
    name: &str,
    path: &Path,
    progress: &dyn Progress,
) -> io::Result<()> {
    let file = File::open(path)?;
    let size = file.metadata()?.len();
    let mut header = tar::Header::new_gnu();
    header.set_size(size);
    header.set_mode(0o755);
    let mut archive = tar::Builder::new(out);
    let counted = Counted {
        file,
        done: 0,
        size,
        progress,
    };
    archive.append_data(&mut header, name, counted)?;
    archive.into_inner()?.flush()
}

/// A file that tells how much of it was read.
struct Counted<'a> {
    file: File,
    done: u64,
    size: u64,
    progress: &'a dyn Progress,
}

impl io::Read for Counted<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let length = self.file.read(buffer)?;
        self.done += length as u64;
        self.progress.bytes(self.done, self.size);
        Ok(length)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;
    use crate::guest::fake;
    use crate::progress::Silent;

    #[tokio::test]
    async fn a_tool_is_brought_once_and_an_unknown_one_is_named() {
        static CALLS: AtomicUsize = AtomicUsize::new(0);
        let channel = fake::channel(|_, _| {
            CALLS.fetch_add(1, Ordering::Relaxed);
            (Vec::new(), "", 0)
        });
        let directory = tempfile::tempdir().unwrap();
        let tools = JobTools::new(
            directory.path().to_owned(),
            Arc::new(channel),
            Arc::new(Silent),
        );
        let tool = GuestTool {
            name: "node9-win-x64".to_owned(),
            directory: r"C:\x".to_owned(),
        };
        let why = tools.provide(&tool).await.unwrap_err();
        assert!(why.contains("`node9-win-x64`"), "{why}");
        assert_eq!(CALLS.load(Ordering::Relaxed), 0);
        tools.there.lock().await.insert(tool.name.clone());
        tools.provide(&tool).await.unwrap();
        assert_eq!(CALLS.load(Ordering::Relaxed), 0);
    }

    #[test]
    fn a_program_comes_as_one_file_that_may_be_run() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("x");
        std::fs::write(&path, "MZ").unwrap();
        let mut out = Vec::new();
        write_program(&mut out, "node.exe", &path, &Silent).unwrap();
        let mut archive = tar::Archive::new(out.as_slice());
        let entry = archive.entries().unwrap().next().unwrap().unwrap();
        assert_eq!(entry.path().unwrap(), Path::new("node.exe"));
        assert_eq!((entry.size(), entry.header().mode().unwrap()), (2, 0o755));
    }
}
