//! What GitHub's log is told of what goes wrong in a step: each mistake once.

use dormer::event::{Events, Message};
use dormer::report::Reporter;
use dormer::report::github::Github;
use dormer::report::shared::Shared;
use dormer_localguest::lab::{Lab, Outcome};

use super::run;

fn in_githubs_log(outcome: &Outcome) -> String {
    let (events, mut queue) = Events::accept("job");
    let all = outcome.events.iter().cloned();
    all.for_each(|event| events.emit(event));
    let out = Shared::new(Vec::new());
    let mut github = Github::new(out.clone(), "word".to_owned());
    while let Ok(Message::Events(stamped, _)) = queue.try_recv() {
        stamped
            .iter()
            .for_each(|one| github.report(one).expect("room"));
    }
    out.with(|bytes| String::from_utf8(bytes.clone()).expect("text"))
}

#[tokio::test]
async fn each_mistake_is_told_once_under_the_name_of_its_step() {
    let lab = Lab::new();
    let steps = "- name: env\n  run: echo nonsense >>\"$GITHUB_ENV\"\n\
                 - name: output\n  run: echo oh >>\"$GITHUB_OUTPUT\"\n  continue-on-error: true\n  if: always()\n\
                 - name: late\n  run: sleep 50\n  timeout-minutes: 0.01\n  if: always()\n\
                 - name: where\n  run: x\n  working-directory: none\n  if: always()\n";
    let text = in_githubs_log(&run(&lab, steps).await);
    let told: Vec<&str> = text
        .lines()
        .filter_map(|line| line.strip_prefix("::error "))
        .collect();
    assert_eq!(
        told[..5],
        [
            "title=env::Unable to process file command 'env' successfully.",
            "title=env::Invalid format 'nonsense'",
            "title=output::Unable to process file command 'output' successfully.",
            "title=output::Invalid format 'oh'",
            "title=late::The action 'late' has timed out after 0.01 minutes.",
        ]
    );
    assert!(
        told[5].starts_with("title=where::there is no directory "),
        "{text}"
    );
    assert_eq!(text.matches("::error").count(), 6, "{text}");
}
