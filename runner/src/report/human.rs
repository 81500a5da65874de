//! `--format human`: what a person likes to read. A line for each phase with its time, the steps with
//! their logs as they run, and at the end what failed, once more.
//!
//! What the guest's programs print goes where they print it, standard output or standard error;
//! everything about them goes to standard error.

use std::io::{self, BufWriter, Stderr, Stdout, Write};

use crate::event::{
    Annotation, Conclusion, Infra, JobEvent, Level, PREPARE_STEP, Phase, Stamped, StartMode, Stream,
};
use crate::exit_code as codes;
use crate::report::findings::{Findings, Limits, shown};
use crate::report::heading::Heading;
use crate::report::marks::readable;
use crate::report::outlet::Outlet;
use crate::report::plain::{harmless, harmless_name, terminal_line};
use crate::report::screen::{OnScreen, Screen};
use crate::report::shared::{Marked, Shared};
use crate::report::style::{Palette, Tone, duration};
use crate::report::tail::{Tail, exit_code};
use crate::report::words::{
    GOES_ON, NOT_STARTED, failed, is_kept_from_starting, notice, numbered, pinned,
};

/// Writes for people.
#[derive(Debug)]
pub struct Human<O: Write + Send, E: Write + Send> {
    screen: Screen<O, E>,
    out: Marked<Shared<Outlet<O>>>,
    err: Marked<Shared<Outlet<E>>>,
    palette: Palette,
    phase: Option<(Phase, u64)>,
    /// Whether the job's turn came.
    has_begun: bool,
    /// Whether nothing of the machine is left.
    torn_down: bool,
    /// Whether the machine wakes, and does not boot.
    wakes: bool,
    heading: Heading,
    /// How many headers the step has shown: an action's own steps have theirs below it.
    headers: usize,
    tail: Tail,
    findings: Findings,
    artifacts: Vec<(String, u64)>,
    out_directory: String,
    /// Whether only the command's own output is wanted, as for `-c`.
    terse: bool,
}

impl Human<BufWriter<Stdout>, BufWriter<Stderr>> {
    /// To this process's own outputs. `out_directory` is where artifacts go.
    pub fn to_terminal(out_directory: String, terse: bool) -> Self {
        let (out, err) = (BufWriter::new(io::stdout()), BufWriter::new(io::stderr()));
        Self::new(out, err, Palette::for_stderr(), out_directory, terse)
    }
}

impl<O: Write + Send, E: Write + Send> Human<O, E> {
    /// To any two outputs.
    pub fn new(out: O, err: E, palette: Palette, out_directory: String, terse: bool) -> Self {
        let screen = Screen::new(out, err);
        Self {
            terse,
            ..Self::on(screen, palette, String::new(), out_directory)
        }
    }

    /// To a screen that it may share with others, `mark` in front of every line.
    pub(super) fn on(
        screen: Screen<O, E>,
        palette: Palette,
        mark: String,
        out_directory: String,
    ) -> Self {
        let (phase, tail, artifacts) = (None, Tail::default(), Vec::new());
        Self {
            out: Marked::new(screen.out.clone(), mark.clone()),
            err: Marked::new(screen.err.clone(), mark),
            screen,
            palette,
            phase,
            has_begun: false,
            torn_down: false,
            wakes: false,
            heading: Heading::default(),
            headers: 0,
            tail,
            findings: Findings::new(Limits::SHOWN),
            artifacts,
            out_directory,
            terse: false,
        }
    }

    /// A line about the job, after everything that was printed before it.
    fn say(&mut self, text: &str) -> io::Result<()> {
        self.out.flush()?;
        writeln!(self.err, "{text}")
    }

