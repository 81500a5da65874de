//! How a run starts: its event, and what was put in by hand.
//!
//! GitHub hands inputs over twice: as `github.event.inputs`, where all of them are strings, and as
//! `inputs`, where booleans and numbers are what they are.

use crate::diagnostic::{Problem, Problems};
use crate::expr::{Contexts, Object, Value};
use crate::source::Span;
use crate::text;
use crate::trigger::Changes;
use crate::workflow::{Input, InputKind, Trigger, Workflow};

const DISPATCH: &str = "workflow_dispatch";
const CALL: &str = "workflow_call";

/// What a run is asked for with.
#[derive(Debug, Clone, Default)]
pub struct Request {
    /// The event. By default `workflow_dispatch` if the workflow has it, else `push` if it has
    /// that, else its first one.
    pub event: Option<String>,
    /// Inputs as they were typed, in their order; of two with one name the last one counts. Empty
    /// by default. They go before what the payload of the event (`github.event.inputs`) says.
    pub inputs: Vec<(String, String)>,
    /// The `github` context, `event` included. `event_name` is set here. Empty by default.
    pub github: Object,
    /// The `vars` context. Empty by default.
    pub vars: Object,
    /// The files that the event changed. Unknown by default.
    pub changes: Changes,
}

/// How a run starts, with everything checked.
#[derive(Debug, Clone)]
pub struct Start {
    /// The event.
    pub event: String,
    /// The `inputs` context. Empty where the event takes none.
    pub inputs: Object,
    /// The contexts `github`, `inputs` and `vars`.
    pub contexts: Contexts,
    /// The files that the event changed.
    pub changes: Changes,
}

/// Checks how a run is to start.
///
/// # Errors
///
/// An event that does not start the workflow, and everything that is wrong with the inputs.
pub fn start(workflow: &Workflow, request: &Request) -> Result<Start, Problems> {
    let event = event(workflow, request.event.as_deref())?;
    let mut github = request.github.clone();
    github.insert("event_name", event.as_str());
    let mut contexts = Contexts::default();
    contexts.values.insert("github", github.clone());
    contexts.values.insert("vars", request.vars.clone());
    let inputs = inputs(workflow, &event, request, &contexts)?;
    if event == DISPATCH {
        github.insert("event", with_inputs(&github, &inputs));
        contexts.values.insert("github", github);
    }
    contexts.values.insert("inputs", inputs.clone());
    Ok(Start {
        event,
        inputs,
        contexts,
        changes: request.changes.clone(),
    })
}

/// The event that starts a run, where this one is asked for.
///
/// # Errors
///
/// It does not start the workflow.
pub fn event(workflow: &Workflow, wanted: Option<&str>) -> Result<String, Problems> {
    let on = &workflow.on;
    let names = || on.events.iter().map(|event| event.name.value.as_str());
    let Some(wanted) = wanted else {
        let usual = [DISPATCH, "push"].into_iter();
        let event = usual
            .filter(|usual| on.event(usual).is_some())
            .chain(names())
            .next();
        return Ok(event.unwrap_or_default().to_owned());
    };
    if on.event(wanted).is_some() {
        return Ok(wanted.to_owned());
    }
    let message = format!(
        "the event `{wanted}` does not start this workflow: it is started by {}",
        text::listed(names(), "and")
    );
    let problem = Problem::new(&workflow.source, on.span, message);
    let problem = match text::suggestion(wanted, names()) {
        Some(known) => problem.with_help(format!("did you mean `{known}`?")),
        None => problem,
    };
    Err(problem.into())
}

/// What the event takes, and where that is said.
fn declared<'w>(workflow: &'w Workflow, event: &str) -> Option<(&'w [Input], Span)> {
    let event = workflow.on.event(event)?;
    match &event.trigger {
        Trigger::Dispatch(inputs) => Some((inputs, event.name.span)),
        Trigger::Call(call) => Some((&call.inputs, event.name.span)),
        Trigger::Activity(_) | Trigger::Schedule(_) => None,
    }
}

