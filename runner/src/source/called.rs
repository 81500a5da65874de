//! Workflows of other repositories that the jobs of a run call: brought here before the run is planned,
//! with those that they call in turn, since planning itself reads no network.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use dormer_workflow::files::{Files, RemoteFile, Unreadable};
use dormer_workflow::plan::MAX_CALLED;
use dormer_workflow::source::Spanned;
use dormer_workflow::workflow::{RemoteReference, Workflow, WorkflowReference};
use dormer_workflow::{Problem, Problems, SourceFile, parse_workflow};

use crate::actions::Wanted;
use crate::actions::cache::{ActionCache, Cached};
use crate::actions::stand_ins::StandIns;
use crate::progress::Progress;
use crate::source::tree::Tree;

/// Where workflows of other repositories come from.
pub struct Library<'a> {
    /// The directories of this host that stand in for repositories.
    pub mapped: &'a StandIns,
    /// Where all others are kept.
    pub cache: &'a ActionCache,
    /// Whether one that is not kept is fetched. Else it is left out.
    pub fetches: bool,
    /// Shows what is fetched.
    pub progress: &'a dyn Progress,
}

/// The workflows of other repositories that a run may call.
#[derive(Debug, Default)]
pub struct CalledWorkflows {
    files: BTreeMap<RemoteReference, RemoteFile>,
    /// One for each `owner/repo@ref`, so that all files of a ref are of the same commit.
    repositories: BTreeMap<String, Option<Repository>>,
}

/// A repository that is here.
#[derive(Debug)]
enum Repository {
    /// The user named a directory for it.
    Directory(PathBuf),
    /// It is kept at a commit, which stays while this is held.
    Kept(Cached),
}

/// The files of the run's own repository, and those of others.
#[derive(Debug)]
pub struct Sources {
    /// Its own.
    pub own: Tree,
    /// Those of others.
    pub called: CalledWorkflows,
}

impl Files for Sources {
    fn read(&self, path: &str) -> Result<SourceFile, Unreadable> {
        self.own.read(path)
    }

    fn remote(&self, reference: &RemoteReference) -> Option<RemoteFile> {
        self.called.files.get(reference).cloned()
    }
}

/// A workflow whose calls are followed, and how it was called itself.
struct Open {
    workflow: Arc<Workflow>,
    reference: Option<WorkflowReference>,
}

/// Brings what the jobs of a workflow call, or one of them; `own` has the files of its repository.
///
/// # Errors
///
/// All workflows that can't be had, each with the place that calls it.
pub async fn follow(
    workflow: &Arc<Workflow>,
    only: Option<&str>,
    own: &Tree,
    library: &Library<'_>,
) -> Result<CalledWorkflows, Problems> {
    let mut called = CalledWorkflows::default();
    let mut problems = Vec::new();
    let mut seen = BTreeSet::new();
    let mut open = vec![Open {
        workflow: Arc::clone(workflow),
        reference: None,
    }];
    while let Some(next) = open.pop() {
        let only = only.filter(|_| next.reference.is_none());
        for (uses, reference) in calls(&next, only) {
            // The planner says so when there are more.
            if seen.len() >= MAX_CALLED || !seen.insert(reference.clone()) {
                continue;
            }
            match called.bring(&reference, own, library).await {
                Ok(file) => open.extend(file.and_then(|file| opened(&file, reference))),
                Err(why) => {
                    let text = format!("`uses: {}`: {why}", uses.value);
                    problems.push(Problem::new(&next.workflow.source, uses.span, text));
                }
            }
        }
    }
    if problems.is_empty() {
        Ok(called)
    } else {
        Err(problems.into())
    }
}

/// What the jobs of a workflow call.
fn calls<'o>(
    open: &'o Open,
    only: Option<&'o str>,
) -> impl Iterator<Item = (&'o Spanned<String>, WorkflowReference)> {
    let is_wanted = move |id: &str| only.is_none_or(|only| only.eq_ignore_ascii_case(id));
    let jobs = open.workflow.jobs.iter();
    let uses = jobs.filter(move |job| is_wanted(&job.id.value));
    uses.filter_map(|job| {
        let uses = job.uses.as_ref()?;
        let reference = WorkflowReference::parse(&uses.value).ok()?;
        Some((uses, reference.seen_from(open.reference.as_ref())))
    })
}

