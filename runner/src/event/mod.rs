//! What happens to a job, as facts with a time. The one place that knows every kind of event; it is
//! a leaf, so that everybody may emit and only `report` consumes. The schema is public: see
//! `docs/events.md`, and raise [`SCHEMA_VERSION`] with any change that a reader could trip over.

mod emit;

use std::sync::Arc;

use jiff::Timestamp;
use serde::Serialize;
use tokio::sync::{OwnedSemaphorePermit, oneshot};

pub use emit::{Events, RunEvents};

/// The field `v` of every event.
pub const SCHEMA_VERSION: u32 = 1;

/// The number of the script that prepares a machine, among the steps of its job: it stands before the first.
pub const PREPARE_STEP: usize = 0;

/// Where a job is in its life. See the diagram in `job`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// The request is valid and has a job of its own.
    Accepted,
    /// The image is found and verified.
    ResolvingImage,
    /// The host has no room for another machine; only where a job has to wait for that.
    WaitingForRoom,
    /// The instance's directory, keys and disk are made.
    CreatingOverlay,
    /// The container with QEMU starts.
    StartingContainer,
    /// The guest boots and climbs the readiness ladder.
    WaitingForGuest,
    /// The prepare script's template is made, or the script runs in the job's own machine.
    Preparing,
    /// The workspace goes in and the steps run.
    RunningSteps,
    /// What the job leaves behind is fetched.
    CollectingArtifacts,
    /// Everything made for the job is removed.
    TearingDown,
    /// It is over.
    Completed,
}

/// How a machine came to run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum StartMode {
    /// It booted.
    Cold,
    /// It woke from a template.
    Warm,
}

/// What a machine answered with, from the outside in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Rung {
    /// The container runs.
    ContainerUp,
    /// QEMU's monitor answered.
    Qmp,
    /// The template's state is loaded; only where a machine wakes.
    Loaded,
    /// The guest agent answered.
    GuestAgent,
    /// The guest has its own clock, random numbers and key; only where a machine wakes.
    Identity,
    /// The SSH server sent its banner.
    SshBanner,
    /// A command was run and answered.
    Command,
}

impl Rung {
    /// The rung as people read it.
    pub fn describe(self) -> &'static str {
        match self {
            Self::ContainerUp => "the container",
            Self::Qmp => "QEMU's monitor",
            Self::Loaded => "the template's state",
            Self::GuestAgent => "the guest agent",
            Self::Identity => "the guest's own clock and key",
            Self::SshBanner => "the SSH banner",
            Self::Command => "an answered command",
        }
    }
}

/// Which part of a step runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// What an action does before all steps.
    Pre,
    /// The step itself.
    Main,
    /// What an action does after all steps.
    Post,
}

/// How a step or a job ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Conclusion {
    /// It did what it should.
    Success,
    /// It did not.
    Failure,
    /// It was told to stop.
    Cancelled,
    /// Its condition did not hold.
    Skipped,
}

impl Conclusion {
    /// The word used in contexts and events.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Success => "success",
            Self::Failure => "failure",
            Self::Cancelled => "cancelled",
            Self::Skipped => "skipped",
        }
    }
}

/// Which of a program's outputs a line is from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Stream {
    /// Standard output.
    Stdout,
    /// Standard error.
    Stderr,
}

/// How much a notice matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Level {
    /// Worth knowing.
    Notice,
    /// Worth a look.
    Warning,
    /// Something went wrong.
    Error,
}

/// Why the machinery ended a job.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Infra {
    /// What was attempted, on what, and why it failed.
    pub message: String,
    /// What to do about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub help: Option<String>,
    /// Whether trying again may help.
    pub transient: bool,
    /// The directory with the evidence, if any was kept.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub evidence: Option<String>,
}

/// What a step's output says of the code, by a command or by way of a problem matcher.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Annotation {
    /// The step's number.
    pub number: usize,
    /// How much it matters.
    pub severity: Level,
    /// What there is to say; may have several lines.
    pub message: String,
    /// Its heading.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// Below the workspace with `/`; one that is elsewhere is as the step wrote it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
    /// From 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line: Option<u32>,
    /// The last line, if there are several.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub end_line: Option<u32>,
    /// From 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub col: Option<u32>,
    /// The last column.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub end_col: Option<u32>,
    /// The tool's own name for this kind of finding, as `C4996`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// The owner of the problem matcher that found it; none for a command.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub matcher: Option<String>,
}

