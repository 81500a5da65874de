//! The part of a job that happens inside the guest: the workspace goes in, the steps run, artifacts come
//! back. Given a channel; knows nothing of how the guest came up.

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use async_trait::async_trait;
use dormer_workflow::expr::EvalError;
use secrecy::ExposeSecret;

use crate::artifact::collect;
use crate::artifact::judge::Limits as ArtifactLimits;
use crate::artifact::selection::Selection;
use crate::artifact::write::OutDirectory;
use crate::event::{Conclusion, Events, JobEvent, Level};
use crate::failure::{Failure, InfraFailure, InputError};
use crate::guest::channel::GuestChannel;
use crate::guest::environment::Environment;
use crate::guest::profile::GuestProfile;
use crate::guest::transfer;
use crate::job::actions::JobActions;
use crate::job::artifacts::JobArtifacts;
use crate::job::limits::{Limits, TimeLimit};
use crate::job::plan::JobRequest;
use crate::job::tools::JobTools;
use crate::mask::Masker;
use crate::progress::Progress;
use crate::steps::checkout::WorkspaceSource;
use crate::steps::context::{JobFacts, StepScope};
use crate::steps::executor::Executor;
use crate::steps::gate::Open;
use crate::steps::hash_files::FileHashes;
use crate::steps::matchers::JobMatchers;
use crate::steps::shell;
use crate::steps::state::{ExecutorState, Variables};
use crate::workspace::scan::{Scan, scan};
use crate::workspace::upload;

/// How the steps of a job ended.
#[derive(Debug)]
pub struct StepsEnd {
    /// How the job did.
    pub conclusion: Conclusion,
    /// Its outputs, without those that are empty.
    pub outputs: Vec<(String, String)>,
}

/// A job inside its guest.
pub struct Work<'a> {
    /// What is asked for.
    pub request: &'a JobRequest,
    /// The guest.
    pub channel: Arc<dyn GuestChannel>,
    /// What the guest is like.
    pub guest: &'a GuestProfile,
    /// What the machine was prepared with.
    pub prepared: Environment,
    /// What is known of the job.
    pub facts: JobFacts,
    /// Where facts go.
    pub events: &'a Events,
    /// What is kept out of everything.
    pub masker: &'a Masker,
    /// Shows transfers.
    pub progress: Arc<dyn Progress>,
    /// Where tools for guests lie on the host.
    pub tools: PathBuf,
}