/// What is wrong with a file is for the planner to say.
fn opened(file: &SourceFile, reference: WorkflowReference) -> Option<Open> {
    let workflow = parse_workflow(file).ok()?;
    Some(Open {
        workflow: Arc::new(workflow),
        reference: Some(reference),
    })
}

impl CalledWorkflows {
    /// The file that a reference means, which is known from then on. None where it is left out.
    async fn bring(
        &mut self,
        reference: &WorkflowReference,
        own: &Tree,
        library: &Library<'_>,
    ) -> Result<Option<SourceFile>, String> {
        let remote = match reference {
            // The planner says what is wrong with one that can't be read.
            WorkflowReference::Local(path) => return Ok(own.read(path).ok()),
            WorkflowReference::Remote(remote) => remote,
        };
        let name = format!("{}/{}", remote.owner, remote.repository);
        let wanted = Wanted {
            repository: &name,
            git_ref: &remote.version,
        };
        let key = format!("{}@{}", name.to_lowercase(), remote.version);
        if !self.repositories.contains_key(&key) {
            let found = library.repository(wanted).await?;
            self.repositories.insert(key.clone(), found);
        }
        let Some(Some(repository)) = self.repositories.get(&key) else {
            return Ok(None);
        };
        let text = repository.read(&remote.path)?;
        let text = text.ok_or_else(|| repository.lacks(remote))?;
        let file = RemoteFile {
            file: SourceFile::new(remote.to_string(), text),
            commit: repository.commit(),
        };
        let source = file.file.clone();
        self.files.insert(remote.clone(), file);
        Ok(Some(source))
    }
}

impl Library<'_> {
    async fn repository(&self, wanted: Wanted<'_>) -> Result<Option<Repository>, String> {
        if let Some(directory) = self.mapped.take(wanted) {
            return Ok(Some(Repository::Directory(directory.to_owned())));
        }
        let found = if self.fetches {
            self.cache.get(wanted, self.progress).await.map(Some)
        } else {
            self.cache.kept(wanted).await
        };
        let found = found.map_err(|error| error.told(wanted))?;
        Ok(found.map(Repository::Kept))
    }
}

impl Repository {
    fn commit(&self) -> Option<String> {
        match self {
            Self::Directory(_) => None,
            Self::Kept(cached) => Some(cached.commit.clone()),
        }
    }

    fn read(&self, path: &str) -> Result<Option<String>, String> {
        match self {
            Self::Kept(cached) => cached
                .read(path)
                .map_err(|error| format!("cannot read `{path}` of the repository: {error}")),
            Self::Directory(root) => read_below(root, path),
        }
    }

    /// Why a file is not to be had.
    fn lacks(&self, remote: &RemoteReference) -> String {
        let RemoteReference {
            owner,
            repository,
            path,
            version,
        } = remote;
        match self {
            Self::Directory(root) => format!(
                "there is no `{path}` in `{}`, which stands in for `{owner}/{repository}@{version}`; check \
                 the file's name, or name another directory with `--action`",
                root.display()
            ),
            Self::Kept(cached) => format!(
                "the repository `{owner}/{repository}` has no `{path}` at `{version}`, which is {}; check the \
                 file's name and the ref, or look up the ref again with `--refresh-actions`",
                cached.commit
            ),
        }
    }
}

/// What the user names may be a stranger's all the same: nothing leads out of it.
fn read_below(root: &Path, path: &str) -> Result<Option<String>, String> {
    let tree = Tree::at(root).map_err(|error| error.message)?;
    match tree.read(path) {
        Ok(file) => Ok(Some(file.text().to_owned())),
        Err(Unreadable::Missing) => Ok(None),
        Err(Unreadable::Other(why)) => Err(format!(
            "cannot read `{}`: {why}",
            root.join(path).display()
        )),
    }
}

#[cfg(test)]
mod tests;
