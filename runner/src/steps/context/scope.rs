//! The contexts of a step's expressions.

use dormer_workflow::expr::{JobStatus, Object, Scope, Value};

use crate::steps::context::{JobFacts, StepFacts};
use crate::steps::hash_files::FileHashes;
use crate::steps::state::{ExecutorState, Status, StepRecord, Variables};

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
    /// What is known of the step itself, beside its variables.
    pub here: Option<&'a StepFacts>,
    /// The hashes of files that are known. None where there are no files.
    pub files: Option<&'a FileHashes>,
}

impl<'a> StepScope<'a> {
    /// The scope of a job's own keys, outside of any step.
    pub fn of_job(facts: &'a JobFacts, state: &'a ExecutorState, secrets: &'a Variables) -> Self {
        Self {
            facts,
            state,
            secrets,
            step: None,
            here: None,
            files: None,
        }
    }

    fn github(&self) -> Object {
        let token = self.secrets.get("GITHUB_TOKEN").unwrap_or_default();
        match self.here {
            Some(step) => self.facts.github(step, token),
            None => self.facts.github(&StepFacts::default(), token),
        }
    }

    fn environment(&self) -> Object {
        let mut object = object_of(&self.state.environment);
        for (name, value) in self.step.iter().flat_map(|step| step.iter()) {
            object.insert(name, value);
        }
        object
    }

    fn inputs(&self) -> Object {
        let own = self.here.and_then(|step| step.inputs.as_ref());
        own.unwrap_or(&self.facts.run.inputs).clone()
    }

    fn steps(&self) -> Object {
        if let Some(own) = self.here.and_then(|step| step.steps.as_ref()) {
            return own.clone();
        }
        let records = self.state.steps.iter();
        records.filter_map(StepRecord::context).collect()
    }

    /// The file is the one that defines the job, while `github` tells the one that the run began with.
    fn job(&self) -> Object {
        let mut job = Object::from_iter([("status", self.state.status.as_str())]);
        for (key, value) in self.facts.run.defining_file() {
            job.insert(key, value);
        }
        job
    }
}

