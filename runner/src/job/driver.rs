//! The one task that moves a job through its phases. See the diagram in `job`.

mod bring_up;
mod preparing;

use std::future::Future;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use jiff::Timestamp;

use crate::event::{Conclusion, Events, JobEvent, Level, Phase};
use crate::failure::{Failure, InfraFailure};
use crate::host::clock::{Deadline, milliseconds, pause, within};
use crate::host::home::Home;
use crate::host::signals::Cancel;
use crate::image::store::{Image, Store};
use crate::instance::provision::Instance;
use crate::job::ledger::Ledger;
use crate::job::limits::{Limits, Stop};
use crate::job::outcome::{Ending, JobEnd};
use crate::job::plan::{JobRequest, Keep};
use crate::job::told::Told;
use crate::job::warm::Making;
use crate::job::work::Work;
use crate::mask::Masker;
use crate::progress::Progress;
use crate::steps::context::JobFacts;
use crate::steps::shell;
use crate::vmm::engine::Engine;

/// Steps that run although the job was told to stop have this long, and what is fetched after them has
/// as long again.
const GRACE: Deadline = Deadline::seconds("the end of the steps that run always", 300);
/// A machine that can't be removed in this time is left to `dormer gc`.
pub(super) const TEARDOWN: Deadline = Deadline::seconds("the machine's removal", 120);
/// A reader of the log who has stopped reading is not waited for much longer.
const LAST_WORDS: Deadline = Deadline::seconds("the reporters", 10);

/// Everything around a job.
#[derive(Clone)]
pub struct Surroundings {
    /// The engine.
    pub engine: Engine,
    /// The home.
    pub home: Home,
    /// Its images.
    pub store: Store,
    /// Where facts go.
    pub events: Events,
    /// What stops the job.
    pub cancel: Cancel,
    /// What is kept out of everything.
    pub masker: Masker,
    /// Shows transfers.
    pub progress: Arc<dyn Progress>,
    /// What other jobs of the run have said already.
    pub told: Told,
    /// What they have found out about templates.
    pub ledger: Ledger,
}

/// Runs a job to its end.
pub async fn run(request: &JobRequest, around: &Surroundings) -> JobEnd {
    let limits = Limits::new(around.cancel.clone(), request.deadline.clone());
    let driver = Driver {
        request,
        around,
        limits,
        instance: None,
        ready: false,
        missing: None,
        outputs: Vec::new(),
    };
    driver.run().await
}

struct Driver<'a> {
    request: &'a JobRequest,
    around: &'a Surroundings,
    limits: Limits,
    instance: Option<Instance>,
    /// Whether the guest has answered.
    ready: bool,
    /// The template that it boots for want of, if that is to be made up for.
    missing: Option<Making>,
    /// What the job leaves for others, once its steps are over.
    outputs: Vec<(String, String)>,
}

/// Why a phase was not finished.
enum Interrupted {
    Stopped(Stop),
    Failed(Failure),
    /// Its prepare script failed, which was said.
    Unprepared,
}

impl<E: Into<Failure>> From<E> for Interrupted {
    fn from(failure: E) -> Self {
        Self::Failed(failure.into())
    }
}

