//! Workflow commands: what a step says to the runner in the lines it prints.
//!
//! ```text
//!  line ─ parse ─> Command ─ Commands ─> Processed { show, effects }
//!           │                   │
//!           └ escape            └ echo on or off, stopped until a token
//! ```
//!
//! One [`Commands`] belongs to one step and sees every line of both its streams, in order. It only
//! says what has to happen: who masks, keeps outputs or reads matcher files is not known here.
//! Where the official runner has a message for people it is used as it is, since people search for
//! it.

mod escape;
mod issue;
mod messages;
mod parse;

#[cfg(test)]
mod tests;

use std::borrow::Cow;

use crate::annotation::{Annotation, Severity};
use crate::text;

use parse::Command;

pub use escape::{Place, escape, unescape};

/// Stop tokens longer than this, in UTF-16 code units, are secrets.
const LONGEST_PLAIN_TOKEN: usize = 6;

/// Every command there is. Others are ordinary output, those for the official runner's own parts
/// (`internal-…`) among them.
const COMMANDS: [&str; 15] = [
    "add-mask",
    "add-matcher",
    "add-path",
    "debug",
    "echo",
    "endgroup",
    "error",
    "group",
    "notice",
    "remove-matcher",
    "save-state",
    "set-env",
    "set-output",
    "stop-commands",
    "warning",
];

/// What the environment of a step decides.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct CommandSettings {
    /// Whether `set-env` and `add-path` work. False by default.
    pub allow_unsecure_commands: bool,
    /// Whether anything can be a stop token. False by default.
    pub allow_unsecure_stop_tokens: bool,
    /// Whether commands are shown from the beginning. False by default; a step that is debugged
    /// shows them.
    pub echo: bool,
}

impl CommandSettings {
    /// The settings in a step's environment. `echo` stays false.
    pub fn from_env<'v>(variable: impl Fn(&str) -> Option<&'v str>) -> Self {
        let is_true =
            |name| variable(name).is_some_and(|value| value.trim().eq_ignore_ascii_case("true"));
        Self {
            allow_unsecure_commands: is_true("ACTIONS_ALLOW_UNSECURE_COMMANDS"),
            allow_unsecure_stop_tokens: is_true("ACTIONS_ALLOW_UNSECURE_STOPCOMMAND_TOKENS"),
            echo: false,
        }
    }
}

/// What becomes of a line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Processed<'l> {
    /// Whether it was a command. Only other lines are for problem matchers.
    pub is_command: bool,
    /// What the log shows of it, before the effects are seen there; masks must be in force by
    /// then. None for most commands.
    pub show: Option<Cow<'l, str>>,
    /// What has to happen, in this order. Empty for ordinary lines.
    pub effects: Vec<Effect>,
}

/// What a command asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Effect {
    /// A secret, never blank. A value of several lines comes as a whole and line by line.
    Mask(String),
    /// A remark for the log and for the end of the run.
    Annotation(Annotation),
    /// An output of the step.
    Output {
        /// The name, not empty.
        name: String,
        /// The value.
        value: String,
    },
    /// State of the action for its post step.
    State {
        /// The name, not empty.
        name: String,
        /// The value.
        value: String,
    },
    /// An environment variable for the steps that follow.
    SetEnv {
        /// The name, not empty.
        name: String,
        /// The value.
        value: String,
    },
    /// A directory for the front of the search path, not empty.
    AddPath(String),
    /// Problem matchers, from a file in the guest.
    AddMatcher {
        /// The path, relative to the workspace; not empty.
        path: String,
    },
    /// A problem matcher that ends.
    RemoveMatcher {
        /// Its owner.
        owner: String,
    },
    /// Problem matchers that end, from a file in the guest.
    RemoveMatchersOf {
        /// The path, relative to the workspace.
        path: String,
    },
    /// Lines that belong together begin.
    GroupStart(String),
    /// They end.
    GroupEnd,
    /// Something for the debug log.
    Debug(String),
    /// A warning about the command itself: an annotation too.
    Warn(String),
    /// The step fails when it ends, for this reason: an error annotation too.
    Fail(String),
}

/// The commands of one step.
#[derive(Debug, Clone)]
pub struct Commands {
    settings: CommandSettings,
    echo: bool,
    /// The token that all commands wait for.
    stopped: Option<String>,
}

