//! What each shell is given, as the official runner gives it. `cmd`, `bash`, `sh` and `python` are those of
//! the embedded guest, which tests with machines run; PowerShell is that of a guest that only claims to
//! have it, since no image has: these texts have not been run.

use dormer_workflow::{SourceFile, parse_workflow};
use insta::assert_snapshot;

use super::*;
use crate::guest::profile::{CustomShell, SearchPath};
use crate::image::recipe::Recipe;

/// The embedded guest.
fn guest() -> GuestProfile {
    let recipe = Recipe::guest("compat").unwrap();
    recipe.description().unwrap().guest
}

/// A guest as Windows would be.
fn windows() -> GuestProfile {
    let search_path = SearchPath {
        variable: "PATH".to_owned(),
        separator: ";".to_owned(),
        extends: true,
    };
    let shell = |name: &str, invocation: &[&str]| ShellProfile {
        name: name.to_owned(),
        invocation: invocation.iter().map(ToString::to_string).collect(),
        paths: PathStyle::Windows,
        search_path: search_path.clone(),
    };
    let bash = [
        "bash.exe",
        "--noprofile",
        "--norc",
        "-e",
        "-o",
        "pipefail",
        "{script}",
    ];
    GuestProfile {
        os: "Windows".to_owned(),
        windows: true,
        shells: vec![
            shell(
                "cmd",
                &[r#"cmd.exe /D /E:ON /V:OFF /S /C "CALL "{script}"""#],
            ),
            shell(
                "powershell",
                &["powershell.exe", "-command", ". '{script}'"],
            ),
            shell("pwsh", &["pwsh.exe", "-command", ". '{script}'"]),
            shell("bash", &bash),
            shell("python", &["python.exe", "{script}"]),
        ],
        custom_shells: vec![CustomShell {
            programs: vec!["*".to_owned()],
            invocation: vec!["{command}".to_owned()],
            paths: PathStyle::Windows,
            search_path,
        }],
        ..guest()
    }
}

/// Everything that a shell is given, with line ends that can be seen.
fn given(guest: &GuestProfile, shell: Option<&str>, script: &str) -> String {
    let shell = choose(guest, shell).unwrap();
    let name = file_name("0123456789abcdef0123456789abcdef");
    let stem = format!("{}\\{name}", guest.temp);
    let files = if guest.windows {
        PathStyle::Windows
    } else {
        PathStyle::Rooted
    };
    let prepared = prepare(&shell, script, &stem, files);
    let contents = prepared.file.contents.replace('\r', "␍");
    format!(
        "shown: {}\nfile: {}\n{:?}\nexit code in: {:?}\n---\n{}",
        describe(&shell),
        prepared.file.path,
        prepared.command,
        prepared.exit_file,
        contents.replace('\u{feff}', "[BOM]"),
    )
}

/// With both kinds of line ends, and a letter that is not ASCII.
const SCRIPT: &str = "echo one\necho two ä\r\n";

#[test]
fn cmd() {
    assert_snapshot!("cmd", given(&guest(), Some("CMD"), SCRIPT));
    assert_snapshot!("cmd_on_windows", given(&windows(), Some("cmd"), SCRIPT));
}

#[test]
fn bash_sh_and_python() {
    assert_snapshot!("bash", given(&guest(), Some("bash"), SCRIPT));
    assert_snapshot!("sh", given(&guest(), Some("sh"), SCRIPT));
    assert_snapshot!("python", given(&guest(), Some("python"), SCRIPT));
}

#[test]
fn on_windows_every_script_has_its_line_ends() {
    assert_snapshot!("bash_on_windows", given(&windows(), Some("bash"), SCRIPT));
    assert_snapshot!(
        "python_on_windows",
        given(&windows(), Some("python"), SCRIPT)
    );
}

#[test]
fn pwsh_stops_at_errors_and_hands_on_the_exit_code() {
    assert_snapshot!("pwsh", given(&windows(), Some("pwsh"), SCRIPT));
}

#[test]
fn windows_powershell_gets_a_byte_order_mark_where_it_would_misread_the_script() {
    assert_snapshot!("powershell", given(&windows(), Some("powershell"), SCRIPT));
    let plain = given(&windows(), Some("powershell"), "echo one");
    assert!(!plain.contains("[BOM]"), "{plain}");
}

#[test]
fn custom_shells() {
    assert_snapshot!("custom_perl", given(&guest(), Some("perl -w {0}"), SCRIPT));
    assert_snapshot!(
        "custom_python",
        given(&guest(), Some("python -u {0}"), SCRIPT)
    );
    assert_snapshot!("custom_cmd", given(&guest(), Some("cmd /D /C {0}"), SCRIPT));
    assert_snapshot!(
        "custom_windows_program",
        given(&guest(), Some(r"C:\tools\run.exe --file={0} x"), SCRIPT)
    );
    assert_snapshot!(
        "custom_pwsh",
        given(&windows(), Some("pwsh -NoProfile -File {0}"), SCRIPT)
    );
}

#[test]
fn a_shell_that_the_guest_lacks_is_refused_with_those_that_it_has() {
    let why = |guest: &GuestProfile, asked| choose(guest, Some(asked)).unwrap_err().to_string();
    let lacks = "this guest has no shell `pwsh`; it has cmd, bash, sh, python";
    assert_eq!(why(&guest(), "pwsh"), lacks);
    assert_eq!(why(&guest(), "pwsh -File {0}"), lacks);
    let closed = GuestProfile {
        custom_shells: Vec::new(),
        ..guest()
    };
    let lacks = "this guest has no shell `perl`; it has cmd, bash, sh, python";
    assert_eq!(why(&closed, "perl {0}"), lacks);
    let no_place = "`shell: bash -x` is neither the name of a shell nor a command with `{0}`, which \
                    stands for the script";
    assert_eq!(why(&guest(), "bash -x"), no_place);
}

#[test]
fn a_job_that_needs_a_shell_which_is_not_there_is_refused_before_its_machine_starts() {
    let refusal = |guest: &GuestProfile, top: &str, steps: &str| {
        let text = format!("on: push\n{top}jobs:\n  a:\n    runs-on: windows\n    steps:\n{steps}");
        let workflow = parse_workflow(&SourceFile::new("w.yml", text)).unwrap();
        refuse_missing(guest, &workflow, &workflow.jobs[0])
    };
    let steps = "      - run: a\n      - run: a\n        shell: pwsh\n      - run: a\n        \
                 shell: bash -x\n";
    let error = refusal(&guest(), "", steps).unwrap_err();
    let place = "w.yml:8:16: this guest has no shell `pwsh`; it has cmd, bash, sh, python";
    assert!(error.message.contains(place), "{}", error.message);
    assert!(error.message.contains("w.yml:10:16: `shell: bash -x`"));
    assert!(refusal(&windows(), "", "      - run: a\n        shell: pwsh\n").is_ok());
    let default = "defaults: {run: {shell: powershell}}\n";
    let of_all = refusal(&guest(), default, "      - run: a\n").unwrap_err();
    assert!(
        of_all.message.contains("w.yml:2:25: "),
        "{}",
        of_all.message
    );
    // What may be skipped or forgiven has its turn.
    for more in ["if: runner.os == 'Linux'", "continue-on-error: true"] {
        let steps = format!("      - run: a\n        shell: pwsh\n        {more}\n");
        refusal(&guest(), "", &steps).unwrap();
    }
    refusal(&guest(), default, "      - run: a\n        shell: cmd\n").unwrap();
}

#[test]
fn the_default_is_powershell_where_there_is_one() {
    let default = |guest: &GuestProfile| choose(guest, None).unwrap().name.clone();
    let without = |names: &[&str]| {
        let mut guest = windows();
        guest
            .shells
            .retain(|shell| !names.contains(&shell.name.as_str()));
        guest
    };
    assert_eq!(default(&windows()), "pwsh");
    assert_eq!(default(&without(&["pwsh"])), "powershell");
    assert_eq!(default(&without(&["pwsh", "powershell"])), "cmd");
    assert_eq!(choose(&windows(), Some(" ")).unwrap().name, "pwsh");
    assert_eq!(choose(&guest(), Some(DEFAULT)).unwrap().name, "cmd");
}

#[test]
fn a_default_other_than_powershell_is_remarked_on_once_for_a_job() {
    let remark = |guest: &GuestProfile, steps: &str| {
        let text = format!("on: push\njobs:\n  a:\n    runs-on: windows\n{steps}");
        let workflow = parse_workflow(&SourceFile::new("w.yml", text)).unwrap();
        default_remark(guest, &workflow, &workflow.jobs[0])
    };
    let two = "    steps:\n      - run: a\n      - run: b\n";
    assert!(remark(&guest(), two).unwrap().contains("run by cmd"));
    assert_eq!(remark(&windows(), two), None);
    assert_eq!(
        remark(
            &guest(),
            "    steps:\n      - run: a\n        shell: bash\n"
        ),
        None
    );
    let defaults = format!("    defaults: {{run: {{shell: sh}}}}\n{two}");
    assert_eq!(remark(&guest(), &defaults), None);
}

#[test]
fn files_have_names_as_the_official_runner_gives_them() {
    assert_eq!(
        file_name("0123456789abcdef0123456789abcdef"),
        "01234567-89ab-cdef-0123-456789abcdef"
    );
}

#[test]
fn a_files_ending_asks_for_a_shell_where_it_is_clear() {
    let (guest, windows) = (guest(), windows());
    for (name, shell) in [
        ("setup.sh", Some("bash")),
        ("SETUP.CMD", Some("cmd")),
        ("setup.bat", Some("cmd")),
        ("setup.py", Some("python")),
        ("setup.ps1", Some("pwsh")),
        ("setup.exe", None),
        ("setup", None),
        ("sh", None),
    ] {
        assert_eq!(of_file(&guest, name), shell, "{name}");
    }
    let mut old = windows.clone();
    old.shells.retain(|shell| shell.name != "pwsh");
    assert_eq!(of_file(&windows, "setup.ps1"), Some("pwsh"));
    assert_eq!(of_file(&old, "setup.ps1"), Some("powershell"));
}