impl Driver<'_> {
    async fn run(mut self) -> JobEnd {
        self.enter(Phase::Accepted);
        let ending = match self.work().await {
            Ok(conclusion) => Ending::of_steps(conclusion, self.limits.stop()),
            Err(Interrupted::Stopped(Stop::Cancelled)) => Ending::Cancelled,
            Err(Interrupted::Stopped(Stop::Deadline)) => Ending::Deadline,
            Err(Interrupted::Failed(failure)) => Ending::Failed(self.masked(failure)),
            Err(Interrupted::Unprepared) => Ending::Steps(Conclusion::Failure),
        };
        // From here on nothing changes how the job ended.
        if let (Ending::Deadline, Some(limit)) = (&ending, self.limits.time()) {
            let text = format!("the time of the job was over ({limit})");
            self.around.events.notice(Level::Error, text);
        }
        let evidence = self.keep_evidence(&ending).await;
        self.let_go(&ending).await;
        self.enter(Phase::Completed);
        self.around.events.emit(JobEvent::JobCompleted {
            conclusion: ending.conclusion(),
            exit_code: ending.exit_code(),
            infra: ending.infra(evidence),
        });
        let _ = within(LAST_WORDS, self.around.events.flush()).await;
        JobEnd {
            conclusion: ending.conclusion(),
            exit_code: ending.exit_code(),
            outputs: self.outputs,
        }
    }

    async fn work(&mut self) -> Result<Conclusion, Interrupted> {
        self.refuse_missing_shells()?;
        self.enter(Phase::ResolvingImage);
        let image = self.resolve_image().await?;
        let order = self.order(&image).await?;
        let channel = self.bring_up(order).await?;
        self.tell_missing();
        let guest = image.manifest.description.guest.clone();
        let prepared = self.prepare_here(&channel, &guest).await?;

        self.enter(Phase::RunningSteps);
        let work = Work {
            request: self.request,
            channel,
            guest: &guest,
            prepared,
            facts: self.facts(&image),
            events: &self.around.events,
            masker: &self.around.masker,
            progress: Arc::clone(&self.around.progress),
            tools: self.around.home.tools(),
        };
        let limits = self.limits.clone();
        while_alive(&mut self.instance, guarded(&limits, work.prepare())).await?;
        let steps = bounded_after_stop(&limits, work.run_steps(&mut self.limits));
        let steps = while_alive(&mut self.instance, steps).await?;
        let conclusion = steps.conclusion;
        self.outputs = steps.outputs;
        if self.request.settings.artifacts.is_empty() {
            return Ok(conclusion);
        }
        self.enter(Phase::CollectingArtifacts);
        let limits = self.limits.clone();
        let collecting = bounded_after_stop(&limits, work.collect());
        let taken = while_alive(&mut self.instance, collecting).await?;
        let refused = !taken && conclusion == Conclusion::Success;
        Ok(if refused {
            Conclusion::Failure
        } else {
            conclusion
        })
    }

    /// What the image says of itself is enough for that, and to check all of it takes seconds.
    fn refuse_missing_shells(&self) -> Result<(), Failure> {
        // One that is not there is told when its turn comes.
        let Ok(image) = self.around.store.get(&self.request.image) else {
            return Ok(());
        };
        let guest = &image.manifest.description.guest;
        Ok(shell::refuse_missing(
            guest,
            &self.request.workflow,
            &self.request.job,
        )?)
    }

    async fn resolve_image(&self) -> Result<Image, Interrupted> {
        let image = self.around.store.get(&self.request.image)?;
        let (store, found) = (self.around.store.clone(), image.clone());
        let progress = Arc::clone(&self.around.progress);
        let checking = tokio::task::spawn_blocking(move || {
            let checked = store.check(&found, progress.as_ref());
            progress.finish();
            checked
        });
        let checked = guarded(&self.limits, async {
            checking
                .await
                .map_err(|error| InfraFailure::new("cannot check the image").because(error))
        });
        checked.await??;
        Ok(image)
    }

    fn facts(&self, image: &Image) -> JobFacts {
        let instance = self.instance.as_ref();
        let runner = instance.map(Instance::id).unwrap_or_default();
        let guest = &image.manifest.description.guest;
        self.request.facts(runner, guest)
    }

    /// Keeps what explains an ending that is no success; where it is, for the user.
    async fn keep_evidence(&self, ending: &Ending) -> Option<String> {
        if ending.conclusion() == Conclusion::Success || self.around.cancel.is_immediate() {
            return None;
        }
        self.gather_evidence().await
    }

    /// Keeps what explains a failure of the machine; where it is, for the user.
    async fn gather_evidence(&self) -> Option<String> {
        let instance = self.instance.as_ref()?;
        let directory: PathBuf = self.around.home.jobs().join(instance.id());
        match instance.gather_evidence(&directory).await {
            Ok(()) => {
                let text = format!("evidence is kept in {}", directory.display());
                self.around.events.notice(Level::Notice, text);
                Some(directory.display().to_string())
            }
            Err(error) => {
                let text = format!("no evidence could be kept: {error}");
                self.around.events.notice(Level::Warning, text);
                None
            }
        }
    }

    /// Keeps the machine, or removes it.
    async fn let_go(&mut self, ending: &Ending) {
        let Some(instance) = self.instance.take() else {
            return;
        };
        if self.is_kept(ending) {
            self.keep(instance);
            return;
        }
        self.enter(Phase::TearingDown);
        let begun = Instant::now();
        let id = instance.id().to_owned();
        let failed = match within(TEARDOWN, instance.tear_down()).await {
            Ok(Ok(())) => None,
            Ok(Err(failure)) => Some(failure.message()),
            Err(late) => Some(late.to_string()),
        };
        match failed {
            None => self.around.events.emit(JobEvent::TornDown {
                ms: milliseconds(begun.elapsed()),
            }),
            Some(why) => {
                let text = not_removed(&id, &why);
                self.around.events.notice(Level::Warning, text);
            }
        }
    }

    fn is_kept(&self, ending: &Ending) -> bool {
        self.ready
            && !self.around.cancel.is_immediate()
            && match self.request.settings.keep {
                Keep::Never => false,
                Keep::OnFailure => ending.conclusion() != Conclusion::Success,
                Keep::Always => true,
            }
    }

    fn keep(&self, instance: Instance) {
        let id = instance.id().to_owned();
        let expires = Timestamp::now()
            .checked_add(self.request.settings.keep_for)
            .unwrap_or(Timestamp::MAX);
        let minutes = self.request.settings.keep_for.as_secs().div_ceil(60);
        let (level, text) = match instance.keep(expires) {
            Ok(()) => (
                Level::Notice,
                format!(
                    "the machine {id} is kept for {minutes} minutes: `dormer shell {id}` looks \
                     inside, `dormer stop {id}` ends it"
                ),
            ),
            Err(failure) => (
                Level::Warning,
                format!("the machine could not be kept: {}", failure.message()),
            ),
        };
        self.around.events.notice(level, text);
    }

    fn enter(&self, phase: Phase) {
        self.around.events.emit(JobEvent::Phase { phase });
    }

    /// A failure's text may hold what a guest said, and that a secret.
    fn masked(&self, failure: Failure) -> Failure {
        let Failure::Infra(infra) = failure else {
            return failure;
        };
        let text = crate::failure::with_causes(&infra);
        let mut masked = InfraFailure::new(self.around.masker.mask(&text).into_owned());
        masked.transient = infra.transient;
        masked.help = infra.help;
        masked.into()
    }
}

