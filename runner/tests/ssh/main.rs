//! The channel into a guest, against OpenSSH's own server: commands, bundles, streams, signals, variables, files.

mod files;
mod gate;
mod stall;
mod steps;
mod variables;

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use dormer::guest::bundle::{Bundle, FileIn};
use dormer::guest::channel::{DialectChannel, GuestChannel, piped_input};
use dormer::guest::command::{ChannelError, Exit, GuestCommand, Input, Output, Signal};
use dormer::guest::dialect;
use dormer::guest::keys::InstanceKeys;
use dormer::guest::profile::DialectKind;
use dormer::guest::ssh::{Login, SshTransport};
use dormer_testkit::sshd::Sshd;
use tokio::net::UnixStream;

/// A server and a channel to it; none where there is no server, which was said then.
async fn connected() -> Option<(Sshd, Arc<DialectChannel>)> {
    connected_through(|stream| stream).await
}

/// A login whose stream goes through something.
async fn connected_through(
    between: impl FnOnce(UnixStream) -> UnixStream,
) -> Option<(Sshd, Arc<DialectChannel>)> {
    let (server, channel) = channel_through(between).await?;
    Some((server, Arc::new(channel)))
}

async fn channel_through(
    between: impl FnOnce(UnixStream) -> UnixStream,
) -> Option<(Sshd, DialectChannel)> {
    let (server, transport) = transport_through(between).await?;
    let dialect = dialect::of(DialectKind::Posix);
    Some((server, DialectChannel::new(Arc::new(transport), dialect)))
}

async fn transport_through(
    between: impl FnOnce(UnixStream) -> UnixStream,
) -> Option<(Sshd, SshTransport)> {
    let keys = InstanceKeys::generate().expect("keys");
    let mut server = Sshd::new(&keys.host_private, &keys.login_public)?;
    let login = Login {
        user: Sshd::user(),
        private_key: keys.login_private,
        host_key: keys.host_public,
    };
    let stream = between(stream(&mut server));
    let transport = SshTransport::connect(stream, &login)
        .await
        .expect("a login");
    Some((server, transport))
}

fn stream(server: &mut Sshd) -> UnixStream {
    let stream = server.connect();
    stream.set_nonblocking(true).expect("a socket");
    UnixStream::from_std(stream).expect("a socket")
}

/// Nothing in these tests may take longer.
async fn soon<T>(work: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(60), work)
        .await
        .expect("it hangs")
}

async fn a_moment() {
    dormer::host::clock::pause(Duration::from_millis(300)).await;
}

fn bundle(script: &str) -> Bundle {
    Bundle {
        files_in: Vec::new(),
        environment: Vec::new(),
        search_path: None,
        directory: "/tmp".to_owned(),
        command: ["sh", "-c", script].map(str::to_owned).to_vec(),
        exit_file: None,
        files_out: Vec::new(),
    }
}

async fn text_of(channel: &DialectChannel, command: GuestCommand) -> (Exit, String) {
    let process = channel.spawn(command).await.expect("it starts");
    let (exit, stdout, _) = process.output(1 << 20).await.expect("it ends");
    (exit, String::from_utf8(stdout).expect("text"))
}

#[tokio::test]
async fn a_command_gets_its_arguments_variables_directory_and_input_byte_for_byte() {
    let Some((_server, channel)) = connected().await else {
        return;
    };
    let nasty = "a'b\"c%d^e&f!g$h`i\\j\n k\tä漢 ";
    let script = "printf '%s|%s|' \"$1\" \"$VALUE\"; pwd; cat";
    let mut command = GuestCommand::new(["sh", "-c", script, "x", nasty]);
    command.environment = vec![
        ("VALUE".to_owned(), nasty.to_owned()),
        ("odd-name".to_owned(), "1".to_owned()),
    ];
    command.directory = Some("/usr".to_owned());
    let command = command.input(Input::Bytes(Bytes::from("typed\n")));
    let (exit, text) = soon(text_of(&channel, command)).await;
    assert_eq!(exit, Exit::Code(0));
    assert_eq!(text, format!("{nasty}|{nasty}|/usr\ntyped\n"));
}

#[tokio::test]
async fn codes_and_signals_are_told_apart() {
    let Some((_server, channel)) = connected().await else {
        return;
    };
    let (exit, _) = soon(text_of(
        &channel,
        GuestCommand::new(["sh", "-c", "exit 37"]),
    ))
    .await;
    assert_eq!(exit, Exit::Code(37));
    let (exit, _) = soon(text_of(
        &channel,
        GuestCommand::new(["sh", "-c", "kill -9 $$"]),
    ))
    .await;
    assert_eq!(exit, Exit::Signal("KILL".to_owned()));
    let mut command = GuestCommand::new(["pwd"]);
    command.directory = Some("/no/such/directory".to_owned());
    assert_eq!(soon(text_of(&channel, command)).await.0, Exit::Code(127));
}

