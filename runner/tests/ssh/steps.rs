//! Steps in a guest that stands still: in one thing that they ask of it, or altogether.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use dormer::event::Conclusion;
use dormer::guest::channel::DialectChannel;
use dormer::guest::command::{ChannelError, Input};
use dormer::guest::dialect;
use dormer::guest::profile::DialectKind;
use dormer::guest::transport::{Started, Transport};
use dormer_localguest::lab::{Lab, Outcome};
use dormer_testkit::sshd::Sshd;
use tokio::sync::watch;

use crate::gate::gated;
use crate::{soon, transport_through};

/// How long the guest may stand still.
const PATIENCE: Duration = Duration::from_secs(2);

/// A way into a guest where some of what is asked for sleeps instead.
#[derive(Debug)]
struct Sleepy {
    inner: Arc<dyn Transport>,
    /// What such lines hold.
    what: &'static str,
}

#[async_trait]
impl Transport for Sleepy {
    async fn start(&self, line: &str, input: Input) -> Result<Started, ChannelError> {
        // Not for longer than a few times the patience: nobody ends it.
        let sleeps = "sh -c \"exec sleep 12\"";
        let is_asked = match &input {
            Input::Bytes(text) => String::from_utf8_lossy(text).contains(self.what),
            _ => false,
        };
        let is_meant = is_asked || line.contains(self.what);
        let line = if is_meant { sleeps } else { line };
        self.inner.start(line, input).await
    }
}

/// A lab whose guest is behind a real server. It stands still while the gate is shut.
async fn lab(what: &'static str) -> Option<(Lab, Sshd, watch::Sender<bool>)> {
    let (gate, open) = watch::channel(true);
    let (server, inner) = transport_through(|server| gated(server, open)).await?;
    let inner: Arc<dyn Transport> = Arc::new(inner);
    let transport = Arc::new(Sleepy { inner, what });
    let dialect = dialect::of(DialectKind::Posix);
    let channel = DialectChannel::new(transport, dialect).patience(PATIENCE);
    let mut lab = Lab::new();
    lab.channel = Arc::new(channel);
    Some((lab, server, gate))
}

fn workflow(steps: &str) -> String {
    let steps = steps.trim_end().replace('\n', "\n      ");
    format!("on: push\njobs:\n  job:\n    runs-on: x\n    steps:\n      {steps}\n")
}

fn log(outcome: &Outcome) -> Vec<&str> {
    let mut log = outcome.log();
    log.retain(|line| !line.starts_with("uploaded"));
    log
}

/// The steps before: something to download, unless it is what sleeps.
const UPLOAD: &str = "- uses: actions/upload-artifact@v4\n  with: {path: file, name: first}\n  \
                      continue-on-error: true\n";
/// The steps behind.
const THEN: &str = "- run: echo no\n- run: echo always\n  if: always()\n\
                    - run: echo failure\n  if: failure()\n";

#[tokio::test]
async fn a_transfer_that_stands_still_fails_its_step_only() {
    let named = "uses: actions/upload-artifact@v4\n  with: {path: file}";
    let whole = "uses: actions/upload-artifact@v4\n  with: {path: sub/**}";
    let fetched = "sent nothing for 2 s while files were fetched from it";
    let listed = "sent nothing for 2 s while its files were listed";
    let taken = "taken nothing for 2 s while files were sent to it";
    for (what, step, why) in [
        ("tar -c", named, fetched),
        ("tar -c", whole, fetched),
        ("find ", named, listed),
        (
            "tar -x",
            "uses: actions/checkout@v4\n  with: {path: copy}",
            taken,
        ),
        ("tar -x", "uses: actions/download-artifact@v4", taken),
        ("tar -c", "uses: ./sub", fetched),
    ] {
        let Some((lab, _server, _gate)) = lab(what).await else {
            return;
        };
        lab.file("file", "text").file("sub/action.yml", "x");
        let steps = format!("{UPLOAD}- {step}\n{THEN}");
        let outcome = soon(lab.run(&workflow(&steps))).await;
        let notices = outcome.notices();
        assert_eq!(log(&outcome), ["always", "failure"], "{step}: {notices:?}");
        assert_eq!(outcome.conclusion, Conclusion::Failure);
        assert!(notices.iter().any(|text| text.contains(why)), "{notices:?}");
    }
}

#[tokio::test]
async fn a_guest_that_does_nothing_any_more_is_lost_whatever_step_is_next() {
    for step in [
        "run: echo no",
        "uses: actions/upload-artifact@v4\n  with: {path: file}",
        "uses: ./act",
    ] {
        let Some((lab, _server, gate)) = lab("nothing at all").await else {
            return;
        };
        lab.file("file", "text");
        let ready = lab.workspace().join("ready");
        let shutting = async {
            dormer::host::clock::poll(Duration::from_millis(20), async || {
                ready.exists().then_some(())
            })
            .await;
            gate.send(false).expect("a gate");
        };
        let steps = format!("- run: touch ready; sleep 1; echo yes\n- {step}\n{THEN}");
        let steps = workflow(&steps);
        let running = lab.run_lost(&steps);
        let ((told, outcome), ()) = soon(async { tokio::join!(running, shutting) }).await;
        assert_eq!(log(&outcome), ["yes"], "{step}");
        assert!(told.contains("the machine no longer answers"), "{told}");
        assert!(told.contains("done nothing for 2 s"), "{told}");
    }
}
