//! What is made of whole action files.

use std::time::{Duration, Instant};

use proptest::prelude::*;

use super::*;
use crate::expr::{Contexts, JobStatus, Object, Value};
use crate::workflow::StepAction;

#[track_caller]
fn read(text: &str) -> Action {
    match parse_action(&SourceFile::new("action.yml", text)) {
        Ok(action) => action,
        Err(problems) => panic!("{}", problems.render()),
    }
}

#[track_caller]
fn problems(text: &str) -> String {
    match parse_action(&SourceFile::new("action.yml", text)) {
        Ok(_) => panic!("accepted:\n{text}"),
        Err(problems) => problems.to_string(),
    }
}

fn warnings(text: &str) -> String {
    let warnings = read(text).warnings;
    let lines: Vec<String> = warnings.iter().map(ToString::to_string).collect();
    lines.join("\n")
}

const NODE: &str = "runs: {using: node20, main: x.js}\n";

fn scope() -> Contexts {
    let github = Object::from_iter([("token", Value::from("t0"))]);
    Contexts {
        values: Object::from_iter([("github", github)]),
        ..Contexts::default()
    }
}

#[test]
fn a_full_composite_action_is_read() {
    let action = read(
        r#"
name: Build
author: Mona
description: All of it
branding: {icon: box, color: blue}
inputs:
  target:
    description: What to build
    required: true
    type: string
  token:
    default: ${{ github.token }}
    deprecationMessage: Use nothing
  number: {default: 1.50, required: 'true'}
outputs:
  path:
    description: Where it is
    value: ${{ steps.build.outputs.path }}
runs:
  using: Composite
  steps:
    - id: build
      name: Build ${{ inputs.target }}
      if: ${{ !cancelled() && runner.os == 'Windows' }}
      run: echo ${{ inputs.target }}
      shell: ${{ inputs.shell }}
      working-directory: ${{ github.action_path }}
      continue-on-error: true
      env: {A: '${{ env.B }}'}
    - uses: actions/cache@v4
      with: {key: "${{ hashFiles('**/x') }}"}
"#,
    );
    assert_eq!(action.name.as_ref().unwrap().value, "Build");
    assert_eq!(action.author.as_ref().unwrap().value, "Mona");
    let required: Vec<_> = action
        .inputs
        .iter()
        .map(|input| (input.name.value.as_str(), input.required))
        .collect();
    assert_eq!(
        required,
        [("target", true), ("token", false), ("number", true)]
    );
    assert_eq!(
        action
            .input("NUMBER")
            .unwrap()
            .default
            .as_ref()
            .unwrap()
            .text(),
        "1.5"
    );
    let output = action.output("Path").unwrap().value.as_ref().unwrap();
    assert_eq!(output.text(), "${{ steps.build.outputs.path }}");
    let Runs::Composite { steps } = &action.runs else {
        panic!()
    };
    assert_eq!(steps.len(), 2);
    assert!(matches!(
        &steps[0].action,
        StepAction::Run { shell: Some(_), .. }
    ));
    assert!(matches!(&steps[1].action, StepAction::Uses { .. }));
    assert!(action.warnings.is_empty());
}

#[test]
fn javascript_actions_have_hooks() {
    let action = read(
        "runs:\n  using: NODE24\n  main: dist/index.js\n  pre: a.js\n  pre-if: runner.os == 'Windows'\n  post: b.js\n",
    );
    let Runs::Node(node) = action.runs else {
        panic!()
    };
    assert_eq!(node.version.value, NodeVersion::Node24);
    assert_eq!(node.main.value, "dist/index.js");
    let (pre, post) = (node.pre.unwrap(), node.post.unwrap());
    assert_eq!((&*pre.script.value, &*post.script.value), ("a.js", "b.js"));
    assert_eq!(post.condition.text(), "always()");
    let os = |os: &str| Contexts {
        values: Object::from_iter([("runner", Object::from_iter([("os", os)]))]),
        status: JobStatus::Failure,
    };
    assert!(
        pre.condition.evaluate(&os("Windows")).unwrap(),
        "also in a failed job"
    );
    assert!(!pre.condition.evaluate(&os("Linux")).unwrap());
    assert!(post.condition.evaluate(&os("")).unwrap());
    let post_if = "runs: {using: node16, main: x, post: y, post-if: success()}";
    let Runs::Node(node) = read(post_if).runs else {
        panic!()
    };
    assert!(!node.post.unwrap().condition.evaluate(&os("")).unwrap());
    assert_eq!(
        warnings(post_if),
        "action.yml:1:15: `node16` is no longer supported: the action runs with `node20`"
    );
    assert!(
        read("runs: {using: node12, main: x, pre-if: 'true'}")
            .warnings
            .len()
            == 1
    );
    assert_eq!(NodeVersion::Node12.runs_as().major(), 20);
    assert_eq!(NodeVersion::Node24.runs_as().major(), 24);
}

