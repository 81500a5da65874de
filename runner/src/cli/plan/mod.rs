//! `dormer plan`: which jobs a workflow would have, without running any.

mod called;
mod images;
mod table;

use std::path::Path;
use std::sync::Arc;

use dormer_workflow::files::Files;
use dormer_workflow::parse_workflow;
use dormer_workflow::plan::Plan;
use dormer_workflow::trigger::Changes;
use dormer_workflow::workflow::Workflow;

use crate::cli::args::{EventArguments, ListFormat, PlanArguments};
use crate::cli::{output, trigger};
use crate::config;
use crate::exit_code;
use crate::failure::{Failure, InputError};
use crate::source::file::wrong;
use crate::source::payload::payload;
use crate::source::planned::{Asked, prepare};
use crate::source::tree::{Tree, did_you_mean};

use images::Images;

/// The number of a run that never happens: `github.run_id`.
const RUN_ID: &str = "1";

/// What is done here with a workflow.
const PLANNED: &str = "planned";

pub(super) async fn plan(arguments: &PlanArguments) -> Result<u8, Failure> {
    let (tree, path) = Tree::around(&arguments.workflow)?;
    let workflow = read(&tree, &path).map_err(|mut error| {
        error.help = error.help.or_else(|| did_you_mean(&arguments.workflow));
        error
    })?;
    let root = tree.root().to_owned();
    let file = root.join(path);
    let mut asked = asked(&arguments.event, &root, &file)?;
    trigger::look_for_changes(&workflow, &mut asked).await;
    let files = called::sources(arguments, tree, &workflow).await?;
    let plan = prepare(&workflow, files, asked)
        .map_err(|problems| wrong(PLANNED, &problems))?
        .plan;
    match arguments.format {
        ListFormat::Json => output::json(&plan.document())?,
        ListFormat::Human => human(&plan, &root, arguments.event.event.is_some())?,
    }
    Ok(exit_code::SUCCESS)
}

fn read(tree: &Tree, path: &str) -> Result<Arc<Workflow>, InputError> {
    let source = tree.read(path).map_err(|why| {
        let shown = tree.shown(path);
        InputError::usage(format!("cannot read the workflow `{shown}`: {why}"))
    })?;
    let workflow = parse_workflow(&source).map_err(|problems| wrong(PLANNED, &problems))?;
    Ok(Arc::new(workflow))
}

/// What the run would be asked for with.
fn asked<'a>(
    arguments: &EventArguments,
    root: &'a Path,
    file: &'a Path,
) -> Result<Asked<'a>, InputError> {
    let typed = arguments.variables.iter();
    Ok(Asked {
        file: Some(file),
        workspace: Some(root),
        event: arguments.event.clone(),
        payload: arguments.payload.as_deref().map(payload).transpose()?,
        inputs: arguments.inputs.clone(),
        vars: typed
            .map(|(name, value)| (name.as_str(), value.as_str()))
            .collect(),
        run_id: RUN_ID.to_owned(),
        changes: Changes::Unknown,
    })
}

fn human(plan: &Plan, root: &Path, is_event_named: bool) -> Result<(), Failure> {
    let loaded = config::load(Some(root))?;
    for text in &loaded.warnings {
        output::warning(text);
    }
    for text in plan.all_warnings() {
        output::warning(&text);
    }
    for (job, text) in table::problems(plan) {
        output::warning(&format!(
            "the job `{job}` fails before its first step: {text}"
        ));
    }
    let mut head = table::head(plan);
    if is_event_named {
        trigger::note_unjudged(plan);
        head.extend(trigger::refusal(plan));
    }
    head.push(String::new());
    for text in head {
        output::line(&text)?;
    }
    let (columns, rows) = table::table(plan, &Images::new(loaded.config));
    output::table(&columns, rows)
}
