//! `--format github`: workflow commands for a log that GitHub shows. Each step is a group, each failure
//! an annotation.
//!
//! What the guest prints is shown with its colours and its workflow commands, which are meant for the same
//! log, but without what would steer a terminal. The job's words are Dormer's, with what they quote made
//! harmless.

use std::io::{self, BufWriter, Stdout, Write};

use crate::event::{Conclusion, Infra, JobEvent, Level, Phase, Stamped};
use crate::report::Reporter;
use crate::report::plain::{harmless, output_line};
use crate::report::style::duration;
use crate::report::tail::{Tail, exit_code};

/// Writes for GitHub's log.
#[derive(Debug)]
pub struct Github<O: Write + Send> {
    out: O,
    tail: Tail,
    phase_since: u64,
    /// What the names of groups and the job's own lines begin with.
    prefix: String,
}

impl Default for Github<BufWriter<Stdout>> {
    fn default() -> Self {
        Self::new(BufWriter::new(io::stdout()))
    }
}

impl<O: Write + Send> Github<O> {
    /// To any output.
    pub fn new(out: O) -> Self {
        Self {
            out,
            tail: Tail::default(),
            phase_since: 0,
            prefix: String::new(),
        }
    }

    /// The same for one of several jobs.
    pub fn of_job(out: O, name: &str) -> Self {
        Self {
            prefix: format!("{name} / "),
            ..Self::new(out)
        }
    }

    fn step_finished(
        &mut self,
        name: &str,
        conclusion: Conclusion,
        code: Option<u32>,
    ) -> io::Result<()> {
        self.tail.end(name, conclusion, code);
        writeln!(self.out, "::endgroup::")?;
        if conclusion != Conclusion::Failure {
            return Ok(());
        }
        let why = match code.filter(|code| *code != 0) {
            Some(code) => format!("Process completed with exit code {}.", exit_code(code)),
            None => "The step failed.".to_owned(),
        };
        let title = property(&format!("{}{name}", self.prefix));
        writeln!(self.out, "::error title={title}::{}", data(&why))
    }

    fn completed(&mut self, conclusion: Conclusion, infra: Option<&Infra>) -> io::Result<()> {
        if let Some(infra) = infra {
            let help = infra
                .help
                .as_ref()
                .map(|help| format!("\n{help}"))
                .unwrap_or_default();
            let text = data(&format!("{}{help}", infra.message));
            writeln!(self.out, "::error title=Dormer::{text}")?;
        }
        if let Some(failed) = self.tail.failed() {
            let name = data(&format!("{}{}", self.prefix, failed.name));
            writeln!(self.out, "Failed: {name}")?;
            for line in &failed.lines {
                // Indented, so that a line that is a command is not one a second time.
                writeln!(self.out, "  | {line}")?;
            }
        }
        let job = data(&format!("{}Job", self.prefix));
        writeln!(self.out, "{job}: {}", conclusion.as_str())
    }
}

/// Text after a workflow command.
pub(super) fn data(text: &str) -> String {
    let coded = text
        .replace('%', "%25")
        .replace('\r', "%0D")
        .replace('\n', "%0A");
    harmless(&coded).into_owned()
}

/// Text within a workflow command.
fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}

impl<O: Write + Send> Reporter for Github<O> {
    fn report(&mut self, event: &Stamped) -> io::Result<()> {
        match &event.event {
            JobEvent::Phase { phase } => {
                let took = duration(event.t_ms.saturating_sub(self.phase_since));
                self.phase_since = event.t_ms;
                if *phase == Phase::RunningSteps {
                    let ready = data(&format!("{}The guest is ready", self.prefix));
                    writeln!(self.out, "{ready} ({took})")?;
                }
                Ok(())
            }
            JobEvent::StepStarted { name, .. } => {
                self.tail.begin();
                writeln!(
                    self.out,
                    "::group::{}",
                    data(&format!("{}{name}", self.prefix))
                )
            }
            JobEvent::Log { text, .. } => {
                let line = output_line(text);
                self.tail.line(&line);
                writeln!(self.out, "{line}")
            }
            JobEvent::StepFinished {
                outcome: Conclusion::Skipped,
                ..
            } => Ok(()),
            JobEvent::StepFinished {
                name,
                conclusion,
                exit_code,
                ..
            } => self.step_finished(name, *conclusion, *exit_code),
            JobEvent::Artifact { path, size, .. } => {
                let artifact = data(&format!("{}Artifact", self.prefix));
                writeln!(self.out, "{artifact}: {} ({size} bytes)", data(path))
            }
            JobEvent::Notice { level, text } => {
                let word = match level {
                    Level::Notice => "notice",
                    Level::Warning => "warning",
                    Level::Error => "error",
                };
                let text = data(&format!("{}{text}", self.prefix));
                writeln!(self.out, "::{word} title=Dormer::{text}")
            }
            JobEvent::JobCompleted {
                conclusion, infra, ..
            } => self.completed(*conclusion, infra.as_ref()),
            JobEvent::StepSummary { .. } | JobEvent::Annotation(_) => Ok(()),
            JobEvent::JobAccepted
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
    use crate::event::{Events, Message, Stage, Stream};

    #[tokio::test]
    async fn nothing_steers_the_log_but_colours_and_commands() {
        let (events, mut queue) = Events::accept("job");
        let name = "one\u{1b}[2J\n::error::x".to_owned();
        events.emit(JobEvent::StepStarted {
            number: 1,
            stage: Stage::Main,
            id: None,
            name,
        });
        let line = "::notice::\u{1b}[31mred\u{1b}]0;title\u{7}".to_owned();
        events.log(1, Stream::Stdout, vec![line]).await;
        let mut github = Github::new(Vec::new());
        while let Ok(Message::Events(stamped, _)) = queue.try_recv() {
            stamped.iter().for_each(|one| github.report(one).unwrap());
        }
        assert_eq!(
            String::from_utf8(github.out).unwrap(),
            "::group::one\u{fffd}[2J%0A::error::x\n::notice::\u{1b}[31mred\n"
        );
    }
}
