//! Files that use one another.

mod calls;
mod contexts;
mod limits;
mod uses;

use std::collections::HashMap;

use super::*;

/// A repository in memory.
#[derive(Default)]
struct Repository(HashMap<String, String>);

impl Files for Repository {
    fn read(&self, path: &str) -> Result<SourceFile, Unreadable> {
        match self.0.get(path).map(String::as_str) {
            Some("\0") => Err(Unreadable::Other("it is no text".to_owned())),
            Some(text) => Ok(SourceFile::new(path, text)),
            None => Err(Unreadable::Missing),
        }
    }
}

impl Repository {
    fn with(mut self, path: &str, text: impl Into<String>) -> Self {
        self.0.insert(path.to_owned(), text.into());
        self
    }
}

const MAIN: &str = ".github/workflows/ci.yml";

/// What is said of a file: errors as they are, warnings with a mark, in the order of the file.
#[track_caller]
fn said(repository: &Repository, path: &str) -> String {
    let report = check(repository, path).unwrap();
    let marked = |mark: &'static str| {
        move |problem: &Problem| (problem.span, format!("{mark}{}", problem.message))
    };
    let errors = report.errors.iter().map(marked(""));
    let mut lines: Vec<_> = errors
        .chain(report.warnings.iter().map(marked("~ ")))
        .collect();
    lines.sort();
    lines
        .into_iter()
        .map(|(_, line)| line)
        .collect::<Vec<_>>()
        .join("\n")
}

/// A workflow with these jobs, in flow style or as lines that are indented.
fn workflow(jobs: &str) -> String {
    format!("on: push\njobs: {jobs}\n")
}

/// A workflow of one job with these steps, in flow style.
fn steps(steps: &str) -> String {
    workflow(&format!("{{a: {{runs-on: x, steps: [{steps}]}}}}"))
}

#[test]
fn what_a_file_is_depends_on_its_name_and_then_on_what_is_in_it() {
    for (path, text, expected) in [
        ("action.yml", "", Kind::Action),
        ("a/action.yaml", "on: push\njobs: {}", Kind::Action),
        (".github/workflows/action.yml", "runs: x", Kind::Workflow),
        ("x/.github/workflows/a.yml", "", Kind::Workflow),
        (".github\\workflows\\action.yml", "runs: x", Kind::Workflow),
        ("ci.yml", "on: push\njobs: {}", Kind::Workflow),
        ("mine.yml", "runs: {using: composite}", Kind::Action),
        ("mine.yml", "runs: x\njobs: y", Kind::Workflow),
        ("mine.yml", "[runs]", Kind::Workflow),
        ("mine.yml", "runs: [", Kind::Workflow),
        ("", "", Kind::Workflow),
    ] {
        assert_eq!(
            kind(path, &SourceFile::new(path, text)),
            expected,
            "{path}: {text}"
        );
    }
}

#[test]
fn what_parsers_say_is_said() {
    let repository = Repository::default()
        .with(
            MAIN,
            "on: push\nname: [x]\njobs: {a: {runs-on: x, steps: [{run: x, shell: zsh}]}}\n",
        )
        .with(
            "action.yml",
            "name: x\nruns: {using: composite, steps: [run: x]}\n",
        )
        .with(
            "image/action.yml",
            "runs: {using: docker, image: Dockerfile}\n",
        );
    assert_eq!(
        said(&repository, MAIN),
        "expected a string, found a sequence\n~ the shell `zsh` can't run a script"
    );
    assert_eq!(
        said(&repository, "action.yml"),
        "a step with `run` must have a `shell` in an action"
    );
    assert!(said(&repository, "image/action.yml").starts_with("~ "));
    assert_eq!(
        check(&repository, "nope.yml").unwrap_err(),
        Unreadable::Missing
    );
}

#[test]
fn containers_are_right_but_of_no_use() {
    let text = workflow("{a: {runs-on: x, container: c, services: {db: redis}, steps: [run: x]}}");
    assert_eq!(
        said(&Repository::default().with(MAIN, text), MAIN),
        "~ `container` can't be had in a Windows VM: Dormer won't run this job\n\
         ~ `services` can't be had in a Windows VM: Dormer won't run this job"
    );
}

