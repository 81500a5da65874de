//! From a workflow and what a run is asked for with to a plan, and to what is known of the run.

use std::path::Path;
use std::sync::Arc;

use dormer_workflow::expr::{Object, Value};
use dormer_workflow::plan::{Legs, Plan, Planned, PlannedJob, Request, event, start};
use dormer_workflow::trigger::Changes;
use dormer_workflow::workflow::{Job, Workflow};
use dormer_workflow::{Problem, Problems};

use crate::failure::InputError;
use crate::source::called::Sources;
use crate::source::checkout::checked_out;
use crate::source::file::wrong;
use crate::source::run_facts::{Given, run_facts};
use crate::steps::context::RunFacts;

/// What a run is asked for with.
#[derive(Debug, Default)]
pub struct Asked<'a> {
    /// The workflow's file; none for a typed command.
    pub file: Option<&'a Path>,
    /// The directory that comes along.
    pub workspace: Option<&'a Path>,
    /// The event. By default `workflow_dispatch` if the workflow has it, else `push`, else its first.
    pub event: Option<String>,
    /// The event's payload: its value, an object, and its text.
    pub payload: Option<(Value, String)>,
    /// Inputs as they were typed.
    pub inputs: Vec<(String, String)>,
    /// The configuration variables.
    pub vars: Object,
    /// A number of the run.
    pub run_id: String,
    /// The files that the event changed.
    pub changes: Changes,
}

/// A run that can begin.
#[derive(Debug)]
pub struct Prepared {
    /// Its jobs.
    pub plan: Plan,
    /// What is known of it.
    pub facts: RunFacts,
    /// The workflows that its jobs may call.
    pub files: Sources,
    /// Whether a job runs by itself.
    pub alone: bool,
}

/// Plans a run whose jobs may call the workflows among these files. An error names everything that is
/// wrong, with its place.
pub fn prepare(
    workflow: &Arc<Workflow>,
    files: Sources,
    asked: Asked<'_>,
) -> Result<Prepared, Problems> {
    let checkout = asked.workspace.map(checked_out).unwrap_or_default();
    let directory = asked.workspace.and_then(Path::file_name);
    let directory = directory
        .map(|name| name.to_string_lossy())
        .unwrap_or_default();
    let facts = |event_name: &str, inputs: Object| {
        run_facts(Given {
            name: workflow.name.as_ref().map(|name| name.value.as_str()),
            file: asked.file,
            checkout: &checkout,
            fallback_name: &directory,
            event_name,
            payload: asked.payload.clone(),
            inputs,
            vars: asked.vars.clone(),
            run_id: asked.run_id.clone(),
        })
    };
    // The defaults of inputs may ask for what the event implies, and the event tells the inputs.
    let event = event(workflow, asked.event.as_deref())?;
    let request = Request {
        github: facts(&event, Object::new()).github(),
        event: Some(event),
        inputs: asked.inputs.clone(),
        vars: asked.vars.clone(),
        changes: asked.changes.clone(),
    };
    let mut start = start(workflow, &request)?;
    let facts = facts(&start.event, start.inputs.clone());
    start.contexts.values.insert("github", facts.github());
    Ok(Prepared {
        plan: start.plan(workflow, &files)?,
        facts,
        files,
        alone: false,
    })
}

impl Prepared {
    /// Keeps one job, which then runs by itself. An error names the jobs that there are.
    pub fn only(&mut self, id: &str, shown: &str) -> Result<Vec<String>, InputError> {
        let ids = self.plan.jobs.iter().map(|job| job.id.as_str());
        let list = format!("the jobs are: {}", ids.collect::<Vec<_>>().join(", "));
        let Some(job) = self.plan.job(id).cloned() else {
            let text = format!("there is no job `{id}` in `{shown}`");
            return Err(InputError::usage(text).help(list));
        };
        let warnings = self.plan.source_of(&job).and_then(without_effect);
        self.plan.jobs = vec![job];
        self.alone = true;
        Ok(warnings.into_iter().collect())
    }

