//! Steps that use local actions.

use super::*;

const ACTION: &str = "\
inputs:
  Name: {required: true}
  level: {required: true, default: low}
  old: {deprecationMessage: use name instead}
outputs:
  path: {value: '${{ steps.s.outputs.p }}'}
runs:
  using: composite
  steps:
    - {id: s, run: x, shell: bash}
";

fn repository() -> Repository {
    Repository::default()
        .with("act/action.yml", ACTION)
        .with("yaml/action.yaml", ACTION)
        .with("image/Dockerfile", "FROM x")
        .with(
            "docker/action.yml",
            "inputs: {a: {}}\nruns: {using: docker, image: Dockerfile}\n",
        )
        .with("wrong/action.yml", "runs: {using: cobol}\n")
        .with("binary/action.yml", "\0")
}

#[test]
fn what_a_step_gives_is_what_its_action_takes() {
    for (step, expected) in [
        ("{uses: ./act, with: {name: x}}", ""),
        ("{uses: ./act/, with: {NAME: x, LEVEL: 5}}", ""),
        ("{uses: $/act, with: {name: x}}", ""),
        ("{uses: ./yaml, with: {name: x}}", ""),
        ("{uses: ./image}", ""),
        ("{uses: ./docker, with: {a: 1, args: x, entryPoint: y}}", ""),
        (
            "{uses: ./docker, with: {b: 1}}",
            "~ the action `./docker` has no input `b`",
        ),
        ("{uses: ./act}", "~ the action requires the input `Name`"),
        (
            "{uses: ./act, with: {nam: x, args: y}}",
            "~ the action requires the input `Name`\n~ the action `./act` has no input `nam`\n~ the action `./act` has no input `args`",
        ),
        (
            "{uses: ./act, with: {name: x, old: y}}",
            "~ the input `old` is deprecated: use name instead",
        ),
        ("{uses: ./act, with: '${{ fromJSON(vars.X) }}'}", ""),
        ("{uses: ./none}", "~ there is no `action.yml` in `./none`"),
        (
            "{uses: ./binary}",
            "the action `./binary` can't be read: it is no text",
        ),
        ("{uses: o/r@v1, with: {any: thing}}", ""),
        ("{uses: docker://x, with: {any: thing}}", ""),
    ] {
        let repository = repository().with(MAIN, steps(step));
        assert_eq!(said(&repository, MAIN), expected, "{step}");
    }
    let wrong = said(&repository().with(MAIN, steps("{uses: ./wrong}")), MAIN);
    assert!(
        wrong.starts_with("the action is not valid: wrong/action.yml:1:"),
        "{wrong}"
    );
}

#[test]
fn the_root_can_be_an_action() {
    let repository = repository()
        .with("action.yml", ACTION)
        .with(MAIN, steps("{uses: ./, with: {name: x}}"));
    assert_eq!(said(&repository, MAIN), "");
    assert_eq!(said(&repository, "action.yml"), "");
}

/// Composite actions that use one another: `a>b,c b>c`.
fn chain(uses: &str) -> Repository {
    uses.split(' ')
        .fold(Repository::default(), |repository, used| {
            let (name, used) = used.split_once('>').unwrap();
            let steps: String = used
                .split(',')
                .filter(|used| !used.is_empty())
                .map(|used| format!("{{uses: ./{used}}}, "))
                .collect();
            let text = format!("runs: {{using: composite, steps: [{steps}]}}\n");
            repository.with(&format!("{name}/action.yml"), text)
        })
}

#[test]
fn actions_end() {
    let from_workflow = |uses: &str| said(&chain(uses).with(MAIN, steps("{uses: ./a}")), MAIN);
    assert_eq!(from_workflow("a>b,c b>c c>"), "");
    assert_eq!(from_workflow("a>b b>a"), "this never ends: `a` → `b` → `a`");
    assert_eq!(
        said(&chain("a>b b>a"), "a/action.yml"),
        "this never ends: `a` → `b` → `a`"
    );
    let row = |count: usize| {
        let names: Vec<char> = ('a'..='z').take(count).collect();
        let uses: String = names
            .windows(2)
            .map(|pair| format!("{}>{} ", pair[0], pair[1]))
            .collect();
        format!("{uses}{}>", names[count - 1])
    };
    let expected = "more than 10 actions would use one another in a row";
    assert_eq!(from_workflow(&row(10)), "");
    assert_eq!(from_workflow(&row(11)), expected);
    assert_eq!(said(&chain(&row(10)), "a/action.yml"), "");
    assert_eq!(said(&chain(&row(11)), "a/action.yml"), expected);
}
