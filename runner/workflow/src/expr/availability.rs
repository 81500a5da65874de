//! Which names an expression may use at a certain place.

use crate::text;

use super::ast::{Ast, AstKind};
use super::error::Fault;
use super::function::Function;

/// The contexts and functions that are there for the expressions of one key of a workflow.
/// Functions that are not listed here are there everywhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Availability {
    /// The key, as messages name it: `jobs.*.if`. Empty where it has no name, as in a test.
    pub key: &'static str,
    /// Names of contexts.
    pub contexts: &'static [&'static str],
    /// Whether, and how, the status of the job can be asked for.
    pub status: StatusFunctions,
    /// Whether `hashFiles` is there: only where there are files.
    pub hash_files: bool,
}

/// How `success`, `failure`, `cancelled` and `always` can be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StatusFunctions {
    /// Not at all.
    None,
    /// In the `if` of a step: about the job so far, without arguments.
    Step,
    /// In the `if` of a job: about the jobs it needs; `success` and `failure` take job ids.
    Job,
}

impl Availability {
    /// No expressions at all.
    pub const NOTHING: Self = Self {
        key: "",
        contexts: &[],
        status: StatusFunctions::None,
        hash_files: false,
    };

    /// The same for another key.
    pub const fn at(self, key: &'static str) -> Self {
        Self { key, ..self }
    }

    /// Where that is, in a message.
    fn place(&self) -> String {
        match self.key {
            "" => "here".to_owned(),
            key => format!("in `{key}`"),
        }
    }

    /// Whether expressions are allowed at all.
    pub fn allows_expressions(&self) -> bool {
        !self.contexts.is_empty()
    }

    /// Everything a tree uses that is not there.
    pub(super) fn check(&self, ast: &Ast) -> Vec<Fault> {
        let mut faults = Vec::new();
        ast.walk(&mut |part| match &part.kind {
            AstKind::Context(name) => faults.extend(self.refuse_context(name, part)),
            AstKind::Call(function, arguments) => {
                faults.extend(self.refuse_call(*function, arguments.len(), part));
            }
            _ => {}
        });
        faults
    }

    fn refuse_context(&self, name: &str, part: &Ast) -> Option<Fault> {
        if self
            .contexts
            .iter()
            .any(|context| text::equal(context, name))
        {
            return None;
        }
        let message = if KNOWN.contains(&&*name.to_ascii_lowercase()) {
            format!("the context `{name}` is not available {}", self.place())
        } else {
            format!("unknown context `{name}`")
        };
        let help = instead_of(name, self.contexts);
        Some(Fault::new(message, part.span).with_help(help))
    }

    fn refuse_call(&self, function: Function, arguments: usize, part: &Ast) -> Option<Fault> {
        let name = function.name();
        let is_missing = match function {
            Function::HashFiles => !self.hash_files,
            _ => function.is_status() && self.status == StatusFunctions::None,
        };
        if is_missing {
            let message = format!("the function `{name}` is not available {}", self.place());
            let help = if function.is_status() {
                "it asks how the job is doing, which only `if` can"
            } else {
                "it reads files, which only the keys of a step can"
            };
            return Some(Fault::new(message, part.span).with_help(Some(help)));
        }
        if function.is_status() && self.status == StatusFunctions::Step && arguments > 0 {
            let message = format!("`{name}` takes no arguments here, found {arguments}");
            return Some(Fault::new(message, part.span));
        }
        None
    }
}

/// What to write instead of a name that is no context here; `None` where there are no contexts.
pub(super) fn instead_of(name: &str, contexts: &[&str]) -> Option<String> {
    let lower = name.to_ascii_lowercase();
    if matches!(&*lower, "true" | "false" | "null") {
        return Some(format!(
            "did you mean `{lower}`? these words are in lower case"
        ));
    }
    if let Some(known) = text::suggestion(name, contexts.iter().copied()) {
        return Some(format!("did you mean `{known}`?"));
    }
    let (shown, more) = contexts.split_at(contexts.len().min(MAX_LISTED));
    let listed = text::listed(shown.iter().copied(), "and");
    match contexts {
        [] => None,
        [_] => Some(format!("the only context here is {listed}")),
        _ if more.is_empty() => Some(format!("the contexts here are {listed}")),
        _ => Some(format!("among the contexts here are {listed}")),
    }
}

/// How many contexts a message lists; GitHub has fewer, a file of somebody's own may have any number.
const MAX_LISTED: usize = 20;

/// Every context that is there anywhere: a name that is not among them is a misspelling.
const KNOWN: [&str; 12] = [
    "env", "github", "inputs", "job", "jobs", "matrix", "needs", "runner", "secrets", "steps",
    "strategy", "vars",
];
