//! Composite actions: inputs, outputs, conditions, surroundings, nesting.

use dormer::event::Conclusion;
use dormer_localguest::lab::Lab;

use super::{printed, put_speaking, run};

/// A composite action with these steps, of which each begins with `- ` in the first column.
fn composite(head: &str, steps: &str) -> String {
    let steps = steps.trim_end().replace('\n', "\n    ");
    format!("{head}runs:\n  using: composite\n  steps:\n    {steps}\n")
}

/// `bash` steps: each is one line of script with further keys after `|`, separated by `;`.
fn scripts(lines: &[&str]) -> String {
    let mut text = String::new();
    for line in lines {
        let (script, keys) = line.split_once(" | ").unwrap_or((line, ""));
        text.push_str(&format!("- run: {script}\n  shell: bash\n"));
        for key in keys.split("; ").filter(|key| !key.is_empty()) {
            text.push_str(&format!("  {key}\n"));
        }
    }
    text
}

#[tokio::test]
async fn inputs_and_outputs_go_in_and_out() {
    let lab = Lab::new();
    let head = "inputs:\n  who:\n    required: true\n  greeting:\n    default: Hello ${{ github.job }}\n\
                outputs:\n  text:\n    value: ${{ steps.say.outputs.text }} from ${{ inputs.who }}\n  \
                none:\n    value: ${{ steps.nothing.outputs.x }}\n";
    let steps = scripts(&["echo \"text=${{ inputs.greeting }}\" >>\"$GITHUB_OUTPUT\" | id: say"]);
    lab.file("act/action.yml", &composite(head, &steps));
    let steps = "- id: it\n  uses: ./act\n  with: {who: Ada}\n\
                 - run: echo \"${{ steps.it.outputs.text }}|${{ steps.it.outputs.none }}|${{ steps.say }}\"\n";
    let outcome = run(&lab, steps).await;
    assert_eq!(printed(&outcome), ["Hello job from Ada||"]);
}

#[tokio::test]
async fn inputs_are_warned_of_as_github_does() {
    let lab = Lab::new();
    let head = "inputs:\n  old:\n    deprecationMessage: use new\n    defualt: x\n  must:\n    required: true\n";
    lab.file("act/action.yaml", &composite(head, &scripts(&["echo x"])));
    let outcome = run(&lab, "- uses: ./act\n  with: {Old: 1, other: 2}\n").await;
    let notices = outcome.notices();
    assert!(notices[0].contains("input 'old' has been deprecated with message: use new"));
    assert!(notices[1].contains("unexpected input(s) 'other', valid inputs are ['old', 'must']"));
    assert!(notices[2].contains("input required and not supplied: must"));
    let own = &notices[3];
    assert!(
        own.contains("act/action.yaml:") && own.contains("unknown key `defualt`"),
        "{own}"
    );
    assert_eq!(outcome.conclusion, Conclusion::Success);
}

#[tokio::test]
async fn success_and_failure_are_about_the_actions_own_steps() {
    let lab = Lab::new();
    let steps = scripts(&[
        "echo one ${{ github.action_status }}",
        "exit 1",
        "echo skipped",
        "echo failed ${{ github.action_status }} | if: failure()",
        "echo always ${{ job.status }} | if: always()",
    ]);
    lab.file("act/action.yml", &composite("", &steps));
    let steps = "- run: exit 1\n- uses: ./act\n  if: always()\n- run: echo end ${{ job.status }}${{ github.action_status }}\n  if: failure()\n";
    let outcome = run(&lab, steps).await;
    let expected = [
        "one success",
        "failed failure",
        "always failure",
        "end failure",
    ];
    assert_eq!(printed(&outcome), expected);
    assert_eq!(outcome.conclusion, Conclusion::Failure);
}

#[tokio::test]
async fn a_step_may_fail_when_it_may() {
    let lab = Lab::new();
    let steps = scripts(&[
        "exit 1 | id: bad; continue-on-error: true",
        "echo ${{ steps.bad.outcome }} ${{ steps.bad.conclusion }}",
    ]);
    lab.file("act/action.yml", &composite("", &steps));
    let outcome = run(&lab, "- uses: ./act\n").await;
    assert_eq!(printed(&outcome), ["failure success"]);
    assert_eq!(outcome.conclusion, Conclusion::Success);
}

#[tokio::test]
async fn outputs_are_there_when_the_action_failed() {
    let lab = Lab::new();
    let head = "outputs:\n  x:\n    value: ${{ steps.one.outputs.x }}\n";
    let steps = scripts(&["echo x=1 >>\"$GITHUB_OUTPUT\" | id: one", "exit 1"]);
    lab.file("act/action.yml", &composite(head, &steps));
    let steps = "- id: it\n  uses: ./act\n  continue-on-error: true\n- run: echo ${{ steps.it.outputs.x }}\n";
    assert_eq!(printed(&run(&lab, steps).await), ["1"]);
}

#[tokio::test]
async fn variables_of_the_caller_stand_above_what_steps_set() {
    let lab = Lab::new();
    let steps = scripts(&[
        "echo \"A=inner\" >>\"$GITHUB_ENV\"; echo \"B=inner\" >>\"$GITHUB_ENV\"",
        "echo $A $B $C ${{ env.A }} ${{ env.C }} | env: {C: own}",
        "echo ${C-none}",
    ]);
    lab.file("act/action.yml", &composite("", &steps));
    let steps = "- uses: ./act\n  env: {A: caller}\n- run: echo $A $B\n";
    let outcome = run(&lab, steps).await;
    assert_eq!(
        printed(&outcome),
        ["caller inner own caller own", "none", "inner inner"]
    );
}