    /// Whether there is only one thing to run: a job without a matrix, which has steps of its own.
    pub fn is_single(&self) -> bool {
        let [job] = self.plan.jobs.as_slice() else {
            return false;
        };
        let source = self.plan.source_of(job);
        source.is_some_and(|source| source.strategy.is_none() && source.uses.is_none())
    }

    /// The legs of a job, as far as they are known before the run.
    pub fn legs_of(&self, job: &PlannedJob) -> Result<Option<Legs>, InputError> {
        if !self.alone {
            return Ok(job.legs.known().cloned());
        }
        let legs = self.plan.expand(job, Object::new(), &self.files);
        legs.map(Some).map_err(|problems| wrong("run", &problems))
    }

    /// Refuses a run that nothing would come of: one of which every job fails before its first step.
    pub fn refuse_failing(&self) -> Result<(), InputError> {
        let jobs = &self.plan.jobs;
        if jobs.iter().any(|job| job.problems.is_empty()) {
            return Ok(());
        }
        let problems = jobs.iter().flat_map(|job| &job.problems);
        let lines: Vec<&str> = problems.map(String::as_str).collect();
        let text = format!("no job of the workflow can be run:\n{}", lines.join("\n"));
        Err(InputError::usage(text))
    }

    /// Everything that this version can't run, in whatever file, at once.
    pub fn refuse_unsupported(&self) -> Result<(), InputError> {
        let mut problems = Vec::new();
        unsupported(&self.plan, &mut problems);
        if problems.is_empty() {
            Ok(())
        } else {
            Err(wrong("run", &problems.into()))
        }
    }
}

/// What is said of a workflow that was not brought here.
const NOT_HERE: &str = "the workflow of that repository is not on this host";

/// Goes through a plan and those of the workflows that its jobs call. Legs of one job call the same.
fn unsupported(plan: &Plan, problems: &mut Vec<Problem>) {
    for job in &plan.jobs {
        problems.extend(plan.workflow.unsupported_in(&job.id));
        let legs = match &job.legs {
            Planned::Now(legs) => legs.items.as_slice(),
            Planned::After(_) => &[],
        };
        let called = legs.first().and_then(|leg| leg.calls.as_ref());
        let source = plan.source_of(job).and_then(|job| job.uses.as_ref());
        match (called.map(|called| &called.plan), source) {
            (Some(Some(called)), _) => unsupported(called, problems),
            (Some(None), Some(uses)) => {
                let text = format!("`uses: {}`: {NOT_HERE}", uses.value);
                problems.push(Problem::new(&plan.workflow.source, uses.span, text));
            }
            _ => {}
        }
    }
}

/// What the job says of its place among others. It is run by itself, so that has no effect.
fn without_effect(job: &Job) -> Option<String> {
    let keys = [
        ("if", job.condition.is_some()),
        ("needs", !job.needs.is_empty()),
        ("continue-on-error", job.continue_on_error.is_some()),
        ("concurrency", job.concurrency.is_some()),
    ];
    let there = keys.iter().filter(|(_, there)| *there);
    let names: Vec<String> = there.map(|(name, _)| format!("`{name}`")).collect();
    (!names.is_empty()).then(|| {
        format!(
            "{} of the job `{}` has no effect: the job is run by itself",
            names.join(", "),
            job.id.value
        )
    })
}

#[cfg(test)]
mod tests {
    use dormer_workflow::{SourceFile, parse_workflow};

    use super::*;
    use crate::source::called::CalledWorkflows;
    use crate::source::tree::Tree;

    fn prepared(text: &str, asked: Asked<'_>) -> Result<Prepared, Problems> {
        let workflow = parse_workflow(&SourceFile::new("w.yml", text)).unwrap();
        let directory = tempfile::tempdir().unwrap();
        let files = Sources {
            own: Tree::of(directory.path()).unwrap(),
            called: CalledWorkflows::default(),
        };
        prepare(&Arc::new(workflow), files, asked)
    }

    const TWO: &str = "on: push\njobs:\n  a:\n    if: false\n    concurrency: x\n    \
                       runs-on: windows-latest\n    steps:\n      - run: x\n  b:\n    needs: a\n    \
                       container: x\n    runs-on: windows-latest\n    steps:\n      - run: x\n";