impl Commands {
    /// Commands of a step that begins.
    pub fn new(settings: CommandSettings) -> Self {
        Self {
            settings,
            echo: settings.echo,
            stopped: None,
        }
    }

    /// Takes a line, without its end.
    pub fn process<'l>(&mut self, line: &'l str) -> Processed<'l> {
        let is_token = |name: &str| {
            let mut token = self.stopped.iter();
            token.any(|token| text::equal(token, name))
        };
        let Some(command) = Command::parse(line, |name| is_command(name) || is_token(name)) else {
            return ordinary(line, Vec::new());
        };
        if let Some(token) = &self.stopped {
            // An empty token, where it is allowed, is never found.
            if token.is_empty() || !text::equal(token, command.name) {
                return ordinary(line, vec![Effect::Debug(messages::waiting(token))]);
            }
            self.stopped = None;
            return shown(line, vec![Effect::Debug(messages::RESUMED.to_owned())]);
        }
        if text::equal(command.name, "stop-commands") {
            return self.stop(line, command.data);
        }
        let show = self.echoed(line, &command);
        let effects = self
            .run(&command)
            .unwrap_or_else(|reason| failed(line, &command, reason));
        Processed {
            is_command: true,
            show,
            effects,
        }
    }

    fn stop<'l>(&mut self, line: &'l str, token: String) -> Processed<'l> {
        let is_weak =
            token.is_empty() || is_command(&token) || text::equal(&token, "pause-logging");
        if is_weak && !self.settings.allow_unsecure_stop_tokens {
            let effects = vec![
                failure_of(line),
                Effect::Fail(messages::WEAK_TOKEN.to_owned()),
            ];
            return Processed {
                is_command: true,
                show: None,
                effects,
            };
        }
        let mut effects = Vec::new();
        if text::utf16_len(&token) > LONGEST_PLAIN_TOKEN && !token.trim().is_empty() {
            effects.push(Effect::Mask(token.clone()));
        }
        effects.push(Effect::Debug(messages::STOPPED.to_owned()));
        self.stopped = Some(token);
        shown(line, effects)
    }

    /// What is shown of a command itself.
    fn echoed<'l>(&self, line: &'l str, command: &Command<'_>) -> Option<Cow<'l, str>> {
        if !self.echo {
            return None;
        }
        if text::equal(command.name, "add-mask") {
            let is_secret = !command.data.trim().is_empty();
            return is_secret.then_some(Cow::Borrowed("::add-mask::***"));
        }
        (!omits_echo(command.name)).then_some(Cow::Borrowed(line))
    }

    /// The effects of a command that is neither a token nor `stop-commands`, or why it fails.
    fn run(&mut self, command: &Command<'_>) -> Result<Vec<Effect>, String> {
        let name = command.name.to_ascii_lowercase();
        if let Some(severity) = Severity::parse(&name) {
            let (annotation, remarks) = issue::annotation(severity, command);
            let remarks = remarks.into_iter().map(Effect::Debug);
            return Ok(remarks.chain([Effect::Annotation(annotation)]).collect());
        }
        let data = || command.data.clone();
        Ok(match &*name {
            "add-mask" => masks(&command.data),
            "set-output" | "save-state" => named_value(&name, command)?,
            "set-env" => self.set_env(command)?,
            "add-path" => vec![self.add_path(command)?],
            "add-matcher" => vec![add_matcher(command)],
            "remove-matcher" => vec![remove_matcher(command)],
            "group" => vec![Effect::GroupStart(data())],
            "endgroup" => vec![Effect::GroupEnd],
            "echo" => vec![self.set_echo(&command.data)?],
            _ => vec![Effect::Debug(data())],
        })
    }

    fn set_env(&self, command: &Command<'_>) -> Result<Vec<Effect>, String> {
        const REFUSED: &str = "NODE_OPTIONS";
        self.check_unsecure("set-env")?;
        let name = required_name("set-env", command)?;
        if text::equal(&name, REFUSED) {
            let message = messages::refused_variable(REFUSED);
            let annotation = Annotation::new(Severity::Error, message);
            return Ok(vec![Effect::Annotation(annotation)]);
        }
        let value = command.data.clone();
        let debug = Effect::Debug(format!("{name}='{value}'"));
        Ok(vec![Effect::SetEnv { name, value }, debug])
    }

    fn add_path(&self, command: &Command<'_>) -> Result<Effect, String> {
        self.check_unsecure("add-path")?;
        if command.data.is_empty() {
            return Err(messages::empty_value("path"));
        }
        Ok(Effect::AddPath(command.data.clone()))
    }

    fn check_unsecure(&self, name: &str) -> Result<(), String> {
        if self.settings.allow_unsecure_commands {
            Ok(())
        } else {
            Err(messages::disabled(name))
        }
    }

    fn set_echo(&mut self, data: &str) -> Result<Effect, String> {
        let value = data.trim().to_ascii_lowercase();
        self.echo = match &*value {
            "on" => true,
            "off" => false,
            _ if data.is_empty() => return Err(messages::empty_value("value")),
            _ => return Err(messages::invalid_echo(data)),
        };
        Ok(Effect::Debug(format!(
            "Setting echo command value to '{value}'"
        )))
    }
}