#[test]
fn docker_actions_are_read_and_remarked_upon() {
    let text = "runs:\n  using: docker\n  image: Dockerfile\n  args: [a, '${{ inputs.b }}', 1]\n  env: {A: '${{ inputs.c }}'}\n  entrypoint: /e.sh\n  post-entrypoint: /p.sh\n  post-if: always()\n";
    let Runs::Docker(docker) = read(text).runs else {
        panic!()
    };
    assert_eq!(docker.image.value, "Dockerfile");
    assert_eq!(docker.args.len(), 3);
    assert!(docker.pre.is_none() && docker.post.is_some());
    assert_eq!(
        warnings(text),
        "action.yml:2:10: this action needs a container: it can't run in a Windows VM"
    );
    assert!(matches!(
        read("runs: {plugin: checkout}").runs,
        Runs::Plugin { .. }
    ));
}

#[test]
fn what_github_ignores_is_ignored() {
    read("name: 1\nruns: {using: composite, steps: []}\nx: {y: [1]}");
    read(&format!(
        "{NODE}inputs: {{a: {{type: choice, options: [1]}}, b: {{}}}}"
    ));
    read(&format!("{NODE}outputs: {{a: {{}}, b: {{value: x}}}}"));
    read(&format!("{NODE}branding: x\nauthor: [a]"));
    assert_eq!(
        warnings(&format!(
            "{NODE}input: {{}}\ninputs: {{a: {{defualt: 1, Required: true}}}}"
        )),
        "action.yml:2:1: unknown key `input` in an action, which is ignored\n\
         action.yml:3:14: unknown key `defualt` in an input, which is ignored\n\
         action.yml:3:26: unknown key `Required` in an input, which is ignored"
    );
    assert_eq!(
        warnings("outputs: {a: {description: x}}\nruns: {using: composite, steps: []}"),
        "action.yml:1:11: the output `a` has no `value`: it is never set"
    );
    assert_eq!(
        warnings("runs: {using: composite, steps: [{uses: ./../x}]}"),
        "action.yml:1:41: `./../x` leaves the directory that it is in"
    );
}

