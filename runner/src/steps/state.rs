//! What one step leaves for the next.

use std::collections::{BTreeMap, HashMap};

use dormer_workflow::expr::Object;
use serde::{Deserialize, Serialize};

use crate::event::{Conclusion, Stage};
use crate::steps::action::prepare::Sites;
use crate::steps::place::Place;
use crate::steps::post::Post;

/// The whole state between two steps.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExecutorState {
    /// The part of the job that runs.
    pub stage: Stage,
    /// The index of the step that comes next, in the job's file. Steps of the last stage come from the
    /// stack `post` instead.
    pub next: usize,
    /// How the job is doing.
    pub status: Status,
    /// The job's variables, and what steps wrote to `GITHUB_ENV`; later ones stand for earlier ones.
    pub environment: Variables,
    /// What steps wrote to `GITHUB_PATH`, the last first.
    pub path: Vec<String>,
    /// The steps whose main part is over, in their order.
    pub steps: Vec<StepRecord>,
    /// What marks the processes of this job's steps.
    pub tracking: String,
    /// The actions of other repositories that are in the guest. None before they were brought there.
    pub actions: Option<Sites>,
    /// What actions do when all steps are over; the last runs first.
    pub post: Vec<Post>,
    /// What each action wrote to `GITHUB_STATE` for its later stages.
    pub saved: BTreeMap<Place, Variables>,
    /// The steps that are over inside of composite actions, by the place of the action's step.
    pub inner: BTreeMap<Place, Vec<StepRecord>>,
}

/// How a job is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// No step has failed.
    Success,
    /// A step has failed.
    Failure,
    /// It was told to stop.
    Cancelled,
}

impl Status {
    /// The word in contexts.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Success => "success",
            Self::Failure => "failure",
            Self::Cancelled => "cancelled",
        }
    }

    /// How it is doing after a step ended so.
    #[must_use]
    pub fn after(self, conclusion: Conclusion) -> Self {
        match (self, conclusion) {
            (Self::Success, Conclusion::Failure) => Self::Failure,
            (_, Conclusion::Cancelled) => Self::Cancelled,
            _ => self,
        }
    }

    /// How the job ends if nothing more happens.
    pub fn conclusion(self) -> Conclusion {
        match self {
            Self::Success => Conclusion::Success,
            Self::Failure => Conclusion::Failure,
            Self::Cancelled => Conclusion::Cancelled,
        }
    }
}

/// A step that is over.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StepRecord {
    /// Its place in the file, from 1.
    pub number: usize,
    /// Its id, if the file gives it one.
    pub id: Option<String>,
    /// Before `continue-on-error`.
    pub outcome: Conclusion,
    /// After it.
    pub conclusion: Conclusion,
    /// What it wrote to `GITHUB_OUTPUT`.
    pub outputs: Variables,
}

impl StepRecord {
    /// What the `steps` context shows of it, by its id; none for a step without one.
    pub fn context(&self) -> Option<(String, Object)> {
        let mut step = Object::new();
        step.insert("outputs", self.outputs.iter().collect::<Object>());
        step.insert("outcome", self.outcome.as_str());
        step.insert("conclusion", self.conclusion.as_str());
        self.id.clone().map(|id| (id, step))
    }
}

/// Names with values, in order. Names are compared as Windows does, without their case.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(from = "Vec<(String, String)>", into = "Vec<(String, String)>")]
pub struct Variables {
    /// By the time of their setting. A guest may set very many, so that none is searched for.
    entries: BTreeMap<u64, (String, String)>,
    /// The keys of `entries`, by folded name.
    places: HashMap<String, u64>,
    /// The key of the next entry.
    next: u64,
}

impl Variables {
    /// Sets a variable; an earlier one of the same name goes.
    pub fn set(&mut self, name: impl Into<String>, value: impl Into<String>) {
        let name = name.into();
        if let Some(earlier) = self.places.insert(folded(&name), self.next) {
            self.entries.remove(&earlier);
        }
        self.entries.insert(self.next, (name, value.into()));
        self.next += 1;
    }

    /// Sets several.
    pub fn extend(&mut self, variables: impl IntoIterator<Item = (String, String)>) {
        for (name, value) in variables {
            self.set(name, value);
        }
    }

    /// The value of a variable.
    pub fn get(&self, name: &str) -> Option<&str> {
        let place = self.places.get(&folded(name))?;
        self.entries.get(place).map(|(_, value)| value.as_str())
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// All of them, in order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.entries
            .values()
            .map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// All of them, to give away.
    pub fn into_pairs(self) -> Vec<(String, String)> {
        self.entries.into_values().collect()
    }
}

impl PartialEq for Variables {
    fn eq(&self, other: &Self) -> bool {
        self.iter().eq(other.iter())
    }
}

impl Eq for Variables {}

impl FromIterator<(String, String)> for Variables {
    fn from_iter<I: IntoIterator<Item = (String, String)>>(pairs: I) -> Self {
        let mut variables = Self::default();
        variables.extend(pairs);
        variables
    }
}

impl From<Vec<(String, String)>> for Variables {
    fn from(pairs: Vec<(String, String)>) -> Self {
        Self::from_iter(pairs)
    }
}

impl From<Variables> for Vec<(String, String)> {
    fn from(variables: Variables) -> Self {
        variables.into_pairs()
    }
}

fn folded(name: &str) -> String {
    name.to_uppercase()
}

impl ExecutorState {
    /// Before the first step of a job with these variables.
    pub fn new(environment: Variables) -> Self {
        Self {
            stage: Stage::Pre,
            next: 0,
            status: Status::Success,
            environment,
            path: Vec::new(),
            steps: Vec::new(),
            tracking: String::new(),
            actions: None,
            post: Vec::new(),
            saved: BTreeMap::new(),
            inner: BTreeMap::new(),
        }
    }

    /// Puts a directory in front of the search path; one that is there already moves.
    pub fn prepend_path(&mut self, directory: &str) {
        self.path.retain(|other| other != directory);
        self.path.insert(0, directory.to_owned());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_state_survives_being_stored() {
        let mut state = ExecutorState::new(Variables::default());
        state.environment.set("Path", "1");
        state.environment.set("PATH", "2");
        state.prepend_path("a");
        state.prepend_path("b");
        state.prepend_path("a");
        let text = serde_json::to_string(&state).unwrap();
        let read: ExecutorState = serde_json::from_str(&text).unwrap();
        assert_eq!(read, state);
        assert_eq!(read.environment.get("path"), Some("2"));
        assert_eq!(read.path, ["a", "b"]);
    }
    #[test]
    fn the_last_of_a_name_counts_and_stands_last() {
        let mut variables = Variables::default();
        for (name, value) in [("Ä", "1"), ("b", "2"), ("ä", "3")] {
            variables.set(name, value);
        }
        let pairs = [("b", "2"), ("ä", "3")];
        assert!(variables.iter().eq(pairs));
        assert_eq!(
            serde_json::to_string(&variables).unwrap(),
            r#"[["b","2"],["ä","3"]]"#
        );
    }

    #[test]
    fn many_variables_take_no_longer_than_that_many() {
        let pairs = (0..200_000).map(|n| (format!("n{}", n % 150_000), String::new()));
        let variables = Variables::from_iter(pairs);
        assert_eq!(variables.iter().count(), 150_000);
        assert_eq!(variables.get("N149999"), Some(""));
    }
}