    fn enter(&mut self, phase: Phase, t_ms: u64) -> io::Result<()> {
        let Some((ended, since)) = self.phase.replace((phase, t_ms)) else {
            return Ok(());
        };
        let took = duration(t_ms.saturating_sub(since));
        let over =
            is_another(ended, phase) || matches!(phase, Phase::TearingDown | Phase::Completed);
        let unfinished = undone(ended)
            .filter(|_| over)
            .filter(|_| ended != Phase::TearingDown || !self.torn_down);
        if let Some(what) = unfinished {
            let mark = self.palette.paint(Tone::Bad, "✗");
            self.say(&format!("{mark} {what} after {took}"))?;
        } else if let Some(what) = describe(ended) {
            let wakes = self.wakes && ended == Phase::StartingContainer;
            let what = if wakes { "machine woken" } else { what };
            let mark = self.palette.paint(Tone::Good, "•");
            let took = self.palette.paint(Tone::Quiet, &took);
            self.say(&format!("{mark} {what} {took}"))?;
        }
        Ok(())
    }

    fn step_started(&mut self, number: usize, name: &str) -> io::Result<()> {
        self.tail.begin();
        self.heading.begin(name);
        self.headers = 0;
        let name = harmless_name(name);
        let mark = format!("▸ {}", numbered(number, &name));
        let mark = self.palette.paint(Tone::Strong, &mark);
        // Whoever wants a command's output alone is told what else prints.
        let is_silent = self.terse && number != PREPARE_STEP;
        if is_silent { Ok(()) } else { self.say(&mark) }
    }

    /// What the step runs.
    fn step_header(&mut self, lines: &[String]) -> io::Result<()> {
        self.headers += 1;
        if self.terse {
            return Ok(());
        }
        for line in self.heading.rest(lines) {
            let line = format!("  {}", harmless(line));
            let line = self.palette.paint(Tone::Quiet, line.trim_end());
            self.say(&line)?;
        }
        Ok(())
    }

    fn pinned(&mut self, uses: &str, commit: Option<&str>) -> io::Result<()> {
        if self.terse {
            return Ok(());
        }
        let text = self.palette.paint(Tone::Quiet, &pinned(uses, commit));
        self.say(&text)
    }

    fn log(&mut self, number: usize, stream: Stream, text: &str) -> io::Result<()> {
        self.heading.line(text);
        let Some(text) = readable(text) else {
            return Ok(());
        };
        let text = terminal_line(&text);
        self.tail.line(&text);
        // What prepares the machine prints only where there is no template yet, and is not the job's output.
        match stream {
            Stream::Stdout if number != PREPARE_STEP => writeln!(self.out, "{text}"),
            _ => {
                self.out.flush()?;
                writeln!(self.err, "{text}")
            }
        }
    }

    fn step_finished(&mut self, step: &Finished<'_>) -> io::Result<()> {
        self.tail.end(step.name, step.conclusion, step.exit_code);
        let is_silent = self.terse && step.number != PREPARE_STEP;
        if is_silent && step.conclusion == Conclusion::Success {
            return Ok(());
        }
        let took = self.palette.paint(Tone::Quiet, &duration(step.ms));
        let name = numbered(step.number, &harmless_name(step.name));
        let line = match (step.outcome, step.conclusion) {
            (Conclusion::Success, _) => {
                format!("{} {name} {took}", self.palette.paint(Tone::Good, "✓"))
            }
            (Conclusion::Skipped, _) => self
                .palette
                .paint(Tone::Quiet, &format!("- {name} (skipped)")),
            (Conclusion::Cancelled, _) => {
                format!(
                    "{} {name} was cancelled after {took}",
                    self.palette.paint(Tone::Caution, "!")
                )
            }
            (Conclusion::Failure, conclusion) => {
                let rest = if conclusion == Conclusion::Success {
                    GOES_ON
                } else {
                    ""
                };
                format!(
                    "{} {name} {} after {took}{rest}",
                    self.palette.paint(Tone::Bad, "✗"),
                    failed(step.exit_code)
                )
            }
        };
        self.say(&line)
    }

    /// A step inside of an action has no end of its own that would tell its exit code.
    fn annotated(&mut self, found: &Annotation) -> io::Result<()> {
        if found.tells_exit() && self.headers > 1 {
            return self.notice(found.severity, &found.message);
        }
        Ok(())
    }

