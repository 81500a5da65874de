//! What happens to a job, as facts with a time. The one place that knows every kind of event; it is
//! a leaf, so that everybody may emit and only `report` consumes. The schema is public: see
//! `docs/events.md`, and raise [`SCHEMA_VERSION`] with any change that a reader could trip over.

use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use serde::Serialize;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, oneshot};

/// The field `v` of every event.
pub const SCHEMA_VERSION: u32 = 1;

/// How many bytes of log may be on their way to the reporters; more make the guest wait.
const LOG_BYTES_IN_FLIGHT: usize = 4 << 20;

/// How many bytes a notice may have: it quotes what a guest says, and waits for no reporter.
const LONGEST_NOTICE: usize = 8 << 10;

/// Where a job is in its life. See the diagram in `job`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// The request is valid and has a job of its own.
    Accepted,
    /// The image is found and verified.
    ResolvingImage,
    /// The instance's directory, keys and disk are made.
    CreatingOverlay,
    /// The container with QEMU starts.
    StartingContainer,
    /// The guest boots and climbs the readiness ladder.
    WaitingForGuest,
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
}

/// What a machine answered with, from the outside in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Rung {
    /// The container runs.
    ContainerUp,
    /// QEMU's monitor answered.
    Qmp,
    /// The guest agent answered.
    GuestAgent,
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
            Self::GuestAgent => "the guest agent",
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
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
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
    },
    /// The machine reached a rung of the readiness ladder.
    Rung {
        /// Which.
        rung: Rung,
        /// Milliseconds since the rung before it. The first counts from when its container was asked
        /// to start, the guest's first from when the virtual CPUs ran.
        ms: u64,
    },
    /// A step begins. One that is skipped has only its end.
    StepStarted {
        /// Its place in the file, from 1.
        number: usize,
        /// Which part of it.
        stage: Stage,
        /// The `id` that the file gives it.
        id: Option<String>,
        /// Its name, or what it does.
        name: String,
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
    /// The fact.
    #[serde(flatten)]
    pub event: JobEvent,
}

/// What travels to the reporters.
#[derive(Debug)]
pub enum Message {
    /// Events in their order; log lines hold back their producer until they are reported.
    Events(Vec<Stamped>, Option<OwnedSemaphorePermit>),
    /// Answered when everything before it has been reported.
    Flush(oneshot::Sender<()>),
}

/// Where the jobs of a run state their facts, which travel in one queue. Cheap to clone.
#[derive(Debug, Clone)]
pub struct RunEvents {
    accepted: Instant,
    queue: mpsc::UnboundedSender<Message>,
    in_flight: Arc<Semaphore>,
}

impl RunEvents {
    /// The events of a run that is accepted now, and the queue that they arrive in.
    pub fn open() -> (Self, mpsc::UnboundedReceiver<Message>) {
        let (queue, receiver) = mpsc::unbounded_channel();
        let run = Self {
            accepted: Instant::now(),
            queue,
            in_flight: Arc::new(Semaphore::new(LOG_BYTES_IN_FLIGHT)),
        };
        (run, receiver)
    }

    /// The events of a job whose clock starts now, or of a leg of it.
    pub fn job(&self, job: &str, leg: Option<&str>) -> Events {
        self.since(Instant::now(), job, leg)
    }

    /// What is the run's own.
    pub fn own(&self) -> Events {
        self.since(self.accepted, "", None)
    }

    fn since(&self, accepted: Instant, job: &str, leg: Option<&str>) -> Events {
        let shared = Shared {
            accepted,
            job: job.into(),
            leg: leg.map(Into::into),
            instance: OnceLock::new(),
            queue: self.queue.clone(),
            in_flight: Arc::clone(&self.in_flight),
        };
        Events {
            shared: Arc::new(shared),
        }
    }
}

/// Where everybody emits. Cheap to clone; never blocks but on log lines.
#[derive(Debug, Clone)]
pub struct Events {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    accepted: Instant,
    job: Arc<str>,
    leg: Option<Arc<str>>,
    instance: OnceLock<Arc<str>>,
    queue: mpsc::UnboundedSender<Message>,
    in_flight: Arc<Semaphore>,
}

impl Events {
    /// The events of one job by itself, accepted now, and the queue that they arrive in.
    pub fn accept(job: &str) -> (Self, mpsc::UnboundedReceiver<Message>) {
        let (run, receiver) = RunEvents::open();
        let events = run.job(job, None);
        // Nothing that is said of a job can come before this.
        events.emit(JobEvent::JobAccepted);
        (events, receiver)
    }

    /// From now on events name this instance.
    pub fn set_instance(&self, id: &str) {
        // A job has one instance; a second name would be a mistake, and the first one stays.
        let _ = self.shared.instance.set(id.into());
    }

    /// How long ago the job was accepted.
    pub fn elapsed(&self) -> Duration {
        self.shared.accepted.elapsed()
    }

    /// States a fact.
    pub fn emit(&self, event: JobEvent) {
        self.send(Message::Events(vec![self.stamp(event)], None));
    }

