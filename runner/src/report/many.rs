//! `--format human` for several jobs at once: each is shown as it would be by itself, with its name in
//! front of every line, and a table of all of them at the end.

use std::io::{self, BufWriter, Stderr, Stdout, Write};
use std::sync::Arc;

use crate::event::{Conclusion, JobEvent, Level, Stamped};
use crate::report::Reporter;
use crate::report::human::{Human, verdict};
use crate::report::outlet::Outlet;
use crate::report::plain::{harmless, harmless_name};
use crate::report::shared::{Marked, Shared};
use crate::report::style::{Palette, Tone, duration};
use crate::report::table::Table;

/// Names longer than this do not make the others wider.
const WIDEST: usize = 24;

type Output<W> = Shared<Outlet<W>>;

/// Writes for people who run several jobs.
#[derive(Debug)]
pub struct Many<O: Write + Send, E: Write + Send> {
    out: Output<O>,
    err: Output<E>,
    palette: Palette,
    jobs: Vec<One<O, E>>,
    /// How wide the names are, at least.
    width: usize,
    table: Table,
    out_directory: String,
}

/// One of the jobs.
#[derive(Debug)]
struct One<O: Write + Send, E: Write + Send> {
    key: Arc<str>,
    human: Human<Marked<Output<O>>, Marked<Output<E>>>,
}

impl Many<BufWriter<Stdout>, BufWriter<Stderr>> {
    /// To this process's own outputs. `out_directory` is where artifacts go.
    pub fn to_terminal(out_directory: String) -> Self {
        let (out, err) = (BufWriter::new(io::stdout()), BufWriter::new(io::stderr()));
        Self::new(out, err, Palette::for_stderr(), out_directory)
    }
}

impl<O: Write + Send, E: Write + Send> Many<O, E> {
    /// To any two outputs.
    pub fn new(out: O, err: E, palette: Palette, out_directory: String) -> Self {
        Self {
            out: Shared::new(Outlet::new(out)),
            err: Shared::new(Outlet::new(err)),
            palette,
            jobs: Vec::new(),
            width: 0,
            table: Table::default(),
            out_directory,
        }
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
            JobEvent::Notice { level, text } if event.job.is_empty() => self.notice(*level, text),
            _ => self.one(event).report(event),
        }
    }

    fn one(&mut self, event: &Stamped) -> &mut Human<Marked<Output<O>>, Marked<Output<E>>> {
        let known = self.jobs.iter().position(|one| one.key == event.key);
        let at = known.unwrap_or_else(|| {
            let human = self.human_for(event.whose());
            let key = Arc::clone(&event.key);
            self.jobs.push(One { key, human });
            self.jobs.len() - 1
        });
        &mut self.jobs[at].human
    }

    fn human_for(&self, whose: &str) -> Human<Marked<Output<O>>, Marked<Output<E>>> {
        let name = harmless_name(whose);
        let name = format!("{name:<width$}", width = self.width);
        let mark = format!("{} │ ", self.palette.paint_name(whose, &name));
        let out = Marked::new(self.out.clone(), mark.clone());
        let err = Marked::new(self.err.clone(), mark);
        Human::new(out, err, self.palette, self.out_directory.clone(), false)
    }

    fn notice(&mut self, level: Level, text: &str) -> io::Result<()> {
        let (word, tone) = match level {
            Level::Notice => ("note:", Tone::Quiet),
            Level::Warning => ("warning:", Tone::Caution),
            Level::Error => ("error:", Tone::Bad),
        };
        let word = self.palette.paint(tone, word);
        writeln!(self.err, "{word} {}", harmless(text))
    }

    fn completed(&mut self, conclusion: Conclusion, code: u8, t_ms: u64) -> io::Result<()> {
        self.out.flush()?;
        writeln!(self.err)?;
        for line in self.table.lines() {
            writeln!(self.err, "{line}")?;
        }
        writeln!(self.err)?;
        let (word, tone) = verdict(conclusion, code);
        let word = self.palette.paint(tone, &format!("run {word}"));
        writeln!(self.err, "{word} in {}", duration(t_ms))
    }

    /// The loss of an output, told once.
    fn losses(&mut self) -> io::Result<()> {
        self.out.with(Outlet::loss)?;
        self.err.with(Outlet::loss)
    }
}

impl<O: Write + Send, E: Write + Send> Reporter for Many<O, E> {
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
        self.out.with(|out| out.is_open()) || self.err.with(|err| err.is_open())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::{Message, RunEvents, Stage, Stream};

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
