//! Tools that were fetched, below `$DORMER_HOME/tools`: `NAME/SHA-256/FILE`. A file that is there is used
//! without any network, after its digest was found right.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use crate::failure::{Failure, InfraFailure};
use crate::host::clock::Deadline;
use crate::host::fs::{create_private_directory, remove_leftovers, sync_directory};
use crate::host::lock::{self, DirectoryLock};
use crate::progress::Progress;
use crate::tool::{Tool, package};

/// What a directory for a download begins with; whoever holds the lock may remove one.
const INCOMING: &str = ".incoming-";

/// Longer than a fetch by another process may take.
const OTHERS: Deadline = Deadline::seconds("the end of another process's fetch of a tool", 900);

/// The tool's file below `tools`, fetched if it is not there or not as it should be. Two processes never
/// fetch the same one at once: the second waits.
pub async fn ensure(
    tools: &Path,
    tool: &'static Tool,
    progress: &dyn Progress,
) -> Result<PathBuf, Failure> {
    let directory = tools.join(tool.name);
    let path = directory.join(tool.sha256).join(tool.file);
    let failed = |error: io::Error| {
        InfraFailure::new(format!(
            "cannot keep {} in `{}`",
            tool.title,
            directory.display()
        ))
        .because(error)
    };
    if is_right(tool, &path).await {
        return Ok(path);
    }
    create_private_directory(&directory).map_err(failed)?;
    let _lock = locked(tool, &directory, progress).await.map_err(failed)?;
    // Somebody else may have fetched it while we waited.
    if is_right(tool, &path).await {
        return Ok(path);
    }
    progress.stage(&format!("fetching {}", tool.title));
    remove_leftovers(&directory, INCOMING).map_err(failed)?;
    let incoming = tempfile::Builder::new()
        .prefix(INCOMING)
        .tempdir_in(&directory);
    let incoming = incoming.map_err(failed)?;
    let wheel = package::download(tool, incoming.path()).await?;
    let (from, to) = (incoming.path().to_owned(), path.clone());
    let placed = tokio::task::spawn_blocking(move || place(tool, &wheel, &from, &to)).await;
    progress.finish();
    placed
        .map_err(|error| failed(io::Error::other(error)))?
        .map_err(failed)?;
    Ok(path)
}

/// The lock of the tool's directory, which another process has while it fetches the tool.
async fn locked(
    tool: &Tool,
    directory: &Path,
    progress: &dyn Progress,
) -> io::Result<DirectoryLock> {
    if let Some(lock) = lock::try_exclusive(directory)? {
        return Ok(lock);
    }
    let title = tool.title;
    progress.stage(&format!("waiting for another process to fetch {title}"));
    let lock = lock::exclusive_within(directory, OTHERS).await;
    progress.finish();
    lock
}

async fn is_right(tool: &'static Tool, path: &Path) -> bool {
    let path = path.to_owned();
    let checking = tokio::task::spawn_blocking(move || {
        File::open(path)
            .and_then(package::digest)
            .is_ok_and(|digest| digest == tool.sha256)
    });
    checking.await.unwrap_or(false)
}

/// Unpacks the tool beside its place and renames it there, so that it is there whole or not at all.
fn place(tool: &Tool, wheel: &Path, incoming: &Path, path: &Path) -> io::Result<()> {
    let unpacked = incoming.join(tool.file);
    package::unpack(tool, wheel, &unpacked)?;
    let directory = path.parent().unwrap_or(path);
    create_private_directory(directory)?;
    fs::rename(unpacked, path)?;
    sync_directory(directory)
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::sync::Mutex;

    use sha2::{Digest as _, Sha256};
    use zip::write::SimpleFileOptions;

    use super::*;
    use crate::progress::Silent;

    /// A package with a tool in it, and the tool as it is pinned.
    fn package(directory: &Path, contents: &str, pinned: &str) -> (PathBuf, &'static Tool) {
        let wheel = directory.join("a.whl");
        let mut archive = zip::ZipWriter::new(File::create(&wheel).unwrap());
        archive
            .start_file("a/tool.exe", SimpleFileOptions::default())
            .unwrap();
        archive.write_all(contents.as_bytes()).unwrap();
        archive.finish().unwrap();
        let sha256 = hex::encode(Sha256::digest(pinned)).leak();
        let tool = Box::leak(Box::new(Tool {
            member: "a/tool.exe",
            file: "tool.exe",
            sha256,
            ..*crate::tool::find("node20-win-x64").unwrap()
        }));
        (wheel, tool)
    }

    #[tokio::test]
    async fn a_tool_is_taken_out_of_its_package_and_known_again() {
        let directory = tempfile::tempdir().unwrap();
        let (wheel, tool) = package(directory.path(), "program", "program");
        let path = directory.path().join(tool.sha256).join(tool.file);
        assert!(!is_right(tool, &path).await);
        place(tool, &wheel, directory.path(), &path).unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "program");
        assert!(is_right(tool, &path).await);
        fs::write(&path, "another").unwrap();
        assert!(!is_right(tool, &path).await);
    }

    #[tokio::test]
    async fn a_tool_that_is_there_is_used_and_nothing_is_fetched() {
        let directory = tempfile::tempdir().unwrap();
        let (wheel, tool) = package(directory.path(), "program", "program");
        let tools = directory.path().join("tools");
        let path = tools.join(tool.name).join(tool.sha256).join(tool.file);
        create_private_directory(path.parent().unwrap()).unwrap();
        place(tool, &wheel, directory.path(), &path).unwrap();
        // The index has no package whose digest is that of this one.
        assert_eq!(ensure(&tools, tool, &Silent).await.unwrap(), path);
    }

    #[test]
    fn a_tool_that_is_not_the_pinned_one_is_not_placed() {
        let directory = tempfile::tempdir().unwrap();
        let (wheel, tool) = package(directory.path(), "another", "program");
        let path = directory.path().join(tool.sha256).join(tool.file);
        let error = place(tool, &wheel, directory.path(), &path).unwrap_err();
        assert!(error.to_string().contains("SHA-256"), "{error}");
        assert!(!path.exists());
    }

    /// Lets go of the lock as soon as it is told that somebody waits for it.
    struct LetsGo(Mutex<Option<DirectoryLock>>);

    impl Progress for LetsGo {
        fn stage(&self, what: &str) {
            assert!(what.starts_with("waiting for another process to fetch "));
            assert!(self.0.lock().unwrap().take().is_some());
        }
        fn detail(&self, _line: &str) {}
        fn bytes(&self, _done: u64, _total: u64) {}
        fn finish(&self) {}
    }

    #[tokio::test]
    async fn whoever_waits_for_another_fetch_says_so() {
        let directory = tempfile::tempdir().unwrap();
        let (_, tool) = package(directory.path(), "x", "x");
        let held = lock::try_exclusive(directory.path()).unwrap();
        let progress = LetsGo(Mutex::new(held));
        locked(tool, directory.path(), &progress).await.unwrap();
        assert!(progress.0.lock().unwrap().is_none());
        // Nobody has it now, and nothing is said.
        locked(tool, directory.path(), &progress).await.unwrap();
    }

    #[test]
    fn what_a_killed_process_left_goes() {
        let directory = tempfile::tempdir().unwrap();
        let kept = directory.path().join("0123");
        fs::create_dir(&kept).unwrap();
        fs::create_dir_all(directory.path().join(".incoming-x/y")).unwrap();
        remove_leftovers(directory.path(), INCOMING).unwrap();
        let left: Vec<_> = fs::read_dir(directory.path()).unwrap().collect();
        assert_eq!(left.len(), 1);
        assert!(kept.is_dir());
    }
}
