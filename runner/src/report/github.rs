//! `--format github`: workflow commands for a log that GitHub shows. Each step is a group, each failure
//! an annotation, and so is each annotation of the step's own.
//!
//! What the guest prints is shown with its colours, but without what would steer a terminal, and while
//! commands are stopped: Dormer has heeded the guest's commands already, and none of them is to reach the
//! runner outside, where it could set that step's variables. The job's words are Dormer's, with what they
//! quote made harmless.

use std::collections::HashMap;
use std::io::{self, BufWriter, Stdout, Write};
use std::sync::Arc;

use crate::event::{Conclusion, Infra, JobEvent, Phase, Stamped};
use crate::report::Reporter;
use crate::report::findings::{Findings, Limits, shown, word};
use crate::report::plain::{harmless, output_line};
use crate::report::style::duration;
use crate::report::tail::{Tail, exit_code};
use crate::report::words::pinned;

/// Writes for GitHub's log.
#[derive(Debug)]
pub struct Github<O: Write + Send> {
    out: O,
    tail: Tail,
    phase_since: u64,
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
            phase_since: 0,
            findings: Findings::new(Limits::SHOWN),
            told: HashMap::new(),
            token,
            is_stopped: false,
            prefix: String::new(),
        }
    }

    /// The same for one of several jobs.
    pub(super) fn of_job(out: O, token: String, name: &str) -> Self {
        Self {
            prefix: format!("{name} / "),
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

    /// A step's own annotations, below its group: within it nobody would see them.
    fn annotations(&mut self, key: &Arc<str>) -> io::Result<()> {
        let Some(found) = self.findings.of(key) else {
            return Ok(());
        };
        let told = self.told.entry(Arc::clone(key)).or_default();
        // The steps of a job follow one another, so that what is new is this one's.
        let new = found.annotations.iter().skip(*told);
        let lines: Vec<String> = new.map(|one| shown::command(one, data, property)).collect();
        *told = found.annotations.len();
        lines.iter().try_for_each(|line| self.say(line))
    }

    fn step_finished(
        &mut self,
        name: &str,
        conclusion: Conclusion,
        code: Option<u32>,
    ) -> io::Result<()> {
        self.tail.end(name, conclusion, code);
        self.say("::endgroup::")?;
        if conclusion != Conclusion::Failure {
            return Ok(());
        }
        let why = match code.filter(|code| *code != 0) {
            Some(code) => format!("Process completed with exit code {}.", exit_code(code)),
            None => "The step failed.".to_owned(),
        };
        let title = property(&format!("{}{name}", self.prefix));
        self.say(&format!("::error title={title}::{}", data(&why)))
    }

    fn completed(&mut self, conclusion: Conclusion, infra: Option<&Infra>) -> io::Result<()> {
        if let Some(infra) = infra {
            let help = infra
                .help
                .as_ref()
                .map(|help| format!("\n{help}"))
                .unwrap_or_default();
            let text = self.own(&format!("{}{help}", infra.message));
            self.say(&format!("::error title=Dormer::{text}"))?;
        }
        if let Some(failed) = self.tail.failed().cloned() {
            let name = self.own(&failed.name);
            self.say(&format!("Failed: {name}"))?;
            for line in &failed.lines {
                self.quote(&format!("  | {line}"))?;
            }
        }
        let job = self.own("Job");
        self.say(&format!("{job}: {}", conclusion.as_str()))
    }
}

/// Text after a workflow command, or in a line that is none. The old form of a command counts anywhere
/// in a line, so that its beginning is taken apart.
pub(super) fn data(text: &str) -> String {
    let coded = text
        .replace('%', "%25")
        .replace('\r', "%0D")
        .replace('\n', "%0A")
        .replace("##[", "# #[");
    harmless(&coded).into_owned()
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
                if *phase == Phase::RunningSteps {
                    let ready = self.own("The guest is ready");
                    self.say(&format!("{ready} ({took})"))?;
                }
                Ok(())
            }
            JobEvent::StepStarted { name, .. } => {
                self.tail.begin();
                let name = self.own(name);
                self.say(&format!("::group::{name}"))
            }
            JobEvent::StepHeader { lines, .. } => lines
                .iter()
                .try_for_each(|line| self.quote(&output_line(line))),
            JobEvent::Log { text, .. } => {
                let line = output_line(text);
                self.tail.line(&line);
                self.quote(&line)
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
            } => {
                self.step_finished(name, *conclusion, *exit_code)?;
                self.annotations(&event.key)
            }
            JobEvent::Artifact { path, size, .. } => {
                let artifact = self.own("Artifact");
                self.say(&format!("{artifact}: {} ({size} bytes)", data(path)))
            }
            JobEvent::Notice { level, text } => {
                let word = word(*level);
                let text = self.own(text);
                self.say(&format!("::{word} title=Dormer::{text}"))
            }
            JobEvent::JobCompleted {
                conclusion, infra, ..
            } => self.completed(*conclusion, infra.as_ref()),
            JobEvent::ActionPinned { uses, commit } => {
                let text = self.own(&pinned(uses, commit.as_deref()));
                self.say(&text)
            }
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
    use crate::event::{Annotation, Events, Level, Message, Stage, Stream};
    use crate::report::findings::tests::{annotation, found};

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
        let name = "one\u{1b}[2J\n::error::x".to_owned();
        events.emit(JobEvent::StepStarted {
            number: 1,
            stage: Stage::Main,
            id: None,
            name,
        });
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
        events.emit(found(one));
        let finished = |stage| JobEvent::StepFinished {
            number: 1,
            stage,
            id: None,
            name: "Compile".to_owned(),
            outcome: Conclusion::Success,
            conclusion: Conclusion::Success,
            exit_code: Some(0),
            ms: 1,
        };
        events.emit(finished(Stage::Main));
        events.emit(finished(Stage::Post));
        assert_eq!(
            shown(queue),
            "::endgroup::\n::warning file=a%2Cb.c,line=3::two%0Alines\n::endgroup::\n"
        );
    }
}
