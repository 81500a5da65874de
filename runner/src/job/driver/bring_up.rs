//! From an order to a machine whose guest answers: it wakes or boots, and where it does not come up,
//! another may take its place, since no step has run in it.

use std::sync::Arc;

use crate::event::{Level, Phase};
use crate::failure::{InfraFailure, with_causes};
use crate::guest::channel::GuestChannel;
use crate::host::clock::within;
use crate::image::store::Image;
use crate::instance::gate::Permit;
use crate::instance::makeup::Makeup;
use crate::instance::provision::{Instance, Order, Waking};
use crate::instance::standby;
use crate::instance::template::Template;
use crate::instance::templates::Templates;
use crate::job::driver::{Driver, Interrupted, TEARDOWN, guarded, not_removed};
use crate::job::order::{self, Wanted};
use crate::job::plan::Start;
use crate::job::room;

/// Where so many machines that stood by did not wake, the next would not either.
const STANDBYS: usize = 3;

impl Driver<'_> {
    /// The order for the machine, to wake it where a template fits.
    pub(super) async fn order(&mut self, image: &Image) -> Result<Order, Interrupted> {
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
            allowance: settings.allowance,
        };
        let ordering = order::order(&around.engine, &around.home, wanted);
        let (order, emulated) = guarded(&self.limits, ordering).await?;
        if let Some(text) = emulated {
            around.told.notice(&around.events, text);
        }
        let prepared = match &settings.prepare {
            Some(script) => {
                let guest = &image.manifest.description.guest;
                Some(script.preparation(guest, settings.network)?)
            }
            None => None,
        };
        if settings.start == Start::Cold && !settings.warm_after {
            return Ok(order);
        }
        let making_up = order::makeup(&around.engine, &order, prepared);
        match guarded(&self.limits, making_up).await? {
            Some(makeup) if settings.start == Start::Cold => {
                self.misses(&order, makeup);
                Ok(order)
            }
            Some(makeup) => {
                around.ledger.note_wanted(&order, &makeup);
                self.with_template(order, makeup).await
            }
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
    async fn with_template(&mut self, order: Order, makeup: Makeup) -> Result<Order, Interrupted> {
        let templates = Templates::of(&self.around.home);
        // What a script prepares is part of what was asked for: its template is made where there is none.
        let settings = &self.request.settings;
        let wakes_or_boots = settings.start == Start::Auto && settings.prepare.is_none();
        let mut differing = None;
        if let Some(template) = templates.find(&makeup.key()) {
            let Err(why) = template.check() else {
                return Ok(order::woken(order, template));
            };
            self.quarantine(&template, &why);
        } else if templates.is_unreadable(&makeup.key()) {
            self.clear(&templates, &makeup);
        } else {
            differing = order::why_none_fits(&templates, &order.image_name, &makeup);
        }
        if !wakes_or_boots {
            return self.make_template(order, makeup, differing).await;
        }
        if let Some(parts) = differing {
            let text = format!("no template fits, since {parts} differs: the machine boots");
            let remedy = order::warming(&order.image_name, &makeup, None);
            let text = format!("{text} (`{remedy}` makes one that fits)");
            self.around.events.notice(Level::Notice, text);
        }
        self.misses(&order, makeup);
        Ok(order)
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

    fn clear(&self, templates: &Templates, makeup: &Makeup) {
        let key = makeup.key();
        let mut text = format!(
            "the template {} cannot be read, and is put aside",
            key.short()
        );
        if let Err(error) = templates.put_aside_unreadable(&key) {
            text = format!("{text}: {}", with_causes(&templates.failed(error)));
        }
        self.warn(text);
    }

    pub(super) fn warn(&self, text: String) {
        let text = self.around.masker.mask(&text).into_owned();
        self.around.events.notice(Level::Warning, text);
    }

    /// From an order to a guest that answers. A machine that stands by is woken where one fits; if it does
    /// not wake, another is, and in the end a new one. A new one that does not wake is replaced by one that
    /// boots, and one whose QEMU crashed by another, once: no step has run in it.
    pub(super) async fn bring_up(
        &mut self,
        order: Order,
    ) -> Result<Arc<dyn GuestChannel>, Interrupted> {
        let mut order = order;
        let mut may_crash = true;
        let mut tries = 0..STANDBYS;
        loop {
            let permit = guarded(&self.limits, room::admit(self.around, &order)).await?;
            let standby = tries.next().and_then(|_| self.take_standby(&order));
            let stood_by = standby.is_some();
            let failure = match self.try_to_start(order.clone(), permit, standby).await {
                Err(Interrupted::Failed(failure)) => failure,
                Ok(channel) => {
                    order.template.iter().for_each(Template::note_answer);
                    return Ok(channel);
                }
                stopped => return stopped,
            };
            let why = failure.message();
            let crashed = self.instance.as_ref().is_some_and(Instance::crashed);
            if let Some(template) = order.template.clone() {
                let what = if stood_by {
                    "the machine that stood by did not wake, so another takes its place"
                } else {
                    "the machine did not wake, so it boots"
                };
                self.warn(format!("{what}: {why}"));
                self.judge(&template, &why).await;
                if !stood_by || !self.is_there(&template) {
                    order = order::booted(order);
                }
            } else if crashed && may_crash {
                may_crash = false;
                self.warn(format!(
                    "QEMU crashed, so another machine is started: {why}"
                ));
            } else {
                return Err(Interrupted::Failed(failure));
            }
            self.remove_failed().await;
        }
    }

    /// The oldest machine that stands by and fits, which is ours from now on.
    fn take_standby(&self, order: &Order) -> Option<Instance> {
        let around = self.around;
        let (engine, home, store) = (&around.engine, &around.home, &around.store);
        let taken = standby::take(engine, home, store, &around.masker, order);
        taken.unwrap_or_else(|failure| {
            let why = failure.message();
            self.warn(format!("no machine that stands by can be taken: {why}"));
            None
        })
    }

    /// Whether a template is still where it was found.
    fn is_there(&self, template: &Template) -> bool {
        let found = Templates::of(&self.around.home).find(&template.key());
        found.as_ref() == Some(template)
    }

    /// Takes a template out of use that nothing wakes from: one that QEMU refuses, one whose contents
    /// were changed, and one from which two machines in a row did not come to answer.
    async fn judge(&self, template: &Template, why: &str) {
        match self.instance.as_ref().map(Instance::waking) {
            Some(Waking::Refused) => return self.quarantine(template, why),
            Some(Waking::Loaded) => {}
            Some(Waking::NotYet) | None => return,
        }
        let checked = template.clone();
        let verifying = tokio::task::spawn_blocking(move || checked.verify());
        match verifying.await {
            Ok(Err(changed)) => self.quarantine(template, &changed),
            Ok(Ok(())) if template.note_silence() => {
                self.quarantine(template, "two machines in a row did not wake from it");
            }
            _ => {}
        }
    }

    /// Removes a machine that did not come up, for another to take its place. What explains it is kept.
    async fn remove_failed(&mut self) {
        self.gather_evidence().await;
        let Some(instance) = self.instance.take() else {
            return;
        };
        let id = instance.id().to_owned();
        let failed = match within(TEARDOWN, instance.tear_down()).await {
            Ok(Ok(())) => return,
            Ok(Err(failure)) => failure.message(),
            Err(late) => late.to_string(),
        };
        self.warn(not_removed(&id, &failed));
    }

    async fn try_to_start(
        &mut self,
        order: Order,
        permit: Permit,
        standby: Option<Instance>,
    ) -> Result<Arc<dyn GuestChannel>, Interrupted> {
        if let Some(standby) = standby {
            self.enter(Phase::StartingContainer);
            self.wake(standby, permit).await?;
        } else {
            self.reserve(order, permit).await?;
            self.enter(Phase::CreatingOverlay);
            self.create_overlay()?;
            self.enter(Phase::StartingContainer);
            self.start_container().await?;
        }
        self.enter(Phase::WaitingForGuest);
        self.wait_for_guest().await
    }

    async fn reserve(&mut self, order: Order, permit: Permit) -> Result<(), Interrupted> {
        let claim = permit.claim.clone();
        let settling = room::settle_in(self.around, order, claim);
        let instance = guarded(&self.limits, settling).await?;
        // Its claim is on record.
        drop(permit);
        self.around.events.set_instance(instance.id());
        self.instance = Some(instance);
        Ok(())
    }

    fn create_overlay(&mut self) -> Result<(), Interrupted> {
        match &mut self.instance {
            Some(instance) => Ok(instance.create_overlay()?),
            None => Err(InfraFailure::new("there is no machine to make a disk for").into()),
        }
    }

    async fn wake(&mut self, standby: Instance, permit: Permit) -> Result<(), Interrupted> {
        self.around.events.set_instance(standby.id());
        let instance = self.instance.insert(standby);
        guarded(&self.limits, instance.wake(&self.around.events, permit)).await
    }

    async fn start_container(&mut self) -> Result<(), Interrupted> {
        let Some(instance) = &mut self.instance else {
            return Ok(());
        };
        let starting = instance.start_container(&self.around.events);
        match room::settled(starting, self.limits.stopped()).await {
            Ok(started) => Ok(started?),
            Err(stop) => Err(Interrupted::Stopped(stop)),
        }
    }

    async fn wait_for_guest(&mut self) -> Result<Arc<dyn GuestChannel>, Interrupted> {
        let Some(instance) = &mut self.instance else {
            return Err(InfraFailure::new("there is no machine to wait for").into());
        };
        let channel = guarded(&self.limits, instance.wait_for_guest(&self.around.events)).await?;
        self.ready = true;
        Ok(channel)
    }
}