#[test]
fn what_is_wrong_with_one_job_hides_nothing_of_the_others() {
    let called = "on: {workflow_call: {inputs: {must: {type: string, required: true}}}}\n\
                  jobs: {a: {runs-on: x, steps: [run: x]}}\n";
    let text = "on: push\njobs:\n  wrong:\n    runs-on: x\n    outputs: {a: b}\n    steps:\n      \
                - rum: x\n      - run: echo ${{ steps.hidden.outputs.x }}\n      - uses: ./mine\n  right:\n    \
                needs: wrong\n    runs-on: ${{ inputs.none }}\n    steps:\n      \
                - run: echo ${{ steps.nope.outputs.x }} ${{ needs.other.result }} ${{ needs.wrong.outputs.b }}\n  \
                call:\n    uses: ./.github/workflows/a.yml\n";
    let action = "name: x\ndescription: x\ninputs: {must: {required: true}}\n\
                  runs: {using: composite, steps: [{run: x, shell: cmd}]}\n";
    let repository = Repository::default()
        .with(MAIN, text)
        .with(".github/workflows/a.yml", called)
        .with("mine/action.yml", action);
    assert_eq!(
        said(&repository, MAIN),
        "the step has neither `run` nor `uses`\n\
         unknown key `rum` in a step\n\
         ~ there is no step with the id `hidden`\n\
         ~ the action requires the input `must`\n\
         ~ the workflow has no input `none`\n\
         ~ there is no step with the id `nope`\n\
         ~ the job `right` does not need `other`\n\
         the input `must` is required by the workflow"
    );
    let unknown = "on: {workflow_call: {inputs: {a: {typ: string}}, outputs: {o: {value: '${{ jobs.b.outputs.x }}'}}}}\n\
                   jobs: {a: {runs-on: '${{ inputs.b }}', steps: [run: x]}, b: 5}\n";
    let repository = Repository::default().with(MAIN, unknown);
    assert!(!said(&repository, MAIN).contains('~'));
}

#[test]
fn a_merge_key_and_an_empty_schedule_are_said_once() {
    let text = "on: {schedule: []}\njobs:\n  a: &a\n    runs-on: x\n    steps: [run: x]\n  b:\n    <<: *a\n    \
                runs-on: y\n  c:\n    name: c\n    <<: [*a]\n";
    let repository = Repository::default().with(MAIN, text);
    assert_eq!(
        said(&repository, MAIN),
        "expected at least one `cron`, found none\n\
         merge keys (`<<`) are not supported by GitHub\n\
         merge keys (`<<`) are not supported by GitHub"
    );
}

#[test]
fn what_is_asked_for_is_looked_up_in_jobs_with_errors_too() {
    let asked = "run: '${{ steps.nope.outputs.x }} ${{ needs.none.result }}'";
    let steps = "~ there is no step with the id `nope`";
    let needs = "~ the job `a` does not need `none`";
    let both = format!("{steps}\n{needs}");
    for (keys, around, expected) in [
        (
            "bogus: 1,",
            "",
            format!("unknown key `bogus` in a job\n{both}"),
        ),
        (
            "",
            "{id: s, run: x, bogus: 1},",
            format!("unknown key `bogus` in a step with `run`\n{both}"),
        ),
        (
            "",
            "{rum: x},",
            format!("the step has neither `run` nor `uses`\nunknown key `rum` in a step\n{both}"),
        ),
        // What may just not have been understood is not missing.
        (
            "",
            "{id: nope, rum: x},",
            format!("the step has neither `run` nor `uses`\nunknown key `rum` in a step\n{needs}"),
        ),
        ("", "{id: 'no pe', run: x},", needs.to_owned()),
        (
            "neds: none,",
            "",
            format!("unknown key `neds` in a job\n{steps}"),
        ),
        ("needs: {none: x},", "", steps.to_owned()),
        ("needs: gone,", "", steps.to_owned()),
    ] {
        let text = workflow(&format!(
            "{{a: {{runs-on: x, {keys} steps: [{around} {{{asked}}}]}}}}"
        ));
        let found = said(&Repository::default().with(MAIN, text), MAIN);
        assert!(found.ends_with(&expected), "{keys}{around}:\n{found}");
        let warnings = |text: &str| text.matches('~').count();
        assert_eq!(
            warnings(&found),
            warnings(&expected),
            "{keys}{around}:\n{found}"
        );
    }
}

#[test]
fn what_is_asked_for_is_looked_up_in_actions_with_errors_too() {
    let text = |more: &str, step: &str| {
        format!(
            "name: x\ninputs: {{a: {{}}}}\nruns:\n  using: composite\n{more}  steps:\n    - {{{step}run: '${{{{ steps.nope.outputs.x }}}} ${{{{ inputs.none }}}}'}}\n"
        )
    };
    let said = |text: String| {
        said(
            &Repository::default().with("action.yml", text),
            "action.yml",
        )
    };
    assert_eq!(
        said(text("", "")),
        "a step with `run` must have a `shell` in an action\n\
         ~ there is no step with the id `nope`\n~ the action has no input `none`"
    );
    assert_eq!(
        said(text("  bogus: 1\n", "shell: cmd, ")),
        "unknown key `bogus` in `runs` of a composite action\n~ there is no step with the id `nope`"
    );
}