fn not_removed(id: &str, why: &str) -> String {
    format!("the machine {id} was not removed entirely: {why} (`dormer gc` tries again)")
}

/// Does something that may be dropped half-way when the job is to stop.
async fn guarded<T, E: Into<Failure>>(
    limits: &Limits,
    work: impl Future<Output = Result<T, E>>,
) -> Result<T, Interrupted> {
    tokio::select! {
        biased;
        done = work => Ok(done?),
        stop = limits.stopped() => Err(Interrupted::Stopped(stop)),
    }
}

/// Does something that stops by itself when the job is told to, within the grace that it has; a second
/// request ends that.
async fn bounded_after_stop<T>(
    limits: &Limits,
    work: impl Future<Output = Result<T, Failure>>,
) -> Result<T, Interrupted> {
    let grace_over = async {
        // Not this clone's deadline: the steps bring it forward when they know the job's own.
        limits.steps().requested().await;
        let _ = within(GRACE, limits.asked().immediate()).await;
        // A moment for the steps to see the second request themselves.
        pause(Duration::from_secs(3)).await;
    };
    tokio::select! {
        biased;
        done = work => Ok(done?),
        () = grace_over => Err(Interrupted::Stopped(limits.stop().unwrap_or(Stop::Deadline))),
    }
}

/// Does something in the guest for as long as the machine can go on. A connection breaks a moment
/// before anybody knows why; the reason is worth that moment.
async fn while_alive<T>(
    instance: &mut Option<Instance>,
    work: impl Future<Output = Result<T, Interrupted>>,
) -> Result<T, Interrupted> {
    const REASON: Deadline = Deadline::seconds("the reason of a broken connection", 3);
    let Some(instance) = instance else {
        return work.await;
    };
    let broken = tokio::select! {
        biased;
        done = work => match done {
            Err(Interrupted::Failed(Failure::Infra(broken))) => broken,
            done => return done,
        },
        trouble = instance.trouble() => return Err(trouble.into()),
    };
    match within(REASON, instance.trouble()).await {
        Ok(trouble) => Err(trouble.into()),
        Err(_) => Err(broken.into()),
    }
}
