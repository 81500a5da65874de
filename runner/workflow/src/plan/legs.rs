//! The legs of a job.

use crate::expr::{EvalError, Expression, Object, Scope, Template, Value};
use crate::matrix::leg_name;
use crate::source::Span;
use crate::workflow::{
    ConcurrencyGroup, Environment, Job, ResolvedStrategy, RunnerSelector, Setting,
};

use super::facts::Facts;
use super::model::{Leg, Legs, Planned};
use super::planner::{Planner, Scene};

/// After how many minutes GitHub cancels a job that does not say so itself.
const TIMEOUT_MINUTES: f64 = 360.0;

impl Planner<'_> {
    /// All legs of a job, if what its matrix needs is known.
    pub(super) fn legs(&mut self, scene: &Scene, job: &Job, facts: &Facts) -> Planned<Legs> {
        let strategy = match &job.strategy {
            None => ResolvedStrategy::default(),
            Some(strategy) => {
                if let Some(jobs) = facts.awaited(strategy.expressions()) {
                    return Planned::After(jobs);
                }
                match strategy.resolve(&facts.contexts, &scene.workflow.source) {
                    Ok(strategy) => strategy,
                    Err(problems) => {
                        self.faults.extend(problems);
                        return Planned::Now(Legs::default());
                    }
                }
            }
        };
        let items = if self.has_room(scene, job, strategy.total()) {
            let indices = 0..strategy.total();
            indices
                .map(|index| self.leg(scene, job, facts, &strategy, index))
                .collect()
        } else {
            Vec::new()
        };
        Planned::Now(Legs {
            fail_fast: strategy.fail_fast,
            max_parallel: strategy.max_parallel,
            items,
        })
    }

    fn has_room(&mut self, scene: &Scene, job: &Job, count: usize) -> bool {
        match self.legs_left.checked_sub(count) {
            Some(left) => {
                self.legs_left = left;
                true
            }
            None => {
                let message = format!("the run has more than {} legs", super::MAX_LEGS);
                self.report(scene, job.id.span, message);
                false
            }
        }
    }

    fn leg(
        &mut self,
        scene: &Scene,
        job: &Job,
        facts: &Facts,
        strategy: &ResolvedStrategy,
        index: usize,
    ) -> Leg {
        let combination = strategy.legs.as_ref().and_then(|legs| legs.get(index));
        let matrix = combination.map(|combination| combination.values.clone());
        let context = strategy.context(index);
        let mut facts = facts.clone();
        insert(&mut facts.contexts.values, matrix.as_ref(), &context);
        let (name, is_whole) = self.name(scene, job, &facts);
        let name = match combination {
            Some(combination) if !is_whole => leg_name(&name, combination),
            _ => name,
        };
        let name = format!("{}{name}", scene.prefix);
        Leg {
            index,
            total: strategy.total(),
            calls: self.called(scene, job, &facts, &name),
            name,
            matrix,
            strategy: context,
            runs_on: self.runs_on(scene, job, &facts),
            timeout_minutes: self.timeout(scene, job, &facts),
            continue_on_error: self.continue_on_error(scene, job, &facts),
            concurrency: self.concurrency(scene, job, &facts),
            environment: self.environment(scene, job, &facts),
        }
    }

    /// The name of a leg, and whether it stands for itself: one that is computed does.
    fn name(&mut self, scene: &Scene, job: &Job, facts: &Facts) -> (String, bool) {
        let id = || (job.id.value.clone(), false);
        let Some(template) = &job.name else {
            return id();
        };
        if let Some(name) = template.as_literal() {
            return if name.is_empty() {
                id()
            } else {
                (name.to_owned(), false)
            };
        }
        let name = facts.planned(template.expressions(), |scope| template.render(scope));
        match self.take(scene, span_of(template, job), name) {
            Some(Planned::Now(name)) if name.is_empty() => id(),
            Some(Planned::Now(name)) => (name, true),
            _ => (template.text().to_owned(), true),
        }
    }

    fn runs_on(
        &mut self,
        scene: &Scene,
        job: &Job,
        facts: &Facts,
    ) -> Option<Planned<RunnerSelector>> {
        let runs_on = job.runs_on.as_ref()?;
        let templates = runs_on.templates();
        let expressions = templates.into_iter().flat_map(Template::expressions);
        let selector = facts.planned(expressions, |scope| runs_on.evaluate(scope));
        self.take(scene, job.id.span, selector)
    }

    fn timeout(&mut self, scene: &Scene, job: &Job, facts: &Facts) -> Planned<f64> {
        let minutes = job.timeout_minutes.as_ref().and_then(|minutes| {
            let minutes = facts.planned(expressions(minutes), |scope| minutes.evaluate(scope));
            self.take(scene, job.id.span, minutes)
        });
        minutes.unwrap_or(Planned::Now(TIMEOUT_MINUTES))
    }

    fn continue_on_error(&mut self, scene: &Scene, job: &Job, facts: &Facts) -> Planned<bool> {
        let setting = job.continue_on_error.as_ref().and_then(|setting| {
            let goes_on = facts.planned(expressions(setting), |scope| setting.evaluate(scope));
            self.take(scene, job.id.span, goes_on)
        });
        setting.unwrap_or(Planned::Now(false))
    }

    fn concurrency(
        &mut self,
        scene: &Scene,
        job: &Job,
        facts: &Facts,
    ) -> Option<Planned<ConcurrencyGroup>> {
        let concurrency = job.concurrency.as_ref()?;
        let used = concurrency
            .group
            .expressions()
            .chain(concurrency.cancel_in_progress.iter().flat_map(expressions))
            .chain(concurrency.queue.iter().flat_map(expressions));
        let group = facts.planned(used, |scope| concurrency.evaluate(scope));
        self.take(scene, concurrency.key, group)
    }

    /// The name of the environment; an empty one is none.
    fn environment(&mut self, scene: &Scene, job: &Job, facts: &Facts) -> Option<Planned<String>> {
        let environment = job.environment.as_ref()?;
        let used = environment.name.expressions();
        let name = facts.planned(used, |scope| environment_name(environment, scope));
        let name = self.take(scene, environment.key, name)?;
        (name.known().is_none_or(|name| !name.is_empty())).then_some(name)
    }
}

