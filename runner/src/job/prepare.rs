//! A script that prepares machines before any job is in them: what it is, and how it is run. It sees no
//! workspace and no secret, so that what it leaves may be frozen, and woken by many.

use std::borrow::Cow;
use std::sync::Arc;

use async_trait::async_trait;
use dormer_workflow::expr::Template;
use dormer_workflow::workflow::Workflow;

use crate::event::{Conclusion, Events, Level, PREPARE_STEP};
use crate::failure::{Bug, Failure, InfraFailure, InputError};
use crate::guest::channel::GuestChannel;
use crate::guest::environment::Environment;
use crate::guest::profile::{GuestProfile, GuestTool, ShellProfile};
use crate::host::signals::Cancel;
use crate::instance::makeup::Preparation;
use crate::instance::trust::TrustScope;
use crate::mask::Masker;
use crate::steps::action::source::NoActions;
use crate::steps::alone::{self, AloneEnd};
use crate::steps::artifacts::{ArtifactKeeper, Kept, Upload};
use crate::steps::checkout::WorkspaceSource;
use crate::steps::context::JobFacts;
use crate::steps::executor::Executor;
use crate::steps::hash_files::FileHashes;
use crate::steps::matchers::JobMatchers;
use crate::steps::shell;
use crate::steps::state::Variables;
use crate::steps::tools::ToolSource;
use crate::vmm::machine::Network;

/// The job that the script is the one step of. As long as any job of GitHub's may take, and no longer.
const FRAME: &str = "\
name: prepare
on: workflow_dispatch
jobs:
  prepare:
    runs-on: windows
    steps:
      - run: exit
        timeout-minutes: 360
";
/// How many bytes a script may leave in variables and directories: they are kept with its template, and
/// each program of each job starts with them.
const ENVIRONMENT_LIMIT: usize = 256 << 10;
/// The directory that it runs in, below the one that holds workspaces: no job's workspace has this name.
const DIRECTORY: &str = "_prepare";

/// A script that prepares machines.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PrepareScript {
    /// The name of its file.
    pub name: String,
    /// What it says.
    pub text: String,
    /// The shell that was asked for, as a step asks for one. None by default: its file's ending decides.
    pub shell: Option<String>,
    /// Who may wake what it has prepared.
    pub scope: TrustScope,
}

impl PrepareScript {
    /// What has to be the same for a machine to wake prepared. Refused where the guest lacks the shell.
    pub fn preparation(
        &self,
        guest: &GuestProfile,
        network: Network,
    ) -> Result<Preparation, InputError> {
        let shell = self.shell_in(guest)?;
        let words = shell.invocation.iter().map(String::as_str);
        let shell: Vec<&str> = std::iter::once(shell.name.as_str()).chain(words).collect();
        Ok(Preparation::of(
            &shell,
            &self.text,
            network,
            self.scope.clone(),
        ))
    }

    /// The shell that is asked for, in the words of a step.
    fn asked(&self, guest: &GuestProfile) -> Option<&str> {
        let by_ending = shell::of_file(guest, &self.name);
        self.shell.as_deref().or(by_ending)
    }

    /// The guest's shell that runs it.
    fn shell_in<'g>(&self, guest: &'g GuestProfile) -> Result<Cow<'g, ShellProfile>, InputError> {
        shell::choose(guest, self.asked(guest)).map_err(|error| {
            InputError::usage(format!("cannot prepare with `{}`: {error}", self.name))
                .help("name another with `--prepare-shell`")
        })
    }

    fn workflow(&self, guest: &GuestProfile) -> Result<Workflow, Failure> {
        // Known to be there, and asked for by the words that it was asked for with.
        self.shell_in(guest)?;
        let asked = self.asked(guest).unwrap_or(shell::DEFAULT);
        let mut workflow = alone::workflow(FRAME, &self.text, asked)?;
        let step = workflow.jobs.first_mut();
        let step = step.and_then(|job| job.steps.first_mut());
        let step = step.ok_or_else(|| Bug {
            message: "a prepare script has no step".to_owned(),
        })?;
        step.number = PREPARE_STEP;
        step.name = Some(Template::literal(format!("Prepare with {}", self.name)));
        Ok(workflow)
    }
}

/// How a prepare script ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PrepareEnd {
    /// The machine is prepared; what runs in it starts with this.
    Done(Environment),
    /// The script failed; with its exit code, if it ended by itself.
    Failed(Option<u32>),
    /// It was told to stop.
    Stopped,
}

/// How it ended, where that was not well, after "the prepare script …".
pub fn describe(exit_code: Option<u32>) -> String {
    match exit_code {
        Some(0) => "ended with 0, but what it wrote to its command files was refused".to_owned(),
        Some(code) => format!("ended with {}", code.cast_signed()),
        None => "did not run to its end".to_owned(),
    }
}

/// What running a prepare script takes.
pub struct Preparing<'a> {
    /// The script.
    pub script: &'a PrepareScript,
    /// The guest.
    pub channel: Arc<dyn GuestChannel>,
    /// What the guest is like.
    pub guest: &'a GuestProfile,
    /// Where facts go.
    pub events: &'a Events,
    /// What is kept out of everything.
    pub masker: &'a Masker,
    /// What stops it.
    pub cancel: &'a Cancel,
}

