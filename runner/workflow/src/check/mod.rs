//! Checks a file together with the local files that it uses.
//!
//! ```text
//!  path ─ kind ─> workflow or action ─ its own parser ─> what is wrong with the file itself
//!                        │
//!                        ├─ calls        inputs and secrets of the local workflows it calls
//!                        ├─ uses         inputs of the local actions it uses
//!                        ├─ nesting      that these end, and not too late
//!                        └─ contexts     `needs`, `steps`, `inputs` and `jobs` that are not there
//! ```
//!
//! What GitHub refuses is an error. What it takes without a word, though it can't be meant, is a
//! warning: a name that is not there is an empty string to it.
//!
//! Nothing is read here: [`Files`] gives the text of a file by its path in the repository. What
//! comes from other repositories is not looked at.

mod broken;
mod calls;
mod containers;
mod contexts;
mod files;
mod nesting;
mod texts;
mod uses;

#[cfg(test)]
mod tests;

use crate::action::Action;
use crate::diagnostic::{Problem, Problems, Reporter};
use crate::source::{SourceFile, Span};
use crate::workflow::{self, Step, Workflow};
use crate::yaml;

use broken::Broken;
use files::Library;

pub use crate::files::{Files, Unreadable};

/// What a file is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A workflow.
    Workflow,
    /// An action.
    Action,
}

/// What was found in a file.
#[derive(Debug, Clone)]
pub struct Report {
    /// What the file was taken for.
    pub kind: Kind,
    /// What GitHub refuses, sorted by position.
    pub errors: Vec<Problem>,
    /// What is legal but surely not meant, or of no use to Dormer; sorted by position.
    pub warnings: Vec<Problem>,
}

/// Checks the file at a path, and how it uses other local files. What is wrong with those in
/// themselves is said in one line; each of them has a check of its own.
///
/// # Errors
///
/// Why the file itself can't be read.
pub fn check(files: &dyn Files, path: &str) -> Result<Report, Unreadable> {
    let source = files.read(path)?;
    let kind = kind(path, &source);
    let mut checker = Checker {
        library: Library::new(files),
        errors: Reporter::new(&source),
        warnings: Reporter::new(&source),
        source,
        broken: Broken::default(),
    };
    let own = match kind {
        Kind::Workflow => checker.file_of_jobs(path),
        Kind::Action => checker.file_of_action(path),
    };
    Ok(checker.report(kind, own))
}

/// What a file is: its name decides where it can, and else what is in it.
pub fn kind(path: &str, source: &SourceFile) -> Kind {
    let normal = path.replace('\\', "/");
    let (directory, name) = normal.rsplit_once('/').unwrap_or(("", &normal));
    if directory == ".github/workflows" || directory.ends_with("/.github/workflows") {
        return Kind::Workflow;
    }
    if matches!(name, "action.yml" | "action.yaml") {
        return Kind::Action;
    }
    let Ok(root) = yaml::parse(source) else {
        return Kind::Workflow;
    };
    let has = |key| {
        root.as_mapping()
            .is_some_and(|root| root.get(key).is_some())
    };
    if has("runs") && !has("jobs") && !has("on") {
        Kind::Action
    } else {
        Kind::Workflow
    }
}

/// What the parser said of the file.
struct Own {
    errors: Vec<Problem>,
    warnings: Vec<Problem>,
}

/// One check on its way.
struct Checker<'f> {
    library: Library<'f>,
    source: SourceFile,
    errors: Reporter,
    warnings: Reporter,
    broken: Broken,
}

impl Checker<'_> {
    fn file_of_jobs(&mut self, path: &str) -> Own {
        let (workflow, problems) = workflow::read_workflow(&self.source);
        self.broken = Broken::new(&problems);
        let Some(workflow) = workflow else {
            return Own {
                errors: problems.into_vec(),
                warnings: Vec::new(),
            };
        };
        self.workflow(path, &workflow);
        Own {
            errors: problems.into_vec(),
            warnings: workflow.warnings,
        }
    }

    fn workflow(&mut self, path: &str, workflow: &Workflow) {
        self.calls_of(path, &workflow.jobs);
        for job in &workflow.jobs {
            self.containers_of(job);
            self.uses_of(&texts::flat(&job.steps));
        }
        let jobs = workflow.jobs.iter();
        let steps: Vec<&Step> = jobs.flat_map(|job| texts::flat(&job.steps)).collect();
        self.nesting_of(&steps, None);
        self.workflow_contexts(workflow);
    }

    fn file_of_action(&mut self, path: &str) -> Own {
        let (action, problems) = crate::action::read_action(&self.source);
        self.broken = Broken::new(&problems);
        if let Some(action) = &action {
            self.action(path, action);
        }
        Own {
            errors: problems.into_vec(),
            warnings: action.map(|action| action.warnings).unwrap_or_default(),
        }
    }

    fn action(&mut self, path: &str, action: &Action) {
        let directory = path.rsplit_once('/').map_or("", |(directory, _)| directory);
        let steps = texts::flat(texts::steps_of(action));
        self.uses_of(&steps);
        self.nesting_of(&steps, Some(directory));
        self.action_contexts(action);
    }

    fn error(&mut self, span: Span, message: String, help: Option<String>) {
        self.errors.report_with(span, message, help);
    }

    fn warn(&mut self, span: Span, message: String, help: Option<String>) {
        self.warnings.report_with(span, message, help);
    }

    fn report(self, kind: Kind, own: Own) -> Report {
        let joined = |own: Vec<Problem>, found: Reporter| {
            let mut all = own;
            all.extend(found.into_problems());
            Problems::from(all).into_vec()
        };
        Report {
            kind,
            errors: joined(own.errors, self.errors),
            warnings: joined(own.warnings, self.warnings),
        }
    }
}
