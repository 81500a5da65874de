//! A prepare script: what it sees, what becomes of what it starts, how it ends.

use std::fs;

use dormer::event::{Conclusion, Events, JobEvent, Level, Message, PREPARE_STEP};
use dormer::guest::environment::Environment;
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

/// What these variables and directories are, handed on.
fn environment(variables: &[(&str, &str)], path: &[&str]) -> Environment {
    let variables = variables.iter();
    Environment {
        variables: variables
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect(),
        path: path.iter().map(ToString::to_string).collect(),
    }
}

/// Checks that something of this level was said.
fn assert_told(said: &[JobEvent], expected: Level, part: &str) {
    let told = said.iter().any(|event| {
        matches!(event, JobEvent::Notice { level, text } if *level == expected && text.contains(part))
    });
    assert!(told, "{said:?}");
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
    assert_eq!(end, PrepareEnd::Done(Environment::default()));
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
    assert_eq!(end, PrepareEnd::Done(Environment::default()));
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
async fn what_it_sets_for_steps_behind_it_is_handed_on() {
    let lab = Lab::new();
    let text = "echo A=1 >>\"$GITHUB_ENV\"; echo /opt/one >>\"$GITHUB_PATH\"; echo /opt/two >>\"$GITHUB_PATH\"";
    let (end, said) = prepare(&lab, text, &Cancel::default()).await;
    let expected = environment(&[("A", "1")], &["/opt/two", "/opt/one"]);
    assert_eq!(end, PrepareEnd::Done(expected), "{said:?}");
}

#[tokio::test]
async fn what_it_has_masked_is_not_handed_on() {
    let lab = Lab::new();
    let text = "echo ::add-mask::hunter2secret; echo A=hunter2secret >>\"$GITHUB_ENV\"; echo B=2 >>\"$GITHUB_ENV\"\n\
                echo /opt/hunter2secret >>\"$GITHUB_PATH\"";
    let (end, said) = prepare(&lab, text, &Cancel::default()).await;
    assert_eq!(end, PrepareEnd::Done(environment(&[("B", "2")], &[])));
    assert_told(&said, Level::Warning, "the variable `A`");
    assert_told(&said, Level::Warning, "a directory");
}

#[tokio::test]
async fn one_that_sets_more_than_is_kept_has_failed() {
    let lab = Lab::new();
    let text = "printf 'A=%0300000d\\n' 0 >>\"$GITHUB_ENV\"";
    let (end, said) = prepare(&lab, text, &Cancel::default()).await;
    assert_eq!(end, PrepareEnd::Failed(Some(0)));
    assert_told(&said, Level::Error, "300001 bytes");
}

#[tokio::test]
async fn what_was_handed_on_stands_below_everything_that_the_job_says() {
    let mut lab = Lab::new();
    lab.file("tools/tool", "#!/bin/sh\necho a tool\n");
    let tools = lab.workspace().join("tools").display().to_string();
    lab.prepared = environment(&[("A", "p"), ("B", "p"), ("C", "p")], &[&tools]);
    let text = "on: push\nenv: {B: w}\njobs:\n  job:\n    runs-on: x\n    steps:\n    \
                - run: chmod +x tools/tool; tool; echo \"$A $B $C\"; echo C=e >>\"$GITHUB_ENV\"\n    \
                - run: echo \"$A $B $C ${{ env.A }}\"\n";
    let outcome = soon(lab.run(text)).await;
    let log = outcome.log();
    assert_eq!(log, ["a tool", "p w p", "p w e p"]);
}
