//! `--format human`: what a person likes to read. A line for each phase with its time, the steps with
//! their logs as they run, and at the end what failed, once more.
//!
//! What the guest's programs print goes where they print it, standard output or standard error;
//! everything about them goes to standard error.

use std::io::{self, BufWriter, Stderr, Stdout, Write};

use crate::event::{Conclusion, Infra, JobEvent, Level, Phase, Stamped, Stream};
use crate::exit_code as codes;
use crate::report::Reporter;
use crate::report::findings::{Findings, Limits, shown};
use crate::report::marks::readable;
use crate::report::outlet::Outlet;
use crate::report::plain::{harmless, harmless_name, terminal_line};
use crate::report::style::{Palette, Tone, duration};
use crate::report::tail::{Tail, exit_code};
use crate::report::words::pinned;

/// Writes for people.
#[derive(Debug)]
pub struct Human<O: Write + Send, E: Write + Send> {
    out: Outlet<O>,
    err: Outlet<E>,
    palette: Palette,
    phase: Option<(Phase, u64)>,
    /// Whether nothing of the machine is left.
    torn_down: bool,
    /// The name of the step that began last.
    step: String,
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
        let (phase, tail, artifacts) = (None, Tail::default(), Vec::new());
        Self {
            out: Outlet::new(out),
            err: Outlet::new(err),
            palette,
            phase,
            torn_down: false,
            step: String::new(),
            tail,
            findings: Findings::new(Limits::SHOWN),
            artifacts,
            out_directory,
            terse,
        }
    }

    /// Shows an event. What is written to a lost output is no error here: the other one goes on.
    fn show(&mut self, event: &Stamped) -> io::Result<()> {
        self.findings.take(event);
        match &event.event {
            JobEvent::Phase { phase } => self.enter(*phase, event.t_ms),
            JobEvent::StepStarted { number, name, .. } => self.step_started(*number, name),
            JobEvent::StepHeader { lines, .. } => self.step_header(lines),
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
            } => {
                self.show_failed_step()?;
                self.show_findings(&event.key)?;
                self.completed(*conclusion, *exit_code, infra.as_ref(), event.t_ms)
            }
            JobEvent::TornDown { .. } => {
                self.torn_down = true;
                Ok(())
            }
            JobEvent::ActionPinned { uses, commit } => self.pinned(uses, commit.as_deref()),
            JobEvent::JobAccepted
            | JobEvent::Started { .. }
            | JobEvent::Rung { .. }
            | JobEvent::RunStarted { .. }
            | JobEvent::RunCompleted { .. }
            | JobEvent::Annotation(_)
            | JobEvent::StepSummary { .. } => Ok(()),
        }
    }

    /// The loss of an output, told once.
    fn losses(&mut self) -> io::Result<()> {
        self.out.loss()?;
        self.err.loss()
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
        let over = matches!(phase, Phase::TearingDown | Phase::Completed);
        let unfinished = undone(ended)
            .filter(|_| over)
            .filter(|_| ended != Phase::TearingDown || !self.torn_down);
        if let Some(what) = unfinished {
            let mark = self.palette.paint(Tone::Bad, "✗");
            self.say(&format!("{mark} {what} after {took}"))?;
        } else if let Some(what) = describe(ended) {
            let mark = self.palette.paint(Tone::Good, "•");
            let took = self.palette.paint(Tone::Quiet, &took);
            self.say(&format!("{mark} {what} {took}"))?;
        }
        Ok(())
    }

    fn step_started(&mut self, number: usize, name: &str) -> io::Result<()> {
        self.tail.begin();
        name.clone_into(&mut self.step);
        let name = harmless_name(name);
        let mark = self
            .palette
            .paint(Tone::Strong, &format!("▸ {number}. {name}"));
        if self.terse { Ok(()) } else { self.say(&mark) }
    }

    /// What the step runs; its name is not said twice.
    fn step_header(&mut self, lines: &[String]) -> io::Result<()> {
        if self.terse {
            return Ok(());
        }
        let known = lines.first().is_some_and(|first| *first == self.step);
        for line in lines.iter().skip(usize::from(known)) {
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

    fn log(&mut self, stream: Stream, text: &str) -> io::Result<()> {
        let Some(text) = readable(text) else {
            return Ok(());
        };
        let text = terminal_line(&text);
        self.tail.line(&text);
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
        let (number, name) = (step.number, harmless_name(step.name));
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
        let text = harmless(text);
        let (word, tone) = match level {
            Level::Notice => ("note", Tone::Quiet),
            Level::Warning => ("warning", Tone::Caution),
            Level::Error => {
                self.tail.line(&text);
                ("error", Tone::Bad)
            }
        };
        let word = self.palette.paint(tone, &format!("{word}:"));
        self.say(&format!("{word} {text}"))
    }

    /// What failed, once more, with its last words.
    fn show_failed_step(&mut self) -> io::Result<()> {
        let Some(failed) = self.tail.failed().cloned() else {
            return Ok(());
        };
        let code = failed
            .exit_code
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
        let mut lines = shown::annotations(found, self.palette);
        lines.extend(shown::summaries(found));
        lines.iter().try_for_each(|line| self.say(line))
    }

    fn completed(
        &mut self,
        conclusion: Conclusion,
        code: u8,
        infra: Option<&Infra>,
        t_ms: u64,
    ) -> io::Result<()> {
        if let Some(infra) = infra {
            let word = self.palette.paint(Tone::Bad, "error:");
            self.say(&format!("{word} {}", harmless(&infra.message)))?;
            if let Some(help) = &infra.help {
                self.say(&format!(" help: {}", harmless(help)))?;
            }
        }
        self.list_artifacts()?;
        if self.terse && conclusion == Conclusion::Success {
            return Ok(());
        }
        let (word, tone) = verdict(conclusion, code);
        let line = self.palette.paint(tone, &format!("job {word}"));
        if conclusion == Conclusion::Skipped {
            return self.say(&line);
        }
        self.say(&format!("{line} in {}", duration(t_ms)))
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
        Phase::CreatingOverlay => Some("disk made"),
        Phase::StartingContainer => Some("machine started"),
        Phase::WaitingForGuest => Some("guest ready"),
        Phase::TearingDown => Some("machine removed"),
        Phase::CollectingArtifacts => Some("artifacts fetched"),
        Phase::RunningSteps => Some("steps run"),
        Phase::Accepted | Phase::Completed => None,
    }
}

/// What a phase did not do, if the job's end comes right after it. Steps and artifacts may well end so.
fn undone(phase: Phase) -> Option<&'static str> {
    match phase {
        Phase::ResolvingImage => Some("image not checked"),
        Phase::CreatingOverlay => Some("disk not made"),
        Phase::StartingContainer => Some("machine not started"),
        Phase::WaitingForGuest => Some("guest not ready"),
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

impl<O: Write + Send, E: Write + Send> Reporter for Human<O, E> {
    fn report(&mut self, event: &Stamped) -> io::Result<()> {
        self.show(event)?;
        self.losses()
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()?;
        self.err.flush()?;
        self.losses()
    }

    fn name(&self) -> String {
        "writing to the terminal".to_owned()
    }

    fn goes_on(&self) -> bool {
        self.out.is_open() || self.err.is_open()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::{Events, Message, Stage};

    /// Takes so many bytes, then nobody reads any more.
    struct Closing(Vec<u8>, usize);

    impl Write for Closing {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            if self.0.len() >= self.1 {
                return Err(io::ErrorKind::BrokenPipe.into());
            }
            self.0.extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    struct Shown {
        out: String,
        err: String,
        errors: Vec<io::ErrorKind>,
    }

    fn show(room: usize, events: impl IntoIterator<Item = JobEvent>) -> Shown {
        let (sender, mut queue) = Events::accept("job");
        events.into_iter().for_each(|event| sender.emit(event));
        let (mut out, mut err) = (Closing(Vec::new(), room), Vec::new());
        let mut human = Human::new(
            &mut out,
            &mut err,
            Palette::default(),
            "o".to_owned(),
            false,
        );
        let mut errors = Vec::new();
        while let Ok(Message::Events(stamped, _)) = queue.try_recv() {
            let ends = stamped.iter().map(|one| human.report(one));
            errors.extend(ends.filter_map(Result::err).map(|error| error.kind()));
        }
        assert!(human.goes_on());
        drop(human);
        let text = |bytes| String::from_utf8(bytes).unwrap();
        Shown {
            out: text(out.0),
            err: text(err),
            errors,
        }
    }

    fn log(stream: Stream, text: &str) -> JobEvent {
        JobEvent::Log {
            number: 1,
            stream,
            text: text.to_owned(),
        }
    }

    fn phases(phases: &[Phase]) -> Vec<JobEvent> {
        phases
            .iter()
            .map(|phase| JobEvent::Phase { phase: *phase })
            .collect()
    }

    #[test]
    fn a_closed_standard_output_does_not_silence_standard_error() {
        let lines = ["one", "two", "three"].map(|line| log(Stream::Stdout, line));
        let mut events = Vec::from(lines);
        events.push(log(Stream::Stderr, "error text"));
        events.push(JobEvent::Notice {
            level: Level::Warning,
            text: "look".to_owned(),
        });
        let shown = show(4, events);
        assert_eq!(shown.out, "one\n");
        assert_eq!(shown.err, "error text\nwarning: look\n");
        // Told once.
        assert_eq!(shown.errors, [io::ErrorKind::BrokenPipe]);
    }

    #[test]
    fn a_phase_that_was_not_finished_is_not_shown_as_done() {
        let mut events = phases(&[Phase::StartingContainer, Phase::WaitingForGuest]);
        events.extend(phases(&[Phase::TearingDown]));
        events.push(JobEvent::TornDown { ms: 1 });
        events.extend(phases(&[Phase::Completed]));
        let shown = show(100, events);
        assert_eq!(
            shown.err,
            "• machine started 0.0 s\n✗ guest not ready after 0.0 s\n• machine removed 0.0 s\n"
        );
        let shown = show(100, phases(&[Phase::ResolvingImage, Phase::Completed]));
        assert_eq!(shown.err, "✗ image not checked after 0.0 s\n");
        let shown = show(100, phases(&[Phase::TearingDown, Phase::Completed]));
        assert_eq!(shown.err, "✗ machine not removed after 0.0 s\n");
        let usual = [
            Phase::WaitingForGuest,
            Phase::RunningSteps,
            Phase::CollectingArtifacts,
            Phase::Completed,
        ];
        assert!(!show(100, phases(&usual)).err.contains('✗'));
    }

    #[test]
    fn nothing_that_is_quoted_steers_the_terminal() {
        let evil = "\u{1b}[2Jevil\u{7}".to_owned();
        let name = format!("{evil}\n✓ 2. Test");
        let infra = Infra {
            message: evil.clone(),
            help: Some(evil.clone()),
            transient: false,
            evidence: None,
        };
        let events = [
            JobEvent::StepStarted {
                number: 1,
                stage: Stage::Main,
                id: None,
                name: name.clone(),
            },
            log(Stream::Stdout, "\u{1b}[32mgreen\u{1b}]52;c;eA==\u{7}"),
            log(Stream::Stderr, &evil),
            JobEvent::Notice {
                level: Level::Error,
                text: evil.clone(),
            },
            JobEvent::StepFinished {
                number: 1,
                stage: Stage::Main,
                id: None,
                name,
                outcome: Conclusion::Failure,
                conclusion: Conclusion::Failure,
                exit_code: Some(1),
                ms: 1,
            },
            JobEvent::Artifact {
                path: evil,
                size: 1,
                sha256: String::new(),
            },
            JobEvent::JobCompleted {
                conclusion: Conclusion::Failure,
                exit_code: 69,
                infra: Some(infra),
            },
        ];
        let shown = show(1000, events);
        assert_eq!(shown.out, "\u{1b}[32mgreen\u{1b}[0m\n");
        let steers = |c: char| c.is_control() && c != '\n';
        let own = shown.err.replace("\u{1b}[32mgreen\u{1b}[0m", "");
        assert!(!own.contains(steers), "{own:?}");
        assert!(!own.contains("\n✓ 2"), "{own:?}");
        assert_eq!(own.matches("evil").count(), 10, "{own}");
    }

    #[test]
    fn what_a_step_runs_is_shown_below_its_name_which_is_not_said_twice() {
        let header = |first: &str| JobEvent::StepHeader {
            number: 1,
            stage: Stage::Main,
            lines: vec![first.to_owned(), "e\u{1b}[2Jcho hi".to_owned()],
        };
        let started = || JobEvent::StepStarted {
            number: 1,
            stage: Stage::Main,
            id: None,
            name: "Run echo".to_owned(),
        };
        let shown = show(100, [started(), header("Run echo"), header("Run other")]);
        assert_eq!(shown.out, "");
        assert_eq!(
            shown.err,
            "▸ 1. Run echo\n  e\u{fffd}[2Jcho hi\n  Run other\n  e\u{fffd}[2Jcho hi\n"
        );
    }
}
