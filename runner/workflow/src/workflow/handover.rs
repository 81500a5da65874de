//! What a job hands over to the workflow that it calls, against what that takes. GitHub starts no run
//! where one of these rules is broken; a check and a plan both ask here.

use crate::expr::Value;
use crate::names::Names;
use crate::source::{Span, Spanned};

use super::{Call, CallSecrets, Input, InputKind, Job};

/// The names that a called workflow takes.
#[derive(Clone, Copy)]
pub(crate) struct Taken<'n> {
    pub(crate) inputs: &'n Names,
    pub(crate) secrets: &'n Names,
}

/// A rule that is broken.
pub(crate) struct Misfit {
    /// In the file of the job that calls.
    pub(crate) span: Span,
    pub(crate) message: String,
    pub(crate) help: String,
    /// Whether something is required that is not handed over.
    pub(crate) is_missing: bool,
}

/// Inputs or secrets, on both sides.
struct Side<'a> {
    /// What they are: `input`.
    what: &'static str,
    given: Vec<&'a Spanned<String>>,
    known: &'a Names,
    required: Vec<&'a str>,
}

/// Names that are handed over and not taken, and what is required and not handed over. Made one by one:
/// there may be more than anybody wants to read.
pub(crate) fn misfits<'a>(
    uses: &'a Spanned<String>,
    job: &'a Job,
    call: &'a Call,
    taken: Taken<'a>,
) -> impl Iterator<Item = Misfit> + 'a {
    let required = call.inputs.iter().filter(|input| input.required);
    let inputs = Side {
        what: "input",
        given: job.with.iter().map(|argument| &argument.name).collect(),
        known: taken.inputs,
        required: required.map(|input| &*input.name.value).collect(),
    };
    let secrets = secrets(job, call, taken.secrets);
    let sides = std::iter::once(inputs).chain(secrets);
    sides.flat_map(move |side| side.misfits(uses))
}

/// None where all secrets are handed over, whatever there are.
fn secrets<'a>(job: &'a Job, call: &'a Call, known: &'a Names) -> Option<Side<'a>> {
    let given = match &job.secrets {
        CallSecrets::Inherit(_) => return None,
        CallSecrets::Nothing => Vec::new(),
        CallSecrets::Only(map) => map.entries.iter().map(|entry| &entry.name).collect(),
    };
    let required = call.secrets.iter().filter(|secret| secret.required);
    Some(Side {
        what: "secret",
        given,
        known,
        required: required.map(|secret| &*secret.name.value).collect(),
    })
}

impl<'a> Side<'a> {
    fn misfits(self, uses: &'a Spanned<String>) -> impl Iterator<Item = Misfit> + 'a {
        let Self {
            what,
            given,
            known,
            required,
        } = self;
        let names: Names = given.iter().map(|name| &*name.value).collect();
        let unknown = given
            .into_iter()
            .filter(|name| !known.contains(&name.value));
        let unknown = unknown.map(move |name| not_taken(uses, what, name, known));
        let missing = required
            .into_iter()
            .filter(move |name| !names.contains(name));
        unknown.chain(missing.map(move |name| not_given(uses, what, name)))
    }
}

fn not_taken(uses: &Spanned<String>, what: &str, name: &Spanned<String>, known: &Names) -> Misfit {
    Misfit {
        span: name.span,
        message: format!(
            "the workflow `{}` has no {what} `{}`",
            uses.value, name.value
        ),
        help: known.help(&name.value, what),
        is_missing: false,
    }
}

fn not_given(uses: &Spanned<String>, what: &str, name: &str) -> Misfit {
    let help = match what {
        "secret" => format!("add `{name}` to `secrets`, or write `secrets: inherit`"),
        _ => format!("add `{name}` to `with`"),
    };
    Misfit {
        span: uses.span,
        message: format!("the {what} `{name}` is required by the workflow"),
        help,
        is_missing: true,
    }
}

/// A value as an input of a type. GitHub turns anything that is no collection into a string, and
/// nothing into anything else.
pub(crate) fn typed(kind: &InputKind, value: &Value) -> Option<Value> {
    match (kind, value) {
        (InputKind::Boolean, Value::Bool(_)) | (InputKind::Number, Value::Number(_)) => {
            Some(value.clone())
        }
        (InputKind::Boolean | InputKind::Number, _) => None,
        (_, value) => value.is_primitive().then(|| value.to_text().into()),
    }
}

/// What is said of a value that has another type. `found` says what it is.
pub(crate) fn mistyped(input: &Input, found: &str) -> String {
    let expected = match input.kind {
        InputKind::Boolean => "`true` or `false`",
        InputKind::Number => "a number",
        _ => "a string",
    };
    let name = &input.name.value;
    format!("expected {expected} for the input `{name}`, found {found}")
}
