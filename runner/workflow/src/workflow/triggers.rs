//! What starts a workflow: the value of `on`.

use crate::source::{Span, Spanned};

use super::inputs::{Call, Input};

/// What starts a workflow.
#[derive(Debug, Clone, PartialEq)]
pub struct Triggers {
    /// The events; at least one.
    pub events: Vec<Event>,
    /// Where the value of `on` stands.
    pub span: Span,
}

/// An event that starts a workflow.
#[derive(Debug, Clone, PartialEq)]
pub struct Event {
    /// The name.
    pub name: Spanned<String>,
    /// Which of these events start it, or what it takes to start it.
    pub trigger: Trigger,
}

/// What is said of an event, which depends on the event.
#[derive(Debug, Clone, PartialEq)]
pub enum Trigger {
    /// Something happened in the repository. Also what an event is that is not known here.
    Activity(Filters),
    /// `schedule`: it is time. Empty where no time is given, so that it never is.
    Schedule(Vec<Schedule>),
    /// `workflow_dispatch`: somebody asked for it. The inputs they are asked for; empty by default.
    Dispatch(Vec<Input>),
    /// `workflow_call`: a job of another workflow calls it.
    Call(Call),
}

/// Which activities start a workflow: those that pass all the filters.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Filters {
    /// Kinds of activity. Empty by default: then GitHub decides, mostly for all of them.
    pub types: Vec<Spanned<String>>,
    /// Names of branches. None by default.
    pub branches: Option<Patterns>,
    /// Names of tags. None by default.
    pub tags: Option<Patterns>,
    /// Paths of changed files. None by default.
    pub paths: Option<Patterns>,
    /// `workflow_run`: names of workflows. Empty by default.
    pub workflows: Vec<Spanned<String>>,
    /// `image_version`: names of images. Empty by default.
    pub names: Vec<Spanned<String>>,
    /// `image_version`: versions of images. Empty by default.
    pub versions: Vec<Spanned<String>>,
}

/// Glob patterns in the order of the file. The last one that fits decides.
#[derive(Debug, Clone, PartialEq)]
pub enum Patterns {
    /// What must fit. A pattern that begins with `!` takes out what fits it.
    Include(Vec<Spanned<String>>),
    /// What must not fit (`branches-ignore` and its like).
    Exclude(Vec<Spanned<String>>),
}

/// When a workflow starts by itself.
#[derive(Debug, Clone, PartialEq)]
pub struct Schedule {
    /// Five fields: minute, hour, day of the month, month, day of the week.
    pub cron: Spanned<String>,
    /// The time zone of the fields, by its IANA name. None by default, which is UTC.
    pub timezone: Option<Spanned<String>>,
}

impl Triggers {
    /// The event of a name.
    pub fn event(&self, name: &str) -> Option<&Event> {
        self.events.iter().find(|event| event.name.value == name)
    }

    /// The inputs that somebody who starts it by hand is asked for. None where nobody can.
    pub fn dispatch(&self) -> Option<&[Input]> {
        self.events.iter().find_map(|event| match &event.trigger {
            Trigger::Dispatch(inputs) => Some(inputs.as_slice()),
            _ => None,
        })
    }

    /// What a job that calls it hands over and gets back. None where it can't be called.
    pub fn call(&self) -> Option<&Call> {
        self.events.iter().find_map(|event| match &event.trigger {
            Trigger::Call(call) => Some(call),
            _ => None,
        })
    }
}
