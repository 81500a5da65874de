//! What expressions see, and what every step finds in its environment: the contexts and variables of the
//! official runner. Paths are those of a Windows machine.

use dormer_workflow::expr::{JobStatus, Object, Scope, Value};

use crate::guest::profile::{GuestProfile, PathStyle};
use crate::steps::state::{ExecutorState, Status, Variables};

/// What is known of the job before its first step.
#[derive(Debug, Clone, Default)]
pub struct JobFacts {
    /// The workflow's name, or its file's.
    pub workflow: String,
    /// The job's id.
    pub job: String,
    /// `owner/name` of the repository, or of the workspace.
    pub repository: String,
    /// The commit that is checked out; empty outside a repository.
    pub sha: String,
    /// The ref that is checked out, as `refs/heads/main`; empty if none is.
    pub git_ref: String,
    /// A number of this run.
    pub run_id: String,
    /// The instance, as the name of the runner.
    pub runner: String,
    /// The workspace in the guest, in Windows form.
    pub workspace: String,
    /// The directory for temporary files in the guest, in Windows form.
    pub temp: String,
    /// The directory for tools in the guest, in Windows form.
    pub tool_cache: String,
}

impl JobFacts {
    /// Fills in where things are in a guest.
    pub fn place_in(&mut self, guest: &GuestProfile, name: &str) {
        self.workspace = format!("{}\\{name}\\{name}", guest.workspace);
        self.temp = guest.temp.clone();
        self.tool_cache = guest.tool_cache.clone();
    }

    /// The part of the ref that people use.
    fn ref_name(&self) -> &str {
        let prefixes = ["refs/heads/", "refs/tags/"];
        let name = prefixes
            .iter()
            .find_map(|prefix| self.git_ref.strip_prefix(prefix));
        name.unwrap_or(&self.git_ref)
    }

    fn owner(&self) -> &str {
        self.repository.split('/').next().unwrap_or_default()
    }

    /// The variables of every step, with paths as its shell writes them.
    pub fn variables(&self, shell: PathStyle) -> Vec<(String, String)> {
        let owner = self.owner().to_owned();
        let ref_type = if self.git_ref.starts_with("refs/tags/") {
            "tag"
        } else {
            "branch"
        };
        let plain = [
            ("CI", "true"),
            ("GITHUB_ACTIONS", "true"),
            ("GITHUB_EVENT_NAME", "workflow_dispatch"),
            ("GITHUB_JOB", &self.job),
            ("GITHUB_WORKFLOW", &self.workflow),
            ("GITHUB_REPOSITORY", &self.repository),
            ("GITHUB_REPOSITORY_OWNER", &owner),
            ("GITHUB_SHA", &self.sha),
            ("GITHUB_REF", &self.git_ref),
            ("GITHUB_REF_NAME", self.ref_name()),
            ("GITHUB_REF_TYPE", ref_type),
            ("GITHUB_RUN_ID", &self.run_id),
            ("GITHUB_RUN_NUMBER", "1"),
            ("GITHUB_RUN_ATTEMPT", "1"),
            ("GITHUB_SERVER_URL", "https://github.com"),
            ("GITHUB_API_URL", "https://api.github.com"),
            ("GITHUB_GRAPHQL_URL", "https://api.github.com/graphql"),
            ("RUNNER_OS", "Windows"),
            ("RUNNER_ARCH", "X64"),
            ("RUNNER_NAME", &self.runner),
            ("RUNNER_ENVIRONMENT", "self-hosted"),
        ];
        let paths = [
            ("GITHUB_WORKSPACE", &self.workspace),
            ("RUNNER_TEMP", &self.temp),
            ("RUNNER_TOOL_CACHE", &self.tool_cache),
        ];
        let plain = plain.map(|(name, value)| (name.to_owned(), value.to_owned()));
        let paths = paths.map(|(name, path)| (name.to_owned(), shell.write(path)));
        plain.into_iter().chain(paths).collect()
    }

    fn github(&self) -> Object {
        Object::from_iter([
            ("workflow", self.workflow.as_str()),
            ("job", &self.job),
            ("repository", &self.repository),
            ("repository_owner", self.owner()),
            ("sha", &self.sha),
            ("ref", &self.git_ref),
            ("ref_name", self.ref_name()),
            ("event_name", "workflow_dispatch"),
            ("run_id", &self.run_id),
            ("run_number", "1"),
            ("run_attempt", "1"),
            ("server_url", "https://github.com"),
            ("api_url", "https://api.github.com"),
            ("graphql_url", "https://api.github.com/graphql"),
            ("workspace", &self.workspace),
        ])
    }

