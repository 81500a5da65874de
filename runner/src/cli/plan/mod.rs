//! `dormer plan`: which jobs a workflow would have, without running any.

mod called;
mod images;
mod table;

use std::path::Path;
use std::sync::Arc;

use dormer_workflow::expr::{Object, Value};
use dormer_workflow::files::Files;
use dormer_workflow::plan::{self, Plan, Request};
use dormer_workflow::workflow::Workflow;
use dormer_workflow::{Problems, parse_workflow};

use crate::cli::args::{EventArguments, ListFormat, PlanArguments};
use crate::cli::output;
use crate::config;
use crate::exit_code;
use crate::failure::{Failure, InputError};
use crate::source::checkout::checked_out;
use crate::source::run_facts::{Given, run_facts};
use crate::source::tree::{Tree, read_named};

use images::Images;

/// The number of a run that never happens: `github.run_id`.
const RUN_ID: &str = "1";

pub(super) async fn plan(arguments: &PlanArguments) -> Result<u8, Failure> {
    let (tree, path) = Tree::around(&arguments.workflow)?;
    let workflow = read(&tree, &path)?;
    let request = request(&arguments.event, &tree, &path, &workflow)?;
    let files = called::sources(arguments, tree, &workflow).await?;
    let plan = plan::plan(&workflow, &request, &files).map_err(|problems| wrong(&problems))?;
    match arguments.format {
        ListFormat::Json => output::json(&plan.document()),
        ListFormat::Human => human(&plan, &files.own)?,
    }
    Ok(exit_code::SUCCESS)
}

fn read(tree: &Tree, path: &str) -> Result<Arc<Workflow>, InputError> {
    let source = tree.read(path).map_err(|why| {
        let shown = tree.shown(path);
        InputError::usage(format!("cannot read the workflow `{shown}`: {why}"))
    })?;
    let workflow = parse_workflow(&source).map_err(|problems| wrong(&problems))?;
    Ok(Arc::new(workflow))
}

/// What the run would be asked for with. The event decides what the `github` context holds, so that it
/// comes first.
fn request(
    arguments: &EventArguments,
    tree: &Tree,
    path: &str,
    workflow: &Arc<Workflow>,
) -> Result<Request, InputError> {
    let payload = arguments.payload.as_deref().map(payload).transpose()?;
    let mut github = Object::new();
    if let Some((payload, _)) = &payload {
        github.insert("event", payload.clone());
    }
    let typed = arguments.variables.iter();
    let mut request = Request {
        event: arguments.event.clone(),
        inputs: arguments.inputs.clone(),
        github,
        vars: typed
            .map(|(name, value)| (name.as_str(), value.as_str()))
            .collect(),
    };
    let start = plan::start(workflow, &request).map_err(|problems| wrong(&problems))?;
    let checkout = checked_out(tree.root());
    let directory = tree.root().file_name().map(|name| name.to_string_lossy());
    let facts = run_facts(Given {
        name: workflow.name.as_ref().map(|name| name.value.as_str()),
        file: Some(&tree.root().join(path)),
        checkout: &checkout,
        fallback_name: &directory.unwrap_or_default(),
        event_name: &start.event,
        payload,
        inputs: start.inputs,
        vars: request.vars.clone(),
        run_id: RUN_ID.to_owned(),
    });
    request.event = Some(start.event);
    request.github = facts.github();
    Ok(request)
}

/// What the event tells: its value and its text.
fn payload(path: &Path) -> Result<(Value, String), InputError> {
    const WHAT: &str = "the payload";
    let file = read_named(path, WHAT)?;
    let wrong = |why: String| {
        let shown = path.display();
        InputError::usage(format!("{WHAT} `{shown}` is no JSON object: {why}"))
    };
    let value: Value =
        serde_json::from_str(file.text()).map_err(|error| wrong(error.to_string()))?;
    match value {
        Value::Object(_) => Ok((value, file.text().to_owned())),
        other => Err(wrong(format!("it is of the kind {}", other.kind()))),
    }
}

/// All problems as one error, each with its line.
fn wrong(problems: &Problems) -> InputError {
    let head = match problems.len() {
        1 => "the workflow cannot be planned:".to_owned(),
        count => format!("the workflow cannot be planned, for {count} reasons:"),
    };
    InputError::usage(format!("{head}\n{}", problems.render()))
}

fn human(plan: &Plan, tree: &Tree) -> Result<(), Failure> {
    let loaded = config::load(Some(tree.root()))?;
    for text in &loaded.warnings {
        output::warning(text);
    }
    for text in table::warnings(plan) {
        output::warning(&text);
    }
    for text in table::head(plan) {
        output::line(&text);
    }
    output::table(
        &table::COLUMNS,
        table::rows(plan, &Images::new(loaded.config)),
    );
    Ok(())
}