#[tokio::test]
async fn both_streams_flow_while_either_is_flooded() {
    let Some((_server, channel)) = connected().await else {
        return;
    };
    let flood = "head -c 20000000 /dev/zero >&2; head -c 5000000 /dev/zero; echo end >&2";
    let mut process = channel
        .spawn(GuestCommand::new(["sh", "-c", flood]))
        .await
        .unwrap();
    let (mut stdout, mut stderr) = (0, 0);
    soon(async {
        while let Some(piece) = process.next().await {
            match piece {
                Output::Stdout(bytes) => stdout += bytes.len(),
                Output::Stderr(bytes) => stderr += bytes.len(),
            }
        }
    })
    .await;
    assert_eq!((stdout, stderr), (5_000_000, 20_000_004));
}

#[tokio::test]
async fn a_reader_that_stops_holds_up_its_own_program_only() {
    let Some((_server, channel)) = connected().await else {
        return;
    };
    let flooding = channel
        .spawn(GuestCommand::new(["sh", "-c", "yes"]))
        .await
        .unwrap();
    for _ in 0..5 {
        let (exit, text) = soon(text_of(&channel, GuestCommand::new(["echo", "hi"]))).await;
        assert_eq!((exit, text.as_str()), (Exit::Code(0), "hi\n"));
    }
    // Letting go of it ends it: its output has nowhere to go.
    drop(flooding);
    soon(text_of(&channel, GuestCommand::new(["true"]))).await;
}

#[tokio::test]
async fn many_programs_run_at_once() {
    let Some((_server, channel)) = connected().await else {
        return;
    };
    let runs = (0..40).map(|number| {
        let channel = Arc::clone(&channel);
        tokio::spawn(async move {
            let script = format!("head -c 300000 /dev/zero; sleep 0.1; exit {number}");
            let process = channel
                .spawn(GuestCommand::new(["sh", "-c", &script]))
                .await
                .unwrap();
            process.output(1 << 20).await.unwrap()
        })
    });
    for (number, run) in runs.collect::<Vec<_>>().into_iter().enumerate() {
        let (exit, stdout, _) = soon(run).await.unwrap();
        assert_eq!(exit, Exit::Code(u32::try_from(number).unwrap()));
        assert_eq!(stdout.len(), 300_000);
    }
}

#[tokio::test]
async fn a_bundle_brings_files_and_takes_files_in_one_go() {
    let Some((_server, channel)) = connected().await else {
        return;
    };
    let directory = tempfile::tempdir().unwrap();
    let at = |name: &str| directory.path().join(name).display().to_string();
    let script = "echo 'it is' \"$(cat \"$IN\")\"; echo warn >&2; printf 'a=1\\n' >\"$OUT\"; \
                  head -c 100000 /dev/urandom >\"$BIG\"; exit 5";
    let mut bundle = bundle(script);
    let long = "x".repeat(200_000) + "'quoted'\n";
    bundle.files_in = vec![
        FileIn {
            path: at("in"),
            contents: "here".to_owned(),
        },
        FileIn {
            path: at("long"),
            contents: long.clone(),
        },
        FileIn {
            path: at("out"),
            contents: String::new(),
        },
    ];
    bundle.environment = [("IN", "in"), ("OUT", "out"), ("BIG", "big")]
        .map(|(k, v)| (k.to_owned(), at(v)))
        .to_vec();
    bundle.files_out = vec![at("out"), at("missing"), at("big")];
    let mut running = channel.run_bundle(&bundle).await.unwrap();
    let (mut stdout, mut stderr) = (Vec::new(), Vec::new());
    soon(async {
        while let Some(piece) = running.next().await {
            match piece {
                Output::Stdout(bytes) => stdout.extend(bytes),
                Output::Stderr(bytes) => stderr.extend(bytes),
            }
        }
    })
    .await;
    let result = soon(running.finish()).await.unwrap();
    assert_eq!(
        (stdout.as_slice(), stderr.as_slice()),
        (&b"it is here\n"[..], &b"warn\n"[..])
    );
    assert_eq!(result.exit_code, 5);
    assert_eq!(result.files_out[0], b"a=1\n");
    assert_eq!(result.files_out[1], b"");
    assert_eq!(result.files_out[2], std::fs::read(at("big")).unwrap());
    assert_eq!(std::fs::read_to_string(at("long")).unwrap(), long);
}

#[tokio::test]
async fn an_exit_file_brings_a_code_that_no_status_can() {
    let Some((_server, channel)) = connected().await else {
        return;
    };
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("code").display().to_string();
    let mut bundle = bundle(&format!("echo 3221225477 >{path}; exit 5"));
    bundle.exit_file = Some(path);
    let running = channel.run_bundle(&bundle).await.unwrap();
    assert_eq!(soon(running.finish()).await.unwrap().exit_code, 0xC000_0005);
}

