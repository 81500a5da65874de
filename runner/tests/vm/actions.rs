//! Actions inside a real guest: what they see is in Windows' words, and what they leave running is found.

use crate::lab::Lab;

/// An action of the workspace, which uses one of another repository.
const OUTER: &str = r"
inputs:
  who: {default: nobody}
outputs:
  text: {value: '${{ steps.inner.outputs.text }}!'}
runs:
  using: composite
  steps:
    - id: inner
      uses: me/greet/sub@v1
      with: {who: '${{ inputs.who }}'}
    - run: echo %GITHUB_ACTION_PATH% ${{ github.action_path }}
      shell: cmd
    - run: cat $GITHUB_ACTION_PATH/action.yml | head -c 7
      shell: bash
";

/// An action of another repository, below its root.
const INNER: &str = r"
inputs:
  who: {required: true}
outputs:
  text: {value: '${{ steps.say.outputs.text }}'}
runs:
  using: composite
  steps:
    - id: say
      shell: cmd
      run: |
        set /p GREETING=<%GITHUB_ACTION_PATH%\..\greeting.txt
        echo text=%GREETING% ${{ inputs.who }}>>%GITHUB_OUTPUT%
        echo %GITHUB_ACTION_REPOSITORY% %GITHUB_ACTION_REF%
";

#[test]
fn actions_run_where_they_are_and_end_with_their_job() {
    let lab = Lab::new();
    lab.write("files/act/action.yml", OUTER.trim_start());
    lab.write("greet/sub/action.yml", INNER.trim_start());
    lab.write("greet/greeting.txt", "Hello\r\n");
    let steps = r#"
- id: greet
  uses: ./act
  with: {who: Ada}
- run: echo ${{ steps.greet.outputs.text }}
- shell: bash
  run: |
    sleep 1000 >/dev/null 2>&1 &
    (cmd.exe /C "ping -n 1000 127.0.0.1" >/dev/null 2>&1 &)
    sleep 3
"#;
    let mapped = ["me/greet@v1=greet", "me/greet@v2=greet"];
    let arguments = [
        "--workspace",
        "files",
        "--action",
        mapped[0],
        "--action",
        mapped[1],
    ];
    let ran = lab.run(steps.trim_start(), &arguments).expect(0);
    let said = &ran.finished.stderr;
    let unused: Vec<&str> = said
        .lines()
        .filter(|line| line.contains("no job that ran"))
        .collect();
    assert!(
        matches!(unused[..], [one] if one.contains("`--action me/greet@v2=")),
        "{said}"
    );
    let events = ran.events;
    let lines = events.log(1);
    let printed: Vec<&str> = lines
        .into_iter()
        .filter(|line| !line.starts_with("##["))
        .collect();
    // The workspace is named after the repository that this one is a clone of.
    let (told, seen) = printed[1]
        .split_once(' ')
        .unwrap_or_else(|| panic!("{printed:?}"));
    assert_eq!(told, seen);
    assert!(
        told.starts_with(r"C:\a\") && told.ends_with(r"\act"),
        "{told}"
    );
    assert_eq!([printed[0], printed[2]], ["me/greet v1", "inputs:"]);
    assert_eq!(events.log(2), ["Hello Ada!"]);
    let pinned = events.of("action_pinned").next().unwrap();
    assert_eq!(pinned["uses"], "me/greet/sub@v1");
    assert!(pinned["commit"].is_null());
    let ended = events
        .of("notice")
        .filter_map(|notice| notice["text"].as_str())
        .find(|text| text.starts_with("ended what the steps left running"));
    let ended = ended.expect("what was left running is named");
    assert!(ended.contains("sleep"), "{ended}");
    lab.assert_nothing_left();
}
