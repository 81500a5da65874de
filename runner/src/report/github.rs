//! `--format github`: workflow commands for a log that GitHub shows. Each step is a group, each failure
//! an annotation, and so is each annotation of the step's own. What went wrong in a step is told once, below
//! its group: within it nobody would see it.
//!
//! What the guest prints is shown with its colours, but without what would steer a terminal, and while
//! commands are stopped: Dormer has heeded the guest's commands already, and none of them is to reach the
//! runner outside, where it could set that step's variables. The job's words are Dormer's, with what they
//! quote made harmless.

use std::collections::HashMap;
use std::io::{self, BufWriter, Stdout, Write};
use std::sync::Arc;

use crate::event::{Annotation, Conclusion, Infra, JobEvent, Level, Phase, Stamped};
use crate::report::Reporter;
use crate::report::findings::{Findings, Limits, shown, word};
use crate::report::heading::Heading;
use crate::report::plain::{harmless, harmless_name, output_line};
use crate::report::style::duration;
use crate::report::tail::{Tail, exit_code};
use crate::report::words::{GOES_ON, failed, pinned};

/// Writes for GitHub's log.
#[derive(Debug)]
pub struct Github<O: Write + Send> {
    out: O,
    tail: Tail,
    heading: Heading,
    /// The step that runs.
    step: Option<Running>,
    phase_since: u64,
    /// Whether the guest is being waited for.
    is_waiting: bool,
    findings: Findings,
    /// How many annotations of each job have been written.
    told: HashMap<Arc<str>, usize>,
    /// What ends a stretch without commands. No guest can know it.
    token: String,
    /// Whether commands are stopped.
    is_stopped: bool,
    /// What Dormer's own words begin with: the name of the job, if there are several.
    prefix: String,
}

/// What is known of a step that runs.
#[derive(Debug)]
struct Running {
    name: String,
    /// What went wrong, in Dormer's words.
    errors: Vec<String>,
    /// How a program in it failed that it ran for an action.
    exit: Option<String>,
}

impl Github<BufWriter<Stdout>> {
    /// To standard output. `token` is a random word.
    pub fn to_stdout(token: String) -> Self {
        Self::new(BufWriter::new(io::stdout()), token)
    }
}

impl<O: Write + Send> Github<O> {
    /// To any output. `token` is a random word.
    pub fn new(out: O, token: String) -> Self {
        Self {
            out,
            tail: Tail::default(),
            heading: Heading::default(),
            step: None,
            phase_since: 0,
            is_waiting: false,
            findings: Findings::new(Limits::SHOWN),
            told: HashMap::new(),
            token,
            is_stopped: false,
            prefix: String::new(),
        }
    }

    /// The same for one of several jobs, or for what is the run's own, which has no name.
    pub(super) fn of_job(out: O, token: String, name: &str) -> Self {
        let prefix = if name.is_empty() {
            String::new()
        } else {
            format!("{name} / ")
        };
        Self {
            prefix,
            ..Self::new(out, token)
        }
    }

    /// Lets commands count again, whoever writes next.
    pub(super) fn resume(&mut self) -> io::Result<()> {
        if std::mem::take(&mut self.is_stopped) {
            writeln!(self.out, "::{}::", self.token)?;
        }
        Ok(())
    }

    /// Text after a workflow command, behind the job's name.
    fn own(&self, text: &str) -> String {
        data(&format!("{}{text}", self.prefix))
    }

    /// The title of what is said of a step.
    fn title(&self, name: &str) -> String {
        property(&format!("{}{name}", self.prefix))
    }

    /// A line of ours that is no command.
    fn tell(&mut self, text: &str) -> io::Result<()> {
        let line = plain(&format!("{}{text}", self.prefix));
        self.say(&line)
    }

    /// A line of ours, whose command counts.
    fn say(&mut self, line: &str) -> io::Result<()> {
        self.resume()?;
        writeln!(self.out, "{line}")
    }

    /// A line of the guest's, in which no command counts.
    fn quote(&mut self, line: &str) -> io::Result<()> {
        if !std::mem::replace(&mut self.is_stopped, true) {
            writeln!(self.out, "::stop-commands::{}", self.token)?;
        }
        writeln!(self.out, "{line}")
    }

    fn step_started(&mut self, name: &str) -> io::Result<()> {
        self.tail.begin();
        self.heading.begin(name);
        self.step = Some(Running {
            name: name.to_owned(),
            errors: Vec::new(),
            exit: None,
        });
        let name = self.own(name);
        self.say(&format!("::group::{name}"))
    }

