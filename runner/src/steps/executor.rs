//! The step loop. See the diagram in `steps`.

use std::sync::Arc;
use std::time::{Duration, Instant};

use dormer_workflow::expr::{Condition, EvalError, Template};
use dormer_workflow::workflow::{Job, Step, StepAction, TemplateMap, Workflow, minutes};

use crate::event::{Conclusion, Events, JobEvent, Level, Stage};
use crate::failure::InfraFailure;
use crate::guest::bundle::Bundle;
use crate::guest::channel::{GuestChannel, random_word};
use crate::guest::command::ChannelError;
use crate::guest::profile::{GuestProfile, ShellProfile, has_drive};
use crate::host::signals::Cancel;
use crate::mask::Masker;
use crate::steps::checkout::{self, Asked, WorkspaceSource};
use crate::steps::command_files::{self, CommandFiles};
use crate::steps::context::{JobFacts, StepFacts, StepScope};
use crate::steps::effects::Effects;
use crate::steps::gate::{Gate, Passage};
use crate::steps::hash_files::FileHashes;
use crate::steps::script::{Script, ScriptEnd};
use crate::steps::shell;
use crate::steps::state::{ExecutorState, Status, StepRecord, Variables};

/// Everything that stays the same from step to step.
pub struct Executor<'a> {
    /// The workflow, for the places of mistakes in it.
    pub workflow: &'a Workflow,
    /// The job.
    pub job: &'a Job,
    /// The guest.
    pub channel: Arc<dyn GuestChannel>,
    /// What the guest is like.
    pub guest: &'a GuestProfile,
    /// What is known of the job.
    pub facts: &'a JobFacts,
    /// The secrets, by name.
    pub secrets: &'a Variables,
    /// Where facts go.
    pub events: &'a Events,
    /// What is kept out of everything.
    pub masker: &'a Masker,
    /// What stops the job.
    pub cancel: &'a Cancel,
    /// The user's files.
    pub workspace: &'a dyn WorkspaceSource,
    /// The hashes of files that are known until the next step.
    pub hashes: FileHashes,
}

/// How a step ended, before `continue-on-error`.
struct StepEnd {
    outcome: Conclusion,
    exit_code: Option<u32>,
    outputs: Variables,
}

impl StepEnd {
    fn plain(outcome: Conclusion) -> Self {
        Self {
            outcome,
            exit_code: None,
            outputs: Variables::default(),
        }
    }

    /// The end of a step whose commands asked for this.
    fn heeding(mut self, effects: Effects) -> Self {
        if effects.failed() && self.outcome == Conclusion::Success {
            self.outcome = Conclusion::Failure;
        }
        let from_files = std::mem::replace(&mut self.outputs, effects.outputs);
        self.outputs.extend(from_files.into_pairs());
        self
    }
}