impl Preparing<'_> {
    /// Runs the script as a step of a job of its own. What it starts goes on.
    pub async fn run(&self) -> Result<PrepareEnd, Failure> {
        let workflow = self.script.workflow(self.guest)?;
        let job = workflow.jobs.first().ok_or_else(|| Bug {
            message: "a prepare script has no job".to_owned(),
        })?;
        let facts = self.facts();
        self.make_directories(&facts).await?;
        let executor = Executor {
            workflow: &workflow,
            job,
            channel: Arc::clone(&self.channel),
            guest: self.guest,
            facts: &facts,
            secrets: &Variables::default(),
            events: self.events,
            masker: self.masker,
            cancel: self.cancel,
            workspace: &Nothing,
            actions: &NoActions,
            tools: &Nothing,
            artifacts: &Nothing,
            real_actions: false,
            hashes: FileHashes::default(),
            matchers: JobMatchers::default(),
        };
        let end = executor.run_alone().await?;
        Ok(self.judge(end))
    }

    fn judge(&self, end: AloneEnd) -> PrepareEnd {
        match end.conclusion {
            Conclusion::Success | Conclusion::Skipped => {}
            Conclusion::Failure => return PrepareEnd::Failed(end.exit_code),
            Conclusion::Cancelled => return PrepareEnd::Stopped,
        }
        let size = end.environment.size();
        if size > ENVIRONMENT_LIMIT {
            let text = format!(
                "the prepare script wrote {size} bytes to GITHUB_ENV and GITHUB_PATH, and no more than \
                 {ENVIRONMENT_LIMIT} are kept: write what is large to a file of the machine"
            );
            self.events.notice(Level::Error, text);
            return PrepareEnd::Failed(end.exit_code);
        }
        PrepareEnd::Done(self.without_masked(end.environment))
    }

    /// What is masked now would not be masked where the machine wakes, so it is not handed on.
    fn without_masked(&self, environment: Environment) -> Environment {
        let is_plain = |what: &str, text: &str| {
            let is_plain = self.masker.mask(text) == text;
            if !is_plain {
                let text =
                    format!("{what} of the prepare script does not reach the job: it is masked");
                self.events.notice(Level::Warning, text);
            }
            is_plain
        };
        let mut left = environment;
        left.variables
            .retain(|(name, value)| is_plain(&format!("the variable `{name}`"), value));
        left.path.retain(|one| is_plain("a directory", one));
        left
    }

    /// Of a run that nobody knows yet, nothing is told.
    fn facts(&self) -> JobFacts {
        let mut facts = JobFacts {
            job: "prepare".to_owned(),
            runner: "dormer".to_owned(),
            ..JobFacts::default()
        };
        facts.place_in(self.guest, DIRECTORY);
        facts.workspace = format!("{}\\{DIRECTORY}", self.guest.workspace);
        facts
    }

    async fn make_directories(&self, facts: &JobFacts) -> Result<(), InfraFailure> {
        let paths = self.channel.dialect().paths();
        let directories = [&facts.workspace, &facts.temp, &facts.tool_cache];
        let directories = directories.map(|path| paths.write(path)).to_vec();
        let made = self.channel.make_directories(&directories).await;
        made.map_err(|error| {
            InfraFailure::transient("cannot make the prepare script's directories in the guest")
                .because(error)
        })
    }
}

/// What a script without a job has of everything that jobs have.
struct Nothing;

const NONE: &str = "a prepare script has none of that";

#[async_trait]
impl WorkspaceSource for Nothing {
    fn is_there(&self) -> bool {
        false
    }

    async fn serve(&self, _directory: &str) -> Result<(), String> {
        Err(NONE.to_owned())
    }
}

#[async_trait]
impl ToolSource for Nothing {
    async fn provide(&self, _tool: &GuestTool) -> Result<(), String> {
        Err(NONE.to_owned())
    }
}

#[async_trait]
impl ArtifactKeeper for Nothing {
    async fn upload(&self, _wanted: &Upload) -> Result<Option<Kept>, String> {
        Err(NONE.to_owned())
    }

    fn kept(&self) -> Vec<Kept> {
        Vec::new()
    }

    async fn download(&self, _artifact: &Kept, _directory: &str) -> Result<(), String> {
        Err(NONE.to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::image::recipe::Recipe;

    fn guest() -> GuestProfile {
        let recipe = Recipe::guest("compat").unwrap();
        recipe.description().unwrap().guest
    }

    fn script(name: &str, text: &str, shell: Option<&str>) -> PrepareScript {
        PrepareScript {
            name: name.to_owned(),
            text: text.to_owned(),
            shell: shell.map(str::to_owned),
            scope: TrustScope::Local,
        }
    }

    #[test]
    fn a_script_is_known_by_what_it_says_and_by_its_shell_and_not_by_its_name() {
        let guest = guest();
        let digest = |script: &PrepareScript| {
            let preparation = script.preparation(&guest, Network::None);
            preparation.unwrap().script
        };
        let one = digest(&script("a.sh", "exit", None));
        assert_eq!(one, digest(&script("b.sh", "exit", None)));
        assert_eq!(one, digest(&script("b.txt", "exit", Some("bash"))));
        assert_ne!(one, digest(&script("a.sh", "exit 0", None)));
        assert_ne!(one, digest(&script("a.py", "exit", None)));
        assert_ne!(one, digest(&script("a.sh", "exit", Some("sh"))));
        assert_ne!(one, digest(&script("a", "exit", None)));
    }

    #[test]
    fn a_shell_that_the_guest_lacks_is_refused_before_there_is_a_machine() {
        let script = script("setup.ps1", "exit", None);
        let error = script.preparation(&guest(), Network::None).unwrap_err();
        assert!(
            error.message.contains("no shell `pwsh`"),
            "{}",
            error.message
        );
    }

    #[test]
    fn it_stands_before_the_first_step_of_any_job() {
        let script = script("setup.cmd", "echo ${{ secrets.X }}", None);
        let workflow = script.workflow(&guest()).unwrap();
        let step = &workflow.jobs[0].steps[0];
        assert_eq!(step.number, PREPARE_STEP);
        let name = step.name.as_ref().unwrap();
        assert_eq!(name.as_literal(), Some("Prepare with setup.cmd"));
    }
}
