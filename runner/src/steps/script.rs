//! One `run:` step: its script as a bundle, its output into the log, its end.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use crate::event::{Events, Stream};
use crate::guest::bundle::{Bundle, BundleResult};
use crate::guest::channel::{GuestChannel, RunningBundle};
use crate::guest::command::{ChannelError, Output};
use crate::host::clock;
use crate::host::signals::Cancel;
use crate::mask::Masker;
use crate::steps::commands::{StepCommands, Surroundings};
use crate::steps::effects::Effects;
use crate::steps::matchers::JobMatchers;
use crate::steps::output::StepOutput;
use crate::steps::stop::stop;

/// How a script came to its end.
#[derive(Debug)]
pub enum ScriptEnd {
    /// By itself.
    Finished(BundleResult),
    /// Its time was over. The result is there if it ended when it was told to.
    TimedOut(Option<BundleResult>),
    /// Somebody wants the job to stop.
    Cancelled(Option<BundleResult>),
    /// The guest could not run it.
    Failed(ChannelError),
}

/// What running a script takes.
#[derive(Debug)]
pub struct Script<'a> {
    /// The guest.
    pub channel: &'a Arc<dyn GuestChannel>,
    /// Where output goes.
    pub events: &'a Events,
    /// What is kept out of it.
    pub masker: &'a Masker,
    /// The step's number.
    pub number: usize,
    /// The workspace in the guest, in Windows form.
    pub workspace: &'a str,
    /// The job's problem matchers.
    pub matchers: &'a JobMatchers,
    /// How long it may take.
    pub timeout: Option<Duration>,
    /// What stops it; none for a step that runs although the job was told to stop.
    pub cancel: &'a Cancel,
    /// Whether a first request to stop, already made, is none of this step's business.
    pub in_grace: bool,
}

impl Script<'_> {
    /// Runs the bundle to its end. What its commands asked for counts however it ended.
    pub async fn run(&self, bundle: &Bundle) -> (ScriptEnd, Effects) {
        let effects = Arc::default();
        let end = self.run_with(bundle, &effects).await;
        let mut effects = effects.lock().unwrap_or_else(PoisonError::into_inner);
        (end, std::mem::take(&mut *effects))
    }

    async fn run_with(&self, bundle: &Bundle, effects: &Arc<Mutex<Effects>>) -> ScriptEnd {
        let running = match self.channel.run_bundle(bundle).await {
            Ok(running) => running,
            Err(error) => return ScriptEnd::Failed(error),
        };
        let tag = running.tag().to_owned();
        // A task of its own: a reader of the log who stops reading must not hold up the clock.
        let output = self.output(bundle, effects);
        let mut pump = tokio::spawn(pump(running, output));
        let why = tokio::select! {
            biased;
            ended = &mut pump => return finished(ended),
            () = self.timed_out() => Stop::Timeout,
            () = self.asked_to_stop() => Stop::Cancel,
        };
        let at_once = self.cancel.is_immediate();
        let stopped = async {
            tokio::select! {
                stopped = stop(self.channel.as_ref(), &tag, at_once, &mut pump) => stopped,
                () = self.cancel.immediate(), if !at_once => None,
            }
        };
        let ended = stopped.await;
        // Without an end, the pump is let go of, and the connection's end of the bundle with it.
        pump.abort();
        let result = match ended.map(finished) {
            Some(ScriptEnd::Finished(result)) => Some(result),
            Some(ScriptEnd::Failed(ChannelError::Lost(why))) => {
                return ScriptEnd::Failed(ChannelError::Lost(why));
            }
            _ => None,
        };
        match why {
            Stop::Timeout => ScriptEnd::TimedOut(result),
            Stop::Cancel => ScriptEnd::Cancelled(result),
        }
    }

    fn output(&self, bundle: &Bundle, effects: &Arc<Mutex<Effects>>) -> StepOutput {
        let around = Surroundings {
            events: self.events.clone(),
            masker: self.masker.clone(),
            number: self.number,
            channel: Arc::clone(self.channel),
            workspace: self.workspace.to_owned(),
            matchers: self.matchers.clone(),
        };
        let commands = StepCommands::new(around, &bundle.environment, Arc::clone(effects));
        StepOutput::new(self.events, self.masker, self.number, commands)
    }

    async fn timed_out(&self) {
        match self.timeout {
            Some(timeout) => clock::pause(timeout).await,
            None => std::future::pending().await,
        }
    }

    async fn asked_to_stop(&self) {
        if self.in_grace {
            self.cancel.immediate().await;
        } else {
            self.cancel.requested().await;
        }
    }
}

enum Stop {
    Timeout,
    Cancel,
}

type PumpEnd = Result<Result<BundleResult, ChannelError>, tokio::task::JoinError>;

fn finished(ended: PumpEnd) -> ScriptEnd {
    match ended {
        Ok(Ok(result)) => ScriptEnd::Finished(result),
        Ok(Err(error)) => ScriptEnd::Failed(error),
        Err(_) => ScriptEnd::Failed(ChannelError::Lost(
            "the reader of its output died".to_owned(),
        )),
    }
}

async fn pump(
    mut running: RunningBundle,
    mut output: StepOutput,
) -> Result<BundleResult, ChannelError> {
    while let Some(piece) = running.next().await {
        match piece {
            Output::Stdout(bytes) => output.push(Stream::Stdout, &bytes).await,
            Output::Stderr(bytes) => output.push(Stream::Stderr, &bytes).await,
        }
    }
    output.finish().await;
    running.finish().await
}