fn is_command(name: &str) -> bool {
    COMMANDS.iter().any(|known| text::equal(known, name))
}

/// Commands whose line is shown in another form, if at all.
fn omits_echo(name: &str) -> bool {
    let omitted = ["add-mask", "debug", "error", "notice", "warning"];
    omitted.iter().any(|known| text::equal(known, name))
}

fn ordinary(line: &str, effects: Vec<Effect>) -> Processed<'_> {
    Processed {
        is_command: false,
        ..shown(line, effects)
    }
}

fn shown(line: &str, effects: Vec<Effect>) -> Processed<'_> {
    Processed {
        is_command: true,
        show: Some(Cow::Borrowed(line)),
        effects,
    }
}

/// What is said of a command that fails. Of one that may hold a secret only the name is shown.
fn failed(line: &str, command: &Command<'_>, reason: String) -> Vec<Effect> {
    let what = if omits_echo(command.name) {
        command.name
    } else {
        line
    };
    vec![failure_of(what), Effect::Fail(reason)]
}

fn failure_of(what: &str) -> Effect {
    Effect::Annotation(Annotation::new(
        Severity::Error,
        messages::unprocessed(what),
    ))
}

/// A value and each of its lines: lines are what is seen of it later.
fn masks(value: &str) -> Vec<Effect> {
    if value.trim().is_empty() {
        return vec![Effect::Warn(messages::EMPTY_MASK.to_owned())];
    }
    let mut masks = vec![Effect::Mask(value.to_owned())];
    if value.contains(['\r', '\n']) {
        let lines = value.split(['\r', '\n']);
        let lines = lines.filter(|line| !line.trim().is_empty());
        masks.extend(lines.map(|line| Effect::Mask(line.to_owned())));
    }
    masks
}

fn named_value(command_name: &str, command: &Command<'_>) -> Result<Vec<Effect>, String> {
    let name = required_name(command_name, command)?;
    let value = command.data.clone();
    let effect = if command_name == "set-output" {
        Effect::Output { name, value }
    } else {
        Effect::State { name, value }
    };
    Ok(vec![
        Effect::Warn(messages::deprecated(command_name)),
        effect,
    ])
}

fn required_name(command_name: &str, command: &Command<'_>) -> Result<String, String> {
    match command.property("name") {
        Some(name) => Ok(name.to_owned()),
        None => Err(messages::missing_name(command_name)),
    }
}

fn add_matcher(command: &Command<'_>) -> Effect {
    if command.data.is_empty() {
        return Effect::Warn(messages::NO_MATCHER_FILE.to_owned());
    }
    Effect::AddMatcher {
        path: command.data.clone(),
    }
}

fn remove_matcher(command: &Command<'_>) -> Effect {
    let path = command.data.clone();
    match command.property("owner") {
        Some(_) if !path.is_empty() => Effect::Warn(messages::OWNER_AND_FILE.to_owned()),
        Some(owner) => Effect::RemoveMatcher {
            owner: owner.to_owned(),
        },
        None if path.is_empty() => Effect::Warn(messages::NO_OWNER_NOR_FILE.to_owned()),
        None => Effect::RemoveMatchersOf { path },
    }
}
