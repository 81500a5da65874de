//! Secrets that are missing or malformed. Whatever is wrong with them, no value is ever printed.

use super::{Host, USAGE, asks_for_the_engine, assert_says, refused};

/// A value that must not be seen.
const VALUE: &str = "hunter2-value";

#[test]
fn a_secret_that_is_not_in_the_environment_is_named() {
    let host = Host::with_good_job();
    let said = refused(host.run_good(["--secret", "TOKEN"]), USAGE);
    assert_eq!(
        said,
        "error: the secret `TOKEN` is missing\n help: set the environment variable `TOKEN`\n"
    );
    asks_for_the_engine(host.run_good(["--secret", "TOKEN"]).env("TOKEN", VALUE));
}

#[test]
fn a_value_on_the_command_line_is_refused_and_not_repeated() {
    let host = Host::with_good_job();
    let typed = format!("TOKEN={VALUE}");
    let said = refused(host.run_good(["--secret", &typed]), USAGE);
    assert_says(
        &said,
        &["`--secret TOKEN` is given a value", "only its name"],
    );
    assert!(!said.contains(VALUE), "{said}");
    let said = refused(host.run_good(["--secret", ""]), USAGE);
    assert_says(&said, &["`--secret` is given no name"]);
}

#[test]
fn a_malformed_file_is_told_by_its_line_and_not_repeated() {
    let host = Host::with_good_job();
    const NO_PAIR: &str = "secrets:3:1: expected NAME=value";
    const NO_TEXT: &str = "cannot read the secrets in `secrets`: it is not UTF-8, from line 3 on";
    let wrong: [(String, &str); 3] = [
        (format!("# mine\nA=1\n{VALUE}\n"), NO_PAIR),
        (format!("\nA=1\n={VALUE}\n"), NO_PAIR),
        (format!("\n\nA={VALUE}\u{0}"), NO_TEXT),
    ];
    for (text, what) in wrong {
        // The one way in which a text can't be written here.
        let bytes = text.into_bytes();
        let bytes: Vec<u8> = bytes
            .into_iter()
            .map(|byte| if byte == 0 { 0xff } else { byte })
            .collect();
        host.write("secrets", bytes);
        let said = refused(host.run_good(["--secret-file", "secrets"]), USAGE);
        assert_eq!(said, format!("error: {what}\n"));
    }
}

#[test]
fn a_missing_file_is_named() {
    let host = Host::with_good_job();
    let said = refused(host.run_good(["--secret-file", "none"]), USAGE);
    assert_says(&said, &["cannot read the secrets in `none`: No such file"]);
}

#[test]
fn a_good_file_has_comments_empty_lines_and_values_with_equals_signs() {
    let host = Host::with_good_job();
    host.write("secrets", format!("# mine\r\n\r\nA={VALUE}==\r\nB=\n"));
    let said = asks_for_the_engine(host.run_good(["--secret-file", "secrets"]));
    assert_eq!(said, "");
}

#[test]
fn a_file_that_git_tracks_is_told_to_come_along() {
    let host = Host::with_good_job();
    host.write("secrets", "TOKEN=hunter2-value\n");
    if dormer_testkit::needs::program("git").is_none() {
        return;
    }
    for arguments in [&["init", "-q"][..], &["add", "good.yml"]] {
        drop(host.program("git").args(arguments).run().expect(0));
    }
    let typed = ["--secret-file", "secrets"];
    let said = asks_for_the_engine(host.run_good(typed));
    assert!(!said.contains("git tracks"), "{said}");
    drop(host.program("git").args(["add", "secrets"]).run().expect(0));
    let said = asks_for_the_engine(host.run_good(typed));
    assert_says(&said, &["git tracks the secrets in `secrets`"]);
    assert!(!said.contains(VALUE), "{said}");
}
