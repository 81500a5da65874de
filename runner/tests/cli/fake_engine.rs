//! Engines that are not what they should be, on a real socket.

use std::io::{Read, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::thread;

/// What a socket does with whoever connects.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Fake {
    /// Takes the connection and says nothing.
    Silent,
    /// Answers with bytes that are no HTTP.
    Garbage,
    /// Hangs up.
    HangsUp,
    /// Is some other HTTP server.
    OtherServer,
    /// Gives its version and nothing more.
    Half,
    /// An engine, but without root.
    Rootless,
}

const VERSION: &str = r#"{"ApiVersion":"1.41","MinAPIVersion":"1.12","Version":"20.10.24"}"#;
const ROOTLESS: &str = r#"{"ServerVersion":"20.10.24","SecurityOptions":["name=rootless"]}"#;

/// Listens until the test's process ends.
pub(crate) fn listen(socket: &Path, fake: Fake) {
    let listener = UnixListener::bind(socket).expect("a socket");
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            // Whoever connects may hang up first.
            thread::spawn(move || answer(stream, fake));
        }
    });
}

fn answer(mut stream: UnixStream, fake: Fake) -> std::io::Result<()> {
    if matches!(fake, Fake::HangsUp) {
        return Ok(());
    }
    while let Some(request) = read_request(&mut stream)? {
        match fake {
            Fake::Garbage => stream.write_all(b"\x00\xff\x1b[31m garbage\r\n\r\n")?,
            Fake::OtherServer => respond(&mut stream, "text/html", "<h1>It works!</h1>")?,
            Fake::Half | Fake::Rootless if request.contains("/version") => {
                respond(&mut stream, "application/json", VERSION)?;
            }
            Fake::Rootless => respond(&mut stream, "application/json", ROOTLESS)?,
            Fake::Silent | Fake::Half | Fake::HangsUp => {}
        }
    }
    Ok(())
}

/// A request's head; none when the other side is gone.
fn read_request(stream: &mut UnixStream) -> std::io::Result<Option<String>> {
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") {
        if stream.read(&mut byte)? == 0 {
            return Ok(None);
        }
        head.extend(byte);
    }
    Ok(Some(String::from_utf8_lossy(&head).into_owned()))
}

fn respond(stream: &mut UnixStream, kind: &str, body: &str) -> std::io::Result<()> {
    let length = body.len();
    write!(
        stream,
        "HTTP/1.1 200 OK\r\nContent-Type: {kind}\r\nContent-Length: {length}\r\n\r\n{body}"
    )
}