#[tokio::test]
async fn a_child_that_keeps_the_streams_open_does_not_hold_a_bundle() {
    let Some((_server, channel)) = connected().await else {
        return;
    };
    let begun = Instant::now();
    let noisy = "(while :; do echo noise; echo noise >&2; sleep 0.001; done) & echo done";
    let mut running = channel.run_bundle(&bundle(noisy)).await.unwrap();
    let mut shown = Vec::new();
    soon(async {
        while let Some(piece) = running.next().await {
            if let Output::Stdout(bytes) = piece {
                shown.extend(bytes);
            }
        }
    })
    .await;
    let tag = running.tag().to_owned();
    assert_eq!(soon(running.finish()).await.unwrap().exit_code, 0);
    assert!(begun.elapsed() < Duration::from_secs(20));
    assert!(String::from_utf8_lossy(&shown).contains("done\n"));
    // It is still there, and is found by its tag.
    soon(channel.signal(&tag, Signal::Kill)).await.unwrap();
    soon(nothing_left_of(&channel, &tag)).await;
}

/// Fails if a process with this tag is still there.
async fn nothing_left_of(channel: &DialectChannel, tag: &str) {
    let left = format!("grep -lsz {tag} /proc/[0-9]*/environ");
    let left = GuestCommand::new(["sh", "-c", &left]);
    assert_eq!(text_of(channel, left).await.1, "");
}

#[tokio::test]
async fn a_whole_tree_is_signalled_and_the_bundle_still_reports() {
    let Some((_server, channel)) = connected().await else {
        return;
    };
    let tree =
        "trap '' INT; (sleep 100 & sleep 100) & sh -c 'echo ready; sleep 100; true'; echo no";
    let mut running = channel.run_bundle(&bundle(tree)).await.unwrap();
    let ready = Output::Stdout(Bytes::from("ready\n"));
    assert_eq!(soon(running.next()).await, Some(ready));
    let tag = running.tag().to_owned();
    soon(channel.signal(&tag, Signal::Kill)).await.unwrap();
    soon(async { while running.next().await.is_some() {} }).await;
    let result = soon(running.finish()).await.unwrap();
    assert_eq!(result.exit_code, 128 + 9);
    soon(nothing_left_of(&channel, &tag)).await;
}

#[tokio::test]
async fn a_missing_directory_is_named() {
    let Some((_server, channel)) = connected().await else {
        return;
    };
    let mut bundle = bundle("true");
    bundle.directory = "/no/such".to_owned();
    let error = soon(channel.run_bundle(&bundle).await.unwrap().finish())
        .await
        .unwrap_err();
    assert!(
        matches!(&error, ChannelError::NoDirectory(name) if name == "/no/such"),
        "{error}"
    );
}

#[tokio::test]
async fn input_streams_into_a_program_that_answers() {
    let Some((_server, channel)) = connected().await else {
        return;
    };
    let (writer, input) = piped_input();
    let mut process = channel
        .spawn(GuestCommand::new(["cat"]).input(input))
        .await
        .unwrap();
    for round in 0..5 {
        let text = Bytes::from(format!("round {round}\n"));
        writer.send(text.clone()).await.unwrap();
        assert_eq!(soon(process.next()).await, Some(Output::Stdout(text)));
    }
    drop(writer);
    assert_eq!(soon(process.wait()).await.unwrap(), Exit::Code(0));
}

#[tokio::test]
async fn a_server_with_another_key_is_refused() {
    let keys = InstanceKeys::generate().unwrap();
    let Some(mut server) = Sshd::new(&keys.host_private, &keys.login_public) else {
        return;
    };
    let other = InstanceKeys::generate().unwrap();
    let login = Login {
        user: Sshd::user(),
        private_key: keys.login_private,
        host_key: other.host_public,
    };
    let error = soon(SshTransport::connect(stream(&mut server), &login))
        .await
        .unwrap_err();
    assert!(error.to_string().contains("host key"), "{error}");
}

#[tokio::test]
async fn a_connection_that_breaks_ends_what_runs_on_it() {
    let Some((mut server, channel)) = connected().await else {
        return;
    };
    let mut process = channel
        .spawn(GuestCommand::new(["sleep", "100"]))
        .await
        .unwrap();
    let running = channel.run_bundle(&bundle("sleep 100")).await.unwrap();
    a_moment().await;
    server.kill_all();
    assert_eq!(soon(process.next()).await, None);
    assert!(matches!(
        soon(process.wait()).await,
        Err(ChannelError::Lost(_))
    ));
    assert!(matches!(
        soon(running.finish()).await,
        Err(ChannelError::Lost(_))
    ));
    assert!(channel.spawn(GuestCommand::new(["true"])).await.is_err());
}
