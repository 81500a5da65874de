use super::*;
use crate::event::{Events, Message, Stage};
use crate::report::Reporter;

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
    let inner = [
        started(),
        log(Stream::Stdout, "##[group]Run other"),
        header("Run other"),
    ];
    let shown = show(100, inner);
    assert_eq!(shown.out, "▸ Run other\n");
    assert_eq!(shown.err, "▸ 1. Run echo\n  e\u{fffd}[2Jcho hi\n");
}

#[test]
fn what_a_failed_step_said_last_is_no_annotation_again() {
    let events = [
        JobEvent::Notice {
            level: Level::Error,
            text: "bad".to_owned(),
        },
        JobEvent::Annotation(Box::new(Annotation::error(1, "bad".to_owned()))),
        JobEvent::StepFinished {
            number: 1,
            stage: Stage::Main,
            id: None,
            name: "Set".to_owned(),
            outcome: Conclusion::Failure,
            conclusion: Conclusion::Failure,
            exit_code: Some(0),
            ms: 1,
        },
        JobEvent::JobCompleted {
            conclusion: Conclusion::Failure,
            exit_code: 1,
            infra: None,
        },
    ];
    let expected =
        "error: bad\n✗ 1. Set failed after 0.0 s\n\nfailed: Set\n  │ bad\njob failed in 0.0 s\n";
    assert_eq!(show(100, events).err, expected);
}

#[test]
fn the_exit_code_of_a_step_inside_of_an_action_is_told() {
    let header = |first: &str| JobEvent::StepHeader {
        number: 1,
        stage: Stage::Main,
        lines: vec![first.to_owned()],
    };
    let exited = || JobEvent::Annotation(Box::new(Annotation::of_exit(1, 3)));
    let started = || JobEvent::StepStarted {
        number: 1,
        stage: Stage::Main,
        id: None,
        name: "Run ./act".to_owned(),
    };
    let plain = show(100, [started(), header("Run ./act"), exited()]);
    assert_eq!(plain.err, "▸ 1. Run ./act\n");
    let inner = [started(), header("Run ./act"), header("Run x"), exited()];
    let expected = "▸ 1. Run ./act\n  Run x\nerror: Process completed with exit code 3.\n";
    assert_eq!(show(100, inner).err, expected);
}

#[test]
fn a_machine_that_did_not_come_up_is_told_from_the_one_that_took_its_place() {
    let phase = |phase| JobEvent::Phase { phase };
    let started = |mode| JobEvent::Started {
        mode,
        standby: false,
    };
    let shown = show(
        usize::MAX,
        [
            phase(Phase::ResolvingImage),
            // Two that stood by, one that does not even answer.
            phase(Phase::StartingContainer),
            phase(Phase::StartingContainer),
            started(StartMode::Warm),
            phase(Phase::WaitingForGuest),
            phase(Phase::CreatingOverlay),
            phase(Phase::StartingContainer),
            started(StartMode::Cold),
            phase(Phase::WaitingForGuest),
            phase(Phase::RunningSteps),
        ],
    );
    let lines = shown.err.lines();
    let told: Vec<&str> = lines.map(|line| line.rsplit_once(' ').unwrap().0).collect();
    let words: Vec<&str> = told
        .iter()
        .map(|line| line.trim_end_matches(" 0.0"))
        .collect();
    assert_eq!(
        words,
        [
            "• image checked",
            "✗ machine not started after",
            "• machine woken",
            "✗ guest not ready after",
            "• disk made",
            "• machine started",
            "• guest ready",
        ]
    );
}

#[test]
fn what_a_prepare_script_prints_is_no_output_of_the_job() {
    let step = |number, text: &str| JobEvent::Log {
        number,
        stream: Stream::Stdout,
        text: text.to_owned(),
    };
    let finished = |number, name: &str| JobEvent::StepFinished {
        number,
        stage: Stage::Main,
        id: None,
        name: name.to_owned(),
        outcome: Conclusion::Success,
        conclusion: Conclusion::Success,
        exit_code: Some(0),
        ms: 0,
    };
    let events = [
        JobEvent::Phase {
            phase: Phase::Preparing,
        },
        JobEvent::StepStarted {
            number: PREPARE_STEP,
            stage: Stage::Main,
            id: None,
            name: "Prepare with setup.sh".to_owned(),
        },
        step(PREPARE_STEP, "installing"),
        finished(PREPARE_STEP, "Prepare with setup.sh"),
        JobEvent::Phase {
            phase: Phase::CreatingOverlay,
        },
        step(1, "hello"),
        finished(1, "Greet"),
    ];
    let shown = show(usize::MAX, events);
    assert_eq!(shown.out, "hello\n");
    assert_eq!(
        shown.err,
        "▸ Prepare with setup.sh\ninstalling\n✓ Prepare with setup.sh 0.0 s\n• preparation 0.0 s\n\
         ✓ 1. Greet 0.0 s\n"
    );
}
