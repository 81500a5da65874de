//! The files beside a run's artifacts: `summary.md`, `annotations.json` and `annotations.sarif`. Each is
//! there only if there is something in it; one of an earlier run is replaced or removed, and a file that is
//! not Dormer's is left alone.

use std::fs;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use crate::event::{JobEvent, Stamped};
use crate::report::Reporter;
use crate::report::findings::{Findings, Limits, annotations, sarif, summary};

/// What a file of Dormer's says within its first bytes that it was made by.
pub const GENERATOR: &str = "dormer";

const SUMMARY: &str = "summary.md";
const ANNOTATIONS: &str = "annotations.json";
const SARIF: &str = "annotations.sarif";

/// Gathers findings and writes them when a job is over.
#[derive(Debug)]
pub struct FindingsFiles {
    directory: PathBuf,
    findings: Findings,
    /// Whether a job is over whose findings are not written yet.
    is_due: bool,
    /// Whether something was lost that programs rely on.
    lost: bool,
    /// What was told already.
    told: String,
}

impl FindingsFiles {
    /// Below this directory, which is made when there is something to write.
    pub fn below(directory: &Path) -> Self {
        Self {
            directory: directory.to_owned(),
            findings: Findings::new(Limits::STORED),
            is_due: false,
            lost: false,
            told: String::new(),
        }
    }

    fn write_all(&mut self) -> io::Result<()> {
        let files = [
            (SUMMARY, summary::render(&self.findings)),
            (ANNOTATIONS, annotations::render(&self.findings)?),
            (SARIF, sarif::render(&self.findings)?),
        ];
        let mut foreign = Vec::new();
        for (name, contents) in files {
            if !self.put(name, contents)? {
                foreign.push(format!("`{}`", self.directory.join(name).display()));
            }
        }
        if foreign.is_empty() {
            return Ok(());
        }
        let files = foreign.join(", ");
        let text = format!("{files}: not written by dormer, and not overwritten");
        Err(io::Error::new(io::ErrorKind::AlreadyExists, text))
    }

    /// Writes a file, or removes an earlier one. Whether it was free to.
    fn put(&self, name: &str, contents: Option<Vec<u8>>) -> io::Result<bool> {
        let path = self.directory.join(name);
        let exists = path.symlink_metadata().is_ok();
        let is_ours = exists && is_ours(&path)?;
        match contents {
            Some(_) if exists && !is_ours => Ok(false),
            Some(contents) => self.replace(&path, &contents).map(|()| true),
            None if is_ours => fs::remove_file(&path).map(|()| true),
            None => Ok(true),
        }
    }

    /// Readers see the old file or the new one, and a link that was put in its place is not followed.
    fn replace(&self, path: &Path, contents: &[u8]) -> io::Result<()> {
        fs::create_dir_all(&self.directory)?;
        let mut aside = tempfile::Builder::new()
            .prefix(".dormer-")
            .permissions(readable_by_all())
            .tempfile_in(&self.directory)?;
        aside.write_all(contents)?;
        aside.persist(path).map_err(|error| error.error)?;
        Ok(())
    }
}

/// As files usually are; the umask takes away from it.
fn readable_by_all() -> fs::Permissions {
    use std::os::unix::fs::PermissionsExt as _;
    fs::Permissions::from_mode(0o666)
}

/// Whether a file says that Dormer wrote it.
fn is_ours(path: &Path) -> io::Result<bool> {
    const ENOUGH: u64 = 256;
    if !path.symlink_metadata()?.is_file() {
        return Ok(false);
    }
    let mut beginning = Vec::new();
    fs::File::open(path)?
        .take(ENOUGH)
        .read_to_end(&mut beginning)?;
    let beginning = String::from_utf8_lossy(&beginning);
    let as_json = format!("\"generator\": \"{GENERATOR}\"");
    Ok(beginning.starts_with(summary::BEGINNING) || beginning.contains(&as_json))
}

