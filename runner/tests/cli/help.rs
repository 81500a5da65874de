//! Help, version and completions.

use super::{Host, USAGE, assert_orderly, assert_says, refused};

/// What a help text names below "Commands:".
fn commands(help: &str) -> Vec<String> {
    let (_, listed) = help.split_once("Commands:\n").unwrap_or_default();
    let names = listed.lines().take_while(|line| !line.is_empty());
    // A description that goes on in the next line is indented further.
    let names = names.filter_map(|line| line.strip_prefix("  "));
    let names = names.filter(|line| !line.starts_with(' '));
    let names = names.filter_map(|line| line.split_whitespace().next());
    names
        .filter(|name| *name != "help")
        .map(str::to_owned)
        .collect()
}

/// The help text of a command, by way of `--help`.
fn help_of(host: &Host, path: &[String]) -> String {
    let finished = host.dormer(path).args(["--help"]).run().expect(0);
    assert_orderly(&finished);
    assert_eq!(finished.stderr, "", "{path:?}");
    finished.stdout
}

#[test]
fn every_command_has_a_help_text_that_says_how_it_is_used() {
    let host = Host::new();
    let mut found = Vec::new();
    let mut paths = vec![Vec::new()];
    while let Some(path) = paths.pop() {
        let help = help_of(&host, &path);
        let usage = format!(
            "Usage: {}",
            [&["dormer".to_owned()], &path[..]].concat().join(" ")
        );
        assert_says(&help, &[&usage, "--help"]);
        assert!(!help.starts_with("Usage"), "{path:?} says what it is for");
        for command in commands(&help) {
            paths.push([&path[..], &[command]].concat());
        }
        found.push(path.join(" "));
    }
    found.sort();
    let expected = [
        "",
        "check",
        "completions",
        "doctor",
        "expr",
        "gc",
        "image",
        "image build",
        "image cool",
        "image inspect",
        "image list",
        "image remove",
        "image verify",
        "image warm",
        "plan",
        "ps",
        "run",
        "shell",
        "stop",
    ];
    assert_eq!(found, expected);
    assert!(!host.path().join("dormer").exists(), "help makes no home");
}

#[test]
fn help_names_every_exit_code() {
    let help = help_of(&Host::new(), &[]);
    let (_, codes) = help.split_once("Exit codes:\n").unwrap();
    let codes: Vec<&str> = codes
        .lines()
        .filter_map(|line| line.split_whitespace().next())
        .collect();
    assert_eq!(codes, ["0", "1", "2", "69", "70", "75", "78", "124", "130"]);
}

#[test]
fn the_version_is_the_packages() {
    for flag in ["--version", "-V"] {
        let finished = Host::new().dormer([flag]).run().expect(0);
        let version = format!("dormer {}\n", env!("CARGO_PKG_VERSION"));
        assert_eq!((finished.stdout, finished.stderr), (version, String::new()));
    }
}

#[test]
fn completions_name_the_commands_and_their_flags() {
    let host = Host::new();
    for shell in ["bash", "zsh", "fish"] {
        let finished = host.dormer(["completions", shell]).run().expect(0);
        assert_orderly(&finished);
        assert_says(
            &finished.stdout,
            &["dormer", "run", "doctor", "secret-file"],
        );
    }
    let said = refused(host.dormer(["completions", "tcsh"]), USAGE);
    assert_says(&said, &["'tcsh'", "bash", "zsh", "fish"]);
}

#[test]
fn without_a_command_help_is_given_as_a_mistake() {
    for arguments in [&[][..], &["image"]] {
        let finished = Host::new().dormer(arguments).run().expect(USAGE);
        assert_orderly(&finished);
        assert_eq!(finished.stdout, "");
        assert_says(&finished.stderr, &["Usage: dormer", "Commands:"]);
    }
}

#[test]
fn what_is_unknown_is_named_together_with_how_it_is_done() {
    let host = Host::new();
    let said = refused(host.dormer(["--colour"]), USAGE);
    assert_says(&said, &["'--colour'", "Usage: dormer"]);
    let said = refused(host.dormer(["runn"]), USAGE);
    assert_says(&said, &["'runn'", "'run'"]);
    let said = refused(host.run_good(["--mem", "2G"]), USAGE);
    assert_says(&said, &["'--mem'", "'--memory'"]);
    let said = refused(host.dormer(["image", "inspect"]), USAGE);
    assert_says(&said, &["<NAME>", "Usage: dormer image inspect"]);
}

#[test]
fn run_without_a_job_shows_both_ways_to_give_one() {
    let said = refused(Host::new().dormer(["run"]), USAGE);
    assert_says(
        &said,
        &[
            "dormer run [OPTIONS] <WORKFLOW.yml>\n",
            "dormer run [OPTIONS] -c <COMMAND>\n",
        ],
    );
}