    /// States something that people should know. What is too long for a notice is cut.
    pub fn notice(&self, level: Level, text: impl Into<String>) {
        let mut text = text.into();
        if text.len() > LONGEST_NOTICE {
            text.truncate(text.floor_char_boundary(LONGEST_NOTICE));
            text.push('…');
        }
        self.emit(JobEvent::Notice { level, text });
    }

    /// Hands on lines of a step's output, and waits while the reporters are too far behind.
    pub async fn log(&self, number: usize, stream: Stream, lines: Vec<String>) {
        if lines.is_empty() {
            return;
        }
        let bytes: usize = lines.iter().map(|line| line.len() + 64).sum();
        let permits = u32::try_from(bytes.min(LOG_BYTES_IN_FLIGHT)).unwrap_or(u32::MAX);
        let in_flight = Arc::clone(&self.shared.in_flight);
        let permit = in_flight.acquire_many_owned(permits).await.ok();
        let first = self.stamp(JobEvent::Log {
            number,
            stream,
            text: String::new(),
        });
        let stamped = lines.into_iter().map(|text| {
            let mut line = first.clone();
            line.event = JobEvent::Log {
                number,
                stream,
                text,
            };
            line
        });
        self.send(Message::Events(stamped.collect(), permit));
    }

    /// Returns when everything stated so far has been reported.
    pub async fn flush(&self) {
        let (done, reported) = oneshot::channel();
        self.send(Message::Flush(done));
        // An error means that the reporters are gone, and then there is nothing to wait for.
        let _ = reported.await;
    }

    fn stamp(&self, event: JobEvent) -> Stamped {
        Stamped {
            v: SCHEMA_VERSION,
            t_ms: u64::try_from(self.elapsed().as_millis()).unwrap_or(u64::MAX),
            ts: Timestamp::now(),
            job: Arc::clone(&self.shared.job),
            leg: self.shared.leg.clone(),
            instance: self.shared.instance.get().cloned(),
            event,
        }
    }

    fn send(&self, message: Message) {
        // Reporters that are gone have had their say; the job goes on without them.
        let _ = self.shared.queue.send(message);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn every_event_carries_the_fields_that_readers_rely_on() {
        let (events, mut queue) = Events::accept("build");
        events.set_instance("abc");
        events.emit(JobEvent::Rung {
            rung: Rung::SshBanner,
            ms: 7,
        });
        let mut lines = Vec::new();
        while let Ok(Message::Events(stamped, _)) = queue.try_recv() {
            lines.extend(stamped.iter().map(|one| serde_json::to_value(one).unwrap()));
        }
        assert_eq!(lines[0]["event"], "job_accepted");
        assert_eq!(lines[0]["v"], 1);
        assert!(lines[0].get("instance").is_none());
        assert_eq!(lines[1]["rung"], "ssh_banner");
        assert_eq!(lines[1]["instance"], "abc");
        assert_eq!(lines[1]["job"], "build");
        assert!(lines[1]["t_ms"].is_u64() && lines[1]["ts"].as_str().unwrap().ends_with('Z'));
    }

    #[tokio::test]
    async fn the_jobs_of_a_run_share_a_queue_and_are_told_apart() {
        let (run, mut queue) = RunEvents::open();
        run.own().emit(JobEvent::RunStarted {
            jobs: vec!["test".to_owned()],
        });
        run.job("test", Some("test (1)"))
            .emit(JobEvent::JobAccepted);
        let mut lines = Vec::new();
        while let Ok(Message::Events(stamped, _)) = queue.try_recv() {
            lines.extend(stamped.iter().map(|one| serde_json::to_value(one).unwrap()));
        }
        assert_eq!(
            (&lines[0]["job"], &lines[0]["event"]),
            (&"".into(), &"run_started".into())
        );
        assert_eq!(
            (&lines[1]["job"], &lines[1]["leg"]),
            (&"test".into(), &"test (1)".into())
        );
        assert!(lines[0].get("leg").is_none());
    }

    #[tokio::test]
    async fn notices_are_short() {
        let (events, mut queue) = Events::accept("build");
        events.notice(Level::Error, "ä".repeat(1 << 20));
        drop(queue.recv().await);
        let Some(Message::Events(stamped, _)) = queue.recv().await else {
            panic!("no event");
        };
        let JobEvent::Notice { text, .. } = &stamped[0].event else {
            panic!("no notice");
        };
        assert!(text.len() < LONGEST_NOTICE + 4 && text.ends_with("ä…"));
    }

    #[tokio::test]
    async fn log_lines_wait_for_the_reporters() {
        let (events, mut queue) = Events::accept("build");
        drop(queue.recv().await);
        let big = vec!["x".repeat(LOG_BYTES_IN_FLIGHT)];
        events.log(1, Stream::Stdout, big.clone()).await;
        let blocked = tokio::spawn({
            let events = events.clone();
            async move { events.log(1, Stream::Stdout, big).await }
        });
        tokio::task::yield_now().await;
        assert!(!blocked.is_finished());
        drop(queue.recv().await);
        blocked.await.unwrap();
    }
}
