//! What the expressions of a file ask for, by the part of the file that they are in.

use crate::action::{Action, Runs};
use crate::expr::{Asked, Condition, Template};
use crate::workflow::{
    CallSecrets, Concurrency, Container, Control, Defaults, Job, Setting, Step, StepAction,
    TemplateMap, Workflow,
};

/// Gathers what expressions ask for.
#[derive(Default)]
pub(super) struct Texts(pub(super) Vec<Asked>);

impl Texts {
    fn template(&mut self, template: Option<&Template>) {
        self.0
            .extend(template.into_iter().flat_map(Template::asked));
    }

    fn templates<'t>(&mut self, templates: impl IntoIterator<Item = &'t Template>) {
        self.0
            .extend(templates.into_iter().flat_map(Template::asked));
    }

    fn condition(&mut self, condition: Option<&Condition>) {
        self.0
            .extend(condition.into_iter().flat_map(Condition::asked));
    }

    fn setting<T>(&mut self, setting: Option<&Setting<T>>) {
        if let Some(Setting::Template(template)) = setting {
            self.template(Some(template));
        }
    }

    fn map(&mut self, map: &TemplateMap) {
        self.template(map.whole.as_ref());
        for entry in &map.entries {
            self.template(entry.computed_name.as_ref());
            self.template(Some(&entry.value));
        }
    }

    fn defaults(&mut self, defaults: &Defaults) {
        self.template(defaults.shell.as_ref());
        self.template(defaults.working_directory.as_ref());
    }

    fn concurrency(&mut self, concurrency: Option<&Concurrency>) {
        if let Some(concurrency) = concurrency {
            self.template(Some(&concurrency.group));
            self.setting(concurrency.cancel_in_progress.as_ref());
            self.setting(concurrency.queue.as_ref());
        }
    }

    fn container(&mut self, container: &Container) {
        self.template(container.image.as_ref());
        self.map(&container.env);
        self.templates(container.ports.iter().chain(&container.volumes));
        for text in [
            &container.options,
            &container.entrypoint,
            &container.command,
        ] {
            self.template(text.as_ref());
        }
        if let Some(credentials) = &container.credentials {
            self.template(credentials.username.as_ref());
            self.template(credentials.password.as_ref());
        }
    }
}

/// What is asked for at the top level of a workflow.
pub(super) fn of_workflow(workflow: &Workflow) -> Vec<Asked> {
    let mut texts = Texts::default();
    texts.template(workflow.run_name.as_ref());
    texts.map(&workflow.env);
    texts.defaults(&workflow.defaults);
    texts.concurrency(workflow.concurrency.as_ref());
    if let Some(call) = workflow.on.call() {
        for input in &call.inputs {
            texts.setting(input.default.as_ref().map(|default| &default.value));
        }
        texts.templates(call.outputs.iter().map(|output| &output.value));
    }
    texts.0
}

/// What is asked for in a job, but for its steps.
pub(super) fn of_job(job: &Job) -> Vec<Asked> {
    let mut texts = Texts::default();
    texts.template(job.name.as_ref());
    texts.condition(job.condition.as_ref());
    texts.templates(job.runs_on.iter().flat_map(|runs_on| runs_on.templates()));
    texts.map(&job.env);
    texts.defaults(&job.defaults);
    texts.setting(job.timeout_minutes.as_ref());
    texts.setting(job.cancel_timeout_minutes.as_ref());
    texts.setting(job.continue_on_error.as_ref());
    texts.map(&job.outputs);
    if let Some(strategy) = &job.strategy {
        texts.templates(strategy.data.templates());
    }
    if let Some(environment) = &job.environment {
        texts.template(Some(&environment.name));
        texts.template(environment.url.as_ref());
        texts.setting(environment.deployment.as_ref());
    }
    texts.concurrency(job.concurrency.as_ref());
    if let Some(container) = &job.container {
        texts.container(container);
    }
    if let Some(services) = &job.services {
        texts.template(services.whole.as_ref());
        for service in &services.services {
            texts.container(&service.container);
        }
    }
    for argument in &job.with {
        texts.setting(Some(&argument.value.value));
    }
    if let CallSecrets::Only(map) = &job.secrets {
        texts.map(map);
    }
    texts.0
}

/// What is asked for in a step.
pub(super) fn of_step(step: &Step) -> Vec<Asked> {
    let mut texts = Texts::default();
    texts.template(step.name.as_ref());
    texts.condition(step.condition.as_ref());
    texts.map(&step.env);
    texts.setting(step.continue_on_error.as_ref());
    texts.setting(step.timeout_minutes.as_ref());
    match &step.action {
        StepAction::Run {
            script,
            shell,
            working_directory,
        } => {
            texts.template(Some(script));
            texts.template(shell.as_ref());
            texts.template(working_directory.as_ref());
        }
        StepAction::Uses { with, .. } => texts.map(with),
        StepAction::Control { .. } => {}
    }
    texts.0
}

/// What is asked for in an action, but for its steps.
pub(super) fn of_action(action: &Action) -> Vec<Asked> {
    let mut texts = Texts::default();
    texts.templates(
        action
            .outputs
            .iter()
            .filter_map(|output| output.value.as_ref()),
    );
    texts.0
}

/// The steps of an action; none where it is not made of steps.
pub(super) fn steps_of(action: &Action) -> &[Step] {
    match &action.runs {
        Runs::Composite { steps } => steps,
        _ => &[],
    }
}

/// Steps in the order of the file, with those within `parallel`. These hold no others.
pub(super) fn flat(steps: &[Step]) -> Vec<&Step> {
    let mut flat = Vec::new();
    for step in steps {
        flat.push(step);
        if let StepAction::Control {
            control: Control::Parallel(inner),
            ..
        } = &step.action
        {
            flat.extend(inner);
        }
    }
    flat
}
