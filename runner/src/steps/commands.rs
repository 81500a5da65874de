//! The workflow commands in the output of one step: what each line means is the language's affair, what
//! comes of it is decided here. Sees the lines of both streams in the order in which they arrive.

use std::sync::{Arc, Mutex, PoisonError};

use dormer_workflow::annotation::{self as remark, Annotation as Remark, Severity};
use dormer_workflow::command::{CommandSettings, Commands, Effect};
use dormer_workflow::matcher::without_colours;

use crate::event::{Annotation, Events, JobEvent, Level, Stream};
use crate::guest::channel::GuestChannel;
use crate::mask::{GUEST_MASKS, LONGEST_GUEST_MASK, Masker};
use crate::steps::effects::{Effects, Kind};
use crate::steps::guest_file;
use crate::steps::matchers::JobMatchers;

/// The longest message of an annotation, in bytes, which is GitHub's own limit.
const LONGEST_MESSAGE: usize = 64 << 10;
/// The longest of an annotation's other texts, in bytes.
const LONGEST_NAME: usize = 4 << 10;

/// What the commands of a step need to know of it.
#[derive(Debug, Clone)]
pub struct Surroundings {
    /// Where facts go.
    pub events: Events,
    /// What is kept out of them.
    pub masker: Masker,
    /// The step's number.
    pub number: usize,
    /// The guest, in which matcher files are.
    pub channel: Arc<dyn GuestChannel>,
    /// The workspace in the guest, in Windows form.
    pub workspace: String,
    /// The job's problem matchers.
    pub matchers: JobMatchers,
}

/// The commands of one step at work.
#[derive(Debug)]
pub struct StepCommands {
    around: Surroundings,
    commands: Commands,
    /// Whether what is meant for the debug log is shown.
    is_debugged: bool,
    /// Whether there are problem matchers, which want to see each line.
    has_matchers: bool,
    effects: Arc<Mutex<Effects>>,
    old_style: memchr::memmem::Finder<'static>,
}

impl StepCommands {
    /// The commands of a step with these variables. What they come to is gathered in `effects`, where it
    /// stays however the step ends.
    pub fn new(
        around: Surroundings,
        environment: &[(String, String)],
        effects: Arc<Mutex<Effects>>,
    ) -> Self {
        let variable = |name: &str| variable(environment, name);
        let is_on = |name| variable(name).is_some_and(|value| matches!(value, "1" | "true"));
        let is_debugged = is_on("RUNNER_DEBUG") || is_on("ACTIONS_STEP_DEBUG");
        let settings = CommandSettings {
            echo: is_debugged,
            ..CommandSettings::from_env(variable)
        };
        around.matchers.begin_step();
        Self {
            has_matchers: !around.matchers.is_empty(),
            around,
            commands: Commands::new(settings),
            is_debugged,
            effects,
            old_style: memchr::memmem::Finder::new("##["),
        }
    }

    /// Whether a line may be more than output. Asked of each line, so it costs next to nothing.
    pub fn concerns(&self, line: &[u8]) -> bool {
        self.has_matchers || is_new_style(line) || self.old_style.find(line).is_some()
    }

    /// Takes a line that concerns commands; adds what the log shows of it and what comes of it.
    pub async fn take(&mut self, stream: Stream, line: &str, facts: &mut Vec<JobEvent>) {
        let processed = self.commands.process(line);
        let effects = processed.effects;
        // A mask holds for the line that asks for it.
        for effect in &effects {
            if let Effect::Mask(secret) = effect {
                self.mask(secret);
            }
        }
        if !processed.is_command && self.has_matchers {
            self.look_for_problems(stream, line, facts);
        } else if let Some(shown) = processed.show {
            facts.push(self.log(stream, &shown));
        }
        for effect in effects {
            self.act(stream, effect, facts).await;
        }
    }

    /// Shows a line that is no command, marked if a problem matcher found something in it.
    fn look_for_problems(&mut self, stream: Stream, line: &str, facts: &mut Vec<JobEvent>) {
        let matched = self.around.matchers.look_at(line);
        match matched.found {
            Some(remark) => {
                let plain = without_colours(line);
                facts.push(self.log(stream, &format!("##[{}]{plain}", remark.severity)));
                facts.push(JobEvent::Annotation(Box::new(self.annotation(remark))));
            }
            None => facts.push(self.log(stream, line)),
        }
        self.warn(stream, matched.warnings, facts);
        self.has_matchers = !self.around.matchers.is_empty();
    }

    fn warn(&self, stream: Stream, warnings: Vec<String>, facts: &mut Vec<JobEvent>) {
        for text in warnings {
            self.annotate(stream, Remark::new(Severity::Warning, text), facts);
        }
    }

    async fn act(&mut self, stream: Stream, effect: Effect, facts: &mut Vec<JobEvent>) {
        match effect {
            Effect::Mask(_) => {}
            Effect::Annotation(remark) => self.annotate(stream, remark, facts),
            Effect::Output { name, value } => self.set(Kind::Output, name, value),
            Effect::State { name, value } => self.set(Kind::State, name, value),
            Effect::SetEnv { name, value } => self.set(Kind::Environment, name, value),
            Effect::AddPath(directory) => self.effects().add_path(directory),
            Effect::AddMatcher { path } => self.add_matchers(stream, &path, facts).await,
            Effect::RemoveMatcher { owner } => self.around.matchers.remove(&owner),
            Effect::RemoveMatchersOf { path } => self.remove_matchers(stream, &path, facts).await,
            Effect::GroupStart(name) => {
                self.log_lines(stream, &format!("##[group]{name}"), facts);
            }
            Effect::GroupEnd => facts.push(self.log(stream, "##[endgroup]")),
            Effect::Debug(text) if self.is_debugged => {
                self.log_lines(stream, &format!("##[debug]{text}"), facts);
            }
            Effect::Debug(_) => {}
            Effect::Warn(text) => self.warn(stream, vec![text], facts),
            Effect::Fail(why) => self.fail(stream, why, facts),
        }
    }