fn environment_name(environment: &Environment, scope: &dyn Scope) -> Result<String, EvalError> {
    let value = environment.name.evaluate(scope)?;
    let name = match &value {
        Value::Object(object) => object.get("name").cloned().unwrap_or_default(),
        value => value.clone(),
    };
    if !name.is_primitive() {
        return Err(environment
            .name
            .refuse(&value, "the name of an environment"));
    }
    Ok(name.to_text())
}

/// Adds the contexts of a leg.
pub(super) fn insert(contexts: &mut Object, matrix: Option<&Object>, strategy: &Object) {
    contexts.insert("strategy", strategy.clone());
    contexts.insert(
        "matrix",
        matrix.map_or(Value::Null, |matrix| matrix.clone().into()),
    );
}

/// The name of a job as a whole: what it is without a matrix, or else as it is written.
pub(super) fn job_name(job: &Job, facts: &Facts) -> String {
    let Some(template) = job.name.as_ref().filter(|name| !name.text().is_empty()) else {
        return job.id.value.clone();
    };
    let is_of_legs = template
        .expressions()
        .any(|expression| expression.uses("matrix") || expression.uses("strategy"));
    if is_of_legs || facts.awaited(template.expressions()).is_some() {
        return template.text().to_owned();
    }
    // What fails here fails again where the legs are named, and is reported there.
    match template.render(&facts.contexts) {
        Ok(name) if name.is_empty() => job.id.value.clone(),
        Ok(name) => name,
        Err(_) => template.text().to_owned(),
    }
}

/// The expressions of a setting.
pub(super) fn expressions<T>(setting: &Setting<T>) -> impl Iterator<Item = &Expression> {
    let template = match setting {
        Setting::Literal(_) => None,
        Setting::Template(template) => Some(template),
    };
    template.into_iter().flat_map(Template::expressions)
}

fn span_of(template: &Template, job: &Job) -> Span {
    template.span().unwrap_or(job.id.span)
}
