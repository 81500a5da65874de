use std::collections::HashMap;

use super::*;
use crate::event::Message;
use crate::guest::fake;
use crate::steps::output::StepOutput;

const WORKSPACE: &str = r"C:\a\repo\repo";

/// A guest with files, by the names that it is asked for.
fn guest(files: &[(&str, &str)]) -> Arc<dyn GuestChannel> {
    let files: HashMap<String, Vec<u8>> = files
        .iter()
        .map(|(name, contents)| {
            let mut builder = tar::Builder::new(Vec::new());
            let mut header = tar::Header::new_gnu();
            header.set_size(contents.len() as u64);
            builder
                .append_data(&mut header, name, contents.as_bytes())
                .unwrap();
            ((*name).to_owned(), builder.into_inner().unwrap())
        })
        .collect();
    Arc::new(fake::channel(move |_, input| {
        let name = input.trim_end_matches('\0');
        let known = files.get(name).cloned();
        let none = || tar::Builder::new(Vec::new()).into_inner().unwrap();
        (known.unwrap_or_else(none), "", 0)
    }))
}

/// What came of a step.
struct Came {
    log: Vec<String>,
    annotations: Vec<Annotation>,
    effects: Effects,
}

struct Job {
    channel: Arc<dyn GuestChannel>,
    masker: Masker,
    matchers: JobMatchers,
}

impl Job {
    fn new(files: &[(&str, &str)]) -> Self {
        Self {
            channel: guest(files),
            masker: Masker::default(),
            matchers: JobMatchers::default(),
        }
    }

    async fn step(&self, environment: &[(&str, &str)], output: &[(Stream, &str)]) -> Came {
        let (events, mut queue) = Events::accept("job");
        let around = Surroundings {
            events: events.clone(),
            masker: self.masker.clone(),
            number: 2,
            channel: Arc::clone(&self.channel),
            workspace: WORKSPACE.to_owned(),
            matchers: self.matchers.clone(),
        };
        let environment = environment.iter();
        let environment: Vec<_> = environment
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect();
        let effects = Arc::default();
        let commands = StepCommands::new(around, &environment, Arc::clone(&effects));
        let mut lines = StepOutput::new(&events, &self.masker, 2, commands);
        for (stream, text) in output {
            lines.push(*stream, text.as_bytes()).await;
        }
        lines.finish().await;
        drop((events, lines));
        let mut came = Came {
            log: Vec::new(),
            annotations: Vec::new(),
            effects: std::mem::take(&mut *effects.lock().unwrap()),
        };
        while let Some(message) = queue.recv().await {
            let Message::Events(stamped, _) = message else {
                continue;
            };
            for one in stamped {
                match one.event {
                    JobEvent::Log { text, .. } => came.log.push(text),
                    JobEvent::Annotation(found) => came.annotations.push(*found),
                    _ => {}
                }
            }
        }
        came
    }

    async fn prints(&self, text: &str) -> Came {
        self.step(&[], &[(Stream::Stdout, text)]).await
    }
}

async fn prints(text: &str) -> Came {
    Job::new(&[]).prints(text).await
}

fn said(came: &Came) -> Vec<(Level, &str)> {
    let annotations = came.annotations.iter();
    annotations
        .map(|one| (one.severity, one.message.as_str()))
        .collect()
}

#[tokio::test]
async fn remarks_are_annotations_with_a_place_in_the_repository() {
    let came = prints(
        "::error file=C:\\a\\repo\\repo\\src\\a.c,line=3,col=5,title=Odd::no%0Asuch\n\
         ::warning file=/C:/a/repo/repo/b.c::w\n\
         ::notice file=D:\\x\\c.c::n\n",
    )
    .await;
    assert_eq!(
        came.log,
        ["##[error]no", "such", "##[warning]w", "##[notice]n"]
    );
    let [error, warning, notice] = came.annotations.as_slice() else {
        panic!("{:?}", came.annotations);
    };
    assert_eq!((error.number, error.severity), (2, Level::Error));
    assert_eq!(error.message, "no\nsuch");
    assert_eq!(error.file.as_deref(), Some("src/a.c"));
    assert_eq!((error.line, error.col), (Some(3), Some(5)));
    assert_eq!(error.title.as_deref(), Some("Odd"));
    assert_eq!(warning.file.as_deref(), Some("b.c"));
    assert_eq!(notice.file.as_deref(), Some("D:\\x\\c.c"));
    assert!(!came.effects.failed());
}

