//! A step that uses an action: which one, with which inputs, and who runs it.

use dormer_workflow::action::{Action, GivenInputs, Runs};
use dormer_workflow::workflow::TemplateMap;
use futures_util::future::BoxFuture;

use crate::event::{Conclusion, Level, Stage};
use crate::failure::InfraFailure;
use crate::steps::action::local;
use crate::steps::action::prepare::{Preparation, key};
use crate::steps::action::site::{Site, Used, has_pre, used};
use crate::steps::artifacts::Service;
use crate::steps::checkout::{self, Asked};
use crate::steps::executor::Executor;
use crate::steps::frame::{File, Frame};
use crate::steps::header::Header;
use crate::steps::in_time::InTime;
use crate::steps::state::{ExecutorState, Variables};
use crate::steps::turn::{Here, StepEnd, Turn};

/// The value of `uses`, and of `with`.
pub(super) type Use<'a> = (&'a str, &'a TemplateMap);

impl Executor<'_> {
    /// Runs a stage of the action that a step uses.
    pub(super) fn run_uses<'f>(
        &'f self,
        state: &'f mut ExecutorState,
        frame: &'f Frame<'_>,
        turn: &'f Turn<'_>,
        (uses, with): Use<'f>,
        here: &'f Here,
    ) -> BoxFuture<'f, Result<StepEnd, InfraFailure>> {
        Box::pin(async move {
            let view = self.view(state, frame, &here.facts, &here.environment);
            let given = match view.render_map(with).await {
                Ok(given) => given,
                Err(why) => return Ok(self.failed(why)),
            };
            let site = match &turn.site {
                Some(site) => site.clone(),
                None => match self.find(state, frame, uses, here).await {
                    InTime::Done(Ok(Found::Site(site))) => *site,
                    InTime::Done(Ok(Found::Checkout)) => {
                        self.head_of_use(frame, turn, here, (uses, &given)).await;
                        return Ok(self.check_out(frame, here, &given).await);
                    }
                    InTime::Done(Ok(Found::Artifacts(service))) => {
                        self.head_of_use(frame, turn, here, (uses, &given)).await;
                        return Ok(self.serve_artifacts(frame, here, service, &given).await);
                    }
                    InTime::Done(Err(why)) => return Ok(self.failed(why).unanswered()),
                    InTime::Stopped(end) => return Ok(end),
                },
            };
            match site.action() {
                Ok(action) => {
                    let found = (&site, &action);
                    self.run_action(state, frame, turn, found, (given, here))
                        .await
                }
                Err(why) => Ok(self.failed(why)),
            }
        })
    }

    /// The action that is meant, where it is in the guest.
    fn find<'f>(
        &'f self,
        state: &'f ExecutorState,
        frame: &'f Frame<'_>,
        uses: &'f str,
        here: &'f Here,
    ) -> BoxFuture<'f, InTime<Result<Found, String>>> {
        Box::pin(async move {
            let within = frame.chain.last().map(|link| &link.site);
            let finding = async {
                match used(uses, within, self.ground())? {
                    Used::Checkout => Ok(Found::Checkout),
                    Used::Artifacts(service) => Ok(Found::Artifacts(service)),
                    Used::Docker { uses } => Err(no_containers(&uses)),
                    Used::Remote { uses, .. } => {
                        let known = state.actions.as_ref().and_then(|all| all.get(&key(&uses)));
                        let site =
                            known.ok_or_else(|| format!("the action `{uses}` was not fetched"))?;
                        Ok(Found::Site(Box::new(site.clone())))
                    }
                    Used::Local { uses, root, path } => {
                        let site = local::read(self.channel.as_ref(), &uses, &root, &path).await?;
                        Ok(Found::Site(Box::new(site)))
                    }
                }
            };
            self.in_time(frame, here, finding).await
        })
    }

    async fn run_action(
        &self,
        state: &mut ExecutorState,
        frame: &Frame<'_>,
        turn: &Turn<'_>,
        (site, action): (&Site, &Action),
        (given, here): (Vec<(String, String)>, &Here),
    ) -> Result<StepEnd, InfraFailure> {
        let view = self.view(state, frame, &here.facts, &here.environment);
        // The defaults stand in the action's file, and see what the step that uses it sees.
        let view = view.of_file(File::Action(action));
        let inputs = match view.evaluate(|scope| action.inputs(&given, scope)).await {
            Ok(inputs) => inputs,
            Err(why) => return Ok(self.failed(why)),
        };
        self.head_of_use(frame, turn, here, (&site.uses, &inputs.values))
            .await;
        let acting = Acting {
            site,
            action,
            inputs,
            here,
        };
        if turn.stage == Stage::Main {
            self.warn(&acting);
        }
        match &action.runs {
            Runs::Node(node) => self.run_node(state, frame, turn, &acting, node).await,
            Runs::Composite { steps } => {
                self.run_composite(state, frame, turn, &acting, steps).await
            }
            Runs::Docker(_) => Ok(self.failed(no_containers(&site.uses))),
            Runs::Plugin { .. } => Ok(self.failed(format!(
                "the action `{}` is a part of GitHub's runner, which Dormer does not have",
                site.uses
            ))),
        }
    }

    async fn head_of_use(
        &self,
        frame: &Frame<'_>,
        turn: &Turn<'_>,
        here: &Here,
        (uses, inputs): (&str, &[(String, String)]),
    ) {
        let header = Header::Action { uses, inputs };
        self.head(frame, turn, &here.environment, header).await;
    }

    /// What people should know of an action before it runs.
    fn warn(&self, acting: &Acting<'_>) {
        let (uses, inputs) = (&acting.site.uses, &acting.inputs);
        let mut texts = inputs.warnings.clone();
        texts.extend(inputs.missing.iter().map(|name| {
            format!("Input required and not supplied: {name} (by the action `{uses}`)")
        }));
        if acting.site.from.is_none() && has_pre(acting.action) {
            texts.push(format!(
                "`pre` of the action `{uses}` does not run: before the job's first step the action is \
                 not there yet"
            ));
        }
        texts.extend(acting.action.warnings.iter().map(ToString::to_string));
        for text in texts {
            self.tell(Level::Warning, &text);
        }
    }

    /// What bringing actions into the guest takes.
    pub(super) fn preparation(&self) -> Preparation<'_> {
        Preparation {
            source: self.actions,
            events: self.events,
            actions: format!("{}\\_actions", self.guest.workspace),
            ground: self.ground(),
        }
    }

    fn check_out<'f>(
        &'f self,
        frame: &'f Frame<'_>,
        here: &'f Here,
        given: &'f [(String, String)],
    ) -> BoxFuture<'f, StepEnd> {
        Box::pin(async move {
            let inputs: Variables = given.iter().cloned().collect();
            let checking_out = self.try_check_out(&inputs);
            match self.in_time(frame, here, checking_out).await {
                InTime::Done(Ok(())) => StepEnd::plain(Conclusion::Success),
                InTime::Done(Err(why)) => self.failed(why).unanswered(),
                InTime::Stopped(end) => end,
            }
        })
    }

    async fn try_check_out(&self, inputs: &Variables) -> Result<(), String> {
        let asked = checkout::asked(inputs, &self.facts.run.repository)?;
        for name in checkout::ignored_inputs(inputs) {
            let text = format!(
                "actions/checkout: the input `{name}` has no effect: the workspace is served as it is"
            );
            self.events.notice(Level::Warning, text);
        }
        if !self.workspace.is_there() {
            return Err(
                "actions/checkout: there is no workspace to serve; name one with `--workspace DIR`"
                    .to_owned(),
            );
        }
        match asked {
            // It came along before the first step.
            Asked::Workspace => Ok(()),
            Asked::CopyIn(path) => {
                let directory = format!("{}\\{path}", self.facts.workspace);
                self.workspace.serve(&directory).await
            }
        }
    }
}

/// What a `uses` turned out to be.
enum Found {
    Checkout,
    Artifacts(Service),
    Site(Box<Site>),
}

/// An action that runs for a step.
#[derive(Debug)]
pub(super) struct Acting<'a> {
    /// Where it is.
    pub(super) site: &'a Site,
    /// What its file says.
    pub(super) action: &'a Action,
    /// What it is given.
    pub(super) inputs: GivenInputs,
    /// What the step knows of itself.
    pub(super) here: &'a Here,
}

fn no_containers(uses: &str) -> String {
    format!("the action `{uses}` needs a container: it cannot run in a Windows machine")
}
