//! A prepare script: what it sees, what becomes of what it starts, how it ends.

use std::fs;

use dormer::event::{Conclusion, Events, JobEvent, Level, Message, PREPARE_STEP};
use dormer::host::signals::Cancel;
use dormer::instance::trust::TrustScope;
use dormer::job::prepare::{PrepareEnd, PrepareScript, Preparing};
use dormer::mask::Masker;
use dormer_localguest::lab::Lab;
use rustix::process::{Pid, Signal, kill_process, test_kill_process};

use super::soon;

/// Runs a script in a guest; how it ended, and everything that was said.
async fn prepare(lab: &Lab, text: &str, cancel: &Cancel) -> (PrepareEnd, Vec<JobEvent>) {
    let (events, mut queue) = Events::accept("job");
    let script = PrepareScript {
        name: "setup.sh".to_owned(),
        text: text.to_owned(),
        shell: None,
        scope: TrustScope::Local,
    };
    let preparing = Preparing {
        script: &script,
        channel: lab.guest.channel(),
        guest: &lab.profile,
        events: &events,
        masker: &Masker::default(),
        cancel,
    };
    let end = soon(preparing.run()).await.expect("the guest works");
    drop(events);
    let mut said = Vec::new();
    while let Some(message) = queue.recv().await {
        if let Message::Events(stamped, _) = message {
            said.extend(stamped.into_iter().map(|one| one.event));
        }
    }
    (end, said)
}

fn printed(said: &[JobEvent]) -> Vec<&str> {
    let lines = said.iter().filter_map(|event| match event {
        JobEvent::Log { number, text, .. } => {
            assert_eq!(*number, PREPARE_STEP);
            Some(text.as_str())
        }
        _ => None,
    });
    lines.collect()
}

#[tokio::test]
async fn it_runs_in_a_directory_of_its_own_and_knows_no_repository() {
    let lab = Lab::new();
    lab.file("a.txt", "of the workspace");
    let text = "pwd | sed 's,.*/a/,,'; ls -A; echo \"[$GITHUB_REPOSITORY]\"";
    let (end, said) = prepare(&lab, text, &Cancel::default()).await;
    assert_eq!(end, PrepareEnd::Done);
    assert_eq!(printed(&said), ["_prepare", "[]"]);
    let ended = said.iter().find_map(|event| match event {
        JobEvent::StepFinished {
            number,
            name,
            conclusion,
            ..
        } => Some((*number, name.as_str(), *conclusion)),
        _ => None,
    });
    let expected = (PREPARE_STEP, "Prepare with setup.sh", Conclusion::Success);
    assert_eq!(ended, Some(expected));
}

#[tokio::test]
async fn what_it_starts_goes_on() {
    let lab = Lab::new();
    let file = lab.guest.path("pid");
    let text = format!("sleep 300 >/dev/null 2>&1 & echo $! >'{}'", file.display());
    let (end, _) = prepare(&lab, &text, &Cancel::default()).await;
    assert_eq!(end, PrepareEnd::Done);
    let pid = fs::read_to_string(file).unwrap().trim().parse().unwrap();
    let pid = Pid::from_raw(pid).unwrap();
    test_kill_process(pid).expect("it goes on");
    kill_process(pid, Signal::KILL).unwrap();
}

#[tokio::test]
async fn one_that_fails_says_what_it_ended_with_and_one_that_is_stopped_did_not_fail() {
    let lab = Lab::new();
    let (end, _) = prepare(&lab, "exit 3", &Cancel::default()).await;
    assert_eq!(end, PrepareEnd::Failed(Some(3)));
    let cancel = Cancel::default();
    cancel.request();
    let (end, _) = prepare(&lab, "sleep 60", &cancel).await;
    assert_eq!(end, PrepareEnd::Stopped);
}

#[tokio::test]
async fn what_it_hands_on_to_no_step_is_told() {
    let lab = Lab::new();
    for file in ["GITHUB_ENV", "GITHUB_PATH"] {
        let text = format!("echo A=1 >>\"${file}\"");
        let (end, said) = prepare(&lab, &text, &Cancel::default()).await;
        assert_eq!(end, PrepareEnd::Done);
        let warned = said.iter().any(|event| {
            matches!(event, JobEvent::Notice { level: Level::Warning, text } if text.contains(file))
        });
        assert!(warned, "{said:?}");
    }
}