    /// A step's own annotations that were not written yet.
    fn new_annotations(&mut self, key: &Arc<str>) -> Vec<Annotation> {
        let Some(found) = self.findings.of(key) else {
            return Vec::new();
        };
        let told = self.told.entry(Arc::clone(key)).or_default();
        // The steps of a job follow one another, so that what is new is this one's.
        let new = found.annotations.iter().skip(*told).cloned().collect();
        *told = found.annotations.len();
        new
    }

    /// Ends a step's group and says below it what was wrong; for a step that failed, and whose failure counts,
    /// with its exit code if it has one.
    fn close_step(&mut self, key: &Arc<str>, failed: Option<Option<u32>>) -> io::Result<()> {
        let Some(step) = self.step.take() else {
            return Ok(());
        };
        self.say("::endgroup::")?;
        let (title, annotations) = (self.title(&step.name), self.new_annotations(key));
        let why = failed.and_then(|code| step.why(code, &annotations));
        for error in step.errors.iter().chain(&why) {
            self.say(&format!("::error title={title}::{}", data(error)))?;
        }
        // What is wrong with a command file is both an error and an annotation; the former names the step.
        let is_told = |one: &Annotation| step.errors.iter().any(|error| one.says(error));
        for annotation in annotations.iter().filter(|one| !is_told(one)) {
            self.say(&shown::command(annotation, data, property))?;
        }
        Ok(())
    }

    fn step_finished(
        &mut self,
        key: &Arc<str>,
        name: &str,
        (outcome, conclusion): (Conclusion, Conclusion),
        code: Option<u32>,
    ) -> io::Result<()> {
        self.tail.end(name, conclusion, code);
        if outcome == Conclusion::Skipped {
            return self.tell(&format!("Skipped: {name}"));
        }
        let counts = conclusion == Conclusion::Failure;
        self.close_step(key, counts.then_some(code))?;
        match outcome {
            Conclusion::Cancelled => self.tell(&format!("Cancelled: {name}")),
            Conclusion::Failure if !counts => {
                self.tell(&format!("{name} {}{GOES_ON}", failed(code)))
            }
            _ => Ok(()),
        }
    }

    fn notice(&mut self, level: Level, text: &str) -> io::Result<()> {
        match &mut self.step {
            Some(step) if level == Level::Error => step.errors.push(text.to_owned()),
            _ => {
                let (word, text) = (word(level), self.own(text));
                self.say(&format!("::{word} title=Dormer::{text}"))?;
            }
        }
        Ok(())
    }

    fn completed(
        &mut self,
        event: &Stamped,
        conclusion: Conclusion,
        infra: Option<&Infra>,
    ) -> io::Result<()> {
        // A step whose machine was lost has no end of its own.
        self.close_step(&event.key, None)?;
        if let Some(infra) = infra {
            let help = infra.help.iter().map(|help| format!("\n{help}"));
            let text = self.own(&format!("{}{}", infra.message, help.collect::<String>()));
            self.say(&format!("::error title=Dormer::{text}"))?;
        }
        if let Some(failed) = self
            .tail
            .failed()
            .cloned()
            .filter(|step| !step.lines.is_empty())
        {
            self.tell(&format!("Failed: {}", failed.name))?;
            for line in &failed.lines {
                self.quote(&format!("  | {line}"))?;
            }
        }
        let is_allowed = event.may_fail && conclusion == Conclusion::Failure;
        let rest = if is_allowed { " (allowed)" } else { "" };
        self.tell(&format!("Job: {}{rest}", conclusion.as_str()))
    }
}

impl Running {
    /// Why the step failed, unless that is told anyway.
    fn why(&self, code: Option<u32>, annotations: &[Annotation]) -> Option<String> {
        if let Some(code) = code.filter(|code| *code != 0) {
            return Some(format!(
                "Process completed with exit code {}.",
                exit_code(code)
            ));
        }
        let is_told =
            !self.errors.is_empty() || annotations.iter().any(|one| one.severity == Level::Error);
        let general = (!is_told).then(|| "The step failed.".to_owned());
        self.exit.clone().or(general)
    }
}

/// Text after a workflow command.
pub(super) fn data(text: &str) -> String {
    let coded = text
        .replace('%', "%25")
        .replace('\r', "%0D")
        .replace('\n', "%0A");
    harmless(&apart(&coded)).into_owned()
}

/// A line that is no command, whatever it quotes.
fn plain(text: &str) -> String {
    let line = harmless_name(text);
    match line.trim_start().strip_prefix("::") {
        Some(rest) => apart(&format!(": :{rest}")),
        None => apart(&line),
    }
}

