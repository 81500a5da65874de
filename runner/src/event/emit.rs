//! How facts get from everybody to the reporters: stamped, in order, through one queue.

use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use tokio::sync::{Semaphore, mpsc, oneshot};

use crate::event::{JobEvent, Level, Message, SCHEMA_VERSION, Stamped, Stream};

/// How many bytes a notice may have: it quotes what a guest says, and waits for no reporter.
const LONGEST_NOTICE: usize = 8 << 10;

/// How many bytes of log may be on their way to the reporters; more make the guest wait.
const LOG_BYTES_IN_FLIGHT: usize = 4 << 20;

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
        let names: Vec<&str> = std::iter::once(job).chain(leg).collect();
        self.leg(&names.join("\n"), job, leg)
    }

    /// The same for one that others may share its names with. `key` is its own.
    pub fn leg(&self, key: &str, job: &str, leg: Option<&str>) -> Events {
        self.since(Instant::now(), key, job, leg)
    }

    /// What is the run's own.
    pub fn own(&self) -> Events {
        self.since(self.accepted, "", "", None)
    }

    fn since(&self, accepted: Instant, key: &str, job: &str, leg: Option<&str>) -> Events {
        let shared = Shared {
            accepted,
            key: key.into(),
            may_fail: false,
            job: job.into(),
            leg: leg.map(Into::into),
            instance: RwLock::default(),
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
    key: Arc<str>,
    may_fail: bool,
    job: Arc<str>,
    leg: Option<Arc<str>>,
    instance: RwLock<Option<Arc<str>>>,
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

    /// The events of the same job, whose clock starts now.
    #[must_use]
    pub fn restarted(&self) -> Self {
        self.with(Instant::now(), self.shared.may_fail)
    }

    /// The events of the same job, whose failure counts as a success to the run.
    #[must_use]
    pub fn forgiven(&self) -> Self {
        self.with(self.shared.accepted, true)
    }

    fn with(&self, accepted: Instant, may_fail: bool) -> Self {
        let shared = Shared {
            accepted,
            key: Arc::clone(&self.shared.key),
            may_fail,
            job: Arc::clone(&self.shared.job),
            leg: self.shared.leg.clone(),
            instance: RwLock::default(),
            queue: self.shared.queue.clone(),
            in_flight: Arc::clone(&self.shared.in_flight),
        };
        Self {
            shared: Arc::new(shared),
        }
    }

    /// From now on events name this instance.
    pub fn set_instance(&self, id: &str) {
        // A job has one instance at a time: another one where the first did not come up.
        let instance = self.shared.instance.write();
        *instance.unwrap_or_else(PoisonError::into_inner) = Some(id.into());
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
        let line = |text| JobEvent::Log {
            number,
            stream,
            text,
        };
        self.output(lines.into_iter().map(line).collect()).await;
    }

    /// Hands on what a step's output comes to, in its order, and waits while the reporters are too far
    /// behind.
    pub async fn output(&self, facts: Vec<JobEvent>) {
        if facts.is_empty() {
            return;
        }
        let bytes: usize = facts.iter().map(JobEvent::size).sum();
        let permits = u32::try_from(bytes.min(LOG_BYTES_IN_FLIGHT)).unwrap_or(u32::MAX);
        let in_flight = Arc::clone(&self.shared.in_flight);
        let permit = in_flight.acquire_many_owned(permits).await.ok();
        let first = self.stamp(JobEvent::JobAccepted);
        let stamped = facts.into_iter().map(|event| Stamped {
            event,
            ..first.clone()
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
            instance: self
                .shared
                .instance
                .read()
                .unwrap_or_else(PoisonError::into_inner)
                .clone(),
            key: Arc::clone(&self.shared.key),
            may_fail: self.shared.may_fail,
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
    use crate::event::Rung;

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