#[tokio::test]
async fn an_action_knows_where_it_is_and_where_it_is_from() {
    let lab = Lab::new();
    let inner = scripts(&[
        "cat \"$GITHUB_ACTION_PATH/data\"",
        "echo $GITHUB_ACTION_REPOSITORY $GITHUB_ACTION_REF $GITHUB_ACTION",
        "basename \"${{ github.action_path }}\" | working-directory: /",
        "basename \"$PWD\"",
    ]);
    lab.action("a/x", "sub/action.yml", &composite("", &inner));
    lab.action("a/x", "sub/data", "data of x\n");
    let outer = "- uses: a/x/sub@release/1\n- run: basename $GITHUB_ACTION_PATH\n  shell: bash\n";
    lab.file("act/action.yml", &composite("", outer));
    let outcome = run(
        &lab,
        "- uses: ./act\n- run: echo \"${GITHUB_ACTION_PATH-none}\"\n",
    )
    .await;
    // As GitHub writes it, the path has backslashes; a Windows program would not mind.
    assert_eq!(printed(&outcome)[0], "data of x");
    let expected = "a/x release/1 __self.__a_x.__run_2";
    assert_eq!(printed(&outcome)[1], expected);
    assert_eq!(printed(&outcome)[3..], ["it", "act", "none"]);
}

#[tokio::test]
async fn actions_use_actions_and_give_their_outputs_on() {
    let lab = Lab::new();
    let step = scripts(&["echo \"x=${{ inputs.n }}+\" >>\"$GITHUB_OUTPUT\" | id: it"]);
    let head = "inputs:\n  n: {}\noutputs:\n  x:\n    value: ${{ steps.it.outputs.x }}\n";
    lab.action("a/leaf", "action.yml", &composite(head, &step));
    let through = |uses: &str| {
        let steps = format!("- uses: {uses}\n  id: it\n  with:\n    n: ${{{{ inputs.n }}}}1\n");
        composite(head, &steps)
    };
    lab.file("local/action.yml", &through("a/leaf@v1"));
    // From inside of another repository, `./` is the workspace, and `$/` that repository.
    lab.action("a/up", "action.yml", &through("$/more"));
    lab.action("a/up", "more/action.yml", &through("./local"));
    let steps =
        "- uses: a/up@v1\n  id: up\n  with: {n: 0}\n- run: echo ${{ steps.up.outputs.x }}\n";
    let outcome = run(&lab, steps).await;
    assert_eq!(printed(&outcome), ["0111+"], "{:?}", outcome.notices());
    assert_eq!(lab.asked(), ["a/up@v1", "a/leaf@v1"]);
}

#[test]
fn actions_are_nested_ten_deep_and_no_deeper() {
    // Half of what any thread has: what is around the steps of a job needs some of it as well.
    const STACK: usize = 1 << 20;
    let deep = std::thread::Builder::new().stack_size(STACK).spawn(|| {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build();
        runtime.unwrap().block_on(nested_ten_deep_and_no_deeper());
    });
    deep.unwrap().join().unwrap();
}

async fn nested_ten_deep_and_no_deeper() {
    for (depth, expected) in [(10, Conclusion::Success), (11, Conclusion::Failure)] {
        let lab = Lab::new();
        for level in 1..depth {
            let uses = format!("- uses: ./d{}\n", level + 1);
            lab.file(&format!("d{level}/action.yml"), &composite("", &uses));
        }
        lab.file(
            &format!("d{depth}/action.yml"),
            &composite("", &scripts(&["echo deep"])),
        );
        let outcome = run(&lab, "- uses: ./d1\n").await;
        assert_eq!(outcome.conclusion, expected, "{:?}", outcome.notices());
    }
    let lab = Lab::new();
    lab.file("self/action.yml", &composite("", "- uses: ./self\n"));
    let outcome = run(&lab, "- uses: ./self\n").await;
    assert!(outcome.notices()[0].contains("more than 10 deep"));
}

#[tokio::test]
async fn a_step_without_a_shell_does_not_take_the_jobs() {
    let lab = Lab::new();
    lab.file("sub/x", "");
    lab.file(
        "act/action.yml",
        &composite("", &scripts(&["basename \"$PWD\""])),
    );
    let text = "on: push\njobs:\n  job:\n    runs-on: x\n    \
                defaults: {run: {working-directory: sub, shell: python}}\n    steps:\n    - uses: ./act\n";
    let outcome = super::soon(lab.run(text)).await;
    assert_eq!(printed(&outcome), ["it"]);
}

#[tokio::test]
async fn built_in_actions_and_others_work_inside() {
    let lab = Lab::new();
    lab.file("file", "x");
    put_speaking(&lab, "a/js", &["post"]);
    let steps = "- uses: actions/checkout@v4\n  with: {path: copy}\n- uses: a/js@v1\n- run: ls copy\n  shell: bash\n";
    lab.file("act/action.yml", &composite("", steps));
    let outcome = run(&lab, "- uses: ./act\n- run: echo end\n").await;
    let expected = ["a/js main", "act", "file", "end", "a/js post"];
    assert_eq!(printed(&outcome), expected);
}

#[tokio::test]
async fn steps_inside_have_headings() {
    let lab = Lab::new();
    let steps = "- name: Greet ${{ inputs.who }}\n  run: echo hi\n  shell: bash\n- run: echo two\n  shell: bash\n  if: false\n";
    let head = "inputs: {who: {default: Ada}}\n";
    lab.file("act/action.yml", &composite(head, steps));
    let outcome = run(&lab, "- uses: ./act\n").await;
    assert_eq!(outcome.log(), ["##[group]Greet Ada", "##[endgroup]", "hi"]);
}
