//! A step's program: its script or its action's, as a bundle for the guest, and what is made of its end.

use std::borrow::Cow;

use dormer_workflow::expr::Template;
use dormer_workflow::workflow::StepAction;
use futures_util::future::BoxFuture;
use tokio::time::Instant;

use crate::event::{Annotation, Conclusion, JobEvent};
use crate::failure::InfraFailure;
use crate::guest::bundle::{Bundle, BundleResult, FileIn};
use crate::guest::channel::random_word;
use crate::guest::command::ChannelError;
use crate::guest::profile::{PathStyle, SearchPath, ShellProfile};
use crate::steps::command_files::{self, CommandFiles};
use crate::steps::executor::Executor;
use crate::steps::findings;
use crate::steps::frame::Frame;
use crate::steps::guest_file;
use crate::steps::header::Header;
use crate::steps::orphans::TRACKING;
use crate::steps::script::{Script, ScriptEnd};
use crate::steps::shell::{self, Prepared};
use crate::steps::state::{ExecutorState, Variables};
use crate::steps::turn::{Here, StepEnd, Turn};
use crate::steps::view::View;

/// A program of a step, ready to be put into a bundle.
pub(super) struct Program {
    /// The program and its arguments.
    pub(super) command: Vec<String>,
    /// Where it leaves its exit code, if not in its status alone.
    pub(super) exit_file: Option<String>,
    /// The files that it needs beside those for the runner.
    pub(super) files: Vec<FileIn>,
    /// Where it runs, in Windows form.
    pub(super) directory: String,
    /// Variables beside the step's own, which they stand above.
    pub(super) variables: Vec<(String, String)>,
    /// How it writes paths.
    pub(super) paths: PathStyle,
    /// How the programs that it starts are found.
    pub(super) search_path: SearchPath,
}