    async fn add_matchers(&mut self, stream: Stream, path: &str, facts: &mut Vec<JobEvent>) {
        let (channel, path) = (&self.around.channel, self.in_guest(path));
        match self.around.matchers.add(channel.as_ref(), &path).await {
            Ok(warnings) => self.warn(stream, warnings, facts),
            Err(why) => self.fail(stream, format!("add-matcher: {why}"), facts),
        }
        self.has_matchers = !self.around.matchers.is_empty();
    }

    async fn remove_matchers(&mut self, stream: Stream, path: &str, facts: &mut Vec<JobEvent>) {
        let (channel, path) = (&self.around.channel, self.in_guest(path));
        let removing = self
            .around
            .matchers
            .remove_those_of(channel.as_ref(), &path);
        if let Err(why) = removing.await {
            self.fail(stream, format!("remove-matcher: {why}"), facts);
        }
    }

    fn in_guest(&self, path: &str) -> String {
        guest_file::absolute(path, &self.around.workspace)
    }

    fn fail(&self, stream: Stream, why: String, facts: &mut Vec<JobEvent>) {
        self.annotate(stream, Remark::new(Severity::Error, why.clone()), facts);
        self.effects().fail(why);
    }

    fn set(&self, kind: Kind, name: String, value: String) {
        self.effects().set(kind, name, value);
    }

    fn effects(&self) -> std::sync::MutexGuard<'_, Effects> {
        self.effects.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Shows a remark in the log, as the official runner does, and states it.
    fn annotate(&self, stream: Stream, remark: Remark, facts: &mut Vec<JobEvent>) {
        let line = format!("##[{}]{}", remark.severity, remark.message);
        self.log_lines(stream, &line, facts);
        facts.push(JobEvent::Annotation(Box::new(self.annotation(remark))));
    }

    fn annotation(&self, remark: Remark) -> Annotation {
        let name = |text: Option<String>| text.map(|text| self.bounded(&text, LONGEST_NAME));
        Annotation {
            number: self.around.number,
            severity: match remark.severity {
                Severity::Error => Level::Error,
                Severity::Warning => Level::Warning,
                Severity::Notice => Level::Notice,
            },
            message: self.bounded(&remark.message, LONGEST_MESSAGE),
            title: name(remark.title),
            file: name(remark.file.map(|file| self.in_repository(&file))),
            line: remark.line,
            end_line: remark.end_line,
            col: remark.column,
            end_col: remark.end_column,
            code: name(remark.code),
            matcher: name(remark.owner),
        }
    }

    /// A file's path below the workspace, with `/`; one that is elsewhere stays as it is.
    fn in_repository(&self, file: &str) -> String {
        let file = file.trim();
        if file.is_empty() {
            return String::new();
        }
        let read = self.around.channel.dialect().paths().read(file);
        let relative = remark::relative_to(&read, &self.around.workspace);
        if remark::is_absolute(&relative) {
            file.to_owned()
        } else {
            relative
        }
    }

    /// Text without secrets, cut where it gets too long.
    fn bounded(&self, text: &str, most: usize) -> String {
        // Masked first: half of a secret is none that could be found.
        let mut text = self.around.masker.mask(text).into_owned();
        if text.len() > most {
            text.truncate(text.floor_char_boundary(most));
            text.push('…');
        }
        text
    }

    fn log(&self, stream: Stream, text: &str) -> JobEvent {
        JobEvent::Log {
            number: self.around.number,
            stream,
            text: self.bounded(text, super::output::LONGEST_LINE),
        }
    }

    /// Shows a text of a command, which may have line ends where a line of output has none.
    fn log_lines(&self, stream: Stream, text: &str, facts: &mut Vec<JobEvent>) {
        // A secret may have several lines.
        let text = self.bounded(text, super::output::LONGEST_LINE);
        facts.extend(text.lines().map(|line| JobEvent::Log {
            number: self.around.number,
            stream,
            text: line.to_owned(),
        }));
    }

    /// Masks what a step asks for, and says once that it can't be.
    pub fn mask(&self, secret: &str) {
        let taken = self.around.masker.add_from_guest(secret);
        if taken.is_err_and(|refused| refused.first) {
            let most = LONGEST_GUEST_MASK >> 10;
            let text = format!(
                "step {}: `::add-mask::` asks for more than can be masked: values of up to {most} KiB, \
                 {GUEST_MASKS} of them, and not too many long ones; this one and others like it are \
                 NOT masked in what follows",
                self.around.number
            );
            self.around.events.notice(Level::Error, text);
        }
    }
}

/// Whether a line begins as `::name::` does, after blanks.
pub fn is_new_style(line: &[u8]) -> bool {
    const BLANKS: usize = 64;
    let line = line.trim_ascii_start();
    if line.first().is_none_or(u8::is_ascii) {
        return line.starts_with(b"::");
    }
    // There are blanks beyond ASCII, if not many in front of one command.
    let beginning = String::from_utf8_lossy(&line[..line.len().min(BLANKS)]);
    beginning.trim_start().starts_with("::")
}

/// The last value of a variable, whose name Windows knows in any case.
fn variable<'v>(environment: &'v [(String, String)], name: &str) -> Option<&'v str> {
    let mut found = environment.iter().rev();
    let found = found.find(|(one, _)| one.eq_ignore_ascii_case(name));
    found.map(|(_, value)| value.as_str())
}

#[cfg(test)]
mod tests;
