//! Shells of steps' own in a real guest. Those of PowerShell have no machine here; what they would be given
//! is in the snapshots of `steps::shell`.

use crate::lab::Lab;

#[test]
fn custom_shells_run_what_they_are_given() {
    let lab = Lab::new();
    let steps = r#"
- shell: perl {0}
  run: print "perl $ENV{GITHUB_WORKSPACE} ä\n"; exit 3 unless $0 =~ m{^/C:/a/_temp/[0-9a-f-]{36}$};
- shell: python -u {0}
  run: |
    import sys
    print("python", sys.orig_argv[1], sys.argv[0].endswith(".py"))
- shell: bash -c "echo [$0] [$1]; source {0}" 'a b' "c \"d"
  run: echo sourced
- id: windows
  continue-on-error: true
  shell: cmd /D /C {0}
  run: |
    echo %GITHUB_WORKSPACE% ä
    exit 70000
- shell: bash
  run: |
    printf '#include <stdio.h>\nint main(int c, char **v) { for (int i = 1; i < c; i++) printf("[%%s] ", v[i]); return 0; }' > show.c
    x86_64-w64-mingw32-gcc -o show.exe show.c
- shell: C:\a\files\files\show.exe /f:{0} "x y"
  run: never read
- id: missing
  continue-on-error: true
  shell: no-such-program {0}
  run: never run
- id: refused
  continue-on-error: true
  shell: pwsh -File {0}
  run: never run
- id: nowhere
  continue-on-error: true
  shell: bash -x
  run: never run
"#;
    lab.repository("files");
    let ran = lab
        .run(steps.trim_start(), &["--workspace", "files"])
        .expect(0);
    let (events, shown) = (ran.events, ran.finished.all());
    assert_eq!(events.log(1), ["perl /C:/a/files/files \u{e4}"]);
    assert_eq!(events.log(2), ["python -u True"]);
    // The words behind the script are bash's own `$0` and `$1`; single quotes mean nothing.
    assert_eq!(events.log(3), ["['a] [b']", "sourced"]);
    assert_eq!(events.log(4), [r"C:\a\files\files ä"]);
    assert_eq!(events.step(4)["exit_code"], 70_000);
    let given = events.log(6)[0];
    assert!(given.starts_with(r"[/f:C:\a\_temp\"), "{given}");
    assert!(given.trim_end().ends_with("[x y]"), "{given}");
    assert_eq!(events.step(7)["exit_code"], 127);
    assert!(
        events.log(7)[0].contains("no-such-program: No such file"),
        "{:?}",
        events.log(7)
    );
    assert!(
        shown.contains("no shell `pwsh`; it has cmd, bash, sh, python"),
        "{shown}"
    );
    assert!(shown.contains("`shell: bash -x` is neither"), "{shown}");
    // Every step says what runs it.
    assert!(!shown.contains("steps without `shell`"), "{shown}");
    lab.assert_nothing_left();
}

#[test]
fn a_default_that_is_not_powershell_is_told_once() {
    let lab = Lab::new();
    let ran = lab.run("- run: ver\n- run: ver", &[]).expect(0);
    let shown = ran.finished.all();
    assert_eq!(
        shown
            .matches("steps without `shell` are run by cmd")
            .count(),
        1,
        "{shown}"
    );
}
