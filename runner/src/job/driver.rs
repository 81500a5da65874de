//! The one task that moves a job through its phases. See the diagram in `job`.

use std::future::Future;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use jiff::Timestamp;

use crate::event::{Conclusion, Events, JobEvent, Level, Phase};
use crate::failure::{Failure, InfraFailure};
use crate::guest::channel::GuestChannel;
use crate::host::clock::{Deadline, within};
use crate::host::home::Home;
use crate::host::signals::Cancel;
use crate::image::store::{Image, Store};
use crate::instance::makeup::Makeup;
use crate::instance::provision::{Instance, Order};
use crate::instance::template::{Template, Templates};
use crate::job::limits::{Limits, Stop};
use crate::job::order::{self, Wanted};
use crate::job::outcome::{Ending, JobEnd};
use crate::job::plan::{JobRequest, Keep, Start};
use crate::job::told::Told;
use crate::job::warm;
use crate::job::work::Work;
use crate::mask::Masker;
use crate::progress::Progress;
use crate::steps::context::JobFacts;
use crate::vmm::engine::Engine;

/// A container that is being created or started is waited for, since it can't be removed before it is
/// there.
pub(super) const SETTLES: Deadline = Deadline::seconds("the container's start", 90);
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
}

/// Runs a job to its end.
pub async fn run(request: &JobRequest, around: &Surroundings) -> JobEnd {
    let limits = Limits::new(around.cancel.clone(), request.timeout);
    let driver = Driver {
        request,
        around,
        limits,
        instance: None,
        ready: false,
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
    /// What the job leaves for others, once its steps are over.
    outputs: Vec<(String, String)>,
}

/// Why a phase was not finished.
enum Interrupted {
    Stopped(Stop),
    Failed(Failure),
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
        };
        // From here on nothing changes how the job ended.
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
        self.enter(Phase::ResolvingImage);
        let image = self.resolve_image().await?;
        let order = self.order(&image).await?;
        let channel = self.bring_up(order).await?;

        self.enter(Phase::RunningSteps);
        let guest = image.manifest.description.guest.clone();
        let work = Work {
            request: self.request,
            channel,
            guest: &guest,
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

    /// The order for the machine, to wake it where a template fits.
    async fn order(&self, image: &Image) -> Result<Order, Interrupted> {
        let (around, settings) = (self.around, &self.request.settings);
        let wanted = Wanted {
            job: self.request.job.id.value.clone(),
            image_name: self.request.image.clone(),
            image: image.clone(),
            cpus: settings.cpus,
            memory: settings.memory,
            network: settings.network,
            opened: settings.opened.clone(),
            accelerator: settings.accelerator,
        };
        let ordering = order::order(&around.engine, &around.home, wanted);
        let (order, why_not_kvm) = guarded(&self.limits, ordering).await?;
        if let Some(why) = why_not_kvm {
            let text = format!("the machine is emulated, which is slow: {why} (`dormer doctor`)");
            around.told.notice(&around.events, text);
        }
        if settings.start == Start::Cold {
            return Ok(order);
        }
        let making_up = order::makeup(&around.engine, &order);
        match guarded(&self.limits, making_up).await? {
            Some(makeup) => self.with_template(order, makeup).await,
            None if settings.start == Start::Warm => {
                let text = format!(
                    "a machine of the image `{}` can't be frozen",
                    order.image_name
                );
                self.warn(format!("{text}: it boots"));
                Ok(order)
            }
            None => Ok(order),
        }
    }

    /// The same order for a machine that wakes, if there is a template for it or one is to be made.
    async fn with_template(&self, order: Order, makeup: Makeup) -> Result<Order, Interrupted> {
        let templates = Templates::of(&self.around.home);
        if let Some(template) = templates.find(&makeup.key()) {
            let Err(why) = template.check() else {
                return Ok(order::woken(order, template));
            };
            self.quarantine(&template, &why);
        } else if self.request.settings.start == Start::Auto {
            if let Some(parts) = order::why_none_fits(&templates, &order.image_name, &makeup) {
                let text = format!(
                    "no template fits, since {parts} differs: the machine boots (`dormer image \
                     warm {}` makes one that fits)",
                    order.image_name
                );
                self.around.events.notice(Level::Notice, text);
            }
        }
        if self.request.settings.start == Start::Auto {
            return Ok(order);
        }
        self.make_template(order, makeup).await
    }

    async fn make_template(&self, order: Order, makeup: Makeup) -> Result<Order, Interrupted> {
        let text = "there is no template that fits: one is made first, which takes a boot";
        self.around.events.notice(Level::Notice, text);
        let stopped = async {
            self.limits.stopped().await;
        };
        match warm::make(self.around, &order, makeup, stopped).await {
            Ok(Some(template)) => Ok(order::woken(order, template)),
            Ok(None) => Err(Interrupted::Stopped(self.limits.stopped().await)),
            Err(failure) => {
                self.warn(format!(
                    "no template could be made, so the machine boots: {}",
                    failure.message()
                ));
                Ok(order)
            }
        }
    }

    fn quarantine(&self, template: &Template, why: &str) {
        let key = template.key();
        let mut text = format!(
            "the template {} is damaged, and put aside: {why}",
            key.short()
        );
        if let Err(error) = Templates::of(&self.around.home).quarantine(template, why) {
            text = format!("{text} (it could not be put aside: {error})");
        }
        self.warn(text);
    }

    fn warn(&self, text: String) {
        let text = self.around.masker.mask(&text).into_owned();
        self.around.events.notice(Level::Warning, text);
    }

    /// From an order to a guest that answers. A machine that does not wake is replaced by one that boots,
    /// and one whose QEMU crashed by another, once: no step has run in it.
    async fn bring_up(&mut self, order: Order) -> Result<Arc<dyn GuestChannel>, Interrupted> {
        let mut order = order;
        let mut may_crash = true;
        loop {
            let failure = match self.try_to_start(order.clone()).await {
                Err(Interrupted::Failed(failure)) => failure,
                other => return other,
            };
            let (unloadable, crashed) = match &self.instance {
                Some(instance) => (instance.did_not_load(), instance.crashed()),
                None => (false, false),
            };
            let why = failure.message();
            if let Some(template) = order.template.clone() {
                if unloadable {
                    self.quarantine(&template, &why);
                }
                self.warn(format!("the machine did not wake, so it boots: {why}"));
            } else if crashed && may_crash {
                may_crash = false;
                self.warn(format!(
                    "QEMU crashed, so another machine is started: {why}"
                ));
            } else {
                return Err(Interrupted::Failed(failure));
            }
            order = order::booted(order);
            self.remove_failed().await?;
        }
    }

    /// Removes a machine that did not come up, for another to take its place.
    async fn remove_failed(&mut self) -> Result<(), Interrupted> {
        if let Some(instance) = self.instance.take() {
            let removed = within(TEARDOWN, instance.tear_down()).await;
            removed.map_err(|late| {
                InfraFailure::new("a machine that failed cannot be removed").because(late)
            })??;
        }
        Ok(())
    }

    async fn try_to_start(&mut self, order: Order) -> Result<Arc<dyn GuestChannel>, Interrupted> {
        self.enter(Phase::CreatingOverlay);
        self.create_overlay(order).await?;
        self.enter(Phase::StartingContainer);
        self.start_container().await?;
        self.enter(Phase::WaitingForGuest);
        self.wait_for_guest().await
    }

    async fn create_overlay(&mut self, order: Order) -> Result<(), Interrupted> {
        let instance = warm::reserve(self.around, order).await?;
        self.around.events.set_instance(instance.id());
        let instance = self.instance.insert(instance);
        Ok(instance.create_overlay()?)
    }

    async fn start_container(&mut self) -> Result<(), Interrupted> {
        let Some(instance) = &mut self.instance else {
            return Ok(());
        };
        let starting = instance.start_container(&self.around.events);
        tokio::pin!(starting);
        let stop = tokio::select! {
            biased;
            started = &mut starting => return Ok(started?),
            stop = self.limits.stopped() => stop,
        };
        // What the engine is doing can't be called back; what comes of it is removed with the rest.
        let _ = within(SETTLES, starting).await;
        Err(Interrupted::Stopped(stop))
    }

    async fn wait_for_guest(&mut self) -> Result<Arc<dyn GuestChannel>, Interrupted> {
        let Some(instance) = &mut self.instance else {
            return Err(InfraFailure::new("there is no machine to wait for").into());
        };
        let channel = guarded(&self.limits, instance.wait_for_guest(&self.around.events)).await?;
        self.ready = true;
        Ok(channel)
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
            Some(why) => self.around.events.notice(
                Level::Warning,
                format!(
                    "the machine {id} was not removed entirely: {why} (`dormer gc` tries again)"
                ),
            ),
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
        crate::host::clock::pause(Duration::from_secs(3)).await;
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

fn milliseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
