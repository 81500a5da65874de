//! A step's variables reach its command, all of them, and nothing else.

use bytes::Bytes;
use dormer::guest::channel::GuestChannel;
use dormer::guest::command::{Exit, GuestCommand, Output, Signal};

use crate::{bundle, connected, soon, text_of};

/// Variables that mean something to a shell, to the programs that Dormer's own shell starts, or to
/// Dormer. The last ones are never the user's.
const TAKEN: [(&str, &str); 20] = [
    ("mark", "foo"),
    ("code", "9"),
    ("IFS", "0123456789abcdef"),
    ("OPTIND", "foo"),
    ("LINENO", "7"),
    ("PPID", "foo"),
    ("UID", "foo"),
    ("SHELLOPTS", "foo"),
    ("_", "foo"),
    ("CDPATH", "/usr"),
    ("ENV", "/no/such"),
    ("BASH_ENV", "/no/such"),
    ("PS4", "$(exit 3)"),
    ("LD_PRELOAD", "/no/such.so"),
    ("LD_LIBRARY_PATH", "/no/such"),
    ("PERL5OPT", "-MNoSuchModule"),
    ("POSIXLY_CORRECT", "1"),
    ("BASE64", "x"),
    ("DORMER_TAG", "foo"),
    ("dormer_variables", "foo"),
];

#[tokio::test]
async fn no_variable_of_a_step_reaches_the_shell_that_reports_on_it() {
    let Some((_server, channel)) = connected().await else {
        return;
    };
    let directory = tempfile::tempdir().unwrap();
    let out = directory.path().join("out").display().to_string();
    let mut bundle = bundle("");
    // Not a shell, which would change some of them by itself.
    let copy =
        format!("open STDOUT, '>', '{out}'; print \"$_=$ENV{{$_}}\\n\" for keys %ENV; exit 4");
    bundle.command = ["/usr/bin/perl", "-e", &copy].map(str::to_owned).to_vec();
    bundle.files_out = vec![out];
    bundle.environment = TAKEN
        .iter()
        .filter(|(name, _)| *name != "PERL5OPT")
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect();
    bundle
        .environment
        .push(("PATH".to_owned(), "/no/such".to_owned()));
    let running = channel.run_bundle(&bundle).await.unwrap();
    let tag = running.tag().to_owned();
    let result = soon(running.finish()).await.unwrap();
    assert_eq!(result.exit_code, 4);
    let said = String::from_utf8_lossy(&result.files_out[0]).into_owned();
    let (ours, users) = bundle
        .environment
        .iter()
        .partition::<Vec<_>, _>(|(name, _)| name.to_ascii_uppercase().starts_with("DORMER_"));
    for (name, value) in users {
        assert!(
            said.contains(&format!("{name}={value}\n")),
            "{name}:\n{said}"
        );
    }
    for (name, value) in ours {
        assert!(
            !said.contains(&format!("{name}={value}\n")),
            "{name}:\n{said}"
        );
    }
    assert!(said.contains(&format!("DORMER_TAG={tag}\n")), "{said}");
}

#[tokio::test]
async fn each_taken_variable_arrives_by_itself_in_a_bundle_and_in_a_command() {
    let Some((_server, channel)) = connected().await else {
        return;
    };
    for (name, value) in TAKEN {
        let mut bundle = bundle("");
        // Whatever the variable does to a program, this one ends with 0 or is ended by its loader.
        bundle.command = vec!["/bin/true".to_owned()];
        bundle.environment = vec![(name.to_owned(), value.to_owned())];
        let running = channel.run_bundle(&bundle).await.unwrap();
        assert_eq!(soon(running.finish()).await.unwrap().exit_code, 0, "{name}");
        let mut command = GuestCommand::new(["/bin/true"]);
        command.environment = bundle.environment;
        command.directory = Some("/tmp".to_owned());
        assert_eq!(
            soon(text_of(&channel, command)).await.0,
            Exit::Code(0),
            "{name}"
        );
    }
}

#[tokio::test]
async fn a_step_that_names_the_tag_itself_can_be_stopped() {
    let Some((_server, channel)) = connected().await else {
        return;
    };
    let mut bundle = bundle("echo ready; sleep 100; true");
    bundle.environment = [
        ("DORMER_TAG", "x"),
        ("my-var", "1"),
        ("DORMER_VARIABLES", "4142=43"),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()))
    .to_vec();
    let mut running = channel.run_bundle(&bundle).await.unwrap();
    let ready = Output::Stdout(Bytes::from("ready\n"));
    assert_eq!(soon(running.next()).await, Some(ready));
    let tag = running.tag().to_owned();
    soon(channel.signal(&tag, Signal::Kill)).await.unwrap();
    assert_eq!(soon(running.finish()).await.unwrap().exit_code, 128 + 9);
}