impl Reporter for FindingsFiles {
    fn report(&mut self, event: &Stamped) -> io::Result<()> {
        self.findings.take(event);
        self.is_due |= matches!(event.event, JobEvent::JobCompleted { .. });
        Ok(())
    }

    fn flush(&mut self) -> io::Result<()> {
        if !std::mem::take(&mut self.is_due) {
            return Ok(());
        }
        let Err(error) = self.write_all() else {
            return Ok(());
        };
        self.lost |= error.kind() != io::ErrorKind::AlreadyExists;
        // Each job that ends meets the same file in the way.
        let text = error.to_string();
        if std::mem::replace(&mut self.told, text) == self.told {
            return Ok(());
        }
        Err(error)
    }

    fn name(&self) -> String {
        format!("writing findings to `{}`", self.directory.display())
    }

    /// The next job that ends is another chance.
    fn goes_on(&self) -> bool {
        true
    }

    /// A file that is in the way is no fault of the job's.
    fn is_record(&self) -> bool {
        self.lost
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::{Conclusion, Level};
    use crate::report::findings::tests::{annotation, event, found, summary};

    fn run(directory: &Path, events: Vec<JobEvent>) -> (io::Result<()>, bool) {
        let mut files = FindingsFiles::below(directory);
        for one in events {
            files.report(&event("build", one)).unwrap();
            files.flush().unwrap();
        }
        let completed = JobEvent::JobCompleted {
            conclusion: Conclusion::Success,
            exit_code: 0,
            infra: None,
        };
        files.report(&event("build", completed)).unwrap();
        (files.flush(), files.is_record())
    }

    fn names(directory: &Path) -> Vec<String> {
        let entries = fs::read_dir(directory).unwrap();
        let mut names: Vec<String> = entries
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort_unstable();
        names
    }

    #[test]
    fn there_are_files_only_where_there_is_something_to_say() {
        let parent = tempfile::tempdir().unwrap();
        let directory = parent.path().join("out");
        run(&directory, Vec::new()).0.unwrap();
        assert!(!directory.exists());
        let both = vec![summary(1, "hi"), found(annotation(1, Level::Error, "x"))];
        run(&directory, both).0.unwrap();
        assert_eq!(names(&directory), [ANNOTATIONS, SARIF, SUMMARY]);
        // What an earlier run wrote says nothing of this one.
        run(&directory, vec![summary(1, "again")]).0.unwrap();
        assert_eq!(names(&directory), [SUMMARY]);
        assert!(
            fs::read_to_string(directory.join(SUMMARY))
                .unwrap()
                .contains("again")
        );
    }

    #[test]
    fn what_is_not_dormers_is_left_alone_and_told() {
        let directory = tempfile::tempdir().unwrap();
        fs::write(directory.path().join(SUMMARY), "mine").unwrap();
        let outside = directory.path().join("outside");
        fs::write(&outside, "also mine").unwrap();
        std::os::unix::fs::symlink(&outside, directory.path().join(SARIF)).unwrap();
        let both = vec![summary(1, "hi"), found(annotation(1, Level::Error, "x"))];
        let (written, is_record) = run(directory.path(), both);
        let told = written.unwrap_err().to_string();
        assert!(
            told.contains(SUMMARY) && told.contains(SARIF) && !told.contains(ANNOTATIONS),
            "{told}"
        );
        assert!(!is_record);
        assert_eq!(
            fs::read_to_string(directory.path().join(SUMMARY)).unwrap(),
            "mine"
        );
        assert_eq!(fs::read_to_string(outside).unwrap(), "also mine");
        assert!(directory.path().join(ANNOTATIONS).exists());
    }

    #[test]
    fn findings_that_cannot_be_written_are_a_record_that_is_lost() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("file");
        fs::write(&file, "").unwrap();
        let (written, is_record) = run(&file.join("out"), vec![summary(1, "hi")]);
        assert!(written.is_err() && is_record);
    }
}