impl Annotation {
    /// How GitHub says that a script failed. Without a position.
    pub fn of_exit(number: usize, code: u32) -> Self {
        Self::error(number, format!("{EXITED}{}.", code.cast_signed()))
    }

    /// An error without a position.
    pub fn error(number: usize, message: String) -> Self {
        Self {
            number,
            severity: Level::Error,
            message,
            title: None,
            file: None,
            line: None,
            end_line: None,
            col: None,
            end_col: None,
            code: None,
            matcher: None,
        }
    }

    /// Whether it says only what a notice says, which may have been cut.
    pub fn says(&self, notice: &str) -> bool {
        match notice.strip_suffix('…') {
            Some(beginning) => self.message.starts_with(beginning),
            None => self.message == notice,
        }
    }

    /// Whether it says only what the end of its step says too.
    pub fn tells_exit(&self) -> bool {
        self.severity == Level::Error && self.file.is_none() && self.message.starts_with(EXITED)
    }
}

/// How an annotation begins that tells a script's exit code.
const EXITED: &str = "Process completed with exit code ";

/// One fact.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum JobEvent {
    /// The clock of `t_ms` starts.
    JobAccepted,
    /// The job moved on.
    Phase {
        /// To where.
        phase: Phase,
    },
    /// The virtual CPUs run.
    Started {
        /// How they came to.
        mode: StartMode,
        /// Whether the machine stood by and had only to wake.
        standby: bool,
    },
    /// The machine reached a rung of the readiness ladder.
    Rung {
        /// Which.
        rung: Rung,
        /// Milliseconds since the rung before it. The first counts from when its container was asked
        /// to start, the guest's first from when the virtual CPUs ran.
        ms: u64,
    },
    /// An action of another repository is in the guest, or a job calls a workflow of one.
    ActionPinned {
        /// The reference, as `owner/repo@ref`.
        uses: String,
        /// The commit that it meant, in hexadecimal; none where a directory of the user's stands in.
        commit: Option<String>,
    },
    /// A step begins. One that is skipped has only its end.
    StepStarted {
        /// Its place in the file, from 1; see [`PREPARE_STEP`].
        number: usize,
        /// Which part of it.
        stage: Stage,
        /// The `id` that the file gives it.
        id: Option<String>,
        /// Its name, or what it does.
        name: String,
    },
    /// What a step is about to run. Steps inside of composite actions have theirs too.
    StepHeader {
        /// The number of the job's step.
        number: usize,
        /// Which part of it.
        stage: Stage,
        /// As in GitHub's log, masked; not lines of the step's output.
        lines: Vec<String>,
    },
    /// A line of output, without its end.
    Log {
        /// The step's number.
        number: usize,
        /// Where it was printed.
        stream: Stream,
        /// The line, masked; bytes that are not UTF-8 are replaced.
        text: String,
    },
    /// A step's output says something of the code.
    Annotation(Box<Annotation>),
    /// What a step wrote to be read by people.
    StepSummary {
        /// The step's number.
        number: usize,
        /// Markdown of GitHub's kind.
        text: String,
    },
    /// A step ended.
    StepFinished {
        /// Its place in the file, from 1.
        number: usize,
        /// Which part of it.
        stage: Stage,
        /// The `id` that the file gives it.
        id: Option<String>,
        /// Its name, or what it does.
        name: String,
        /// Before `continue-on-error`.
        outcome: Conclusion,
        /// After `continue-on-error`.
        conclusion: Conclusion,
        /// What its program ended with, if one ran to its end.
        exit_code: Option<u32>,
        /// How long it took, in milliseconds.
        ms: u64,
    },
    /// A file came back.
    Artifact {
        /// Below `--out`, with `/`.
        path: String,
        /// In bytes.
        size: u64,
        /// In hexadecimal.
        sha256: String,
    },
    /// Nothing of the instance is left.
    TornDown {
        /// How long that took, in milliseconds.
        ms: u64,
    },
    /// The last event of a job. One that was skipped has no other.
    JobCompleted {
        /// How the job ended.
        conclusion: Conclusion,
        /// What the process will end with.
        exit_code: u8,
        /// Why, if the machinery failed.
        infra: Option<Infra>,
    },
    /// Several jobs begin, as one run. A job that is run by itself has neither this nor the run's end.
    RunStarted {
        /// The jobs' ids, in the order of the file.
        jobs: Vec<String>,
    },
    /// All jobs of a run are over: the last event.
    RunCompleted {
        /// How the run ended.
        conclusion: Conclusion,
        /// What the process will end with.
        exit_code: u8,
    },
    /// Something that people should know.
    Notice {
        /// How much it matters.
        level: Level,
        /// What.
        text: String,
    },
}

