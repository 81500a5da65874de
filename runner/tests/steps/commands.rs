//! Workflow commands, problem matchers, annotations and summaries, from a step's script to the job's events.

use dormer::event::{Annotation, Conclusion, JobEvent, Level};
use dormer_localguest::lab::{Lab, Outcome};

use crate::run;

const MATCHER: &str = r#"{"problemMatcher": [{"owner": "cc", "pattern": [{
    "regexp": "^(.+):(\\d+): (warning|error): (.*)$",
    "file": 1, "line": 2, "severity": 3, "message": 4}]}]}"#;

fn annotations(outcome: &Outcome) -> Vec<&Annotation> {
    let found = outcome.events.iter().filter_map(|event| match event {
        JobEvent::Annotation(found) => Some(found.as_ref()),
        _ => None,
    });
    found.collect()
}

#[tokio::test]
async fn a_matcher_of_one_step_finds_problems_in_the_next() {
    let lab = Lab::new();
    lab.file(".github/cc.json", MATCHER);
    let outcome = run(
        &lab,
        "- run: echo '::add-matcher::.github/cc.json'\n\
         - run: |\n    echo 'src/a.c:3: warning: odd'\n\
         - run: |\n    echo '::remove-matcher owner=cc::'\n    echo 'src/a.c:3: error: gone'",
    )
    .await;
    assert_eq!(outcome.conclusion, Conclusion::Success);
    let [found] = annotations(&outcome)[..] else {
        panic!("{:?}", outcome.events);
    };
    assert_eq!(
        (found.number, found.severity, found.message.as_str()),
        (2, Level::Warning, "odd")
    );
    assert_eq!(
        (found.file.as_deref(), found.line),
        (Some("src/a.c"), Some(3))
    );
    assert!(
        outcome
            .log()
            .contains(&"##[warning]src/a.c:3: warning: odd")
    );
}

#[tokio::test]
async fn a_matcher_file_that_is_not_there_fails_its_step_and_says_so() {
    let lab = Lab::new();
    let outcome = run(&lab, "- run: echo '::add-matcher::none.json'").await;
    assert_eq!(outcome.conclusion, Conclusion::Failure);
    let found = annotations(&outcome);
    assert!(found[0].message.contains("none.json"), "{found:?}");
}

#[tokio::test]
async fn what_commands_set_is_there_for_the_steps_after() {
    let outcome = run(
        &Lab::new(),
        "- id: old\n  run: echo '::set-output name=x::one'\n\
         - run: echo got ${{ steps.old.outputs.x }}\n\
         - run: echo '::set-env name=A::two'\n  env:\n    ACTIONS_ALLOW_UNSECURE_COMMANDS: 'true'\n\
         - run: echo and $A\n\
         - run: echo '::set-env name=A::three'\n\
         - if: always()\n  run: echo still $A",
    )
    .await;
    assert_eq!(
        outcome.conclusion,
        Conclusion::Failure,
        "set-env is not allowed as such"
    );
    for line in ["got one", "and two", "still two"] {
        assert!(
            outcome.log().contains(&line),
            "{line} in {:?}",
            outcome.log()
        );
    }
}

#[tokio::test]
async fn summaries_and_faults_of_command_files_are_for_people() {
    let outcome = run(
        &Lab::new(),
        "- run: |\n    echo '# Hi' >> \"$GITHUB_STEP_SUMMARY\"\n    echo NODE_OPTIONS=x >> \"$GITHUB_ENV\"",
    )
    .await;
    assert_eq!(outcome.conclusion, Conclusion::Success);
    let summary = JobEvent::StepSummary {
        number: 1,
        text: "# Hi\n".to_owned(),
    };
    assert!(outcome.events.contains(&summary), "{:?}", outcome.events);
    assert!(annotations(&outcome)[0].message.contains("NODE_OPTIONS"));
}

#[tokio::test]
async fn a_mask_holds_in_the_steps_after_in_whatever_form() {
    let outcome = run(
        &Lab::new(),
        "- run: |\n    printf '::add-mask::%s%s\\n' tops 3cret\n\
         - run: |\n    echo \"plain tops3cret\"\n    printf 'user:tops3cret' | base64\n    \
         echo '::error title=tops3cret::tops3cret'",
    )
    .await;
    let all = format!("{:?}", outcome.events);
    assert!(
        !all.contains("tops3cret") && !all.contains("dXNlcjp0b3BzM2NyZXQ"),
        "{all}"
    );
    assert!(outcome.log().contains(&"plain ***"));
}