impl Executor<'_> {
    /// Runs the script of a step.
    pub(super) fn run_script<'f>(
        &'f self,
        state: &'f mut ExecutorState,
        frame: &'f Frame<'_>,
        turn: &'f Turn<'_>,
        here: &'f Here,
    ) -> BoxFuture<'f, Result<StepEnd, InfraFailure>> {
        Box::pin(async move {
            let view = self.view(state, frame, &here.facts, &here.environment);
            match self.script_program(frame, turn, &view).await {
                Ok(program) => self.run_program(state, frame, turn, here, program).await,
                Err(why) => Ok(self.failed(why)),
            }
        })
    }

    async fn script_program(
        &self,
        frame: &Frame<'_>,
        turn: &Turn<'_>,
        view: &View<'_>,
    ) -> Result<Program, String> {
        let StepAction::Run {
            script,
            shell,
            working_directory,
        } = &turn.step.action
        else {
            return Err("a step without a script cannot run one".to_owned());
        };
        let script = view.render(script).await?;
        let shell = self.shell_of(frame, shell.as_ref(), view).await?;
        let directory = match self.directory_of(frame, working_directory.as_ref()) {
            Some(template) => {
                guest_file::absolute(&view.render(template).await?, &self.facts.workspace)
            }
            None => self.facts.workspace.clone(),
        };
        let name = shell::file_name(&random_word());
        let stem = format!("{}\\{name}", self.facts.temp);
        let files = self.channel.dialect().paths();
        let header = Header::Script {
            text: &script,
            shell: &shell,
        };
        self.head(frame, turn, view.environment, header).await;
        let prepared: Prepared = shell::prepare(&shell, &script, &stem, files);
        Ok(Program {
            command: prepared.command,
            exit_file: prepared.exit_file,
            files: vec![prepared.file],
            directory,
            variables: Vec::new(),
            paths: shell.paths,
            search_path: shell.search_path.clone(),
        })
    }

    async fn shell_of(
        &self,
        frame: &Frame<'_>,
        own: Option<&Template>,
        view: &View<'_>,
    ) -> Result<Cow<'_, ShellProfile>, String> {
        let defaults = [&self.job.defaults.shell, &self.workflow.defaults.shell];
        let inherited = defaults.into_iter().flatten().next();
        // What the job's file says of its own steps is nothing to an action's.
        let template = own.or(inherited.filter(|_| frame.place.is_none()));
        let asked = match template {
            Some(template) => Some(view.render(template).await?),
            None if frame.place.is_some() => {
                return Err("a step of a composite action has to name its `shell`".to_owned());
            }
            None => None,
        };
        shell::choose(self.guest, asked.as_deref()).map_err(|error| error.to_string())
    }

    fn directory_of<'t>(
        &'t self,
        frame: &Frame<'_>,
        own: Option<&'t Template>,
    ) -> Option<&'t Template> {
        let (job, workflow) = (&self.job.defaults, &self.workflow.defaults);
        let defaults = [&job.working_directory, &workflow.working_directory];
        let inherited = defaults.into_iter().flatten().next();
        own.or(inherited.filter(|_| frame.place.is_none()))
    }

    /// Runs a program with everything that a step's program is given and leaves.
    pub(super) fn run_program<'f>(
        &'f self,
        state: &'f mut ExecutorState,
        frame: &'f Frame<'_>,
        turn: &'f Turn<'_>,
        here: &'f Here,
        program: Program,
    ) -> BoxFuture<'f, Result<StepEnd, InfraFailure>> {
        Box::pin(async move {
            let bundle = self.bundle(state, here, program);
            let left = frame
                .until
                .map(|until| until.saturating_duration_since(Instant::now()));
            let script = Script {
                channel: &self.channel,
                events: self.events,
                masker: self.masker,
                number: frame.number,
                workspace: &self.facts.workspace,
                matchers: &self.matchers,
                timeout: left,
                cancel: self.cancel,
                in_grace: here.goes_on,
            };
            let (end, effects) = script.run(&bundle).await;
            // What a file says stands above what a command said.
            effects.apply(state);
            keep(state, frame, turn, effects.state.clone());
            let end = self.take_end(state, frame, turn, end)?;
            Ok(end.heeding(effects))
        })
    }

    fn bundle(&self, state: &ExecutorState, here: &Here, program: Program) -> Bundle {
        let files = self.channel.dialect().paths();
        let command_files = CommandFiles::new(&self.facts.temp, &shell::file_name(&random_word()));
        let mut variables = Variables::default();
        variables.set("CI", "true");
        variables.set(TRACKING, state.tracking.as_str());
        variables.extend(here.environment.clone().into_pairs());
        variables.extend(program.variables);
        // No workflow may have them say anything else, but for the two above:
        // <https://docs.github.com/en/actions/reference/workflows-and-actions/variables>.
        variables.extend(self.facts.variables(program.paths, &here.facts));
        // The step's own variables may not name other files than its own.
        variables.extend(command_files.variables(program.paths));
        let mut files_in = command_files.to_write(files);
        files_in.extend(program.files);
        Bundle {
            files_in,
            environment: variables.into_pairs(),
            search_path: search_path(&program.search_path, program.paths, &state.path),
            directory: files.write(&program.directory),
            command: program.command,
            exit_file: program.exit_file,
            files_out: command_files.to_read(files),
        }
    }

    /// From how a program ended to how its step did.
    fn take_end(
        &self,
        state: &mut ExecutorState,
        frame: &Frame<'_>,
        turn: &Turn<'_>,
        end: ScriptEnd,
    ) -> Result<StepEnd, InfraFailure> {
        let (result, forced) = match end {
            ScriptEnd::Finished(result) => {
                self.tell_exit(frame, turn, result.exit_code);
                (Some(result), None)
            }
            ScriptEnd::TimedOut(result) => (result, Some(StepEnd::late())),
            ScriptEnd::Cancelled(result) => (result, Some(StepEnd::plain(Conclusion::Cancelled))),
            ScriptEnd::Failed(ChannelError::Lost(why)) => {
                return Err(
                    InfraFailure::transient("the machine was lost while a step ran")
                        .because(why)
                        .help("the evidence tells more; another try may well succeed"),
                );
            }
            ScriptEnd::Failed(error) => {
                return Ok(self.failed(self.as_written(error).to_string()).unanswered());
            }
        };
        let own = result.map(|result| self.take_result(state, frame, turn, &result));
        Ok(match (forced, own) {
            (Some(forced), Some(own)) => StepEnd {
                outputs: own.outputs,
                ..forced
            },
            (Some(forced), None) => forced.unanswered(),
            (None, Some(own)) => own,
            (None, None) => StepEnd::plain(Conclusion::Failure).unanswered(),
        })
    }

    /// Annotates a script that failed by itself. An action says by itself what went wrong.
    fn tell_exit(&self, frame: &Frame<'_>, turn: &Turn<'_>, code: u32) {
        if code != 0 && matches!(turn.step.action, StepAction::Run { .. }) {
            let annotation = Annotation::of_exit(frame.number, code);
            self.events.emit(JobEvent::Annotation(Box::new(annotation)));
        }
    }

    fn take_result(
        &self,
        state: &mut ExecutorState,
        frame: &Frame<'_>,
        turn: &Turn<'_>,
        result: &BundleResult,
    ) -> StepEnd {
        let said = command_files::apply(&result.files_out, state);
        for text in said.complaints() {
            self.complain(text);
        }
        for fact in findings::of(&said, frame.number) {
            self.events.emit(fact);
        }
        keep(state, frame, turn, said.saved);
        let outcome = if result.exit_code == 0 && said.errors.is_empty() {
            Conclusion::Success
        } else {
            Conclusion::Failure
        };
        StepEnd {
            exit_code: Some(result.exit_code),
            outputs: said.outputs,
            ..StepEnd::plain(outcome)
        }
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
}

/// Keeps what an action wants to find in its later stages. A script has none.
fn keep(state: &mut ExecutorState, frame: &Frame<'_>, turn: &Turn<'_>, saved: Variables) {
    if saved.is_empty() || !matches!(turn.step.action, StepAction::Uses { .. }) {
        return;
    }
    let known = state.saved.entry(frame.place_of(turn.index)).or_default();
    known.extend(saved.into_pairs());
}

/// What steps put in front of the search path, for a program.
fn search_path(
    path: &SearchPath,
    style: PathStyle,
    directories: &[String],
) -> Option<(SearchPath, String)> {
    if directories.is_empty() {
        return None;
    }
    let written = directories.iter();
    let written = written.map(|one| style.write_to_list(one, &path.separator));
    let written: Vec<String> = written.collect();
    Some((path.clone(), written.join(&path.separator)))
}