    fn runner(&self) -> Object {
        Object::from_iter([
            ("os", "Windows"),
            ("arch", "X64"),
            ("name", self.runner.as_str()),
            ("environment", "self-hosted"),
            ("temp", &self.temp),
            ("tool_cache", &self.tool_cache),
        ])
    }
}

/// What an expression of a step sees.
#[derive(Debug, Clone, Copy)]
pub struct StepScope<'a> {
    /// What is known of the job.
    pub facts: &'a JobFacts,
    /// The state between two steps.
    pub state: &'a ExecutorState,
    /// The secrets, by name.
    pub secrets: &'a Variables,
    /// The variables of the step itself, as far as they are known.
    pub step: Option<&'a Variables>,
}

impl Scope for StepScope<'_> {
    fn context(&self, name: &str) -> Option<Value> {
        let object = match name {
            "github" => self.facts.github(),
            "runner" => self.facts.runner(),
            "env" => self.environment(),
            "secrets" => object_of(self.secrets),
            "steps" => self.steps(),
            "job" => Object::from_iter([("status", self.state.status.as_str())]),
            "strategy" => strategy(),
            // There is no matrix, no input, no variable and no other job here.
            "vars" | "inputs" | "matrix" | "needs" => Object::new(),
            _ => return None,
        };
        Some(Value::from(object))
    }

    fn status(&self) -> JobStatus {
        match self.state.status {
            Status::Success => JobStatus::Success,
            Status::Failure => JobStatus::Failure,
            Status::Cancelled => JobStatus::Cancelled,
        }
    }

    fn hash_files(&self, _patterns: &[String]) -> Result<String, String> {
        Err("hashFiles is not supported yet".to_owned())
    }
}

impl StepScope<'_> {
    fn environment(&self) -> Object {
        let mut object = object_of(&self.state.environment);
        for (name, value) in self.step.iter().flat_map(|step| step.iter()) {
            object.insert(name, value);
        }
        object
    }

    fn steps(&self) -> Object {
        let mut steps = Object::new();
        for record in &self.state.steps {
            let Some(id) = &record.id else { continue };
            let mut step = Object::new();
            step.insert("outputs", object_of(&record.outputs));
            step.insert("outcome", record.outcome.as_str());
            step.insert("conclusion", record.conclusion.as_str());
            steps.insert(id.as_str(), step);
        }
        steps
    }
}

fn object_of(variables: &Variables) -> Object {
    variables.iter().collect()
}

/// Of a job that is not part of a matrix.
fn strategy() -> Object {
    let mut strategy = Object::new();
    strategy.insert("fail-fast", true);
    strategy.insert("job-index", 0.0);
    strategy.insert("job-total", 1.0);
    strategy.insert("max-parallel", 1.0);
    strategy
}

#[cfg(test)]
mod tests {
    use dormer_workflow::expr::Template;

    use super::*;
    use crate::event::Conclusion;
    use crate::steps::state::StepRecord;

    #[test]
    fn expressions_see_what_the_official_runner_shows() {
        let mut state = ExecutorState::new(Variables::default());
        state.environment.set("A", "job");
        state.steps.push(StepRecord {
            number: 1,
            id: Some("build".to_owned()),
            outcome: Conclusion::Failure,
            conclusion: Conclusion::Success,
            outputs: Variables::from_iter([("path".to_owned(), "x.exe".to_owned())]),
        });
        let facts = JobFacts {
            repository: "me/it".to_owned(),
            git_ref: "refs/heads/main".to_owned(),
            workspace: r"C:\a\it\it".to_owned(),
            ..JobFacts::default()
        };
        let secrets = Variables::from_iter([("TOKEN".to_owned(), "t".to_owned())]);
        let step = Variables::from_iter([("B".to_owned(), "step".to_owned())]);
        let scope = StepScope {
            facts: &facts,
            state: &state,
            secrets: &secrets,
            step: Some(&step),
        };
        let text = "${{ env.A }} ${{ env.b }} ${{ secrets.token }} ${{ steps.build.outputs.path }} \
                    ${{ steps.build.outcome }} ${{ github.workspace }} ${{ github.ref_name }} \
                    ${{ runner.os }} ${{ success() }} ${{ matrix.x }}";
        let rendered = Template::parse(text).unwrap().render(&scope).unwrap();
        assert_eq!(
            rendered,
            r"job step t x.exe failure C:\a\it\it main Windows true "
        );
    }
}