    fn notice(&mut self, level: Level, text: &str) -> io::Result<()> {
        if level == Level::Error {
            harmless(text).lines().for_each(|line| self.tail.line(line));
        }
        self.say(&notice(self.palette, level, text))
    }

    /// What failed, once more, with its last words.
    fn show_failed_step(&mut self) -> io::Result<()> {
        let Some(failed) = self.tail.failed().cloned() else {
            return Ok(());
        };
        let code = failed
            .exit_code
            .filter(|code| *code != 0)
            .map(|c| format!(" (exit code {})", exit_code(c)));
        let head = format!(
            "failed: {}{}",
            harmless_name(&failed.name),
            code.unwrap_or_default()
        );
        let head = self.palette.paint(Tone::Bad, &head);
        self.say("")?;
        self.say(&head)?;
        for line in failed.lines.iter().filter(|_| !self.terse) {
            writeln!(self.err, "  │ {line}")?;
        }
        Ok(())
    }

    /// What the job's steps found and summed up.
    fn show_findings(&mut self, key: &str) -> io::Result<()> {
        let Some(found) = self.findings.of(key) else {
            return Ok(());
        };
        // What stands among the last words of the failed step has just been said.
        let told = self
            .tail
            .failed()
            .map_or(&[][..], |step| step.lines.as_slice());
        let mut lines = shown::annotations(found, told, self.palette);
        lines.extend(shown::summaries(found));
        lines.iter().try_for_each(|line| self.say(line))
    }

    /// What the machinery has to say of its failure.
    fn show_trouble(&mut self, infra: Option<&Infra>) -> io::Result<()> {
        let Some(infra) = infra else {
            return Ok(());
        };
        self.say(&notice(self.palette, Level::Error, &infra.message))?;
        match &infra.help {
            Some(help) => self.say(&format!(" help: {}", harmless(help))),
            None => Ok(()),
        }
    }

    fn completed(&mut self, conclusion: Conclusion, code: u8, event: &Stamped) -> io::Result<()> {
        if self.terse && conclusion == Conclusion::Success {
            return Ok(());
        }
        let (word, tone) = if is_kept_from_starting(self.has_begun, code) {
            (NOT_STARTED, Tone::Bad)
        } else {
            verdict(conclusion, code)
        };
        let line = self.palette.paint(tone, &format!("job {word}"));
        if conclusion == Conclusion::Skipped || word == NOT_STARTED {
            return self.say(&line);
        }
        let is_allowed = event.may_fail && conclusion == Conclusion::Failure;
        let rest = if is_allowed { ", which is allowed" } else { "" };
        self.say(&format!("{line} in {}{rest}", duration(event.t_ms)))
    }

    fn list_artifacts(&mut self) -> io::Result<()> {
        if self.artifacts.is_empty() {
            return Ok(());
        }
        let head = format!("artifacts in {}:", harmless_name(&self.out_directory));
        self.say(&head)?;
        for (path, size) in &self.artifacts {
            let size = bytesize::ByteSize(*size).display().iec().to_string();
            writeln!(self.err, "  {} ({size})", harmless_name(path))?;
        }
        Ok(())
    }
}

/// The parts of a step's end that are shown.
struct Finished<'a> {
    number: usize,
    name: &'a str,
    outcome: Conclusion,
    conclusion: Conclusion,
    exit_code: Option<u32>,
    ms: u64,
}

/// What a phase did, once it is over; none for those that people need not know of.
fn describe(phase: Phase) -> Option<&'static str> {
    match phase {
        Phase::ResolvingImage => Some("image checked"),
        Phase::WaitingForRoom => Some("room for the machine"),
        Phase::CreatingOverlay => Some("disk made"),
        Phase::StartingContainer => Some("machine started"),
        Phase::WaitingForGuest => Some("guest ready"),
        Phase::TearingDown => Some("machine removed"),
        Phase::CollectingArtifacts => Some("artifacts fetched"),
        Phase::RunningSteps => Some("steps run"),
        Phase::Preparing => Some("preparation"),
        Phase::Accepted | Phase::Completed => None,
    }
}

