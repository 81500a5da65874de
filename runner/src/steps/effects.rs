//! What a step's workflow commands come to, beside what is seen of them at once: the executor takes it in
//! when the step ends, as it does with the step's command files. Bounded, since a guest chooses how much it
//! asks for.

use crate::steps::state::{ExecutorState, Variables};

/// How many bytes all values of one step may have together: as much as one of its command files.
const LARGEST: usize = 1 << 20;
/// How many values one step may set by commands.
const MOST: usize = 5000;

/// What a step asked for in its output.
#[derive(Debug, Clone, Default)]
pub struct Effects {
    /// Its outputs, by `set-output`.
    pub outputs: Variables,
    /// State for its action's post step, by `save-state`.
    pub state: Variables,
    /// Variables for the steps that follow, by `set-env`.
    pub environment: Variables,
    /// Directories for the front of the search path, by `add-path`, in their order.
    pub path: Vec<String>,
    /// Why the step fails though its program may not have.
    pub failures: Vec<String>,
    bytes: usize,
    values: usize,
}

/// What a command sets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// An output.
    Output,
    /// State.
    State,
    /// A variable.
    Environment,
}

impl Effects {
    /// Sets a value, unless the step has set too much; then it fails.
    pub fn set(&mut self, kind: Kind, name: String, value: String) {
        if !self.has_room(name.len() + value.len()) {
            return;
        }
        let variables = match kind {
            Kind::Output => &mut self.outputs,
            Kind::State => &mut self.state,
            Kind::Environment => &mut self.environment,
        };
        variables.set(name, value);
    }

    /// Adds a directory, unless the step has set too much; then it fails.
    pub fn add_path(&mut self, directory: String) {
        if self.has_room(directory.len()) {
            self.path.push(directory);
        }
    }

    /// The step fails when it ends. The first reasons are kept.
    pub fn fail(&mut self, why: String) {
        const REASONS: usize = 10;
        if self.failures.len() < REASONS {
            self.failures.push(why);
        }
    }

    /// Whether the step fails, whatever its program ends with.
    pub fn failed(&self) -> bool {
        !self.failures.is_empty()
    }

    /// Takes what concerns the steps that follow into the job's state. Outputs and state are the step's
    /// own affair.
    pub fn apply(&self, state: &mut ExecutorState) {
        let variables = self.environment.iter();
        let owned = variables.map(|(name, value)| (name.to_owned(), value.to_owned()));
        state.environment.extend(owned);
        self.path.iter().for_each(|one| state.prepend_path(one));
    }

    fn has_room(&mut self, bytes: usize) -> bool {
        self.bytes = self.bytes.saturating_add(bytes);
        self.values += 1;
        if self.bytes <= LARGEST && self.values <= MOST {
            return true;
        }
        // Once is enough.
        if self.values <= MOST || self.values == MOST + 1 {
            self.fail(format!(
                "The step's commands set more than {MOST} values, or more than {LARGEST} bytes of them"
            ));
        }
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_concerns_later_steps_goes_into_the_state() {
        let mut effects = Effects::default();
        effects.set(Kind::Environment, "A".to_owned(), "1".to_owned());
        effects.set(Kind::Output, "o".to_owned(), "2".to_owned());
        effects.add_path("one".to_owned());
        effects.add_path("two".to_owned());
        let mut state = ExecutorState::new(Variables::default());
        effects.apply(&mut state);
        assert_eq!(state.environment.get("A"), Some("1"));
        assert_eq!(state.path, ["two", "one"]);
        assert_eq!(effects.outputs.get("o"), Some("2"));
        assert!(!effects.failed());
    }

    #[test]
    fn a_step_that_sets_too_much_fails() {
        let mut effects = Effects::default();
        for number in 0..20_000 {
            effects.set(Kind::Output, format!("n{number}"), String::new());
        }
        assert_eq!(effects.outputs.iter().count(), MOST);
        assert_eq!(effects.failures.len(), 1);
        let mut effects = Effects::default();
        effects.set(Kind::State, "n".to_owned(), "x".repeat(LARGEST));
        effects.set(Kind::State, "m".to_owned(), "x".to_owned());
        assert_eq!(effects.state.iter().count(), 0);
        assert!(effects.failed() && effects.failures.len() <= 2);
    }
}
