//! What is known of a run, of a job in it, and of a step, in that order of time.

use std::sync::Arc;

use dormer_workflow::expr::{Object, Value};

use crate::guest::profile::{GuestProfile, PathStyle};
use crate::steps::action::site::Origin;
use crate::steps::context::github::{self, Fact};
use crate::steps::state::Status;

/// What is the same for all jobs of a run. Texts are empty and values null where nothing is known.
#[derive(Debug, Clone, Default)]
pub struct RunFacts {
    /// The workflow's name, or its file's path.
    pub workflow: String,
    /// The workflow's file below the repository, with `/`.
    pub workflow_path: String,
    /// `owner/name` of the repository.
    pub repository: String,
    /// The forge's number of the repository.
    pub repository_id: String,
    /// The forge's number of the repository's owner.
    pub repository_owner_id: String,
    /// The forge, as `https://github.com`.
    pub server_url: String,
    /// The commit that the run is about.
    pub sha: String,
    /// The ref that the run is about, as `refs/heads/main`.
    pub git_ref: String,
    /// The branch that a pull request comes from.
    pub head_ref: String,
    /// The branch that a pull request goes to.
    pub base_ref: String,
    /// Who started the run.
    pub actor: String,
    /// The forge's number of who started the run.
    pub actor_id: String,
    /// The event that started the run.
    pub event_name: String,
    /// What the event tells: an object.
    pub event: Value,
    /// The same as the text that is found in the event's file.
    pub event_text: String,
    /// A number of the run.
    pub run_id: String,
    /// What the workflow was given.
    pub inputs: Object,
    /// The configuration variables.
    pub vars: Object,
    /// The file that defines the job, where that is another than the run's. None by default.
    pub defined_in: Option<DefinedIn>,
}

/// The file of a workflow that was called, which defines the jobs in it.
#[derive(Debug, Clone)]
pub enum DefinedIn {
    /// One of the run's repository, at its commit: the path below it, with `/`.
    Own(String),
    /// One of another repository.
    Other {
        /// The repository and the ref, as they were asked for.
        repository: Origin,
        /// The path in it, with `/`.
        path: String,
        /// The commit that the ref meant; empty where a directory of the host stands in.
        commit: String,
    },
}

impl RunFacts {
    /// The repository that holds the file with the job's steps, where that is not the run's.
    pub fn foreign(&self) -> Option<&Origin> {
        match &self.defined_in {
            Some(DefinedIn::Other { repository, .. }) => Some(repository),
            _ => None,
        }
    }

    /// What the `job` context says of the file that defines the job, by its keys.
    pub fn defining_file(&self) -> [(&'static str, String); 4] {
        let (repository, path, git_ref, commit) = match &self.defined_in {
            None => (
                &self.repository,
                &self.workflow_path,
                &self.git_ref,
                &self.sha,
            ),
            Some(DefinedIn::Own(path)) => (&self.repository, path, &self.git_ref, &self.sha),
            Some(DefinedIn::Other {
                repository,
                path,
                commit,
            }) => (&repository.repository, path, &repository.git_ref, commit),
        };
        [
            ("workflow_ref", format!("{repository}/{path}@{git_ref}")),
            ("workflow_sha", commit.clone()),
            ("workflow_repository", repository.clone()),
            ("workflow_file_path", path.clone()),
        ]
    }

    /// The part of the ref that people use.
    pub fn ref_name(&self) -> &str {
        let prefixes = ["refs/heads/", "refs/tags/", "refs/pull/"];
        let name = prefixes
            .iter()
            .find_map(|prefix| self.git_ref.strip_prefix(prefix));
        name.unwrap_or(&self.git_ref)
    }

    /// The owner's part of the repository's name.
    pub fn owner(&self) -> &str {
        self.repository.split('/').next().unwrap_or_default()
    }

    /// The workflow's file with its repository and ref, as `me/it/.github/workflows/a.yml@refs/heads/main`.
    pub fn workflow_ref(&self) -> String {
        format!(
            "{}/{}@{}",
            self.repository, self.workflow_path, self.git_ref
        )
    }

    /// The `github` context before there is a job: what the expressions of a workflow's own keys see.
    pub fn github(&self) -> Object {
        github::object(&github::of_run(self), self, "")
    }
}

/// What is known of the job before its first step.
#[derive(Debug, Clone, Default)]
pub struct JobFacts {
    /// The run that it is part of.
    pub run: Arc<RunFacts>,
    /// The job's id.
    pub job: String,
    /// The instance, as the name of the runner.
    pub runner: String,
    /// The leg of the matrix; null without one.
    pub matrix: Value,
    /// How the matrix is run. Empty stands for a job without one.
    pub strategy: Object,
    /// The jobs that it needs, with their results and outputs.
    pub needs: Object,
    /// Whether steps are to tell more than usual.
    pub debug: bool,
    /// The workspace in the guest, in Windows form.
    pub workspace: String,
    /// The directory for temporary files in the guest, in Windows form.
    pub temp: String,
    /// The directory for tools in the guest, in Windows form.
    pub tool_cache: String,
}

impl JobFacts {
    /// Fills in where things are in a guest; `name` is the repository's.
    pub fn place_in(&mut self, guest: &GuestProfile, name: &str) {
        let name = plain_name(name);
        self.workspace = format!("{}\\{name}\\{name}", guest.workspace);
        self.temp = guest.temp.clone();
        self.tool_cache = guest.tool_cache.clone();
    }

