//! Actions in JavaScript: inputs, outputs, the guest's Node.js.

use dormer::event::Conclusion;
use dormer::guest::profile::{NodeProfile, NodeVersion};
use dormer_localguest::lab::Lab;
use dormer_testkit::needs;

use super::{printed, run};

const ACTION: &str = "inputs:\n  some name:\n    default: ${{ github.job }}\n  who: {}\n\
                      runs:\n  using: node20\n  main: dist/index.js\n";

#[tokio::test]
async fn inputs_are_variables_and_outputs_a_file() {
    let lab = Lab::new();
    lab.action("a/x", "action.yml", ACTION);
    let script = "tr '\\0' '\\n' </proc/$$/environ | grep '^INPUT_' | sort\necho \"out=1\" >>\"$GITHUB_OUTPUT\"\n\
                  echo $GITHUB_ACTION $GITHUB_ACTION_REPOSITORY $GITHUB_ACTION_REF ${GITHUB_ACTION_PATH-none}\n\
                  basename \"$PWD\"\n";
    lab.action("a/x", "dist/index.js", script);
    let steps = "- uses: a/x@v1\n  id: x\n  with: {who: 'a b', EXTRA-1: e}\n- run: echo ${{ steps.x.outputs.out }}\n";
    let outcome = run(&lab, steps).await;
    let expected = [
        "INPUT_EXTRA-1=e",
        "INPUT_SOME_NAME=job",
        "INPUT_WHO=a b",
        "x a/x v1 none",
        "it",
        "1",
    ];
    assert_eq!(printed(&outcome), expected);
}

#[tokio::test]
async fn a_failed_script_fails_its_step_with_its_code() {
    let lab = Lab::new();
    lab.action("a/x", "action.yml", ACTION);
    lab.action("a/x", "dist/index.js", "exit 7\n");
    let outcome = run(&lab, "- uses: a/x@v1\n- run: echo no\n").await;
    assert_eq!(outcome.conclusion, Conclusion::Failure);
    assert_eq!(
        outcome.steps(),
        ["Run a/x@v1: failure", "Run echo no: skipped"]
    );
    assert!(format!("{:?}", outcome.events).contains("exit_code: Some(7)"));
}

#[tokio::test]
async fn a_guest_without_node_says_what_its_image_lacks() {
    let mut lab = Lab::new();
    lab.node(None).action("a/x", "action.yml", ACTION);
    lab.action("a/x", "dist/index.js", "");
    let outcome = run(&lab, "- uses: a/x@v1\n").await;
    assert_eq!(outcome.conclusion, Conclusion::Failure);
    let notice = &outcome.notices()[0];
    assert!(
        notice.contains("`node20`") && notice.contains("`guest.node`"),
        "{notice}"
    );
}

#[tokio::test]
async fn the_nearest_version_runs_and_an_older_one_is_told() {
    let mut lab = Lab::new();
    let node = lab.profile.node.clone().unwrap();
    let version = |major: u32| NodeVersion {
        major,
        invocation: ["/bin/sh", "-c", &format!("echo node {major}"), "{script}"]
            .map(str::to_owned)
            .to_vec(),
        tool: None,
    };
    lab.node(Some(NodeProfile {
        versions: vec![version(22), version(18)],
        ..node
    }));
    for (asked, expected, notices) in [
        ("12", "18", 1),
        ("16", "18", 1),
        ("20", "22", 0),
        ("24", "22", 1),
    ] {
        let text = format!("runs:\n  using: node{asked}\n  main: x.js\n");
        lab.action("a/x", "action.yml", &text);
        let outcome = run(&lab, "- uses: a/x@v1\n").await;
        assert_eq!(
            printed(&outcome),
            [format!("node {expected}")],
            "node{asked}"
        );
        assert_eq!(outcome.notices().len(), notices, "{:?}", outcome.notices());
    }
}

#[tokio::test]
async fn a_real_node_runs_real_javascript() {
    let Some(program) = needs::program("node") else {
        return;
    };
    let mut lab = Lab::new();
    let program = program.display().to_string();
    lab.node(Some(dormer_localguest::node(&[&program, "{script}"])));
    lab.action(
        "a/x",
        "action.yml",
        "inputs: {who: {}}\nruns: {using: node20, main: index.js, post: post.js}\n",
    );
    let script = "const fs = require('fs');\nconsole.log(`Hello ${process.env.INPUT_WHO}`);\n\
                  fs.appendFileSync(process.env.GITHUB_STATE, 'who<<E\\n' + process.env.INPUT_WHO + '\\nE\\n');\n\
                  fs.appendFileSync(process.env.GITHUB_OUTPUT, 'n=' + (1 + 1) + '\\n');\n";
    lab.action("a/x", "index.js", script);
    lab.action(
        "a/x",
        "post.js",
        "console.log('Bye', process.env.STATE_who);\n",
    );
    let steps =
        "- uses: a/x@v1\n  id: x\n  with: {who: Ada}\n- run: echo ${{ steps.x.outputs.n }}\n";
    assert_eq!(
        printed(&run(&lab, steps).await),
        ["Hello Ada", "2", "Bye Ada"]
    );
}
