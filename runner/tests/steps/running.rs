//! Scripts: variables, directories, command files, what is left running.

use dormer::event::{Annotation, Conclusion, JobEvent};
use dormer_localguest::lab::Lab;

use super::{printed, run, soon, workflow};

#[tokio::test]
async fn variables_come_from_the_workflow_the_job_earlier_steps_and_the_step() {
    let lab = Lab::new();
    let text = "on: push\nenv: {A: w, B: w, C: w, D: w}\njobs:\n  job:\n    runs-on: x\n    \
                env: {B: j, C: j, D: j}\n    steps:\n    \
                - run: printf 'C=f\\nD=f\\n' >>\"$GITHUB_ENV\"\n    \
                - run: echo $A $B $C $D ${{ env.D }}\n      env: {D: s}\n    \
                - run: echo $A $B $C $D\n";
    let outcome = soon(lab.run(text)).await;
    assert_eq!(printed(&outcome), ["w j f s s", "w j f f"]);
}

#[tokio::test]
async fn a_script_runs_where_it_is_told_to() {
    let lab = Lab::new();
    lab.file("sub/x", "").file("other/x", "");
    let text = "on: push\ndefaults: {run: {working-directory: sub}}\njobs:\n  job:\n    runs-on: x\n    \
                defaults: {run: {shell: sh}}\n    steps:\n    \
                - run: basename \"$PWD\"\n    \
                - run: basename \"$PWD\"\n      working-directory: other\n    \
                - run: basename \"$PWD\"\n      working-directory: .\\\n    \
                - run: x\n      working-directory: none\n";
    let outcome = soon(lab.run(text)).await;
    assert_eq!(printed(&outcome), ["sub", "other", "it"]);
    assert_eq!(outcome.conclusion, Conclusion::Failure);
    assert!(
        outcome.notices()[0].contains("there is no directory"),
        "{:?}",
        outcome.notices()
    );
}

#[tokio::test]
async fn what_one_step_says_the_next_one_sees() {
    let lab = Lab::new();
    lab.file("tools/tool", "#!/bin/sh\necho a tool\n");
    let steps = "- id: one\n  run: |\n    echo \"out=1\" >>\"$GITHUB_OUTPUT\"\n    \
                 chmod +x tools/tool\n    echo \"$PWD/tools\" >>\"$GITHUB_PATH\"\n\
                 - run: echo ${{ steps.one.outputs.out }} $(tool) $GITHUB_ACTION\n\
                 - id: fails\n  run: exit 3\n  continue-on-error: true\n\
                 - run: echo ${{ steps.fails.outcome }} ${{ steps.fails.conclusion }} ${{ job.status }}\n\
                 - if: failure()\n  run: echo never\n";
    let outcome = run(&lab, steps).await;
    assert_eq!(
        printed(&outcome),
        ["1 a tool __run", "failure success success"]
    );
    assert_eq!(outcome.conclusion, Conclusion::Success);
    assert_eq!(outcome.steps()[2], "Run exit 3: failure/success");
    assert_eq!(outcome.steps()[4], "Run echo never: skipped");
}

#[tokio::test]
async fn a_condition_that_fails_fails_its_step() {
    let lab = Lab::new();
    let steps = "- run: echo no\n  if: fromJSON('{') == 1\n\
                 - run: echo no\n  env: {X: \"${{ fromJSON('{') }}\"}\n  if: always()\n\
                 - run: echo yes\n  if: failure()\n";
    let outcome = run(&lab, steps).await;
    assert_eq!(printed(&outcome), ["yes"]);
    assert_eq!(outcome.conclusion, Conclusion::Failure);
    assert!(
        outcome.notices()[0].contains("w.yml:7:"),
        "{:?}",
        outcome.notices()
    );
}

