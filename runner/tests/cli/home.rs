//! `DORMER_HOME`: where it is, and what is said of one that will not do.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;

use super::{CONFIGURATION, Host, INFRASTRUCTURE, assert_orderly, assert_says, refused};

#[test]
fn a_home_that_cannot_be_one_is_named_with_what_to_do() {
    let host = Host::with_good_job();
    let file = host.write("file", "").display().to_string();
    // Nobody can make a directory in /proc, not even root.
    for home in [
        file.clone(),
        format!("{file}/below"),
        "/proc/dormer".to_owned(),
    ] {
        for arguments in [
            &["ps"][..],
            &["run", "good.yml"],
            &["image", "list"],
            &["doctor"],
        ] {
            let said = refused(
                host.dormer(arguments).env("DORMER_HOME", &home),
                INFRASTRUCTURE,
            );
            assert_says(
                &said,
                &[
                    &format!("cannot use `{home}` as Dormer's home: "),
                    "set DORMER_HOME to a directory on a local disk that you may write to",
                ],
            );
        }
    }
}

#[test]
fn a_name_that_is_far_too_long_is_an_ordinary_error() {
    let home = format!("/{}", "a".repeat(5_000));
    let said = refused(
        Host::new().dormer(["ps"]).env("DORMER_HOME", &home),
        INFRASTRUCTURE,
    );
    assert_says(&said, &["as Dormer's home: File name too long"]);
}

#[test]
fn without_a_variable_it_is_in_the_users_own_directories() {
    let host = Host::new();
    let program = host.dormer(["ps"]).env("DORMER_HOME", "");
    assert_orderly(&program.run().expect(0));
    assert!(host.path().join(".local/share/dormer/instances").is_dir());
    let data = host.path().join("data").display().to_string();
    let program = host.dormer(["ps"]).env("DORMER_HOME", "");
    assert_orderly(&program.env("XDG_DATA_HOME", &data).run().expect(0));
    assert!(host.path().join("data/dormer/instances").is_dir());
}

#[test]
fn without_any_variable_nothing_is_guessed() {
    let host = Host::new();
    let program = host.dormer(["ps"]).env("DORMER_HOME", "").env("HOME", "");
    let said = refused(program, CONFIGURATION);
    assert_says(
        &said,
        &["neither DORMER_HOME nor HOME is set", "set DORMER_HOME"],
    );
}

#[test]
fn a_home_that_others_write_to_is_refused_and_not_closed() {
    let host = Host::with_good_job();
    let home = host.path().join("dormer");
    fs::create_dir(&home).expect("a home");
    fs::set_permissions(&home, Permissions::from_mode(0o1777)).expect("its mode");
    for arguments in [&["ps"][..], &["run", "good.yml"], &["gc"]] {
        let program = host.dormer(arguments);
        let said = refused(program, CONFIGURATION);
        assert_says(
            &said,
            &["other users may write to it (mode 1777)", "chmod go-w"],
        );
    }
    let mode = fs::metadata(&home).expect("it").permissions().mode();
    assert_eq!(mode & 0o7777, 0o1777);
}

#[test]
fn who_only_looks_needs_no_home_that_can_be_written_to() {
    let host = Host::new();
    // Where nobody may make a directory, not even root.
    let home = "/sys/kernel/dormer";
    for arguments in [&["ps"][..], &["image", "list"]] {
        let program = host.dormer(arguments).env("DORMER_HOME", home);
        assert_orderly(&program.run().expect(0));
    }
    let program = host.dormer(["image", "remove", "compat"]);
    refused(program.env("DORMER_HOME", home), INFRASTRUCTURE);
}