    #[test]
    fn one_of_several_jobs_runs_by_itself_and_is_told_what_has_no_effect() {
        let mut run = prepared(TWO, Asked::default()).unwrap();
        assert!(!run.is_single());
        let error = run.only("c", "w.yml").unwrap_err();
        assert!(error.message.contains("`c`") && error.help.unwrap().contains("a, b"));
        let warnings = run.only("A", "w.yml").unwrap();
        assert!(warnings[0].starts_with("`if`, `concurrency` of the job `a`"));
        assert!(run.is_single());
        let job = run.plan.jobs[0].clone();
        // Its `if` does not hold, and yet there is a leg.
        assert_eq!(run.legs_of(&job).unwrap().unwrap().items.len(), 1);
    }

    #[test]
    fn what_cannot_be_run_is_named_with_its_place() {
        let run = prepared(TWO, Asked::default()).unwrap();
        let error = run.refuse_unsupported().unwrap_err();
        assert!(error.message.contains("w.yml:11:5"), "{}", error.message);
        let call = "on: push\njobs:\n  a:\n    uses: o/r/.github/workflows/x.yml@v1\n";
        let run = prepared(call, Asked::default()).unwrap();
        let error = run.refuse_unsupported().unwrap_err();
        assert!(error.message.contains("w.yml:4:11"), "{}", error.message);
    }

    #[test]
    fn the_event_and_its_inputs_reach_the_facts_and_the_plan() {
        let text = "on:\n  push:\n  workflow_dispatch:\n    inputs:\n      deep: {type: boolean}\n      \
                    by: {default: \"${{ github.actor }}\"}\njobs:\n  a:\n    runs-on: windows-latest\n    \
                    steps:\n      - run: x\n";
        let asked = Asked {
            inputs: vec![("deep".to_owned(), "true".to_owned())],
            ..Asked::default()
        };
        let run = prepared(text, asked).unwrap();
        assert_eq!(run.facts.event_name, "workflow_dispatch");
        assert_eq!(run.facts.inputs.get("deep"), Some(&Value::Bool(true)));
        assert_eq!(run.plan.event, "workflow_dispatch");
        assert!(run.facts.event_text.contains("\"deep\": \"true\""));
        for (event, inputs, expected) in [
            ("issues", None, "does not start this workflow"),
            ("push", Some("deep"), "takes no inputs"),
            ("workflow_dispatch", Some("depe"), "no input `depe`"),
        ] {
            let inputs = inputs.into_iter();
            let asked = Asked {
                event: Some(event.to_owned()),
                inputs: inputs
                    .map(|name| (name.to_owned(), "true".to_owned()))
                    .collect(),
                ..Asked::default()
            };
            let problems = prepared(text, asked).unwrap_err().to_string();
            assert!(problems.contains(expected), "{problems}");
        }
    }

    #[test]
    fn a_choice_that_nobody_made_and_a_default_that_is_no_option_can_be_run() {
        let text = "on:\n  workflow_dispatch:\n    inputs:\n      free: {type: choice, options: [a, b]}\n      \
                    odd: {type: choice, options: [a, b], default: z}\n      n: {type: number}\njobs:\n  a:\n    \
                    runs-on: windows-latest\n    steps:\n      - run: x\n";
        let payload = r#"{"inputs": {"free": "", "n": "", "odd": ""}}"#;
        let payload = (serde_json::from_str(payload).unwrap(), payload.to_owned());
        for payload in [None, Some(payload)] {
            let asked = Asked {
                payload,
                ..Asked::default()
            };
            let run = prepared(text, asked).unwrap();
            let expected = r#"{"free":"","odd":"z","n":0}"#;
            assert_eq!(serde_json::to_string(&run.facts.inputs).unwrap(), expected);
            let github = run.plan.contexts.values.get("github").unwrap();
            let event = github.as_object().unwrap().get("event").unwrap();
            let sent = event.as_object().unwrap().get("inputs").unwrap();
            assert_eq!(sent.as_object().unwrap().get("odd"), Some(&"z".into()));
        }
    }
}