#[tokio::test]
async fn groups_are_marked_and_debug_lines_are_shown_to_who_asks() {
    let text = "::group::Build\n::debug::detail\nplain\n::endgroup::\n";
    let came = prints(text).await;
    assert_eq!(came.log, ["##[group]Build", "plain", "##[endgroup]"]);
    let output = [(Stream::Stdout, text)];
    for (name, value) in [("runner_debug", "1"), ("ACTIONS_STEP_DEBUG", "true")] {
        let came = Job::new(&[]).step(&[(name, value)], &output).await;
        assert!(
            came.log.contains(&"##[debug]detail".to_owned()),
            "{:?}",
            came.log
        );
    }
}

#[tokio::test]
async fn commands_count_in_both_streams_and_the_old_form_anywhere_in_a_line() {
    let output = [
        (
            Stream::Stderr,
            "::set-output name=a::1\nx ##[set-output name=b;]2\n",
        ),
        (
            Stream::Stdout,
            "  ::save-state name=c::3\nx ::set-output name=d::4\n",
        ),
    ];
    let came = Job::new(&[]).step(&[], &output).await;
    let pairs = |variables: &crate::steps::state::Variables| -> Vec<(String, String)> {
        let pairs = variables.iter();
        pairs.map(|(n, v)| (n.to_owned(), v.to_owned())).collect()
    };
    let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    assert_eq!(
        pairs(&came.effects.outputs),
        [pair("a", "1"), pair("b", "2")]
    );
    assert_eq!(pairs(&came.effects.state), [pair("c", "3")]);
    assert!(came.log.contains(&"x ::set-output name=d::4".to_owned()));
    // Each tells that it is deprecated.
    assert!(
        came.annotations
            .iter()
            .all(|one| one.severity == Level::Warning)
    );
    assert_eq!(came.annotations.len(), 3);
}

#[tokio::test]
async fn unsafe_commands_fail_the_step_unless_they_are_allowed() {
    let text = "::set-env name=A::1\n::add-path::C:\\x\n";
    let came = prints(text).await;
    assert!(came.effects.failed());
    assert!(came.effects.failures[0].contains("`set-env` command is disabled"));
    assert!(said(&came).iter().all(|(level, _)| *level == Level::Error));
    let allowed = [("ACTIONS_ALLOW_UNSECURE_COMMANDS", "true")];
    let came = Job::new(&[])
        .step(&allowed, &[(Stream::Stdout, text)])
        .await;
    assert!(!came.effects.failed());
    assert_eq!(came.effects.environment.get("A"), Some("1"));
    assert_eq!(came.effects.path, ["C:\\x"]);
}

#[tokio::test]
async fn stopped_commands_are_output_until_their_word_comes() {
    let came = prints(
        "::stop-commands::wxyz\n::error::quoted\n::WXYZ::\n::error::real\n\
         ::stop-commands::\n",
    )
    .await;
    assert_eq!(
        came.log[..4],
        [
            "::stop-commands::wxyz",
            "::error::quoted",
            "::WXYZ::",
            "##[error]real"
        ]
    );
    assert_eq!(said(&came)[0], (Level::Error, "real"));
    assert!(came.effects.failed(), "a word that is empty");
}

#[tokio::test]
async fn echo_shows_the_commands_themselves() {
    let came =
        prints("::echo::on\n::set-output name=a::1\n::add-mask::hunter2\n::echo::off\nhunter2\n")
            .await;
    assert!(
        came.log.contains(&"::set-output name=a::1".to_owned()),
        "{:?}",
        came.log
    );
    assert!(came.log.contains(&"::add-mask::***".to_owned()));
    assert_eq!(came.log.last().unwrap(), "***");
    assert!(prints("::echo::maybe\n").await.effects.failed());
}

