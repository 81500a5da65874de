//! What an action file says.

use crate::diagnostic::Problem;
use crate::expr::{Condition, EvalError, Template};
use crate::source::{SourceFile, Spanned};
use crate::workflow::{Step, TemplateMap};

/// An action. Lists have the order of the file.
#[derive(Debug, Clone)]
pub struct Action {
    /// The name. None by default.
    pub name: Option<Spanned<String>>,
    /// Who made it. None by default.
    pub author: Option<Spanned<String>>,
    /// What it is for. None by default.
    pub description: Option<Spanned<String>>,
    /// What it can be given. Empty by default.
    pub inputs: Vec<ActionInput>,
    /// What it gives. Empty by default.
    pub outputs: Vec<ActionOutput>,
    /// How it runs.
    pub runs: Runs,
    /// What is legal but surely not meant, or of no use to Dormer; sorted by position.
    pub warnings: Vec<Problem>,
    /// The file it was read from.
    pub source: SourceFile,
}

/// An input of an action.
#[derive(Debug, Clone, PartialEq)]
pub struct ActionInput {
    /// The name, not empty. Names differ in more than case.
    pub name: Spanned<String>,
    /// What it is for. None by default.
    pub description: Option<String>,
    /// Whether it ought to be given. False by default; GitHub's runner never looks.
    pub required: bool,
    /// What it is where it is not given. None by default, which is the empty string.
    pub default: Option<Template>,
    /// What those who give it are told. None by default.
    pub deprecation_message: Option<Spanned<String>>,
}

/// An output of an action.
#[derive(Debug, Clone, PartialEq)]
pub struct ActionOutput {
    /// The name, not empty. Names differ in more than case.
    pub name: Spanned<String>,
    /// What it is for. None by default.
    pub description: Option<Spanned<String>>,
    /// What it is, in a composite action. None by default; other actions set their outputs while
    /// they run.
    pub value: Option<Template>,
}

/// How an action runs.
#[derive(Debug, Clone, PartialEq)]
pub enum Runs {
    /// By steps of its own.
    Composite {
        /// The steps; there may be none.
        steps: Vec<Step>,
    },
    /// By Node.js.
    Node(Box<NodeRuns>),
    /// In a container, which a Windows VM can't have. [`Action::warnings`] says so.
    Docker(Box<DockerRuns>),
    /// By a part of GitHub's runner: first versions of its own actions. [`Action::warnings`] says
    /// that Dormer has none.
    Plugin {
        /// The name of that part.
        name: Spanned<String>,
    },
}

/// The scripts of an action that Node.js runs.
#[derive(Debug, Clone, PartialEq)]
pub struct NodeRuns {
    /// The version that is asked for.
    pub version: Spanned<NodeVersion>,
    /// The script, relative to the action's directory.
    pub main: Spanned<String>,
    /// What runs before the job's first step. None by default.
    pub pre: Option<Hook>,
    /// What runs after the job's last step. None by default.
    pub post: Option<Hook>,
}

/// A version of Node.js that an action can ask for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum NodeVersion {
    /// `node12`.
    Node12,
    /// `node16`.
    Node16,
    /// `node20`.
    Node20,
    /// `node24`.
    Node24,
}

/// What runs before or after all steps of a job.
#[derive(Debug, Clone, PartialEq)]
pub struct Hook {
    /// The script, or the entry point in the container.
    pub script: Spanned<String>,
    /// Whether it runs. `always()` by default; unlike a step's condition, one without a status
    /// function holds in a failed job too.
    pub condition: Condition,
}

/// The container of an action.
#[derive(Debug, Clone, PartialEq)]
pub struct DockerRuns {
    /// `Dockerfile`, another file, or `docker://image`.
    pub image: Spanned<String>,
    /// What runs in the container. None by default, which is what the image says.
    pub entrypoint: Option<Spanned<String>>,
    /// Its arguments. Empty by default.
    pub args: Vec<Template>,
    /// Environment variables. Empty by default.
    pub env: TemplateMap,
    /// What runs before the job's first step. None by default.
    pub pre: Option<Hook>,
    /// What runs after the job's last step. None by default.
    pub post: Option<Hook>,
}

impl NodeVersion {
    /// Every version, oldest first.
    pub const ALL: [Self; 4] = [Self::Node12, Self::Node16, Self::Node20, Self::Node24];

    /// The name in action files.
    pub fn name(self) -> &'static str {
        match self {
            Self::Node12 => "node12",
            Self::Node16 => "node16",
            Self::Node20 => "node20",
            Self::Node24 => "node24",
        }
    }

    /// The version that GitHub's runner takes for it: those that are no longer supported run as
    /// Node.js 20.
    pub fn runs_as(self) -> Self {
        self.max(Self::Node20)
    }

    /// The major version.
    pub fn major(self) -> u32 {
        match self {
            Self::Node12 => 12,
            Self::Node16 => 16,
            Self::Node20 => 20,
            Self::Node24 => 24,
        }
    }
}

impl Action {
    /// The input of a name, in any case.
    pub fn input(&self, name: &str) -> Option<&ActionInput> {
        self.inputs
            .iter()
            .find(|input| crate::text::equal(&input.name.value, name))
    }

    /// The output of a name, in any case.
    pub fn output(&self, name: &str) -> Option<&ActionOutput> {
        self.outputs
            .iter()
            .find(|output| crate::text::equal(&output.name.value, name))
    }

    /// A failed expression of this action as a problem of its file.
    pub fn problem(&self, error: &EvalError) -> Option<Problem> {
        error.problem(&self.source)
    }
}