/// The old form of a command counts anywhere in a line, so that its beginning is taken apart.
fn apart(text: &str) -> String {
    text.replace("##[", "# #[")
}

/// Text within a workflow command.
fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}

impl<O: Write + Send> Reporter for Github<O> {
    fn report(&mut self, event: &Stamped) -> io::Result<()> {
        self.findings.take(event);
        match &event.event {
            JobEvent::Phase { phase } => {
                let took = duration(event.t_ms.saturating_sub(self.phase_since));
                self.phase_since = event.t_ms;
                let is_waiting = *phase == Phase::WaitingForGuest;
                let was_waiting = std::mem::replace(&mut self.is_waiting, is_waiting);
                // Not where the wait begins anew, with another machine.
                if was_waiting && matches!(phase, Phase::Preparing | Phase::RunningSteps) {
                    self.tell(&format!("The guest is ready ({took})"))?;
                }
                Ok(())
            }
            JobEvent::StepStarted { name, .. } => self.step_started(name),
            JobEvent::StepHeader { lines, .. } => {
                let lines = self.heading.rest(lines).iter();
                let lines: Vec<_> = lines.map(|line| output_line(line)).collect();
                lines.iter().try_for_each(|line| self.quote(line))
            }
            JobEvent::Log { text, .. } => {
                self.heading.line(text);
                let line = output_line(text);
                self.tail.line(&line);
                self.quote(&line)
            }
            JobEvent::StepFinished {
                name,
                outcome,
                conclusion,
                exit_code,
                ..
            } => self.step_finished(&event.key, name, (*outcome, *conclusion), *exit_code),
            JobEvent::Artifact { path, size, .. } => {
                self.tell(&format!("Artifact: {path} ({size} bytes)"))
            }
            JobEvent::Notice { level, text } => self.notice(*level, text),
            JobEvent::JobCompleted {
                conclusion, infra, ..
            } => self.completed(event, *conclusion, infra.as_ref()),
            JobEvent::ActionPinned { uses, commit } => self.tell(&pinned(uses, commit.as_deref())),
            JobEvent::Annotation(one) => {
                if let Some(step) = self.step.as_mut().filter(|_| one.tells_exit()) {
                    step.exit = Some(one.message.clone());
                }
                Ok(())
            }
            JobEvent::StepSummary { .. }
            | JobEvent::JobAccepted
            | JobEvent::RunStarted { .. }
            | JobEvent::RunCompleted { .. }
            | JobEvent::Started { .. }
            | JobEvent::Rung { .. }
            | JobEvent::TornDown { .. } => Ok(()),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }

    fn name(&self) -> String {
        "writing to standard output".to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::{Annotation, Events, Level, Message, Stage, Stream};
    use crate::report::findings::tests::{annotation, found};

    fn started(name: &str) -> JobEvent {
        JobEvent::StepStarted {
            number: 1,
            stage: Stage::Main,
            id: None,
            name: name.to_owned(),
        }
    }

    fn finished(name: &str, outcome: Conclusion, code: Option<u32>) -> JobEvent {
        JobEvent::StepFinished {
            number: 1,
            stage: Stage::Main,
            id: None,
            name: name.to_owned(),
            outcome,
            conclusion: outcome,
            exit_code: code,
            ms: 1,
        }
    }

    fn shown(mut queue: tokio::sync::mpsc::UnboundedReceiver<Message>) -> String {
        let mut github = Github::new(Vec::new(), "word".to_owned());
        while let Ok(Message::Events(stamped, _)) = queue.try_recv() {
            stamped.iter().for_each(|one| github.report(one).unwrap());
        }
        String::from_utf8(github.out).unwrap()
    }

    #[tokio::test]
    async fn nothing_steers_the_log_but_colours_and_dormers_own_commands() {
        let (events, queue) = Events::accept("job");
        events.emit(started("one\u{1b}[2J\n::error::x"));
        let line = "::notice::\u{1b}[31mred\u{1b}]0;title\u{7}".to_owned();
        events
            .log(1, Stream::Stdout, vec![line.clone(), line])
            .await;
        events.notice(Level::Notice, "look");
        assert_eq!(
            shown(queue),
            "::group::one\u{fffd}[2J%0A::error::x\n::stop-commands::word\n::notice::\u{1b}[31mred\n\
             ::notice::\u{1b}[31mred\n::word::\n::notice title=Dormer::look\n"
        );
    }

    #[tokio::test]
    async fn a_steps_annotations_stand_below_its_group() {
        let (events, queue) = Events::accept("job");
        let one = Annotation {
            file: Some("a,b.c".to_owned()),
            line: Some(3),
            ..annotation(1, Level::Warning, "two\nlines")
        };
        for one in [Some(one), None] {
            events.emit(started("Compile"));
            one.into_iter().for_each(|one| events.emit(found(one)));
            events.emit(finished("Compile", Conclusion::Success, Some(0)));
        }
        assert_eq!(
            shown(queue),
            "::group::Compile\n::endgroup::\n::warning file=a%2Cb.c,line=3::two%0Alines\n\
             ::group::Compile\n::endgroup::\n"
        );
    }

    /// What is shown below the group of a step in which this happened.
    fn below(happened: &[JobEvent], conclusion: Conclusion, code: Option<u32>) -> String {
        let (events, queue) = Events::accept("job");
        events.emit(started("Test"));
        happened.iter().for_each(|event| events.emit(event.clone()));
        events.emit(finished("Test", conclusion, code));
        let text = shown(queue);
        let (_, below) = text.split_once("::endgroup::\n").unwrap();
        below.to_owned()
    }

    fn complaint(text: &str) -> JobEvent {
        JobEvent::Notice {
            level: Level::Error,
            text: text.to_owned(),
        }
    }

    #[test]
    fn what_went_wrong_in_a_step_is_told_once() {
        use Conclusion::{Failure, Success};
        let error = |text: &str| found(annotation(1, Level::Error, text));
        let exit = || found(Annotation::of_exit(1, 3));
        let exited = "::error title=Test::Process completed with exit code 3.\n";
        for (happened, conclusion, code, expected) in [
            (vec![], Failure, Some(3), exited),
            (
                vec![],
                Failure,
                None,
                "::error title=Test::The step failed.\n",
            ),
            (vec![exit()], Failure, Some(3), exited),
            // A program that ran for an action.
            (vec![exit()], Failure, None, exited),
            // A time that was over, a directory that is missing.
            (
                vec![complaint("late")],
                Failure,
                None,
                "::error title=Test::late\n",
            ),
            // Command files.
            (
                vec![complaint("bad"), error("bad")],
                Failure,
                Some(0),
                "::error title=Test::bad\n",
            ),
            (
                vec![complaint("bad"), error("bad")],
                Success,
                Some(0),
                "::error title=Test::bad\n",
            ),
            // A command that could not be carried out.
            (vec![error("no")], Failure, Some(0), "::error::no\n"),
        ] {
            assert_eq!(below(&happened, conclusion, code), expected, "{happened:?}");
        }
        // A notice may be cut.
        let (notice, whole) = (complaint("xx…"), error("xxx"));
        let text = below(&[notice, whole], Failure, Some(0));
        assert_eq!(text, "::error title=Test::xx…\n");
    }

    #[test]
    fn a_step_that_never_ended_is_closed_with_its_job() {
        let (events, queue) = Events::accept("job");
        events.emit(started("Test"));
        events.emit(complaint("bad"));
        events.emit(JobEvent::JobCompleted {
            conclusion: Conclusion::Failure,
            exit_code: 75,
            infra: None,
        });
        assert_eq!(
            shown(queue),
            "::group::Test\n::endgroup::\n::error title=Test::bad\nJob: failure\n"
        );
    }

    #[test]
    fn the_heading_of_a_step_is_not_said_twice() {
        let (events, queue) = Events::accept("job");
        events.emit(started("Run a"));
        events.emit(JobEvent::StepHeader {
            number: 1,
            stage: Stage::Main,
            lines: vec!["Run a".to_owned(), "a".to_owned()],
        });
        assert_eq!(shown(queue), "::group::Run a\n::stop-commands::word\na\n");
    }

    #[test]
    fn other_ends_of_steps_are_told_too() {
        let (events, queue) = Events::accept("job");
        let events = events.forgiven();
        events.emit(started("::error::x 100%"));
        let mut allowed = finished("::error::x 100%", Conclusion::Failure, Some(3));
        if let JobEvent::StepFinished { conclusion, .. } = &mut allowed {
            *conclusion = Conclusion::Success;
        }
        events.emit(allowed);
        events.emit(finished("##[error]y", Conclusion::Skipped, None));
        events.emit(JobEvent::JobCompleted {
            conclusion: Conclusion::Failure,
            exit_code: 1,
            infra: None,
        });
        let text = shown(queue);
        let (_, rest) = text.split_once("::endgroup::\n").unwrap();
        assert_eq!(
            rest,
            ": :error::x 100% failed with exit code 3, and the job goes on\n\
             Skipped: # #[error]y\nJob: failure (allowed)\n"
        );
        assert_eq!(below(&[], Conclusion::Cancelled, None), "Cancelled: Test\n");
    }
}
