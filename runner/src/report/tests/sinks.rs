//! One secret in every place that a guest, a workflow or an error can put it in, and not one sink that
//! shows it.

use std::io::{self, Write};
use std::path::Path;
use std::sync::{Arc, Mutex};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::super::*;
use crate::event::{Annotation, Conclusion, Events, Infra, Level, Stage, Stream};
use crate::guest::fake;
use crate::report::events_file::EventsFile;
use crate::report::findings::files::FindingsFiles;
use crate::report::github::Github;
use crate::report::github_many::GithubMany;
use crate::report::human::Human;
use crate::report::many::Many;
use crate::report::style::Palette;
use crate::steps::command_files::Said;
use crate::steps::commands::{StepCommands, Surroundings};
use crate::steps::matchers::JobMatchers;
use crate::steps::output::StepOutput;

const SECRET: &str = "hünt&er \"2\"<+>'s";

#[derive(Clone, Default)]
struct Shared(Arc<Mutex<Vec<u8>>>);

impl Write for Shared {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Shared {
    fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}

/// What a step's programs print, in the forms that programs know.
fn printed() -> String {
    let json = serde_json::to_string(SECRET).unwrap();
    let base64 = STANDARD.encode(format!("user:{SECRET}"));
    let escaped = SECRET.replace('\'', "''");
    format!(
        "plain {SECRET}\n{json}\n{base64}\n'{escaped}'\n::group::{SECRET}\n\
         ::error file={SECRET}.c,title={SECRET}::{json} {SECRET}\n::debug::{SECRET}\n\
         ::echo::on\n::set-output name=x::{SECRET}\n::add-mask::{SECRET}\n::set-env name=x::{SECRET}\n\
         ::stop-commands::{SECRET}\n::add-matcher::{SECRET}\nwithout an end {SECRET}"
    )
}

fn started(number: usize) -> JobEvent {
    JobEvent::StepStarted {
        number,
        stage: Stage::Main,
        id: None,
        name: format!("Use {SECRET}"),
    }
}

fn finished(number: usize) -> JobEvent {
    JobEvent::StepFinished {
        number,
        stage: Stage::Main,
        id: None,
        name: format!("Use {SECRET}"),
        outcome: Conclusion::Failure,
        conclusion: Conclusion::Failure,
        exit_code: Some(1),
        ms: 1,
    }
}

fn completed() -> JobEvent {
    JobEvent::JobCompleted {
        conclusion: Conclusion::Failure,
        exit_code: 69,
        infra: Some(Infra {
            message: format!("cannot reach {SECRET}"),
            help: Some(format!("look at {SECRET}")),
            transient: false,
            evidence: None,
        }),
    }
}

/// Prints in pieces of a few bytes, in both streams.
async fn run_step(events: &Events, masker: &Masker) {
    let around = Surroundings {
        events: events.clone(),
        masker: masker.clone(),
        number: 1,
        channel: Arc::new(fake::channel(|_, _| (Vec::new(), SECRET, 1))),
        workspace: r"C:\a".to_owned(),
        matchers: JobMatchers::default(),
    };
    let debugged = [("RUNNER_DEBUG".to_owned(), "1".to_owned())];
    let commands = StepCommands::new(around, &debugged, Arc::default());
    let mut output = StepOutput::new(events, masker, 1, commands);
    let text = printed();
    for piece in text.as_bytes().chunks(7) {
        output.push(Stream::Stdout, piece).await;
        output.push(Stream::Stderr, piece).await;
    }
    output.finish().await;
}

fn everything_below(directory: &Path) -> String {
    let files = std::fs::read_dir(directory).unwrap();
    files
        .map(|entry| {
            let path = entry.unwrap().path();
            let text = std::fs::read_to_string(&path).unwrap();
            format!("{}\n{text}\n", path.display())
        })
        .collect()
}

#[tokio::test]
async fn a_secret_is_in_no_sink() {
    let directory = tempfile::tempdir().unwrap();
    let masker = Masker::default();
    masker.add(SECRET);
    let (out, err, log) = (Shared::default(), Shared::default(), Shared::default());
    let (events, queue) = Events::accept("job");
    let events_path = directory.path().join("events.jsonl");
    let human = Human::new(
        out.clone(),
        err.clone(),
        Palette::default(),
        "o".to_owned(),
        false,
    );
    let reporters: Vec<Box<dyn Reporter>> = vec![
        Box::new(EventsFile::create(&events_path).unwrap()),
        Box::new(FindingsFiles::below(directory.path())),
        Box::new(human),
        Box::new(Github::new(log.clone(), "word".to_owned())),
        Box::new(Many::new(
            out.clone(),
            err.clone(),
            Palette::default(),
            "o".to_owned(),
        )),
        Box::new(GithubMany::new(log.clone(), "word".to_owned())),
    ];
    let reporting = spawn(queue, reporters, masker.clone());

    events.emit(started(1));
    events.emit(JobEvent::StepHeader {
        number: 1,
        stage: Stage::Main,
        lines: vec![format!("echo {SECRET}")],
    });
    events.emit(JobEvent::Annotation(Box::new(Annotation::error(
        1,
        SECRET.to_owned(),
    ))));
    run_step(&events, &masker).await;
    let said = Said {
        refused: vec![format!("`{SECRET}` cannot be set")],
        summary: vec![format!("# {SECRET}")],
        ..Said::default()
    };
    for fact in crate::steps::findings::of(&said, 1) {
        events.emit(fact);
    }
    events.notice(Level::Error, format!("about {SECRET}"));
    events.emit(finished(1));
    events.emit(JobEvent::Artifact {
        path: format!("{SECRET}.txt"),
        size: 1,
        sha256: String::new(),
    });
    events.emit(completed());
    events.flush().await;

    assert_eq!(reporting.failures(), []);
    let files = everything_below(directory.path());
    for name in [
        "events.jsonl",
        "summary.md",
        "annotations.json",
        "annotations.sarif",
    ] {
        assert!(files.contains(name), "{name}");
    }
    for text in [files, out.text(), err.text(), log.text()] {
        assert!(text.contains("***"), "{text}");
        assert_eq!(masker.mask(&text), text);
    }
}

#[tokio::test]
async fn a_mask_of_one_letter_spoils_no_word_of_the_reporters_own() {
    let masker = Masker::default();
    masker.add_all(["s", "o"]);
    let shown = Shared::default();
    let (out, palette) = (shown.clone(), Palette::default());
    let human = Human::new(out.clone(), out, palette, "o".to_owned(), false);
    let (events, queue) = Events::accept("job");
    let reporting = spawn(queue, vec![Box::new(human)], masker);
    events.emit(finished(1));
    events.emit(JobEvent::JobCompleted {
        conclusion: Conclusion::Success,
        exit_code: 0,
        infra: None,
    });
    events.flush().await;
    assert_eq!(reporting.failures(), []);
    let text = shown.text();
    assert!(
        text.starts_with("✗ 1. U***e ") && text.contains(" failed with exit code 1 after "),
        "{text}"
    );
    assert!(text.contains("job succeeded in "), "{text}");
}
