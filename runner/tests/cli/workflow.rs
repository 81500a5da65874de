//! Workflow files that cannot be run: what is said of each, and where.

use super::{CONFIGURATION, GOOD, Host, USAGE, asks_for_the_engine, assert_says, refused};

/// What is said of a file called `w.yml`.
#[track_caller]
fn said_of(contents: impl AsRef<[u8]>) -> String {
    let host = Host::new();
    host.write("w.yml", contents);
    refused(host.dormer(["run", "w.yml"]), USAGE)
}

/// A job with this in place of its steps' lines, each indented by six.
fn with_steps(steps: &str) -> String {
    GOOD.replace("      - run: echo\n", steps)
}

#[test]
fn a_file_that_is_not_there_is_named() {
    let said = refused(Host::new().dormer(["run", "none.yml"]), USAGE);
    assert_eq!(
        said,
        "error: cannot read the workflow `none.yml`: there is no such file\n \
         help: name a file such as `.github/workflows/build.yml`\n"
    );
    let said = refused(Host::new().dormer(["run", "."]), USAGE);
    assert_says(&said, &["cannot read the workflow `.`: it is not a file"]);
}

#[test]
fn a_malformed_file_is_shown_where_it_breaks() {
    assert_eq!(
        said_of("on: push\njobs: [\n"),
        "error: the workflow cannot be run:\n\
         w.yml:2:7: this is not valid YAML: unclosed bracket `[`\n  \
         |\n\
         2 | jobs: [\n  \
         |       ^\n"
    );
    let said = said_of("on: push\njobs: build\n");
    let expected = "w.yml:2:7: expected a mapping of job ids and jobs, found a string";
    assert_says(
        &said,
        &[expected, "2 | jobs: build\n", "\n  |       ^^^^^\n"],
    );
}

#[test]
fn every_problem_of_a_file_is_reported_at_once() {
    let said = said_of(
        "on: push\njobs:\n  build:\n    runs-on: windows-latest\n    step: x\n    steps:\n      \
         - run: ${{ github. }}\n      - run: ${{ nope.x }}\n      - shell: cmd\n",
    );
    assert_says(
        &said,
        &[
            "error: the workflow cannot be run, for 4 reasons:\n",
            "w.yml:5:5: unknown key `step` in a job\n",
            " help: did you mean `steps`?\n",
            "w.yml:7:25: the expression ends where a value is expected\n",
            "w.yml:8:18: unknown context `nope`\n",
            "w.yml:9:9: the step has neither `run` nor `uses`\n",
        ],
    );
}

#[test]
fn one_of_several_jobs_can_be_chosen_by_its_name() {
    let host = Host::new();
    let second = GOOD.replace("on: push\njobs:\n  build:", "  test:\n    if: false");
    host.write("w.yml", format!("{GOOD}{second}"));
    let said = asks_for_the_engine(host.dormer(["run", "w.yml"]));
    assert_eq!(said, "");
    let said = refused(host.dormer(["run", "w.yml", "--job", "tset"]), USAGE);
    assert_eq!(
        said,
        "error: there is no job `tset` in `w.yml`\n help: the jobs are: build, test\n"
    );
    let said = asks_for_the_engine(host.dormer(["run", "w.yml", "--job", "test"]));
    assert_says(&said, &["`if` of the job `test` has no effect"]);
}

#[test]
fn what_cannot_be_run_yet_is_refused_by_name_and_place() {
    let steps = "      - run: echo\n        background: true\n      - wait-all: true\n";
    let said = said_of(with_steps(steps));
    assert_says(
        &said,
        &[
            "for 2 reasons",
            "w.yml:7:21: steps in the `background`",
            "w.yml:8:9:",
        ],
    );
    let said = said_of(GOOD.replace("    steps:", "    container: x\n    steps:"));
    assert_says(
        &said,
        &["w.yml:5:5: jobs in a `container` can't be run by Dormer yet"],
    );
    let said = said_of(with_steps("      - uses: no-action\n"));
    assert_says(
        &said,
        &["w.yml:6:15: `no-action` is not the reference of an action"],
    );
}

#[test]
fn labels_that_no_image_serves_are_named_with_a_way_out() {
    let host = Host::new();
    let labels = GOOD.replace("windows-latest", "[self-hosted, ubuntu-latest, gpu]");
    host.write("w.yml", labels);
    let said = refused(host.dormer(["run", "w.yml"]), CONFIGURATION);
    assert_says(
        &said,
        &[
            "no image serves `runs-on` with `ubuntu-latest`, `gpu`",
            "`--image NAME`",
            "[labels]",
        ],
    );
    asks_for_the_engine(host.dormer(["run", "w.yml", "--image", "compat"]));
}

#[test]
fn files_that_are_no_text_are_refused_at_once_whatever_is_in_them() {
    let noise: Vec<u8> = (0..100_000_u32)
        .map(|n| (n.wrapping_mul(2_654_435_761) >> 13) as u8)
        .collect();
    assert_says(
        &said_of(&noise),
        &["`w.yml`", "it is not UTF-8, from line 1 on"],
    );
    assert_says(&said_of("on: push\n# \u{0}\n"), &["w.yml:2:"]);
    assert_says(&said_of(""), &["w.yml:1:1: the file is empty"]);
    assert_says(&said_of("\u{feff}"), &["w.yml:1:1"]);
    assert_says(&said_of("\n\n\n"), &["w.yml:"]);
}

#[test]
fn files_that_are_very_long_or_very_deep_are_refused_at_once_and_not_repeated() {
    let long = said_of("a".repeat(3 << 20));
    assert_says(
        &long,
        &["w.yml:1:1: the file is longer than 1048576 characters"],
    );
    let longer = said_of("a".repeat(5 << 20));
    assert_says(&longer, &["`w.yml`: it is larger than 4 MiB"]);
    let deep = said_of("[".repeat(1 << 20));
    assert_says(&deep, &["w.yml:1:"]);
    let many = said_of(with_steps(&"      - run: ${{ nope }}\n".repeat(5_000)));
    let bomb: String = (1..60)
        .map(|n| format!("a{n}: &a{n} [{}]\n", format!("*a{}, ", n - 1).repeat(9)))
        .collect();
    let bomb = said_of(format!("a0: &a0 x\n{bomb}"));
    for said in [long, longer, deep, many, bomb] {
        assert!(said.len() < 64 << 10, "{} bytes", said.len());
    }
}

#[test]
fn an_expression_in_the_labels_that_cannot_be_evaluated_is_shown_with_its_place() {
    let said = said_of(GOOD.replace("windows-latest", "${{ fromJSON('{') }}"));
    assert_says(&said, &["w.yml:4:"]);
}
