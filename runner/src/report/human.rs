//! `--format human`: what a person likes to read. A line for each phase with its time, the steps with
//! their logs as they run, and at the end what failed, once more.
//!
//! What the guest's programs print goes where they print it, standard output or standard error;
//! everything about them goes to standard error.

use std::io::{self, BufWriter, Stderr, Stdout, Write};

use crate::event::{Conclusion, Infra, JobEvent, Level, Phase, Stamped, Stream};
use crate::exit_code as codes;
use crate::report::Reporter;
use crate::report::style::{Palette, Tone, duration};
use crate::report::tail::{Tail, exit_code};

/// Writes for people.
#[derive(Debug)]
pub struct Human<O: Write + Send, E: Write + Send> {
    out: O,
    err: E,
    palette: Palette,
    phase: Option<(Phase, u64)>,
    tail: Tail,
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
        let (phase, tail, artifacts) = (None, Tail::default(), Vec::new());
        Self {
            out,
            err,
            palette,
            phase,
            tail,
            artifacts,
            out_directory,
            terse,
        }
    }

    /// A line about the job, after everything that was printed before it.
    fn say(&mut self, text: &str) -> io::Result<()> {
        self.out.flush()?;
        writeln!(self.err, "{text}")
    }

    fn enter(&mut self, phase: Phase, t_ms: u64) -> io::Result<()> {
        let ended = self.phase.replace((phase, t_ms));
        if let Some((ended, since)) = ended
            && let Some(what) = describe(ended)
        {
            let took = self
                .palette
                .paint(Tone::Quiet, &duration(t_ms.saturating_sub(since)));
            let mark = self.palette.paint(Tone::Good, "•");
            self.say(&format!("{mark} {what} {took}"))?;
        }
        Ok(())
    }

    fn step_started(&mut self, number: usize, name: &str) -> io::Result<()> {
        self.tail.begin();
        let mark = self
            .palette
            .paint(Tone::Strong, &format!("▸ {number}. {name}"));
        if self.terse { Ok(()) } else { self.say(&mark) }
    }

    fn log(&mut self, stream: Stream, text: &str) -> io::Result<()> {
        self.tail.line(text);
        match stream {
            Stream::Stdout => writeln!(self.out, "{text}"),
            Stream::Stderr => {
                self.out.flush()?;
                writeln!(self.err, "{text}")
            }
        }
    }

    fn step_finished(&mut self, step: &Finished<'_>) -> io::Result<()> {
        self.tail.end(step.name, step.conclusion, step.exit_code);
        if self.terse && step.conclusion == Conclusion::Success {
            return Ok(());
        }
        let took = self.palette.paint(Tone::Quiet, &duration(step.ms));
        let (number, name) = (step.number, step.name);
        let line = match (step.outcome, step.conclusion) {
            (Conclusion::Success, _) => {
                format!(
                    "{} {number}. {name} {took}",
                    self.palette.paint(Tone::Good, "✓")
                )
            }
            (Conclusion::Skipped, _) => self
                .palette
                .paint(Tone::Quiet, &format!("- {number}. {name} (skipped)")),
            (Conclusion::Cancelled, _) => {
                format!(
                    "{} {number}. {name} was cancelled {took}",
                    self.palette.paint(Tone::Caution, "!")
                )
            }
            (Conclusion::Failure, conclusion) => {
                let why = step
                    .exit_code
                    .filter(|code| *code != 0)
                    .map(|code| format!(" with exit code {}", exit_code(code)))
                    .unwrap_or_default();
                let rest = if conclusion == Conclusion::Success {
                    ", and the job goes on"
                } else {
                    ""
                };
                format!(
                    "{} {number}. {name} failed{why}{rest} {took}",
                    self.palette.paint(Tone::Bad, "✗")
                )
            }
        };
        self.say(&line)
    }

    fn notice(&mut self, level: Level, text: &str) -> io::Result<()> {
        let (word, tone) = match level {
            Level::Notice => ("note", Tone::Quiet),
            Level::Warning => ("warning", Tone::Caution),
            Level::Error => {
                self.tail.line(text);
                ("error", Tone::Bad)
            }
        };
        let word = self.palette.paint(tone, &format!("{word}:"));
        self.say(&format!("{word} {text}"))
    }

    fn completed(
        &mut self,
        conclusion: Conclusion,
        code: u8,
        infra: Option<&Infra>,
        t_ms: u64,
    ) -> io::Result<()> {
        if let Some(failed) = self.tail.failed().cloned() {
            let code = failed
                .exit_code
                .map(|c| format!(" (exit code {})", exit_code(c)));
            let head = format!("failed: {}{}", failed.name, code.unwrap_or_default());
            let head = self.palette.paint(Tone::Bad, &head);
            self.say("")?;
            self.say(&head)?;
            for line in failed.lines.iter().filter(|_| !self.terse) {
                writeln!(self.err, "  │ {line}")?;
            }
        }
        if let Some(infra) = infra {
            let word = self.palette.paint(Tone::Bad, "error:");
            self.say(&format!("{word} {}", infra.message))?;
            if let Some(help) = &infra.help {
                self.say(&format!(" help: {help}"))?;
            }
        }
        self.list_artifacts()?;
        if self.terse && conclusion == Conclusion::Success {
            return Ok(());
        }
        let (word, tone) = verdict(conclusion, code);
        let took = duration(t_ms);
        let line = self.palette.paint(tone, &format!("job {word}"));
        self.say(&format!("{line} in {took}"))
    }

    fn list_artifacts(&mut self) -> io::Result<()> {
        if self.artifacts.is_empty() {
            return Ok(());
        }
        let head = format!("artifacts in {}:", self.out_directory);
        self.say(&head)?;
        for (path, size) in &self.artifacts {
            let size = bytesize::ByteSize(*size).display().iec().to_string();
            writeln!(self.err, "  {path} ({size})")?;
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
        Phase::CreatingOverlay => Some("disk made"),
        Phase::StartingContainer => Some("machine started"),
        Phase::WaitingForGuest => Some("guest ready"),
        Phase::TearingDown => Some("machine removed"),
        Phase::CollectingArtifacts => Some("artifacts fetched"),
        Phase::RunningSteps => Some("steps run"),
        Phase::Accepted | Phase::Completed => None,
    }
}

fn verdict(conclusion: Conclusion, code: u8) -> (&'static str, Tone) {
    match (conclusion, code) {
        (Conclusion::Success | Conclusion::Skipped, _) => ("succeeded", Tone::Good),
        (_, codes::DEADLINE) => ("ran out of time", Tone::Bad),
        (Conclusion::Cancelled, _) => ("was cancelled", Tone::Caution),
        (Conclusion::Failure, codes::STEP_FAILED) => ("failed", Tone::Bad),
        (Conclusion::Failure, _) => ("could not be run", Tone::Bad),
    }
}

impl<O: Write + Send, E: Write + Send> Reporter for Human<O, E> {
    fn report(&mut self, event: &Stamped) -> io::Result<()> {
        match &event.event {
            JobEvent::Phase { phase } => self.enter(*phase, event.t_ms),
            JobEvent::StepStarted { number, name, .. } => self.step_started(*number, name),
            JobEvent::Log { stream, text, .. } => self.log(*stream, text),
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
            } => self.completed(*conclusion, *exit_code, infra.as_ref(), event.t_ms),
            JobEvent::JobAccepted
            | JobEvent::Started { .. }
            | JobEvent::Rung { .. }
            | JobEvent::TornDown { .. } => Ok(()),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()?;
        self.err.flush()
    }

    fn name(&self) -> String {
        "writing to the terminal".to_owned()
    }
}
