//! How deeply files use one another: that it ends, and not too late.

use std::collections::HashMap;

use crate::action::ActionReference;
use crate::workflow::{Step, StepAction, Workflow, WorkflowReference};

use super::files::{Found, Library, summary};
use super::texts;

/// How many workflows GitHub lets call one another in a row, the first one counted.
const MAX_WORKFLOWS: usize = 10;

/// How many composite actions the runner lets use one another in a row.
const MAX_ACTIONS: usize = 10;

/// What is used by what.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Level {
    Workflows,
    Actions,
}

/// Goes down from one file. What was seen to end is not looked at again, so that files that use
/// each other many times cost no more than others.
pub(super) struct Nesting<'l, 'f> {
    library: &'l mut Library<'f>,
    level: Level,
    /// From the file that is checked to the one that is looked at.
    path: Vec<String>,
    /// How long the path is where a file is used that the checked one names itself.
    direct: usize,
    /// How many files each file has in a row below it, itself counted.
    heights: HashMap<String, usize>,
}

impl<'l, 'f> Nesting<'l, 'f> {
    /// Workflows that the workflow at a path calls.
    pub(super) fn calls(library: &'l mut Library<'f>, start: &str) -> Self {
        Self::new(library, Level::Workflows, vec![start.to_owned()])
    }

    /// Actions that an action in a directory uses, or that a workflow does, which does not count.
    pub(super) fn uses(library: &'l mut Library<'f>, start: Option<&str>) -> Self {
        let path = start.into_iter().map(str::to_owned).collect();
        Self::new(library, Level::Actions, path)
    }

    fn new(library: &'l mut Library<'f>, level: Level, path: Vec<String>) -> Self {
        Self {
            library,
            level,
            direct: path.len() + 1,
            path,
            heights: HashMap::new(),
        }
    }

    /// What is wrong with using a file.
    pub(super) fn fault(&mut self, used: &str) -> Option<String> {
        self.height(used).err()
    }

    fn max(&self) -> usize {
        match self.level {
            Level::Workflows => MAX_WORKFLOWS,
            Level::Actions => MAX_ACTIONS,
        }
    }

    /// The path is at most [`Self::max`] long, so this may recurse.
    fn height(&mut self, used: &str) -> Result<usize, String> {
        if let Some(from) = self.path.iter().position(|path| path == used) {
            let cycle = self.path[from..].iter().map(String::as_str).chain([used]);
            let names: Vec<String> = cycle.map(|name| format!("`{}`", shown(name))).collect();
            return Err(format!("this never ends: {}", names.join(" → ")));
        }
        let known = self.heights.get(used).copied();
        if self.path.len() + known.unwrap_or(1) > self.max() {
            return Err(self.too_deep());
        }
        if let Some(height) = known {
            return Ok(height);
        }
        self.path.push(used.to_owned());
        let below = self.below(used);
        let below = below.and_then(|below| {
            let heights: Result<Vec<usize>, String> =
                below.iter().map(|next| self.height(next)).collect();
            Ok(heights?.into_iter().max().unwrap_or(0))
        });
        self.path.pop();
        let height = below? + 1;
        self.heights.insert(used.to_owned(), height);
        Ok(height)
    }

    fn too_deep(&self) -> String {
        let max = self.max();
        match self.level {
            Level::Workflows => {
                format!("more than {max} workflows would call one another in a row")
            }
            Level::Actions => format!("more than {max} actions would use one another in a row"),
        }
    }

    /// The files that a file uses. One that can't be read is reported where it is used first;
    /// further down it is a fault of the way there.
    fn below(&mut self, used: &str) -> Result<Vec<String>, String> {
        let is_direct = self.path.len() == self.direct;
        let fault = |what: String| if is_direct { Ok(Vec::new()) } else { Err(what) };
        match self.level {
            Level::Workflows => match &*self.library.workflow(used) {
                Found::Right(workflow) => Ok(called_by(&workflow.file)),
                Found::Wrong(problems) => {
                    fault(format!("`{used}` is not valid: {}", summary(problems)))
                }
                Found::Unreadable(why) => fault(format!("`{used}` can't be read: {why}")),
                Found::Image => Ok(Vec::new()),
            },
            Level::Actions => match &*self.library.action(used) {
                Found::Right(action) => Ok(used_by(texts::steps_of(&action.file))),
                Found::Wrong(problems) => fault(format!(
                    "`{}` is not valid: {}",
                    shown(used),
                    summary(problems)
                )),
                // A step before may make it.
                Found::Unreadable(_) | Found::Image => Ok(Vec::new()),
            },
        }
    }
}

/// The root of the repository has no name of its own.
fn shown(path: &str) -> &str {
    if path.is_empty() { "./" } else { path }
}

fn called_by(workflow: &Workflow) -> Vec<String> {
    let references = workflow.jobs.iter().filter_map(|job| job.uses.as_ref());
    let local = references.filter_map(|uses| match WorkflowReference::parse(&uses.value) {
        Ok(WorkflowReference::Local(path)) => Some(path),
        _ => None,
    });
    unique(local.collect())
}

fn used_by(steps: &[Step]) -> Vec<String> {
    let used = texts::flat(steps).into_iter();
    unique(used.filter_map(local_action).collect())
}

/// The directory of the local action that a step uses.
pub(super) fn local_action(step: &Step) -> Option<String> {
    let StepAction::Uses { reference, .. } = &step.action else {
        return None;
    };
    match ActionReference::parse(&reference.value) {
        Ok(ActionReference::Local { path } | ActionReference::Own { path }) => Some(path),
        _ => None,
    }
}

fn unique(mut paths: Vec<String>) -> Vec<String> {
    paths.sort_unstable();
    paths.dedup();
    paths
}
