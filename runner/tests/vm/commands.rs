//! What a step says to Dormer in its output and its summary, and the files that it comes to.

use std::fs;

use serde_json::Value;

use crate::lab::Lab;

const MATCHER: &str = r#"{"problemMatcher": [{"owner": "msvc", "pattern": [{
    "regexp": "^(.+)\\((\\d+),(\\d+)\\): (error|warning) (C\\d+): (.*)$",
    "file": 1, "line": 2, "column": 3, "severity": 4, "code": 5, "message": 6}]}]}"#;

const STEPS: &str = r"
- run: echo ::add-matcher::.github\cl.json
- name: Compile
  run: |
    echo ::group::Compiling
    echo %GITHUB_WORKSPACE%\src\main.c(12,5): warning C4996: old
    echo ::endgroup::
    echo ::error file=src\util.c,line=3,title=Odd::no such word
- shell: bash
  run: echo '# Result' >> $GITHUB_STEP_SUMMARY
";

#[test]
fn findings_and_summaries_are_shown_and_written_beside_the_artifacts() {
    let lab = Lab::new();
    lab.write("ws/.github/cl.json", MATCHER);
    let ran = lab
        .run(STEPS.trim_start(), &["--workspace", "ws", "--out", "out"])
        .expect(0);
    let shown = ran.finished.all();
    for line in [
        "▸ Compiling",
        "warning: src/main.c:12:5: old (C4996)",
        "error: src/util.c:3: Odd: no such word",
        "# Result",
    ] {
        assert!(shown.contains(line), "{line} in\n{shown}");
    }
    let read = |name: &str| fs::read_to_string(lab.path("out").join(name)).expect(name);
    assert!(read("summary.md").ends_with("\n# Result\n"));
    let annotations: Value = serde_json::from_str(&read("annotations.json")).expect("JSON");
    let first = &annotations["annotations"][0];
    assert_eq!(first["step"], "Compile");
    assert_eq!(first["file"], "src/main.c");
    assert_eq!(first["matcher"], "msvc");
    let sarif: Value = serde_json::from_str(&read("annotations.sarif")).expect("JSON");
    assert_eq!(sarif["runs"][0]["results"][1]["level"], "error");
    lab.assert_nothing_left();
}