const MATCHER: &str = r#"{"problemMatcher": [{"owner": "gcc", "pattern": [{
    "regexp": "^(.+):(\\d+):(\\d+): (warning|error): (.*)$",
    "file": 1, "line": 2, "column": 3, "severity": 4, "message": 5}]}]}"#;

#[tokio::test]
async fn matchers_come_from_the_guest_and_stay_for_later_steps() {
    let job = Job::new(&[("gcc.json", MATCHER)]);
    let line = "\u{1b}[1msrc\\a.c:3:5: warning: odd\u{1b}[m\nplain\n";
    let came = job.prints(line).await;
    assert!(came.annotations.is_empty());
    let came = job.prints("::add-matcher::.github/gcc.json\n").await;
    assert!(!came.effects.failed(), "{:?}", came.effects);
    let came = job.prints(line).await;
    assert_eq!(came.log, ["##[warning]src\\a.c:3:5: warning: odd", "plain"]);
    let found = &came.annotations[0];
    assert_eq!(
        (found.severity, found.message.as_str()),
        (Level::Warning, "odd")
    );
    assert_eq!(found.file.as_deref(), Some("src/a.c"));
    assert_eq!((found.line, found.col), (Some(3), Some(5)));
    assert_eq!(found.matcher.as_deref(), Some("gcc"));
    let came = job
        .prints("::remove-matcher owner=gcc::\nsrc\\a.c:3:5: error: x\n")
        .await;
    assert!(came.annotations.is_empty());
    job.prints("##[add-matcher]C:\\m\\gcc.json\n").await;
    assert!(!job.matchers.is_empty());
    job.prints("::remove-matcher::C:\\m\\gcc.json\n").await;
    assert!(job.matchers.is_empty());
}

#[tokio::test]
async fn a_matcher_file_that_is_missing_or_wrong_fails_the_step() {
    let job = Job::new(&[
        ("bad.json", "{\"problemMatcher\": [{}]}"),
        ("noise", "\u{0}\u{1}"),
    ]);
    for (file, words) in [
        ("none.json", "no such file"),
        ("bad.json", "Owner"),
        ("noise", "noise"),
    ] {
        let came = job.prints(&format!("::add-matcher::{file}\n")).await;
        assert!(came.effects.failed(), "{file}");
        assert!(
            came.effects.failures[0].contains(words),
            "{:?}",
            came.effects.failures
        );
        assert_eq!(came.annotations[0].severity, Level::Error);
    }
    assert!(job.matchers.is_empty());
}

#[tokio::test]
async fn annotations_of_a_guest_are_bounded_and_masked_before_they_are_cut() {
    let job = Job::new(&[]);
    job.masker.add("hunter2");
    let long = format!("{}hunter2", "x".repeat(LONGEST_MESSAGE - 3));
    let title = "t".repeat(2 * LONGEST_NAME);
    let came = job
        .prints(&format!("::error title={title},file=hunter2.c::{long}\n"))
        .await;
    let found = &came.annotations[0];
    assert!(found.message.ends_with("x***"), "{}", found.message.len());
    assert_eq!(found.file.as_deref(), Some("***.c"));
    assert!(found.title.as_ref().unwrap().len() < LONGEST_NAME + 4);
    assert!(!came.log[0].contains("hunter"));
}

#[tokio::test]
async fn a_command_may_be_longer_than_a_line_of_output() {
    let value = "v".repeat(600 << 10);
    let came = prints(&format!("::set-output name=a::{value}\n")).await;
    assert_eq!(came.effects.outputs.get("a").map(str::len), Some(600 << 10));
    let value = "v".repeat(2 << 20);
    let came = prints(&format!("::set-output name=a::{value}\nnext\n")).await;
    assert_eq!(came.effects.outputs.get("a"), None);
    assert_eq!(came.log.last().unwrap(), "next");
}