/// Whether a phase begins another machine, in the place of one that did not come up. One that stood by
/// needs no disk.
fn is_another(ended: Phase, phase: Phase) -> bool {
    let began = matches!(ended, Phase::StartingContainer | Phase::WaitingForGuest);
    match phase {
        Phase::WaitingForRoom | Phase::CreatingOverlay => began || ended == Phase::CreatingOverlay,
        Phase::StartingContainer => began,
        _ => false,
    }
}

/// What a phase did not do, if the job's end comes right after it. Steps and artifacts may well end so.
fn undone(phase: Phase) -> Option<&'static str> {
    match phase {
        Phase::ResolvingImage => Some("image not checked"),
        Phase::WaitingForRoom => Some("no room for the machine"),
        Phase::CreatingOverlay => Some("disk not made"),
        Phase::StartingContainer => Some("machine not started"),
        Phase::WaitingForGuest => Some("guest not ready"),
        Phase::Preparing => Some("not prepared"),
        Phase::TearingDown => Some("machine not removed"),
        Phase::Accepted | Phase::RunningSteps | Phase::CollectingArtifacts | Phase::Completed => {
            None
        }
    }
}

/// What is said of how a job or a run ended, after `job` or `run`.
pub fn verdict(conclusion: Conclusion, code: u8) -> (&'static str, Tone) {
    match (conclusion, code) {
        (Conclusion::Success, _) => ("succeeded", Tone::Good),
        (Conclusion::Skipped, _) => ("was skipped", Tone::Quiet),
        (_, codes::DEADLINE) => ("ran out of time", Tone::Bad),
        (Conclusion::Cancelled, _) => ("was cancelled", Tone::Caution),
        (Conclusion::Failure, codes::STEP_FAILED) => ("failed", Tone::Bad),
        (Conclusion::Failure, _) => ("could not be run", Tone::Bad),
    }
}

impl<O: Write + Send, E: Write + Send> OnScreen for Human<O, E> {
    type Out = O;
    type Err = E;

    fn screen(&self) -> &Screen<O, E> {
        &self.screen
    }

    fn show(&mut self, event: &Stamped) -> io::Result<()> {
        self.findings.take(event);
        match &event.event {
            JobEvent::Phase { phase } => self.enter(*phase, event.t_ms),
            JobEvent::StepStarted { number, name, .. } => self.step_started(*number, name),
            JobEvent::StepHeader { lines, .. } => self.step_header(lines),
            JobEvent::Log {
                number,
                stream,
                text,
            } => self.log(*number, *stream, text),
            JobEvent::StepFinished {
                number,
                name,
                outcome,
                conclusion,
                exit_code,
                ms,
                ..
            } => self.step_finished(&Finished {
                number: *number,
                name,
                outcome: *outcome,
                conclusion: *conclusion,
                exit_code: *exit_code,
                ms: *ms,
            }),
            JobEvent::Artifact { path, size, .. } => {
                self.artifacts.push((path.clone(), *size));
                Ok(())
            }
            JobEvent::Notice { level, text } => self.notice(*level, text),
            JobEvent::JobCompleted {
                conclusion,
                exit_code,
                infra,
            } => {
                self.show_failed_step()?;
                self.show_findings(&event.key)?;
                self.show_trouble(infra.as_ref())?;
                self.list_artifacts()?;
                self.completed(*conclusion, *exit_code, event)
            }
            JobEvent::TornDown { .. } => {
                self.torn_down = true;
                Ok(())
            }
            JobEvent::Annotation(found) => self.annotated(found),
            JobEvent::ActionPinned { uses, commit } => self.pinned(uses, commit.as_deref()),
            JobEvent::Started { mode, .. } => {
                self.wakes = *mode == StartMode::Warm;
                Ok(())
            }
            JobEvent::JobAccepted => {
                self.has_begun = true;
                Ok(())
            }
            JobEvent::Rung { .. }
            | JobEvent::RunStarted { .. }
            | JobEvent::RunCompleted { .. }
            | JobEvent::StepSummary { .. } => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests;
