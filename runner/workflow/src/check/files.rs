//! The local files that a check follows, each read and parsed once.

use std::collections::HashMap;
use std::rc::Rc;

use crate::action::{Action, parse_action};
use crate::diagnostic::Problems;
use crate::files::{Files, Unreadable};
use crate::workflow::{Workflow, parse_workflow};

use crate::names::Names;

/// A file that another one uses.
pub(super) enum Found<T> {
    Right(Used<T>),
    Wrong(Problems),
    Unreadable(Unreadable),
    /// An action that is an image and nothing else: a `Dockerfile` without an action file.
    Image,
}

/// What a file that is right takes and gives, and the file.
pub(super) struct Used<T> {
    pub(super) file: T,
    /// Its inputs, in its order.
    pub(super) inputs: Names,
    /// Its secrets, in its order. Empty for an action.
    pub(super) secrets: Names,
    /// Its outputs, in its order.
    pub(super) outputs: Rc<Names>,
}

impl Used<Workflow> {
    fn workflow(file: Workflow) -> Self {
        let call = file.on.call();
        let call = call.cloned().unwrap_or_default();
        Self {
            inputs: call.inputs.iter().map(|input| &*input.name.value).collect(),
            secrets: call
                .secrets
                .iter()
                .map(|secret| &*secret.name.value)
                .collect(),
            outputs: Rc::new(
                call.outputs
                    .iter()
                    .map(|output| &*output.name.value)
                    .collect(),
            ),
            file,
        }
    }
}

impl Used<Action> {
    fn action(file: Action) -> Self {
        Self {
            inputs: file.inputs.iter().map(|input| &*input.name.value).collect(),
            secrets: Names::default(),
            outputs: Rc::new(
                file.outputs
                    .iter()
                    .map(|output| &*output.name.value)
                    .collect(),
            ),
            file,
        }
    }
}

/// Files by path, parsed when they are first asked for.
pub(super) struct Library<'f> {
    files: &'f dyn Files,
    workflows: HashMap<String, Rc<Found<Workflow>>>,
    actions: HashMap<String, Rc<Found<Action>>>,
}

impl<'f> Library<'f> {
    pub(super) fn new(files: &'f dyn Files) -> Self {
        Self {
            files,
            workflows: HashMap::new(),
            actions: HashMap::new(),
        }
    }

    /// The workflow at a path.
    pub(super) fn workflow(&mut self, path: &str) -> Rc<Found<Workflow>> {
        if let Some(found) = self.workflows.get(path) {
            return found.clone();
        }
        let found = match self.files.read(path) {
            Ok(source) => parsed(parse_workflow(&source).map(Used::workflow)),
            Err(fault) => Found::Unreadable(fault),
        };
        let found = Rc::new(found);
        self.workflows.insert(path.to_owned(), found.clone());
        found
    }

    /// The action in a directory.
    pub(super) fn action(&mut self, directory: &str) -> Rc<Found<Action>> {
        if let Some(found) = self.actions.get(directory) {
            return found.clone();
        }
        let found = Rc::new(self.load_action(directory));
        self.actions.insert(directory.to_owned(), found.clone());
        found
    }

    fn load_action(&self, directory: &str) -> Found<Action> {
        for name in ["action.yml", "action.yaml"] {
            match self.files.read(&joined(directory, name)) {
                Ok(source) => return parsed(parse_action(&source).map(Used::action)),
                Err(Unreadable::Missing) => {}
                Err(fault) => return Found::Unreadable(fault),
            }
        }
        let is_image = ["Dockerfile", "dockerfile"]
            .iter()
            .any(|name| self.files.read(&joined(directory, name)).is_ok());
        if is_image {
            return Found::Image;
        }
        Found::Unreadable(Unreadable::Missing)
    }
}

fn parsed<T>(result: Result<Used<T>, Problems>) -> Found<T> {
    match result {
        Ok(value) => Found::Right(value),
        Err(problems) => Found::Wrong(problems),
    }
}

fn joined(directory: &str, name: &str) -> String {
    if directory.is_empty() {
        name.to_owned()
    } else {
        format!("{directory}/{name}")
    }
}

/// What is wrong with a file that is used, in one line.
pub(super) fn summary(problems: &Problems) -> String {
    let first = problems.iter().next().map(ToString::to_string);
    let first = first.unwrap_or_default();
    match problems.len().saturating_sub(1) {
        0 => first,
        1 => format!("{first} (and one more)"),
        more => format!("{first} (and {more} more)"),
    }
}