#[tokio::test]
async fn what_steps_leave_running_is_ended_with_the_job_and_named() {
    let lab = Lab::new();
    let pid = lab.workspace().join("pid");
    let steps = "- run: |\n    sleep 300 >/dev/null 2>&1 &\n    echo $! >pid\n\
                 - run: kill -0 $(cat pid) && echo still there\n";
    let outcome = run(&lab, steps).await;
    assert_eq!(printed(&outcome), ["still there"]);
    let expected = "notice: ended what the steps left running: sleep";
    assert_eq!(outcome.notices(), [expected]);
    let pid = std::fs::read_to_string(pid).unwrap();
    let left = std::path::Path::new("/proc").join(pid.trim()).join("cwd");
    assert!(std::fs::read_link(left).is_err());
}

#[tokio::test]
async fn python_and_hash_files_work() {
    let lab = Lab::new();
    lab.file("a.lock", "x");
    let steps = "- shell: python\n  run: |\n    import os\n    print(os.environ['GITHUB_JOB'])\n\
                 - run: echo \"${{ hashFiles('*.lock') != '' }} ${{ hashFiles('none') == '' }}\"\n";
    assert_eq!(printed(&run(&lab, steps).await), ["job", "true true"]);
}

#[tokio::test]
async fn a_secret_is_masked_in_names_and_complaints() {
    let mut lab = Lab::new();
    lab.secrets.push(("TOKEN".to_owned(), "hunter2".to_owned()));
    let steps = "- name: Say ${{ secrets.TOKEN }}\n  run: echo ${{ secrets.TOKEN }}\n\
                 - working-directory: ${{ secrets.TOKEN }}\n  run: x\n";
    let outcome = soon(lab.run(&workflow(steps))).await;
    let all = format!("{:?}", outcome.events);
    assert!(!all.contains("hunter2"), "{all}");
    assert_eq!(outcome.steps()[0], "Say ***: success");
}

#[tokio::test]
async fn what_a_step_runs_is_told_beside_its_log() {
    let lab = Lab::new();
    lab.file(
        "act/action.yml",
        "inputs: {who: {default: me}}\nruns:\n  using: composite\n  steps:\n    \
         - run: exit 3\n      shell: sh\n",
    );
    let steps =
        "- run: |\n    echo ${{ 1 }}\n    echo 2\n  shell: sh\n  env: {A: x}\n- uses: ./act\n";
    let outcome = run(&lab, steps).await;
    assert_eq!(
        outcome.log(),
        ["1", "2", "##[group]Run exit 3", "##[endgroup]"]
    );
    let headers = outcome.events.iter().filter_map(|event| match event {
        JobEvent::StepHeader { number, lines, .. } => Some((*number, lines.join("\n"))),
        _ => None,
    });
    let headers: Vec<(usize, String)> = headers.collect();
    let (first, rest) = headers.split_first().unwrap();
    assert!(
        first.0 == 1
            && first.1.starts_with("Run echo 1\necho 1\necho 2\nshell: ")
            && first.1.ends_with("{0}\nenv:\n  A: x"),
        "{first:?}"
    );
    assert_eq!(rest[0], (2, "Run ./act\nwith:\n  who: me".to_owned()));
    assert!(rest[1].1.starts_with("Run exit 3\nexit 3\nshell: "));
    // A script's end is an annotation, as on GitHub; its action's is none.
    let annotations = outcome.events.iter().filter_map(|event| match event {
        JobEvent::Annotation(one) => Some((**one).clone()),
        _ => None,
    });
    let annotations: Vec<Annotation> = annotations.collect();
    assert_eq!(annotations, [Annotation::of_exit(2, 3)]);
}

#[tokio::test]
async fn what_is_so_cannot_be_said_otherwise() {
    let lab = Lab::new();
    let steps = "- run: printf 'GITHUB_JOB=other\\nrunner_os=other\\nCI=no\\n' >>\"$GITHUB_ENV\"\n\
                 - run: echo $GITHUB_JOB $RUNNER_OS $CI\n  env: {GITHUB_JOB: other, GITHUB_MINE: mine}\n";
    let outcome = run(&lab, steps).await;
    assert_eq!(printed(&outcome), ["job Windows no"]);
}