impl Work<'_> {
    /// Makes the guest's directories and sends the workspace.
    pub async fn prepare(&self) -> Result<(), Failure> {
        let paths = self.channel.dialect().paths();
        let directories = [
            &self.facts.workspace,
            &self.facts.temp,
            &self.facts.tool_cache,
        ];
        let directories = directories.map(|path| paths.write(path)).to_vec();
        self.channel
            .make_directories(&directories)
            .await
            .map_err(|error| {
                InfraFailure::transient("cannot make the job's directories in the guest")
                    .because(error)
            })?;
        self.send_event().await?;
        if let Some(root) = &self.request.settings.workspace {
            self.send_workspace(root, &self.facts.workspace).await?;
        }
        Ok(())
    }

    /// Writes the event's payload to where `GITHUB_EVENT_PATH` says that it is.
    async fn send_event(&self) -> Result<(), Failure> {
        let directory = self.facts.event_directory();
        let directory = self.channel.dialect().paths().write(&directory);
        let text = self.request.run.event_text.clone();
        let sent = transfer::send(self.channel.as_ref(), &directory, move |out| {
            write_event(out, &text)
        });
        sent.await.map_err(|error| {
            InfraFailure::transient("cannot write the event's file in the guest")
                .because(error)
                .into()
        })
    }

    async fn send_workspace(&self, root: &Path, directory: &str) -> Result<(), Failure> {
        let found = self.scan(root).await?;
        for what in &found.left_behind {
            self.events
                .notice(Level::Warning, format!("stays behind: {what}"));
        }
        self.progress.stage("sending the workspace");
        let directory = self.channel.dialect().paths().write(directory);
        let progress = Arc::clone(&self.progress);
        let sent = upload::send(
            self.channel.as_ref(),
            root,
            Arc::new(found),
            &directory,
            progress,
        )
        .await;
        self.progress.finish();
        sent
    }

    async fn scan(&self, root: &Path) -> Result<Scan, Failure> {
        let (root, written) = (root.to_owned(), self.request.settings.stays_behind.clone());
        let scanned = tokio::task::spawn_blocking(move || scan(&root, &written)).await;
        let lost = |error| {
            Failure::from(InfraFailure::new("cannot look through the workspace").because(error))
        };
        Ok(scanned.map_err(lost)??)
    }

    /// Runs the steps; how they ended is how the job did.
    pub async fn run_steps(&self, limits: &mut Limits) -> Result<StepsEnd, Failure> {
        let secrets: Variables = self
            .request
            .secrets
            .iter()
            .map(|(name, value)| (name.clone(), value.expose_secret().to_owned()))
            .collect();
        limits.at_most(self.time_limit(&secrets)?);
        let actions = JobActions {
            mapped: &self.request.settings.mapped_actions,
            cache: &self.request.settings.actions,
            channel: self.channel.as_ref(),
            progress: Arc::clone(&self.progress),
        };
        let (workflow, job) = (&self.request.workflow, &self.request.job);
        if let Some(remark) = shell::default_remark(self.guest, workflow, job) {
            self.events.notice(Level::Warning, remark);
        }
        let (channel, progress) = (Arc::clone(&self.channel), Arc::clone(&self.progress));
        let artifacts = self.artifacts();
        let tools = JobTools::new(self.tools.clone(), channel, progress);
        let executor = Executor {
            workflow: &self.request.workflow,
            job: &self.request.job,
            channel: Arc::clone(&self.channel),
            guest: self.guest,
            facts: &self.facts,
            secrets: &secrets,
            events: self.events,
            masker: self.masker,
            cancel: limits.steps(),
            workspace: self,
            actions: &actions,
            tools: &tools,
            artifacts: &artifacts,
            real_actions: self.request.settings.real_actions,
            hashes: FileHashes::default(),
            matchers: JobMatchers::default(),
        };
        let given = self.request.settings.environment.clone();
        let mut state = match executor.begin(&self.prepared, given) {
            Ok(state) => state,
            Err(error) => return Err(self.explain(&error).into()),
        };
        executor.run(&mut state, &mut Open).await?;
        Ok(match self.outputs(&state, &secrets) {
            Ok(outputs) => StepsEnd {
                conclusion: state.status.conclusion(),
                outputs,
            },
            Err(error) => {
                let text = self.explain(&error).message;
                let text = format!("the job's outputs can't be evaluated: {text}");
                self.events.notice(Level::Error, text);
                StepsEnd {
                    conclusion: Conclusion::Failure,
                    outputs: Vec::new(),
                }
            }
        })
    }

    fn artifacts(&self) -> JobArtifacts<'_> {
        JobArtifacts {
            shelf: Arc::clone(&self.request.settings.shelf),
            channel: Arc::clone(&self.channel),
            workspace: &self.facts.workspace,
            job: &self.facts.job,
            masker: self.masker,
            events: self.events,
            progress: Arc::clone(&self.progress),
        }
    }

    /// What other jobs may read. A secret must not get there, and GitHub's words on that are known.
    fn outputs(
        &self,
        state: &ExecutorState,
        secrets: &Variables,
    ) -> Result<Vec<(String, String)>, EvalError> {
        let scope = StepScope::of_job(&self.facts, state, secrets);
        let mut outputs = self.request.job.outputs.render(&scope)?;
        outputs.retain(|(name, value)| {
            let is_masked = self.masker.mask(value) != value.as_str();
            if is_masked {
                let text = format!("Skip output '{name}' since it may contain secret.");
                self.events.notice(Level::Warning, text);
            }
            !is_masked && !value.is_empty()
        });
        Ok(outputs)
    }

    fn time_limit(&self, secrets: &Variables) -> Result<TimeLimit, InputError> {
        let Some(setting) = &self.request.job.timeout_minutes else {
            return Ok(TimeLimit::Unsaid);
        };
        let state = ExecutorState::new(Variables::default());
        let scope = StepScope::of_job(&self.facts, &state, secrets);
        let minutes = setting.evaluate(&scope);
        minutes
            .map(TimeLimit::Job)
            .map_err(|error| self.explain(&error))
    }

    fn explain(&self, error: &EvalError) -> InputError {
        let text = match self.request.workflow.problem(error) {
            Some(problem) => problem.to_string(),
            None => error.to_string(),
        };
        InputError::usage(self.masker.mask(&text).into_owned())
    }

    /// Where artifacts go: of several jobs each has a directory of its own.
    fn out(&self) -> PathBuf {
        self.request.settings.out.join(&self.request.out_name)
    }

    /// An artifact's path below `--out`.
    fn told_path(&self, path: String) -> String {
        match self.request.out_name.as_str() {
            "" => path,
            name => format!("{name}/{path}"),
        }
    }

    /// Fetches what the job leaves behind. Whether everything that was offered could be taken.
    pub async fn collect(&self) -> Result<bool, Failure> {
        let out = Arc::new(OutDirectory::open(&self.out())?);
        let hide = self.masker.hide();
        let request = collect::Request {
            selection: Arc::clone(&self.request.settings.artifacts) as Arc<dyn Selection>,
            workspace: &self.facts.workspace,
            out: &out,
            job: &self.facts.job,
            hide: Arc::clone(&hide),
            limits: ArtifactLimits::default(),
        };
        self.progress.stage("fetching artifacts");
        let collected = collect::collect(self.channel.as_ref(), request).await;
        self.progress.finish();
        let collected = collected?;
        for text in collected.warnings {
            self.events.notice(Level::Warning, hide(&text));
        }
        self.tell_refused(&collected.refused);
        for artifact in collected.artifacts {
            self.events.emit(JobEvent::Artifact {
                path: self.told_path(artifact.path),
                size: artifact.size,
                sha256: artifact.sha256,
            });
        }
        Ok(collected.refused.is_empty())
    }

    /// Names what was not taken; a guest that offers thousands of such files does not fill the screen.
    fn tell_refused(&self, refused: &[String]) {
        const NAMED: usize = 20;
        for why in refused.iter().take(NAMED) {
            let text = self.masker.mask(why).into_owned();
            self.events.notice(Level::Error, text);
        }
        if let Some(more) = refused.len().checked_sub(NAMED).filter(|more| *more > 0) {
            let text = format!("{more} more artifacts were refused");
            self.events.notice(Level::Error, text);
        }
    }
}

/// A tar file with the event's file in it.
fn write_event(out: &mut dyn Write, text: &str) -> io::Result<()> {
    const READABLE: u32 = 0o644;
    let mut header = tar::Header::new_gnu();
    header.set_size(text.len() as u64);
    header.set_mode(READABLE);
    let mut archive = tar::Builder::new(out);
    archive.append_data(&mut header, "event.json", text.as_bytes())?;
    archive.finish()
}

#[async_trait]
impl WorkspaceSource for Work<'_> {
    fn is_there(&self) -> bool {
        self.request.settings.workspace.is_some()
    }

    async fn serve(&self, directory: &str) -> Result<(), String> {
        let root: Option<&PathBuf> = self.request.settings.workspace.as_ref();
        let root = root.ok_or("there is no workspace")?;
        self.send_workspace(root, directory)
            .await
            .map_err(|failure| failure.message())
    }
}