fn inputs(
    workflow: &Workflow,
    event: &str,
    request: &Request,
    contexts: &Contexts,
) -> Result<Object, Problems> {
    let problem = |span, message: String| Problem::new(&workflow.source, span, message);
    let Some((declared, span)) = declared(workflow, event) else {
        let given = request.inputs.iter();
        let problems: Vec<Problem> = given
            .map(|(name, _)| {
                let message = format!("the event `{event}` takes no inputs, but `{name}` is given");
                let help = format!("only `{DISPATCH}` and `{CALL}` take inputs");
                problem(workflow.on.span, message).with_help(help)
            })
            .collect();
        return none_of(problems, Object::new());
    };
    let given = given(request, event, declared);
    let mut problems: Vec<Problem> = given
        .iter()
        .filter_map(|(name, _)| unknown(name, declared))
        .map(|(message, help)| problem(span, message).with_help(help))
        .collect();
    let mut inputs = Object::new();
    for input in declared {
        match value(input, given.get(&input.name.value), contexts) {
            Ok(value) => inputs.insert(&*input.name.value, value),
            Err(message) => problems.push(problem(input.name.span, message)),
        }
    }
    none_of(problems, inputs)
}

fn none_of<T>(problems: Vec<Problem>, value: T) -> Result<T, Problems> {
    if problems.is_empty() {
        Ok(value)
    } else {
        Err(problems.into())
    }
}

/// All texts that are given: those of the payload, overwritten by those that were typed. In a payload
/// an input that nobody filled in is an empty text, whatever its type.
fn given(request: &Request, event: &str, declared: &[Input]) -> Object {
    let payload = request.github.get("event").and_then(Value::as_object);
    let payload = payload.and_then(|payload| payload.get("inputs")?.as_object());
    let mut given = Object::new();
    if let Some(payload) = payload.filter(|_| event == DISPATCH) {
        let filled_in = payload
            .iter()
            .filter(|(name, value)| is_filled_in(name, value, declared));
        given.extend(filled_in.map(|(name, value)| (name, value.to_text())));
    }
    for (name, text) in &request.inputs {
        given.insert(name.as_str(), text.as_str());
    }
    given
}

fn is_filled_in(name: &str, value: &Value, declared: &[Input]) -> bool {
    let mut declared = declared.iter();
    let input = declared.find(|input| text::equal(&input.name.value, name));
    let is_text = input.is_none_or(|input| input.kind == InputKind::String);
    *value != Value::Null && (is_text || !value.to_text().is_empty())
}

/// What is wrong with a name that no input has.
fn unknown(name: &str, declared: &[Input]) -> Option<(String, String)> {
    let names = || declared.iter().map(|input| input.name.value.as_str());
    if names().any(|known| text::equal(known, name)) {
        return None;
    }
    let help = match text::suggestion(name, names()) {
        Some(known) => format!("did you mean `{known}`?"),
        None if declared.is_empty() => "it takes no inputs".to_owned(),
        None => format!("its inputs are {}", text::listed(names(), "and")),
    };
    Some((format!("the workflow has no input `{name}`"), help))
}

fn value(input: &Input, given: Option<&Value>, contexts: &Contexts) -> Result<Value, String> {
    let name = &input.name.value;
    if let Some(given) = given {
        let value = input.kind.read(&given.to_text());
        return value.map_err(|message| format!("the input `{name}`: {message}"));
    }
    if input.required && input.default.is_none() {
        let kind = match &input.kind {
            InputKind::Choice(options) => {
                let options = options.iter().map(|option| option.value.as_str());
                text::listed(options, "or")
            }
            kind => format!("a {}", kind.name()),
        };
        return Err(format!(
            "the input `{name}` is required, and is not given: {kind}"
        ));
    }
    let absent = input.absent(contexts);
    absent.map_err(|error| format!("the default of the input `{name}`: {}", error.message()))
}

/// The payload of the event with all inputs as strings.
fn with_inputs(github: &Object, inputs: &Object) -> Object {
    let payload = github.get("event").and_then(Value::as_object);
    let mut payload = payload.cloned().unwrap_or_default();
    let texts = inputs.iter().map(|(name, value)| (name, value.to_text()));
    payload.insert("inputs", Object::from_iter(texts));
    payload
}
