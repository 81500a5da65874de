//! Artifacts come back: from failed jobs too, and never with a name that is dangerous.

use std::fs;
use std::path::PathBuf;

use crate::lab::Lab;

/// Every file below a directory, by its path.
fn files(root: PathBuf) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut directories = vec![root];
    while let Some(directory) = directories.pop() {
        for entry in fs::read_dir(directory).into_iter().flatten().flatten() {
            let path = entry.path();
            if path.is_dir() && !path.is_symlink() {
                directories.push(path);
            } else {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

#[test]
fn a_failed_job_leaves_its_artifacts_too() {
    let lab = Lab::new();
    let steps = "- run: |\n    mkdir Logs\n    echo why> Logs\\Trace.TXT\n    exit /b 5";
    let more = [
        "--artifact",
        r"logs/*.txt",
        "--artifact",
        "nothing-like-this",
        "--out",
        "out",
    ];
    let ran = lab.run(steps, &more).expect(1);
    let text = fs::read_to_string(lab.path("out/Logs/Trace.TXT")).expect("it came back");
    assert_eq!(text.trim_end(), "why");
    assert_eq!(ran.events.step(1)["exit_code"], 5);
    assert_eq!(ran.events.of("artifact").count(), 1);
    lab.assert_nothing_left();
}

#[test]
fn a_file_from_anywhere_on_the_guests_drive_comes_back_below_out() {
    let lab = Lab::new();
    let steps = "- run: mkdir C:\\logs & echo x> C:\\logs\\a.log";
    lab.run(steps, &["--artifact", r"C:\LOGS\*", "--out", "out"])
        .expect(0);
    let found = files(lab.path("out"));
    let ends = |end: &str| found.iter().filter(|path| path.ends_with(end)).count();
    assert_eq!(
        (ends("logs/a.log"), ends("manifest.json")),
        (1, 1),
        "{found:?}"
    );
    lab.assert_nothing_left();
}

#[test]
fn dangerous_names_are_refused_by_name_and_nothing_is_written_outside() {
    let lab = Lab::new();
    let names = [
        r"..\..\evil.txt",
        r"C:\evil.txt",
        "con.txt",
        "LPT1",
        "ends-with-a-dot.",
        "ends-with-a-blank ",
        "a:stream",
        "new\\nline",
        "question?",
    ];
    let make: Vec<String> = names
        .iter()
        .map(|name| {
            format!(
                "    printf x > \"$(printf '{}')\"",
                name.replace('\\', r"\\")
            )
        })
        .collect();
    let steps = format!(
        "- shell: bash\n  run: |\n    mkdir bad && cd bad\n{}\n    printf \
         x > \"$(printf 'new\\nline')\"\n    echo a > Case.txt; echo b > case.TXT\n    ln -s \
         /etc/passwd link.txt\n    ln -s / root\n    mkfifo pipe\n    printf fine > fine.txt\n",
        make.join("\n")
    );
    let ran = lab
        .run(&steps, &["--artifact", "bad/**", "--out", "out"])
        .expect(1);
    let shown = ran.finished.stderr;
    for name in [
        "evil.txt",
        "con.txt",
        "LPT1",
        "ends-with-a-dot",
        "link.txt",
        "Case.txt",
    ] {
        assert!(shown.contains(name), "`{name}` is not named in:\n{shown}");
    }
    assert_eq!(ran.events.step(1)["conclusion"], "success");
    assert_eq!(ran.events.completed()["conclusion"], "failure");
    let outside = files(lab.path(""));
    let evil = outside.iter().filter(|path| {
        let text = path.to_string_lossy();
        ["evil", "LPT1", "link.txt", "con.txt", "pipe"]
            .iter()
            .any(|name| text.contains(name))
    });
    assert_eq!(evil.count(), 0, "{outside:?}");
    lab.assert_nothing_left();
}

#[test]
fn a_file_that_is_not_ours_is_never_overwritten() {
    let lab = Lab::new();
    lab.write("out/mine.txt", "mine");
    let steps = "- run: echo theirs> mine.txt";
    let ran = lab
        .run(steps, &["--artifact", "mine.txt", "--out", "out"])
        .expect(1);
    assert!(
        ran.finished.stderr.contains("mine.txt"),
        "{}",
        ran.finished.stderr
    );
    assert_eq!(
        fs::read_to_string(lab.path("out/mine.txt")).expect("it is there"),
        "mine"
    );
}