#[test]
fn all_problems_of_a_file_are_found_at_once() {
    let text = "\
name: [x]
description: ${{ github.sha }}
inputs:
  a:
  b: {default: '${{ secrets.X }} ${{ inputs.a }}', deprecationMessage: true}
  A: {description: '${{ github.x }}', required: '${{ 1 }}'}
outputs:
  o: {value: '${{ needs.x }} ${{ success() }}', required: true}
runs:
  using: composite
  main: x.js
  shell: bash
  steps:
    - run: x
    - run: ${{ vars.X }}
      shell: bash
      timeout-minutes: 5
    - uses: actions/checkout
      shell: bash
      id: 1x
      if: secrets.X
    - name: none
    - wait: x
    - {run: x, shell: pwsh, id: s}
    - {run: x, shell: pwsh, id: S, background: true, continue-on-error: 1}
branding: {icon: '${{ 1 }}'}
";
    insta::assert_snapshot!(problems(text), @"
    action.yml:1:7: expected a string, found a sequence
    action.yml:2:18: expressions are not allowed here
    action.yml:4:4: expected a mapping of the keys of an input, found nothing
    action.yml:5:21: the context `secrets` is not available in `inputs.*.default`
    action.yml:5:38: the context `inputs` is not available in `inputs.*.default`
    action.yml:5:72: expected a string, found a boolean
    action.yml:6:3: `A` is already defined on line 4
    action.yml:8:19: the context `needs` is not available in `outputs.*.value`
    action.yml:8:34: the function `success` is not available in `outputs.*.value`
    action.yml:8:49: unknown key `required` in an output
    action.yml:11:3: `main` can't be used in `runs` of a composite action
    action.yml:12:3: unknown key `shell` in `runs` of a composite action
    action.yml:14:7: a step with `run` must have a `shell` in an action
    action.yml:15:16: the context `vars` is not available in `runs.steps.*`
    action.yml:17:7: `timeout-minutes` can't be used in an action's step with `run`
    action.yml:18:13: `actions/checkout` is not the reference of an action
    action.yml:19:7: `shell` can't be used in an action's step with `uses`
    action.yml:20:11: `1x` can't be an id: ids begin with a letter or `_` and go on with letters, digits, `-` and `_`
    action.yml:21:11: the context `secrets` is not available in `runs.steps.*.if`
    action.yml:22:7: the step has neither `run` nor `uses`
    action.yml:23:7: the step has neither `run` nor `uses`
    action.yml:25:33: the id `S` is already used on line 24
    action.yml:25:36: `background` can't be used in an action's step with `run`
    action.yml:25:73: expected a boolean or an expression, found a number
    action.yml:26:23: expressions are not allowed here
    ");
}

#[test]
fn each_kind_has_keys_of_its_own() {
    insta::assert_snapshot!(problems("name: x"), @"action.yml:1:1: the action has no `runs`");
    insta::assert_snapshot!(problems("runs: x"), @"action.yml:1:7: expected a mapping of the keys of `runs`, found a string");
    insta::assert_snapshot!(problems("runs:"), @"action.yml:1:5: expected a mapping of the keys of `runs`, found nothing");
    insta::assert_snapshot!(problems("runs: {main: x}"), @"action.yml:1:7: `runs` has no `using`");
    insta::assert_snapshot!(problems("runs: {using: node21, main: x}"), @"action.yml:1:15: an action can't run with `node21`");
    insta::assert_snapshot!(problems("runs: {using: ''}"), @"action.yml:1:15: expected what the action runs with, found nothing");
    insta::assert_snapshot!(problems("runs: {using: composite}"), @"action.yml:1:7: the composite action has no `steps`");
    insta::assert_snapshot!(problems("runs: {using: composite, steps: }"), @"action.yml:1:31: expected a sequence of steps, found nothing");
    insta::assert_snapshot!(problems("runs: {using: node20, steps: [], pre: '', mian: x}"), @"
    action.yml:1:7: the JavaScript action has no `main`
    action.yml:1:23: `steps` can't be used in `runs` of a JavaScript action
    action.yml:1:39: expected a script, found nothing
    action.yml:1:43: unknown key `mian` in `runs` of a JavaScript action
    ");
    insta::assert_snapshot!(problems("runs: {using: docker, main: x, args: x, env: [x]}"), @"
    action.yml:1:7: the Docker action has no `image`
    action.yml:1:23: `main` can't be used in `runs` of a Docker action
    action.yml:1:38: expected a sequence of strings, found a string
    action.yml:1:46: expected a mapping of names and strings, found a sequence
    ");
    insta::assert_snapshot!(problems("runs: {using: docker, image: x, args: ['${{ github.x }}']}"), @"action.yml:1:45: the context `github` is not available in `runs`");
    insta::assert_snapshot!(problems("runs: {plugin: x, image: y}"), @"action.yml:1:19: `image` can't be used in `runs` with a `plugin`");
    insta::assert_snapshot!(problems("runs: {using: node20, main: x, post: y, post-if: '${{ always() }}', pre: z, pre-if: 'a ='}"), @"
    action.yml:1:55: expressions are not allowed here
    action.yml:1:88: unexpected symbol `=`
    ");
    insta::assert_snapshot!(problems("inputs: x\noutputs: {a: }\nruns: {using: node20, main: x}\n'': 1"), @"
    action.yml:1:9: expected a mapping of names and inputs, found a string
    action.yml:2:12: expected a mapping of the keys of an output, found nothing
    action.yml:4:1: expected a key, found nothing
    ");
}

#[test]
fn inputs_become_variables() {
    assert_eq!(input_variable("Fetch depth-of x"), "INPUT_FETCH_DEPTH-OF_X");
    let action = read(&format!(
        "{NODE}inputs:\n  a b: {{default: 'x'}}\n  token: {{default: '${{{{ github.token }}}}'}}\n  need: {{required: true}}\n  old: {{deprecationMessage: use new}}\n  none: {{}}\n"
    ));
    let pairs = |pairs: &[(&str, &str)]| -> Vec<(String, String)> {
        let owned = |(a, b): &(&str, &str)| ((*a).to_owned(), (*b).to_owned());
        pairs.iter().map(owned).collect()
    };
    let defaults = action.inputs(&[], &scope()).unwrap();
    assert_eq!(
        defaults.values,
        pairs(&[
            ("a b", "x"),
            ("token", "t0"),
            ("need", ""),
            ("old", ""),
            ("none", "")
        ])
    );
    assert_eq!(defaults.missing, ["need"]);
    assert!(defaults.warnings.is_empty());
    let given = pairs(&[
        ("NEED", "n"),
        ("OLD", "o"),
        ("extra", "e"),
        ("token", ""),
        ("More", "m"),
    ]);
    let inputs = action.inputs(&given, &scope()).unwrap();
    let variables: Vec<_> = inputs
        .variables()
        .map(|(k, v)| format!("{k}={v}"))
        .collect();
    assert_eq!(
        variables,
        [
            "INPUT_NEED=n",
            "INPUT_OLD=o",
            "INPUT_EXTRA=e",
            "INPUT_TOKEN=",
            "INPUT_MORE=m",
            "INPUT_A_B=x",
            "INPUT_NONE="
        ]
    );
    assert!(inputs.missing.is_empty());
    assert_eq!(
        inputs.warnings,
        [
            "Input 'OLD' has been deprecated with message: use new",
            "Unexpected input(s) 'extra', 'More', valid inputs are ['a b', 'token', 'need', 'old', 'none']"
        ]
    );
    let docker = read("runs: {using: docker, image: x}");
    let given = pairs(&[("args", "x"), ("entrypoint", "y"), ("z", "")]);
    assert_eq!(
        docker.inputs(&given, &scope()).unwrap().warnings,
        ["Unexpected input(s) 'z', valid inputs are ['entryPoint', 'args']"]
    );
}

#[test]
fn a_default_that_fails_is_a_problem_of_the_file() {
    let action = read(&format!(
        "{NODE}inputs: {{a: {{default: \"${{{{ fromJSON('x') }}}}\"}}}}"
    ));
    let error = action.inputs(&[], &scope()).unwrap_err();
    let problem = action.problem(&error).unwrap();
    assert_eq!(
        (problem.location.line, problem.file.as_str()),
        (2, "action.yml")
    );
}

/// Lines that are more often than not nearly an action.
fn nearly() -> impl Strategy<Value = String> {
    let line = "( {0,6})(- )?(name|inputs|outputs|runs|using|steps|run|shell|uses|with|env|if|main|pre-if|image|args|default|value|required|a b|<<)(: ?)(composite|node20|docker|\\[a, b\\]|\\{a: b\\}|\\||5|true|\\$\\{\\{ inputs\\.x \\}\\}|\\$\\{\\{|'|\"|\\*a|&a)?";
    proptest::collection::vec(line, 0..20).prop_map(|lines| lines.join("\n"))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    #[test]
    fn nothing_panics(text in any::<String>()) {
        let _ = parse_action(&SourceFile::new("f", text));
    }

    #[test]
    fn nothing_like_an_action_panics(text in nearly(), name in "[a-c ]{0,3}") {
        match parse_action(&SourceFile::new("f", text)) {
            Ok(action) => {
                let _ = action.inputs(&[(name, String::new())], &scope());
            }
            Err(problems) => {
                prop_assert!(!problems.is_empty());
                let _ = problems.render();
            }
        }
    }

    #[test]
    fn references_never_panic(text in "([a-c./\\\\@:$-]|docker://|\\.\\./){0,20}") {
        if let Ok(reference) = ActionReference::parse(&text) {
            prop_assert_eq!(ActionReference::parse(&reference.to_string()), Ok(reference.clone()));
            let is_docker = matches!(reference, ActionReference::Docker { .. });
            prop_assert!(is_docker || !reference.to_string().split(['/', '@']).any(|part| part == ".."));
        }
    }
}

#[test]
fn hostile_files_are_refused_in_time() {
    let limit = Duration::from_millis(if cfg!(debug_assertions) { 30_000 } else { 1000 });
    let inputs: String = (0..20_000).map(|i| format!("  i{i}: {{}}\n")).collect();
    let steps = "  - {run: '${{ inputs.x }}', shell: x}\n".repeat(8_000);
    for (what, text) in [
        ("inputs", format!("{NODE}inputs:\n{inputs}")),
        (
            "steps",
            format!("runs:\n  using: composite\n  steps:\n{steps}"),
        ),
        ("depth", format!("x: {}", "[".repeat(100_000))),
        (
            "less depth",
            format!("{NODE}x: {}{}", "[".repeat(49), "]".repeat(49)),
        ),
        (
            "aliases",
            format!(
                "{NODE}x: &a [{}]\ny: [{}]",
                "1,".repeat(400),
                "*a,".repeat(100)
            ),
        ),
        (
            "expressions",
            format!("{NODE}description: {}", "${{1 1}}".repeat(100_000)),
        ),
    ] {
        let start = Instant::now();
        if let Ok(action) = parse_action(&SourceFile::new("f", text)) {
            let given: Vec<_> = (0..20_000)
                .map(|i| (format!("x{i}"), String::new()))
                .collect();
            let _ = action.inputs(&given, &scope());
        }
        assert!(start.elapsed() < limit, "{what}: {:?}", start.elapsed());
    }
}