    /// The directory of the event's file, in Windows form.
    pub fn event_directory(&self) -> String {
        format!("{}\\_github_workflow", self.temp)
    }

    /// The event's file, in Windows form. Whoever makes the guest's directories writes it.
    pub fn event_path(&self) -> String {
        format!("{}\\event.json", self.event_directory())
    }

    /// The directory that workspaces of this repository are in, in Windows form.
    pub fn runner_workspace(&self) -> &str {
        let parent = self.workspace.rsplit_once('\\').map(|(parent, _)| parent);
        parent.unwrap_or_default()
    }

    /// The variables that tell every step what is so, with paths as its shell writes them: those that the
    /// official runner sets, and no more. They stand above what the step is given.
    pub fn variables(&self, shell: PathStyle, step: &StepFacts) -> Vec<(String, String)> {
        let own = ("GITHUB_ACTIONS".to_owned(), "true".to_owned());
        let facts = github::of_step(self, step);
        let github = facts.iter().filter(|(name, _)| github::is_variable(name));
        let github = github.map(|(name, fact)| (variable("GITHUB", name), fact.for_shell(shell)));
        let runner = self.runner_facts().into_iter();
        let runner = runner.map(|(name, fact)| (variable("RUNNER", name), fact.for_shell(shell)));
        std::iter::once(own).chain(github).chain(runner).collect()
    }

    /// The `github` context for a step.
    pub(super) fn github(&self, step: &StepFacts, token: &str) -> Object {
        github::object(&github::of_step(self, step), &self.run, token)
    }

    /// The `runner` context.
    pub(super) fn runner(&self) -> Object {
        let facts = self.runner_facts().into_iter();
        facts.map(|(name, fact)| (name, fact.text())).collect()
    }

    fn runner_facts(&self) -> Vec<(&'static str, Fact)> {
        let mut facts = vec![
            ("name", Fact::text_of(&self.runner)),
            ("os", Fact::text_of("Windows")),
            ("arch", Fact::text_of("X64")),
            ("environment", Fact::text_of("self-hosted")),
            ("temp", Fact::path_of(&self.temp)),
            ("tool_cache", Fact::path_of(&self.tool_cache)),
            ("workspace", Fact::path_of(self.runner_workspace())),
        ];
        if self.debug {
            facts.push(("debug", Fact::text_of("1")));
        }
        facts
    }

    /// The `strategy` context.
    pub(super) fn strategy(&self) -> Object {
        if !self.strategy.is_empty() {
            return self.strategy.clone();
        }
        let mut alone = Object::new();
        alone.insert("fail-fast", true);
        alone.insert("job-index", 0.0);
        alone.insert("job-total", 1.0);
        alone.insert("max-parallel", 1.0);
        alone
    }
}

/// A name as one for a directory of the guest.
pub fn plain_name(name: &str) -> String {
    let plain = |c: char| {
        if c.is_ascii_alphanumeric() || "-_.".contains(c) {
            c
        } else {
            '-'
        }
    };
    let name: String = name.chars().map(plain).collect();
    let name = name.trim_matches(['.', '-']);
    if name.is_empty() {
        "workspace".to_owned()
    } else {
        name.to_owned()
    }
}

fn variable(prefix: &str, name: &str) -> String {
    format!("{prefix}_{}", name.to_ascii_uppercase())
}

/// What is known of one step beside its job's facts. Everything is empty by default.
#[derive(Debug, Clone, Default)]
pub struct StepFacts {
    /// `github.action`: the step's id, or `__run` and the like.
    pub action: String,
    /// The directory of the action that runs, in Windows form; empty outside of one.
    pub action_path: String,
    /// How the steps of the composite action around are doing; none outside of its main part.
    pub action_status: Option<Status>,
    /// `owner/name` of the action that runs.
    pub action_repository: String,
    /// The ref of the action that runs.
    pub action_ref: String,
    /// The inputs of the composite action around the step, which stand for the workflow's.
    pub inputs: Option<Object>,
    /// The steps of the composite action around the step, which stand for the job's.
    pub steps: Option<Object>,
}
