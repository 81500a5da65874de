//! The files that others name: whoever checks or plans asks for them here, and somebody who may read
//! files gives their texts.

use crate::source::SourceFile;
use crate::workflow::RemoteReference;

/// The files of a repository, and of others where somebody has them.
pub trait Files {
    /// The text of a file of the repository, with the name that problems show. The path is relative
    /// to the repository's root and has `/` between its parts; it comes from the files that are
    /// looked at, so that whoever reads must not follow `..` or links out of the repository.
    ///
    /// # Errors
    ///
    /// Why there is no text.
    fn read(&self, path: &str) -> Result<SourceFile, Unreadable>;

    /// A workflow of another repository. None by default, and where nobody has it: it is then left for
    /// the run.
    fn remote(&self, reference: &RemoteReference) -> Option<RemoteFile> {
        let _ = reference;
        None
    }
}

/// A file of another repository.
#[derive(Debug, Clone)]
pub struct RemoteFile {
    /// Its text, with the name that problems show.
    pub file: SourceFile,
    /// The commit that it is from; none where that is not known.
    pub commit: Option<String>,
}

/// Why a file can't be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unreadable {
    /// There is no such file.
    #[error("there is no such file")]
    Missing,
    /// There is, but it gives no text. What is in the way, as a fragment in lower case.
    #[error("{0}")]
    Other(String),
}

/// No files at all: nothing local can be used.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoFiles;

impl Files for NoFiles {
    fn read(&self, _: &str) -> Result<SourceFile, Unreadable> {
        Err(Unreadable::Missing)
    }
}
