//! `--format human` for several jobs at once: each is shown as it would be by itself, with its name in
//! front of every line, and a table of all of them at the end.

use std::io::{self, BufWriter, Stderr, Stdout, Write};
use std::sync::Arc;

use crate::event::{Conclusion, JobEvent, Stamped};
use crate::report::human::{Human, verdict};
use crate::report::plain::harmless_name;
use crate::report::screen::{OnScreen, Screen};
use crate::report::style::{Palette, columns, duration};
use crate::report::table::Table;
use crate::report::words::notice;

/// Names longer than this do not make the others wider.
const WIDEST: usize = 24;

/// Writes for people who run several jobs.
#[derive(Debug)]
pub struct Many<O: Write + Send, E: Write + Send> {
    screen: Screen<O, E>,
    palette: Palette,
    jobs: Vec<One<O, E>>,
    /// How wide the names are, at least.
    width: usize,
    table: Table,
    out_directory: String,
    /// Whether the second output is this process's own, which may be a terminal.
    is_own: bool,
}

/// One of the jobs.
#[derive(Debug)]
struct One<O: Write + Send, E: Write + Send> {
    key: Arc<str>,
    human: Human<O, E>,
}

impl Many<BufWriter<Stdout>, BufWriter<Stderr>> {
    /// To this process's own outputs. `out_directory` is where artifacts go.
    pub fn to_terminal(out_directory: String) -> Self {
        let (out, err) = (BufWriter::new(io::stdout()), BufWriter::new(io::stderr()));
        Self {
            is_own: true,
            ..Self::new(out, err, Palette::for_stderr(), out_directory)
        }
    }
}

impl<O: Write + Send, E: Write + Send> Many<O, E> {
    /// To any two outputs.
    pub fn new(out: O, err: E, palette: Palette, out_directory: String) -> Self {
        Self {
            screen: Screen::new(out, err),
            palette,
            jobs: Vec::new(),
            width: 0,
            table: Table::default(),
            out_directory,
            is_own: false,
        }
    }

    fn one(&mut self, event: &Stamped) -> &mut Human<O, E> {
        let known = self.jobs.iter().position(|one| one.key == event.key);
        let at = known.unwrap_or_else(|| {
            let human = self.human_for(event.whose());
            let key = Arc::clone(&event.key);
            self.jobs.push(One { key, human });
            self.jobs.len() - 1
        });
        &mut self.jobs[at].human
    }

    fn human_for(&self, whose: &str) -> Human<O, E> {
        let name = harmless_name(whose);
        let name = format!("{name:<width$}", width = self.width);
        let mark = format!("{} │ ", self.palette.paint_name(whose, &name));
        let (screen, palette) = (self.screen.clone(), self.palette);
        Human::on(screen, palette, mark, self.out_directory.clone())
    }

    fn completed(&mut self, conclusion: Conclusion, code: u8, t_ms: u64) -> io::Result<()> {
        self.screen.out.flush()?;
        let err = &mut self.screen.err;
        writeln!(err)?;
        let columns = if self.is_own { columns() } else { None };
        for line in self.table.lines(columns) {
            writeln!(err, "{line}")?;
        }
        writeln!(err)?;
        let (word, tone) = verdict(conclusion, code);
        let word = self.palette.paint(tone, &format!("run {word}"));
        writeln!(err, "{word} in {}", duration(t_ms))
    }
}

impl<O: Write + Send, E: Write + Send> OnScreen for Many<O, E> {
    type Out = O;
    type Err = E;

    fn screen(&self) -> &Screen<O, E> {
        &self.screen
    }

    fn show(&mut self, event: &Stamped) -> io::Result<()> {
        self.table.take(event);
        match &event.event {
            JobEvent::RunStarted { jobs } => {
                let widths = jobs.iter().map(|job| job.chars().count().min(WIDEST));
                self.width = widths.max().unwrap_or(0);
                Ok(())
            }
            JobEvent::RunCompleted {
                conclusion,
                exit_code,
            } => self.completed(*conclusion, *exit_code, event.t_ms),
            JobEvent::Notice { level, text } if event.job.is_empty() => {
                let line = notice(self.palette, *level, text);
                writeln!(self.screen.err, "{line}")
            }
            _ => self.one(event).show(event),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::{Level, Message, RunEvents, Stage, Stream};
    use crate::report::Reporter;
    use crate::report::shared::Shared;

    /// Both outputs as one text.
    fn shown(tell: impl FnOnce(&RunEvents)) -> String {
        let (run, mut queue) = RunEvents::open();
        tell(&run);
        let screen = Shared::new(Vec::new());
        let (out, err) = (screen.clone(), screen.clone());
        let mut many = Many::new(out, err, Palette::default(), "o".to_owned());
        while let Ok(Message::Events(stamped, _)) = queue.try_recv() {
            stamped.iter().for_each(|one| many.report(one).unwrap());
        }
        many.flush().unwrap();
        drop(many);
        screen.with(|bytes| String::from_utf8(bytes.clone()).unwrap())
    }

    fn log(text: &str) -> JobEvent {
        JobEvent::Log {
            number: 1,
            stream: Stream::Stdout,
            text: text.to_owned(),
        }
    }

    fn completed(conclusion: Conclusion) -> JobEvent {
        JobEvent::JobCompleted {
            conclusion,
            exit_code: 0,
            infra: None,
        }
    }

    #[test]
    fn a_job_whose_turn_did_not_come_in_time_did_not_start() {
        let late = || JobEvent::JobCompleted {
            conclusion: Conclusion::Cancelled,
            exit_code: 124,
            infra: None,
        };
        let text = shown(|run| {
            run.job("a", None).emit(JobEvent::JobAccepted);
            run.job("a", None).emit(late());
            run.job("b", None).emit(late());
            run.own().emit(JobEvent::RunCompleted {
                conclusion: Conclusion::Cancelled,
                exit_code: 124,
            });
        });
        let expected = "a │ job ran out of time in 0.0 s\n\
                        b │ job did not start\n\
                        \n\
                        a  ! cancelled      0.0 s\n\
                        b  ! did not start\n\
                        \n\
                        run ran out of time in 0.0 s\n";
        assert_eq!(text, expected);
    }

    #[test]
    fn lines_of_jobs_that_run_at_once_carry_their_names() {
        let text = shown(|run| {
            run.own().emit(JobEvent::RunStarted {
                jobs: vec!["build".to_owned(), "test".to_owned()],
            });
            let (build, test) = (run.job("build", None), run.job("test", Some("test (1)")));
            build.emit(JobEvent::StepStarted {
                number: 1,
                stage: Stage::Main,
                id: None,
                name: "Compile".to_owned(),
            });
            build.emit(log("one"));
            test.emit(log("two\u{1b}[2J"));
            build.emit(log("three"));
            run.own().notice(Level::Warning, "look");
            build.emit(completed(Conclusion::Success));
            test.emit(completed(Conclusion::Skipped));
            run.own().emit(JobEvent::RunCompleted {
                conclusion: Conclusion::Failure,
                exit_code: 1,
            });
        });
        let expected = "build │ ▸ 1. Compile\n\
                        build │ one\n\
                        test (1) │ two\n\
                        build │ three\n\
                        warning: look\n\
                        build │ job succeeded in 0.0 s\n\
                        test (1) │ job was skipped\n\
                        \n\
                        build     ✓ success  0.0 s\n\
                        test (1)  - skipped\n\
                        \n\
                        run failed in 0.0 s\n";
        assert_eq!(text, expected);
    }
}
