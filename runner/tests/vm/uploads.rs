//! Artifacts of steps, in a real guest: paths in Windows' words, from anywhere on its drive and back.

use std::fs;

use crate::lab::Lab;

const STEPS: &str = r"
- run: |
    mkdir out\Deep C:\logs
    echo one> out\one.txt
    echo two> out\Deep\Two.TXT
    echo no> out\.env
    echo log> C:\logs\a.log
- id: up
  uses: actions/upload-artifact@v4
  with: {name: built, path: 'OUT\**', if-no-files-found: error}
- uses: actions/upload-artifact@v4
  with:
    name: one and a log
    path: |
      C:\LOGS
      ${{ github.workspace }}/out/one.txt
- run: rmdir /s /q out
- id: down
  uses: actions/download-artifact@v4
  with: {path: 'C:\back'}
- run: |
    type C:\back\built\one.txt
    type C:\back\built\Deep\Two.TXT
    echo ${{ steps.down.outputs.download-path }} ${{ steps.up.outputs.artifact-id }}
- uses: actions/download-artifact@v4
  with: {name: none}
";

#[test]
fn steps_upload_from_anywhere_and_download_to_anywhere() {
    let lab = Lab::new();
    lab.repository("files");
    lab.write("files/readme.txt", "x");
    let arguments = ["--workspace", "files", "--out", "out"];
    let ran = lab.run(STEPS.trim_start(), &arguments).expect(1);
    assert_eq!(ran.events.log(6), ["one", "two", r"C:\back 1"]);
    let text = |path: &str| {
        let path = lab.path("out/artifacts").join(path);
        fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
    };
    assert_eq!(text("built/one.txt").trim_end(), "one");
    assert_eq!(text("built/Deep/Two.TXT").trim_end(), "two");
    assert_eq!(text("one and a log/logs/a.log").trim_end(), "log");
    assert_eq!(
        text("one and a log/a/files/files/out/one.txt").trim_end(),
        "one"
    );
    assert!(!lab.path("out/artifacts/built/.env").exists());
    let told = ran.events.of("artifact").count();
    assert_eq!(told, 4);
    let shown = &ran.finished.stderr;
    assert!(
        shown.contains("there are: `built` (id 1), `one and a log` (id 2)"),
        "{shown}"
    );
    lab.assert_nothing_left();
}