impl Executor<'_> {
    /// The state before the first step: the job's own variables.
    pub fn begin(&self, given: Vec<(String, String)>) -> Result<ExecutorState, EvalError> {
        let mut state = ExecutorState::new(Variables::default());
        for map in [&self.workflow.env, &self.job.env] {
            let rendered = map.render(&self.scope(&state, None))?;
            state.environment.extend(rendered);
        }
        // What the user says on the command line stands above the file.
        state.environment.extend(given);
        Ok(state)
    }

    /// Runs every step that is left. An error is the machine's end, and the steps' with it.
    pub async fn run(
        &self,
        state: &mut ExecutorState,
        gate: &mut dyn Gate,
    ) -> Result<(), InfraFailure> {
        while let Some(step) = self.job.steps.get(state.next) {
            if self.cancel.is_immediate() {
                state.status = Status::Cancelled;
                return Ok(());
            }
            if self.cancel.is_requested() {
                state.status = Status::Cancelled;
            }
            let passage = gate.before(state, step).await;
            self.run_step(state, step, passage).await?;
            state.next += 1;
            gate.after(state, step).await;
        }
        Ok(())
    }

    async fn run_step(
        &self,
        state: &mut ExecutorState,
        step: &Step,
        passage: Passage,
    ) -> Result<(), InfraFailure> {
        let begun = Instant::now();
        let environment = self.settled(|| self.step_environment(state, step)).await;
        let step_environment = environment.as_ref().ok();
        let named = || self.name_of(step, &self.scope(state, step_environment));
        let name = self.settled(named).await;
        let wanted = match (&environment, passage) {
            (_, Passage::Skip) => Ok(false),
            (Err(error), _) => Err(error.clone()),
            (Ok(variables), Passage::Go) => {
                self.settled(|| self.condition(state, step, variables))
                    .await
            }
        };
        let end = match (wanted, environment) {
            (Ok(false), _) => StepEnd::plain(Conclusion::Skipped),
            (Ok(true), Ok(variables)) => {
                self.announce(step, &name);
                self.act(state, step, variables).await?
            }
            (Err(error), _) | (_, Err(error)) => {
                self.announce(step, &name);
                self.complain(self.explain(&error));
                StepEnd::plain(Conclusion::Failure)
            }
        };
        let conclude = || self.conclusion(state, step, end.outcome);
        let conclusion = self.settled(conclude).await;
        self.hashes.forget();
        self.conclude(state, step, name, end, conclusion, begun.elapsed());
        Ok(())
    }

    /// Evaluates something that may ask for the hashes of files.
    async fn settled<T>(&self, evaluate: impl FnMut() -> T) -> T {
        let guest = self.channel.as_ref();
        self.hashes
            .settle(guest, &self.facts.workspace, evaluate)
            .await
    }

    fn announce(&self, step: &Step, name: &str) {
        self.events.emit(JobEvent::StepStarted {
            number: step.number,
            stage: Stage::Main,
            id: step.id.as_ref().map(|id| id.value.clone()),
            name: name.to_owned(),
        });
    }

    /// Takes a step's end into the state and states it.
    fn conclude(
        &self,
        state: &mut ExecutorState,
        step: &Step,
        name: String,
        end: StepEnd,
        conclusion: Conclusion,
        took: Duration,
    ) {
        match conclusion {
            Conclusion::Failure if state.status == Status::Success => {
                state.status = Status::Failure
            }
            Conclusion::Cancelled => state.status = Status::Cancelled,
            _ => {}
        }
        let id = step.id.as_ref().map(|id| id.value.clone());
        state.steps.push(StepRecord {
            number: step.number,
            id: id.clone(),
            outcome: end.outcome,
            conclusion,
            outputs: end.outputs,
        });
        self.events.emit(JobEvent::StepFinished {
            number: step.number,
            stage: Stage::Main,
            id,
            name,
            outcome: end.outcome,
            conclusion,
            exit_code: end.exit_code,
            ms: u64::try_from(took.as_millis()).unwrap_or(u64::MAX),
        });
    }

    fn conclusion(&self, state: &ExecutorState, step: &Step, outcome: Conclusion) -> Conclusion {
        if outcome != Conclusion::Failure {
            return outcome;
        }
        let Some(setting) = &step.continue_on_error else {
            return outcome;
        };
        match setting.evaluate(&self.scope(state, None)) {
            Ok(true) => Conclusion::Success,
            Ok(false) => outcome,
            Err(error) => {
                self.complain(self.explain(&error));
                outcome
            }
        }
    }

    async fn act(
        &self,
        state: &mut ExecutorState,
        step: &Step,
        environment: Variables,
    ) -> Result<StepEnd, InfraFailure> {
        match &step.action {
            StepAction::Run {
                script,
                shell,
                working_directory,
            } => {
                let script = ScriptParts {
                    script,
                    shell,
                    working_directory,
                };
                self.run_script(state, step, script, environment).await
            }
            StepAction::Uses { reference, with } if checkout::is_checkout(&reference.value) => {
                Ok(self.check_out(state, with, &environment).await)
            }
            StepAction::Uses { reference, .. } => {
                self.complain(format!("`uses: {}` is not supported yet", reference.value));
                Ok(StepEnd::plain(Conclusion::Failure))
            }
            StepAction::Control { .. } => {
                self.complain("steps that control other steps are not supported yet".to_owned());
                Ok(StepEnd::plain(Conclusion::Failure))
            }
        }
    }

    async fn run_script(
        &self,
        state: &mut ExecutorState,
        step: &Step,
        parts: ScriptParts<'_>,
        environment: Variables,
    ) -> Result<StepEnd, InfraFailure> {
        let bundle = self.settled(|| self.bundle(state, parts, environment.clone()));
        let bundle = match bundle.await {
            Ok(bundle) => bundle,
            Err(why) => {
                self.complain(why);
                return Ok(StepEnd::plain(Conclusion::Failure));
            }
        };
        let timeout = match self.settled(|| self.timeout(state, step)).await {
            Ok(timeout) => timeout,
            Err(error) => {
                self.complain(self.explain(&error));
                return Ok(StepEnd::plain(Conclusion::Failure));
            }
        };
        let script = Script {
            channel: &self.channel,
            events: self.events,
            masker: self.masker,
            number: step.number,
            workspace: &self.facts.workspace,
            timeout,
            cancel: self.cancel,
            in_grace: state.status == Status::Cancelled,
        };
        let (end, effects) = script.run(&bundle).await;
        // What a file says stands above what a command said.
        effects.apply(state);
        let end = self.take_end(state, end, timeout)?;
        Ok(end.heeding(effects))
    }

    /// From how a script ended to how its step did.
    fn take_end(
        &self,
        state: &mut ExecutorState,
        end: ScriptEnd,
        timeout: Option<Duration>,
    ) -> Result<StepEnd, InfraFailure> {
        let (result, forced) = match end {
            ScriptEnd::Finished(result) => (Some(result), None),
            ScriptEnd::TimedOut(result) => {
                let limit = timeout.unwrap_or_default().as_secs_f64() / 60.0;
                self.complain(format!("The step has timed out after {limit} minutes."));
                (result, Some(Conclusion::Failure))
            }
            ScriptEnd::Cancelled(result) => (result, Some(Conclusion::Cancelled)),
            ScriptEnd::Failed(ChannelError::Lost(why)) => {
                return Err(
                    InfraFailure::transient("the machine was lost while a step ran")
                        .because(why)
                        .help("the evidence tells more; another try may well succeed"),
                );
            }
            ScriptEnd::Failed(error) => {
                self.complain(self.as_written(error).to_string());
                return Ok(StepEnd::plain(Conclusion::Failure));
            }
        };
        let Some(result) = result else {
            return Ok(StepEnd::plain(forced.unwrap_or(Conclusion::Failure)));
        };
        let said = command_files::apply(&result.files_out, state);
        for text in said.complaints() {
            self.complain(text);
        }
        let succeeded = result.exit_code == 0 && said.errors.is_empty();
        let own = if succeeded {
            Conclusion::Success
        } else {
            Conclusion::Failure
        };
        Ok(StepEnd {
            outcome: forced.unwrap_or(own),
            exit_code: forced.is_none().then_some(result.exit_code),
            outputs: said.outputs,
        })
    }

    /// Everything that a script takes, in one bundle.
    fn bundle(
        &self,
        state: &ExecutorState,
        parts: ScriptParts<'_>,
        environment: Variables,
    ) -> Result<Bundle, String> {
        let scope = self.scope(state, Some(&environment));
        let render = |template: &Template| template.render(&scope).map_err(|e| self.explain(&e));
        let script = render(parts.script)?;
        let shell = self.shell_of(parts.shell, &scope)?;
        let directory = match self.directory_of(parts.working_directory) {
            Some(template) => self.absolute(&render(template)?),
            None => self.facts.workspace.clone(),
        };
        let files = self.channel.dialect().paths();
        let unique = random_word();
        let stem = format!("{}\\{unique}", self.facts.temp);
        let prepared = shell::prepare(shell, &script, &stem, files);
        let command_files = CommandFiles::new(&self.facts.temp, &unique);

        // The step's own variables may not name other files than its own.
        let own = self.facts.variables(shell.paths, &StepFacts::default());
        let mut variables: Variables = own.into_iter().collect();
        variables.extend(environment.into_pairs());
        variables.extend(command_files.variables(shell.paths));
        let mut files_in = command_files.to_write(files);
        files_in.push(prepared.file);
        Ok(Bundle {
            files_in,
            environment: variables.into_pairs(),
            search_path: search_path(shell, &state.path),
            directory: files.write(&directory),
            command: prepared.command,
            exit_file: prepared.exit_file,
            files_out: command_files.to_read(files),
        })
    }

    /// An error whose path is in the form that people write.
    fn as_written(&self, error: ChannelError) -> ChannelError {
        match error {
            ChannelError::NoDirectory(path) => {
                ChannelError::NoDirectory(self.channel.dialect().paths().read(&path))
            }
            error => error,
        }
    }

    fn shell_of(
        &self,
        own: &Option<Template>,
        scope: &StepScope<'_>,
    ) -> Result<&ShellProfile, String> {
        let templates = [own, &self.job.defaults.shell, &self.workflow.defaults.shell];
        let template = templates.into_iter().flatten().next();
        let name = match template {
            Some(template) => template
                .render(scope)
                .map_err(|error| self.explain(&error))?,
            None => self.guest.default_shell.clone(),
        };
        shell::find(self.guest, name.trim()).map_err(|error| error.to_string())
    }

    fn directory_of<'t>(&'t self, own: &'t Option<Template>) -> Option<&'t Template> {
        let (job, workflow) = (&self.job.defaults, &self.workflow.defaults);
        [own, &job.working_directory, &workflow.working_directory]
            .into_iter()
            .flatten()
            .next()
    }

    /// A working directory in Windows form; a relative one is below the workspace.
    fn absolute(&self, directory: &str) -> String {
        let path = directory.trim().replace('/', "\\");
        // `/C:/a` is how this guest's bash writes `C:\a`.
        let path = path
            .strip_prefix('\\')
            .filter(|rest| has_drive(rest))
            .unwrap_or(&path);
        if has_drive(path) || path.starts_with('\\') {
            return path.to_owned();
        }
        let below = path.trim_start_matches(".\\");
        format!("{}\\{below}", self.facts.workspace)
    }

    async fn check_out(
        &self,
        state: &ExecutorState,
        with: &TemplateMap,
        environment: &Variables,
    ) -> StepEnd {
        match self.try_check_out(state, with, environment).await {
            Ok(()) => StepEnd::plain(Conclusion::Success),
            Err(why) => {
                self.complain(why);
                StepEnd::plain(Conclusion::Failure)
            }
        }
    }

    async fn try_check_out(
        &self,
        state: &ExecutorState,
        with: &TemplateMap,
        environment: &Variables,
    ) -> Result<(), String> {
        let scope = self.scope(state, Some(environment));
        let inputs: Variables = self
            .settled(|| with.render(&scope))
            .await
            .map_err(|error| self.explain(&error))?
            .into_iter()
            .collect();
        let asked = checkout::asked(&inputs, &self.facts.run.repository)?;
        for name in checkout::ignored_inputs(&inputs) {
            let text = format!(
                "actions/checkout: the input `{name}` has no effect: the workspace is \
                                served as it is"
            );
            self.events.notice(Level::Warning, text);
        }
        if !self.workspace.is_there() {
            return Err(
                "actions/checkout: there is no workspace to serve; name one with \
                        `--workspace DIR`"
                    .to_owned(),
            );
        }
        match asked {
            // It came along before the first step.
            Asked::Workspace => Ok(()),
            Asked::CopyIn(path) => {
                self.workspace
                    .serve(&format!("{}\\{path}", self.facts.workspace))
                    .await
            }
        }
    }

    fn step_environment(&self, state: &ExecutorState, step: &Step) -> Result<Variables, EvalError> {
        let own = step.env.render(&self.scope(state, None))?;
        let mut variables = state.environment.clone();
        variables.extend(own);
        Ok(variables)
    }

    fn condition(
        &self,
        state: &ExecutorState,
        step: &Step,
        environment: &Variables,
    ) -> Result<bool, EvalError> {
        let scope = self.scope(state, Some(environment));
        match &step.condition {
            Some(condition) => condition.evaluate(&scope),
            None => Condition::default().evaluate(&scope),
        }
    }

    fn timeout(&self, state: &ExecutorState, step: &Step) -> Result<Option<Duration>, EvalError> {
        let Some(setting) = &step.timeout_minutes else {
            return Ok(None);
        };
        setting
            .evaluate(&self.scope(state, None))
            .map(|number| Some(minutes(number)))
    }

    /// The step's name, or what it does. A name that can't be rendered is shown as it is written.
    fn name_of(&self, step: &Step, scope: &StepScope<'_>) -> String {
        let name = match (&step.name, &step.action) {
            (Some(name), _) => name
                .render(scope)
                .unwrap_or_else(|_| name.text().to_owned()),
            (None, StepAction::Run { script, .. }) => {
                let text = script
                    .render(scope)
                    .unwrap_or_else(|_| script.text().to_owned());
                format!(
                    "Run {}",
                    text.trim().lines().next().unwrap_or_default().trim()
                )
            }
            (None, StepAction::Uses { reference, .. }) => format!("Run {}", reference.value),
            (None, StepAction::Control { .. }) => "Control other steps".to_owned(),
        };
        self.masker.mask(&name).into_owned()
    }

    fn scope<'s>(&'s self, state: &'s ExecutorState, step: Option<&'s Variables>) -> StepScope<'s> {
        StepScope {
            facts: self.facts,
            state,
            secrets: self.secrets,
            step,
            here: None,
            files: Some(&self.hashes),
        }
    }

    fn explain(&self, error: &EvalError) -> String {
        match self.workflow.problem(error) {
            Some(problem) => problem.to_string(),
            None => error.to_string(),
        }
    }

    fn complain(&self, text: String) {
        self.events
            .notice(Level::Error, self.masker.mask(&text).into_owned());
    }
}

/// The parts of a `run:` step.
#[derive(Clone, Copy)]
struct ScriptParts<'a> {
    script: &'a Template,
    shell: &'a Option<Template>,
    working_directory: &'a Option<Template>,
}

/// What steps put in front of the search path, for a shell.
fn search_path(
    shell: &ShellProfile,
    directories: &[String],
) -> Option<(crate::guest::profile::SearchPath, String)> {
    if directories.is_empty() {
        return None;
    }
    let written: Vec<String> = directories
        .iter()
        .map(|one| shell.paths.write(one))
        .collect();
    Some((
        shell.search_path.clone(),
        written.join(&shell.search_path.separator),
    ))
}
