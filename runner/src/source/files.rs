//! Workflows of the same repository, which jobs call.

use std::path::{Path, PathBuf};

use dormer_workflow::SourceFile;
use dormer_workflow::plan::Files;
use dormer_workflow::workflow::WorkflowReference;

use crate::source::file::read;

/// The files below the root of a repository.
#[derive(Debug, Clone)]
pub struct LocalFiles {
    root: PathBuf,
}

impl LocalFiles {
    /// Below this directory.
    pub fn below(root: &Path) -> Self {
        Self {
            root: root.to_owned(),
        }
    }
}

impl Files for LocalFiles {
    fn workflow(&self, reference: &WorkflowReference) -> Option<SourceFile> {
        let WorkflowReference::Local(path) = reference else {
            return None;
        };
        let leaves = path.split(['/', '\\']).any(|part| part == "..");
        if leaves {
            return None;
        }
        let text = read(&self.root.join(path), path).ok()?;
        Some(SourceFile::new(path.as_str(), text))
    }
}