impl JobEvent {
    /// Every text in it that strangers may have had a hand in. Not the lines of a log, which come by the
    /// million and are masked on their way, and not the ids that a workflow's own file gives.
    pub fn each_text(&mut self, act: &mut dyn FnMut(&mut String)) {
        match self {
            Self::StepStarted { name, .. } | Self::StepFinished { name, .. } => act(name),
            Self::Annotation(found) => {
                act(&mut found.message);
                let others = [
                    &mut found.title,
                    &mut found.file,
                    &mut found.code,
                    &mut found.matcher,
                ];
                others.into_iter().flatten().for_each(&mut *act);
            }
            Self::StepSummary { text, .. } => act(text),
            Self::StepHeader { lines, .. } => lines.iter_mut().for_each(&mut *act),
            Self::ActionPinned { uses, .. } => act(uses),
            Self::Artifact { path, .. } => act(path),
            Self::Notice { text, .. } => act(text),
            Self::JobCompleted { infra, .. } => {
                if let Some(infra) = infra {
                    act(&mut infra.message);
                    infra.help.iter_mut().for_each(&mut *act);
                }
            }
            Self::JobAccepted
            | Self::Phase { .. }
            | Self::Started { .. }
            | Self::Rung { .. }
            | Self::Log { .. }
            | Self::TornDown { .. }
            | Self::RunStarted { .. }
            | Self::RunCompleted { .. } => {}
        }
    }

    /// How many bytes it takes on its way to the reporters, more or less.
    fn size(&self) -> usize {
        const AROUND: usize = 64;
        AROUND
            + match self {
                Self::Log { text, .. } | Self::Notice { text, .. } => text.len(),
                Self::StepHeader { lines, .. } => lines.iter().map(String::len).sum(),
                Self::Annotation(found) => 4 * AROUND + found.message.len(),
                _ => AROUND,
            }
    }
}

/// An event with its place in time.
#[derive(Debug, Clone, Serialize)]
pub struct Stamped {
    /// See [`SCHEMA_VERSION`].
    pub v: u32,
    /// Milliseconds since the job was accepted, or the run for what is the run's own, by a clock that
    /// never goes back.
    pub t_ms: u64,
    /// The time of day, in RFC 3339.
    pub ts: Timestamp,
    /// The job's id in its file, in a called workflow behind those of its callers and ` / `; empty for
    /// what is the run's own.
    pub job: Arc<str>,
    /// The name of the leg, where the job is part of a matrix.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub leg: Option<Arc<str>>,
    /// The instance's id, once there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub instance: Option<Arc<str>>,
    /// Tells the job, or the leg of it, from all others of the run, whatever they are called.
    #[serde(skip)]
    pub key: Arc<str>,
    /// Whether a failure of the job counts as a success to the run.
    #[serde(skip)]
    pub may_fail: bool,
    /// The fact.
    #[serde(flatten)]
    pub event: JobEvent,
}

impl Stamped {
    /// What people call the job: the name of its leg, or its id. Others may be called the same; the key
    /// tells them apart.
    pub fn whose(&self) -> &Arc<str> {
        self.leg.as_ref().unwrap_or(&self.job)
    }
}

/// What travels to the reporters.
#[derive(Debug)]
pub enum Message {
    /// Events in their order; log lines hold back their producer until they are reported.
    Events(Vec<Stamped>, Option<OwnedSemaphorePermit>),
    /// Answered when everything before it has been reported.
    Flush(oneshot::Sender<()>),
}
