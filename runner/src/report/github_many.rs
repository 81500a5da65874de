//! `--format github` for several jobs at once. Groups do not nest, so a step is held back until it is over
//! and then shown whole, behind the name of its job; one that prints very much is shown in several parts.

use std::io::{self, BufWriter, Stdout, Write};
use std::sync::Arc;

use crate::event::{JobEvent, Stamped};
use crate::report::Reporter;
use crate::report::github::{Github, data};
use crate::report::shared::Shared;
use crate::report::style::duration;
use crate::report::table::Table;

/// What one step may hold back, in bytes.
const HELD: usize = 1 << 20;

/// Writes for GitHub's log.
#[derive(Debug)]
pub struct GithubMany<O: Write + Send> {
    out: O,
    /// What ends a stretch without commands.
    token: String,
    jobs: Vec<One>,
    table: Table,
}

/// One of the jobs.
#[derive(Debug)]
struct One {
    key: Arc<str>,
    whose: Arc<str>,
    github: Github<Shared<Vec<u8>>>,
    held: Shared<Vec<u8>>,
    /// The name of the step that runs.
    step: Option<String>,
}

impl GithubMany<BufWriter<Stdout>> {
    /// To standard output. `token` is a random word.
    pub fn to_stdout(token: String) -> Self {
        Self::new(BufWriter::new(io::stdout()), token)
    }
}

impl<O: Write + Send> GithubMany<O> {
    /// To any output. `token` is a random word.
    pub fn new(out: O, token: String) -> Self {
        Self {
            out,
            token,
            jobs: Vec::new(),
            table: Table::default(),
        }
    }

    fn one(&mut self, event: &Stamped) -> &mut One {
        let known = self.jobs.iter().position(|one| one.key == event.key);
        let at = known.unwrap_or_else(|| {
            self.jobs.push(One::new(event, self.token.clone()));
            self.jobs.len() - 1
        });
        &mut self.jobs[at]
    }

    fn show(&mut self, event: &Stamped) -> io::Result<()> {
        let one = self.one(event);
        one.take(event)?;
        let shown = one.due()?;
        self.out.write_all(&shown)
    }

    fn completed(&mut self, word: &str, t_ms: u64) -> io::Result<()> {
        // Names of jobs and steps may be a guest's words: no command counts in the table.
        writeln!(self.out, "::stop-commands::{}", self.token)?;
        for line in self.table.lines(None) {
            writeln!(self.out, "  {line}")?;
        }
        writeln!(self.out, "::{}::", self.token)?;
        writeln!(self.out, "Run: {word} in {}", duration(t_ms))
    }
}

impl One {
    fn new(event: &Stamped, token: String) -> Self {
        let whose = event.whose();
        let held = Shared::new(Vec::new());
        Self {
            key: Arc::clone(&event.key),
            whose: Arc::clone(whose),
            github: Github::of_job(held.clone(), token, whose),
            held,
            step: None,
        }
    }

    fn take(&mut self, event: &Stamped) -> io::Result<()> {
        match &event.event {
            JobEvent::StepStarted { name, .. } => self.step = Some(name.clone()),
            JobEvent::StepFinished { .. } | JobEvent::JobCompleted { .. } => self.step = None,
            _ => {}
        }
        self.github.report(event)
    }

    /// What is to be shown now.
    fn due(&mut self) -> io::Result<Vec<u8>> {
        let is_long = self.held.with(|held| held.len() > HELD);
        if self.step.is_some() && !is_long {
            return Ok(Vec::new());
        }
        self.github.resume()?;
        let mut due = self.held.with(std::mem::take);
        if let Some(step) = &self.step {
            due.extend_from_slice(b"::endgroup::\n");
            let name = data(&format!("{} / {step} (continued)", self.whose));
            self.held
                .with(|held| held.extend_from_slice(format!("::group::{name}\n").as_bytes()));
        }
        Ok(due)
    }
}

impl<O: Write + Send> Reporter for GithubMany<O> {
    fn report(&mut self, event: &Stamped) -> io::Result<()> {
        self.table.take(event);
        match &event.event {
            JobEvent::RunStarted { .. } => Ok(()),
            JobEvent::RunCompleted { conclusion, .. } => {
                self.completed(conclusion.as_str(), event.t_ms)
            }
            _ => self.show(event),
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
    use crate::event::{Conclusion, Events, Level, Message, RunEvents, Stage, Stream};

    fn shown(tell: impl FnOnce(&RunEvents)) -> String {
        let (run, mut queue) = RunEvents::open();
        tell(&run);
        let mut github = GithubMany::new(Vec::new(), "word".to_owned());
        while let Ok(Message::Events(stamped, _)) = queue.try_recv() {
            stamped.iter().for_each(|one| github.report(one).unwrap());
        }
        String::from_utf8(github.out).unwrap()
    }

    fn step(events: &Events, name: &str) {
        events.emit(JobEvent::StepStarted {
            number: 1,
            stage: Stage::Main,
            id: None,
            name: name.to_owned(),
        });
    }

    fn log(events: &Events, text: &str) {
        events.emit(JobEvent::Log {
            number: 1,
            stream: Stream::Stdout,
            text: text.to_owned(),
        });
    }

    fn end(events: &Events, name: &str) {
        events.emit(JobEvent::StepFinished {
            number: 1,
            stage: Stage::Main,
            id: None,
            name: name.to_owned(),
            outcome: Conclusion::Success,
            conclusion: Conclusion::Success,
            exit_code: Some(0),
            ms: 0,
        });
    }

    #[test]
    fn the_groups_of_jobs_that_run_at_once_do_not_mix() {
        let text = shown(|run| {
            let (a, b) = (run.job("a", None), run.job("b", Some("b (1)")));
            step(&a, "One");
            step(&b, "Two");
            log(&a, "first");
            log(&b, "::notice::second");
            log(&a, "third");
            end(&b, "Two");
            end(&a, "One");
        });
        let expected = "::group::b (1) / Two\n::stop-commands::word\n::notice::second\n::word::\n\
                        ::endgroup::\n::group::a / One\n::stop-commands::word\nfirst\nthird\n\
                        ::word::\n::endgroup::\n";
        assert_eq!(text, expected);
    }

    #[test]
    fn what_is_the_runs_own_has_no_jobs_name_in_front() {
        let text = shown(|run| {
            run.own().notice(Level::Notice, "look");
            run.job("a", None).notice(Level::Notice, "here");
        });
        let expected = "::notice title=Dormer::look\n::notice title=Dormer::a / here\n";
        assert_eq!(text, expected);
    }

    #[test]
    fn a_step_that_prints_very_much_is_shown_in_parts() {
        let text = shown(|run| {
            let job = run.job("a", None);
            step(&job, "Much");
            log(&job, &"x".repeat(HELD));
            log(&job, "more");
            end(&job, "Much");
        });
        assert_eq!(text.matches("::group::").count(), 2);
        assert_eq!(text.matches("::endgroup::").count(), 2);
        let rest = "::group::a / Much (continued)\n::stop-commands::word\nmore\n::word::\n";
        assert!(text.contains(rest));
    }
}
