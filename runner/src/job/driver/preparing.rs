//! A prepare script in a job: its template is woken, made first where there is none, or the script runs in
//! the job's own machine before the first step.

use std::sync::Arc;

use crate::event::{Level, Phase};
use crate::guest::channel::GuestChannel;
use crate::guest::environment::Environment;
use crate::guest::profile::GuestProfile;
use crate::instance::makeup::Makeup;
use crate::instance::provision::Order;
use crate::instance::templates::Templates;
use crate::job::driver::{Driver, Interrupted, bounded_after_stop, while_alive};
use crate::job::order;
use crate::job::plan::Start;
use crate::job::prepare::{PrepareEnd, PrepareScript, Preparing, describe};
use crate::job::warm::{self, Made, Making};

impl Driver<'_> {
    /// A machine for this order, as something to make a template of.
    fn making(&self, order: &Order, makeup: Makeup) -> Making {
        Making {
            order: order::booted(order.clone()),
            makeup,
            script: self.request.settings.prepare.clone(),
        }
    }

    /// Remembers that the machine of this order boots, if that is for want of a template.
    pub(super) fn misses(&mut self, order: &Order, makeup: Makeup) {
        let templates = Templates::of(&self.around.home);
        if self.request.settings.warm_after && templates.find(&makeup.key()).is_none() {
            self.missing = Some(self.making(order, makeup));
        }
    }

    /// Says what is missing, now that a machine of this kind is known to come up.
    pub(super) fn tell_missing(&mut self) {
        if let Some(making) = self.missing.take() {
            self.around.ledger.note_missing(making);
        }
    }

    /// Makes a template, and has the machine wake from it; what can't be made is booted. `differing` is what
    /// keeps others from fitting, if there are any.
    pub(super) async fn make_template(
        &mut self,
        order: Order,
        makeup: Makeup,
        differing: Option<String>,
    ) -> Result<Order, Interrupted> {
        let script = self.request.settings.prepare.clone();
        let of_what = script
            .as_ref()
            .map(|script| format!(" prepared with `{}`", script.name));
        let why = differing.map(|parts| format!(", since {parts} differs"));
        let text = format!(
            "there is no template{} that fits{}: one is made first, which takes a boot",
            of_what.unwrap_or_default(),
            why.unwrap_or_default()
        );
        self.around.events.notice(Level::Notice, text);
        if script.is_some() {
            self.enter(Phase::Preparing);
        }
        let making = self.making(&order, makeup);
        match warm::make(self.around, &making, self.limits.steps()).await {
            Ok(Made::Template(template)) => Ok(order::woken(order, *template)),
            Ok(Made::Stopped) => Err(Interrupted::Stopped(self.limits.stopped().await)),
            Ok(Made::Unprepared(exit_code)) => {
                let rest = "no template was made, and the job does not begin";
                Err(self.unprepared(script.as_ref(), exit_code, rest))
            }
            Err(failure) => {
                let text = format!(
                    "no template could be made, so the machine boots: {}",
                    failure.message()
                );
                let help = failure.help().map(|help| format!(" ({help})"));
                self.warn(text + &help.unwrap_or_default());
                Ok(order)
            }
        }
    }

    /// Has the prepare script run in the job's machine, unless it woke prepared. What the script leaves for
    /// the job's steps.
    pub(super) async fn prepare_here(
        &mut self,
        channel: &Arc<dyn GuestChannel>,
        guest: &GuestProfile,
    ) -> Result<Environment, Interrupted> {
        let Some(script) = &self.request.settings.prepare else {
            return Ok(Environment::default());
        };
        let instance = self.instance.as_ref();
        if let Some(prepared) = instance.and_then(|instance| instance.woken_environment()) {
            return Ok(prepared.clone());
        }
        self.enter(Phase::Preparing);
        let why = match self.request.settings.start {
            Start::Cold => ", since `--start cold` uses no template",
            Start::Auto | Start::Warm => "",
        };
        let name = &script.name;
        let text = format!("`{name}` runs in the job's own machine, which is not frozen{why}");
        self.around.events.notice(Level::Notice, text);
        let preparing = Preparing {
            script,
            channel: Arc::clone(channel),
            guest,
            events: &self.around.events,
            masker: &self.around.masker,
            cancel: self.limits.steps(),
        };
        // It stops by itself when it is told to; a second request does not wait for that.
        let limits = self.limits.clone();
        let running = bounded_after_stop(&limits, preparing.run());
        match while_alive(&mut self.instance, running).await? {
            PrepareEnd::Done(environment) => Ok(environment),
            PrepareEnd::Stopped => Err(Interrupted::Stopped(self.limits.stopped().await)),
            PrepareEnd::Failed(exit_code) => {
                Err(self.unprepared(Some(script), exit_code, "the job does not begin"))
            }
        }
    }

    fn unprepared(
        &self,
        script: Option<&PrepareScript>,
        exit_code: Option<u32>,
        rest: &str,
    ) -> Interrupted {
        let name = script.map_or("", |script| script.name.as_str());
        let text = format!(
            "the prepare script `{name}` {}: {rest}",
            describe(exit_code)
        );
        self.around.events.notice(Level::Error, text);
        Interrupted::Unprepared
    }
}
