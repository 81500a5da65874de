//! An action in JavaScript, run by the guest's Node.js.

use dormer_workflow::action::{GivenInputs, NodeRuns};
use futures_util::future::BoxFuture;

use crate::event::{Level, Stage};
use crate::failure::InfraFailure;
use crate::guest::channel::random_word;
use crate::guest::profile::{NodeProfile, NodeVersion};
use crate::steps::action::site::below;
use crate::steps::executor::Executor;
use crate::steps::frame::Frame;
use crate::steps::in_time::InTime;
use crate::steps::post;
use crate::steps::run::Program;
use crate::steps::state::{ExecutorState, Variables};
use crate::steps::turn::{Here, StepEnd, Turn};
use crate::steps::uses::Acting;

impl Executor<'_> {
    /// Runs a stage of an action in JavaScript.
    pub(super) fn run_node<'f>(
        &'f self,
        state: &'f mut ExecutorState,
        frame: &'f Frame<'_>,
        turn: &'f Turn<'_>,
        acting: &'f Acting<'_>,
        node: &'f NodeRuns,
    ) -> BoxFuture<'f, Result<StepEnd, InfraFailure>> {
        Box::pin(async move {
            let (profile, version) = match self.node(acting, node) {
                Ok(found) => found,
                Err(why) => return Ok(self.failed(why)),
            };
            if let Some(tool) = &version.tool {
                let providing = self.tools.provide(tool);
                match self.in_time(frame, acting.here, providing).await {
                    InTime::Done(Ok(())) => {}
                    InTime::Done(Err(why)) => return Ok(self.failed(why).unanswered()),
                    InTime::Stopped(end) => return Ok(end),
                }
            }
            // From here on there is something to clean up, whatever becomes of it.
            if turn.stage != Stage::Post && node.post.is_some() {
                post::push(&mut state.post, &turn.chain(frame, acting.site));
            }
            let Some(script) = script_of(node, turn.stage) else {
                let why = format!("the action `{}` has no such stage", acting.site.uses);
                return Ok(self.failed(why));
            };
            let script = below(&acting.site.directory, script);
            let saved = state.saved.get(&frame.place_of(turn.index));
            let variables = variables(&acting.inputs, saved);
            let program = self.node_program(profile, version, &script, variables);
            let here = of_the_action(acting);
            self.run_program(state, frame, turn, &here, program).await
        })
    }

    /// The guest's Node.js for an action.
    fn node(
        &self,
        acting: &Acting<'_>,
        runs: &NodeRuns,
    ) -> Result<(&NodeProfile, &NodeVersion), String> {
        let asked = runs.version.value;
        let uses = &acting.site.uses;
        let lacks = || {
            format!(
                "the action `{uses}` runs with `{}`, and this guest ({}) has no Node.js: its image's \
                 description has to say how it is run (`guest.node`)",
                asked.name(),
                self.guest.os
            )
        };
        let profile = self.guest.node.as_ref().ok_or_else(lacks)?;
        let version = profile.nearest(asked.major()).ok_or_else(lacks)?;
        if version.major < asked.major() {
            let text = format!(
                "the action `{uses}` asks for Node.js {}, and this guest has {} at most: it runs with that",
                asked.major(),
                version.major
            );
            self.events.notice(Level::Notice, text);
        }
        Ok((profile, version))
    }

    /// Runs a script by Node.js in the workspace.
    fn node_program(
        &self,
        profile: &NodeProfile,
        version: &NodeVersion,
        script: &str,
        variables: Vec<(String, String)>,
    ) -> Program {
        let exit_path = format!("{}\\{}.exit", self.facts.temp, random_word());
        let exit_path = self.channel.dialect().paths().write(&exit_path);
        let script = profile.paths.write(script);
        let fill = |argument: &String| {
            argument
                .replace("{script}", &script)
                .replace("{exit_file}", &exit_path)
        };
        let mut parts = version.invocation.iter();
        let leaves_code = parts.any(|part| part.contains("{exit_file}"));
        Program {
            command: version.invocation.iter().map(fill).collect(),
            exit_file: leaves_code.then_some(exit_path),
            files: Vec::new(),
            directory: self.facts.workspace.clone(),
            variables,
            paths: profile.paths,
            search_path: profile.search_path.clone(),
        }
    }
}

fn script_of(node: &NodeRuns, stage: Stage) -> Option<&str> {
    let script = match stage {
        Stage::Pre => &node.pre.as_ref()?.script,
        Stage::Main => &node.main,
        Stage::Post => &node.post.as_ref()?.script,
    };
    Some(&script.value)
}

/// What an action is given, and what its earlier stages kept for it.
fn variables(inputs: &GivenInputs, saved: Option<&Variables>) -> Vec<(String, String)> {
    let inputs = inputs.variables();
    let inputs = inputs.map(|(name, value)| (name, value.to_owned()));
    let saved = saved.into_iter().flat_map(Variables::iter);
    let saved = saved.map(|(name, value)| (format!("STATE_{name}"), value.to_owned()));
    inputs.chain(saved).collect()
}

/// What the step knows of itself, with where its action is from.
fn of_the_action(acting: &Acting<'_>) -> Here {
    let mut here = acting.here.clone();
    let (repository, git_ref) = match &acting.site.from {
        Some(origin) => (origin.repository.clone(), origin.git_ref.clone()),
        None => Default::default(),
    };
    here.facts.action_repository = repository;
    here.facts.action_ref = git_ref;
    here
}