impl Scope for StepScope<'_> {
    fn context(&self, name: &str) -> Option<Value> {
        let object = match name {
            "github" => self.github(),
            "runner" => self.facts.runner(),
            "env" => self.environment(),
            "secrets" => object_of(self.secrets),
            "steps" => self.steps(),
            "job" => self.job(),
            "strategy" => self.facts.strategy(),
            "matrix" => return Some(self.facts.matrix.clone()),
            "vars" => self.facts.run.vars.clone(),
            "inputs" => self.inputs(),
            "needs" => self.facts.needs.clone(),
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

    fn hash_files(&self, patterns: &[String]) -> Result<String, String> {
        match self.files {
            Some(files) => files.hash(patterns),
            None => Err("there are no files here".to_owned()),
        }
    }
}

fn object_of(variables: &Variables) -> Object {
    variables.iter().collect()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use dormer_workflow::expr::Template;

    use super::*;
    use crate::event::Conclusion;
    use crate::guest::profile::PathStyle;
    use crate::steps::action::site::Origin;
    use crate::steps::context::{DefinedIn, RunFacts};

    fn facts() -> JobFacts {
        let event = Object::from_iter([("action", "opened")]);
        let run = RunFacts {
            workflow: "Build".to_owned(),
            workflow_path: ".github/workflows/build.yml".to_owned(),
            repository: "me/it".to_owned(),
            server_url: "https://github.com".to_owned(),
            sha: "abc".to_owned(),
            git_ref: "refs/heads/feature/x".to_owned(),
            actor: "mona".to_owned(),
            event_name: "push".to_owned(),
            event: Value::from(event),
            inputs: Object::from_iter([("level", "high")]),
            vars: Object::from_iter([("ENV", "test")]),
            run_id: "7".to_owned(),
            ..RunFacts::default()
        };
        JobFacts {
            run: Arc::new(run),
            job: "build".to_owned(),
            runner: "d1".to_owned(),
            matrix: Value::from(Object::from_iter([("os", "win")])),
            workspace: r"C:\a\it\it".to_owned(),
            temp: r"C:\a\_temp".to_owned(),
            tool_cache: r"C:\tools".to_owned(),
            ..JobFacts::default()
        }
    }

    fn state() -> ExecutorState {
        let mut state = ExecutorState::new(Variables::default());
        state.environment.set("A", "job");
        state.steps.push(StepRecord {
            number: 1,
            id: Some("build".to_owned()),
            outcome: Conclusion::Failure,
            conclusion: Conclusion::Success,
            outputs: Variables::from_iter([("path".to_owned(), "x.exe".to_owned())]),
        });
        state
    }

    #[test]
    fn expressions_see_what_the_official_runner_shows() {
        let (facts, state) = (facts(), state());
        let secrets = Variables::from_iter([("GITHUB_TOKEN".to_owned(), "t".to_owned())]);
        let step = Variables::from_iter([("B".to_owned(), "step".to_owned())]);
        let scope = StepScope {
            step: Some(&step),
            ..StepScope::of_job(&facts, &state, &secrets)
        };
        for (text, expected) in [
            ("env.A", "job"),
            ("env.b", "step"),
            ("secrets.github_token", "t"),
            ("github.token", "t"),
            ("steps.build.outputs.path", "x.exe"),
            ("steps.build.outcome", "failure"),
            ("steps.build.conclusion", "success"),
            ("github.workspace", r"C:\a\it\it"),
            (
                "github.event_path",
                r"C:\a\_temp\_github_workflow\event.json",
            ),
            ("github.ref_name", "feature/x"),
            ("github.ref_type", "branch"),
            ("github.event.action", "opened"),
            ("github.repository_owner", "me"),
            ("github.repositoryUrl", "git://github.com/me/it.git"),
            (
                "github.workflow_ref",
                "me/it/.github/workflows/build.yml@refs/heads/feature/x",
            ),
            ("github.triggering_actor", "mona"),
            ("runner.os", "Windows"),
            ("runner.workspace", r"C:\a\it"),
            ("runner.debug", ""),
            ("job.status", "success"),
            ("job.workflow_file_path", ".github/workflows/build.yml"),
            ("inputs.level", "high"),
            ("vars.env", "test"),
            ("matrix.os", "win"),
            ("matrix.x", ""),
            ("strategy.job-total", "1"),
            ("needs.x.result", ""),
        ] {
            let template = Template::parse(format!("${{{{ {text} }}}}")).unwrap();
            assert_eq!(template.render(&scope).unwrap(), expected, "{text}");
        }
    }

    #[test]
    fn a_called_workflow_tells_its_own_file() {
        let (mut facts, state, secrets) = (facts(), state(), Variables::default());
        let seen = |facts: &JobFacts, text: &str| {
            let scope = StepScope::of_job(facts, &state, &secrets);
            let template = Template::parse(format!("${{{{ {text} }}}}")).unwrap();
            template.render(&scope).unwrap()
        };
        let mut run = (*facts.run).clone();
        run.defined_in = Some(DefinedIn::Own(".github/workflows/x.yml".to_owned()));
        facts.run = Arc::new(run.clone());
        let own = "me/it/.github/workflows/x.yml@refs/heads/feature/x";
        assert_eq!(seen(&facts, "job.workflow_ref"), own);
        assert_eq!(seen(&facts, "job.workflow_sha"), "abc");
        run.defined_in = Some(DefinedIn::Other {
            repository: Origin {
                repository: "you/that".to_owned(),
                git_ref: "v1".to_owned(),
            },
            path: ".github/workflows/y.yml".to_owned(),
            commit: "c0ffee".to_owned(),
        });
        facts.run = Arc::new(run);
        for (text, expected) in [
            ("job.workflow_ref", "you/that/.github/workflows/y.yml@v1"),
            ("job.workflow_sha", "c0ffee"),
            ("job.workflow_repository", "you/that"),
            ("job.workflow_file_path", ".github/workflows/y.yml"),
            ("github.repository", "me/it"),
            (
                "github.workflow_ref",
                "me/it/.github/workflows/build.yml@refs/heads/feature/x",
            ),
        ] {
            assert_eq!(seen(&facts, text), expected, "{text}");
        }
    }

    #[test]
    fn a_composite_action_has_inputs_and_steps_of_its_own() {
        let (facts, state, secrets) = (facts(), state(), Variables::default());
        let here = StepFacts {
            action: "__self".to_owned(),
            action_path: r"C:\a\it\it\act".to_owned(),
            inputs: Some(Object::from_iter([("who", "you")])),
            steps: Some(Object::new()),
            ..StepFacts::default()
        };
        let scope = StepScope {
            here: Some(&here),
            ..StepScope::of_job(&facts, &state, &secrets)
        };
        let text = "${{ inputs.who }}|${{ inputs.level }}|${{ steps.build.outcome }}|\
                    ${{ github.action_path }}";
        let rendered = Template::parse(text).unwrap().render(&scope).unwrap();
        assert_eq!(rendered, r"you|||C:\a\it\it\act");
    }

    #[test]
    fn programs_see_the_official_variables_with_paths_in_their_shells_words() {
        let step = StepFacts {
            action: "__run".to_owned(),
            ..StepFacts::default()
        };
        let variables = facts().variables(PathStyle::Rooted, &step);
        let value = |name: &str| {
            let found = variables.iter().find(|(known, _)| known == name);
            found.map(|(_, value)| value.as_str())
        };
        for (name, expected) in [
            // Not among what no workflow may change.
            ("CI", None),
            ("GITHUB_ACTIONS", Some("true")),
            ("GITHUB_ACTION", Some("__run")),
            ("GITHUB_ACTION_PATH", None),
            ("GITHUB_WORKSPACE", Some("/C:/a/it/it")),
            (
                "GITHUB_EVENT_PATH",
                Some("/C:/a/_temp/_github_workflow/event.json"),
            ),
            ("GITHUB_HEAD_REF", Some("")),
            ("GITHUB_REF_PROTECTED", Some("false")),
            ("GITHUB_RETENTION_DAYS", Some("90")),
            ("RUNNER_TEMP", Some("/C:/a/_temp")),
            ("RUNNER_WORKSPACE", Some("/C:/a/it")),
            ("RUNNER_DEBUG", None),
            // Properties that are no variables.
            ("GITHUB_TOKEN", None),
            ("GITHUB_EVENT", None),
            ("GITHUB_REPOSITORYURL", None),
            ("GITHUB_SECRET_SOURCE", None),
        ] {
            assert_eq!(value(name), expected, "{name}");
        }
    }
}
