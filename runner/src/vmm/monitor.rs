//! The transport below QMP and the guest agent: one JSON object a line, questions and answers.
//!
//! The types of commands and replies come from the crate `qapi`; its own transport is not used,
//! because a dropped question there poisons the connection and an unknown event ends it. Here a
//! question may be dropped at any time, and events that nobody knows are handed on as they are.
//! What is read comes from QEMU, which a guest may have taken over: lines are bounded.

use std::collections::VecDeque;
use std::io;
use std::sync::atomic::{AtomicU64, Ordering};

use qapi::Command;
use serde::Deserialize;
use serde_json::{Value, json};
use thiserror::Error;
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncWrite, AsyncWriteExt, BufReader};
use tokio::sync::{mpsc, oneshot};

use crate::host::clock::{Deadline, DeadlinePassed, within};

/// The longest line that is read. QEMU's own longest answer, its schema, has some 300 KB.
const LONGEST_LINE: usize = 4 << 20;

/// Why a question got no good answer.
#[derive(Debug, Error)]
pub enum MonitorError {
    /// It was refused.
    #[error("`{command}` was refused: {description}")]
    Refused {
        /// The command's name.
        command: &'static str,
        /// The other side's words.
        description: String,
    },
    /// The answer is not of the expected form.
    #[error("the answer to `{command}` makes no sense: {source}")]
    Nonsense {
        /// The command's name.
        command: &'static str,
        /// What the parser says.
        source: serde_json::Error,
    },
    /// There is nobody any more to answer.
    #[error("the connection ended before `{command}` was answered")]
    Ended {
        /// The command's name.
        command: &'static str,
    },
    /// It took too long.
    #[error(transparent)]
    Late(#[from] DeadlinePassed),
}

/// Something that happened by itself.
#[derive(Debug, Clone)]
pub struct MonitorEvent {
    /// Its name, as in `SHUTDOWN`.
    pub name: String,
    /// What comes with it.
    pub data: Value,
}

struct Question {
    id: u64,
    line: Vec<u8>,
    answer: oneshot::Sender<Answer>,
}

type Answer = Result<Value, String>;

/// A connection on which questions are asked one after the other. Dropping it ends the connection.
#[derive(Debug)]
pub struct Monitor {
    questions: mpsc::Sender<Question>,
}

/// A number that nothing else has been asked with, by this process or another: what the other side has not
/// answered when a connection ends, it answers on the next one.
pub(super) fn unused_number() -> u64 {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    // Below 2^53, up to which JSON's numbers are exact.
    let own = NEXT.fetch_add(1, Ordering::Relaxed) & 0xFFF_FFFF;
    u64::from(std::process::id()) << 28 | own
}

impl Monitor {
    /// Takes over a connection. Events go to `events`; a reader that is gone is no harm.
    pub fn start<S>(stream: S, events: mpsc::UnboundedSender<MonitorEvent>) -> Self
    where
        S: AsyncRead + AsyncWrite + Send + 'static,
    {
        let (questions, receiver) = mpsc::channel(16);
        tokio::spawn(serve(stream, receiver, events));
        Self { questions }
    }

    /// Asks, and waits for the answer no longer than the deadline.
    pub async fn ask<C: Command>(
        &self,
        command: C,
        deadline: Deadline,
    ) -> Result<C::Ok, MonitorError> {
        let name = C::NAME;
        let id = unused_number();
        let nonsense = |source| MonitorError::Nonsense {
            command: name,
            source,
        };
        let arguments = serde_json::to_value(&command).map_err(nonsense)?;
        let mut line = json!({"execute": name, "arguments": arguments, "id": id}).to_string();
        line.push('\n');

        let ended = || MonitorError::Ended { command: name };
        let (answer, answered) = oneshot::channel();
        let question = Question {
            id,
            line: line.into_bytes(),
            answer,
        };
        let reply = within(deadline, async {
            self.questions.send(question).await.map_err(|_| ended())?;
            answered.await.map_err(|_| ended())
        })
        .await??;
        let value = reply.map_err(|description| MonitorError::Refused {
            command: name,
            description,
        })?;
        serde_json::from_value(value).map_err(nonsense)
    }
}

/// What the other side may say.
#[derive(Deserialize)]
struct Line {
    #[serde(rename = "return")]
    value: Option<Value>,
    error: Option<Refusal>,
    event: Option<String>,
    #[serde(default)]
    data: Value,
    id: Option<u64>,
}

#[derive(Deserialize)]
struct Refusal {
    #[serde(default)]
    class: String,
    #[serde(default)]
    desc: String,
}

async fn serve<S>(
    stream: S,
    mut questions: mpsc::Receiver<Question>,
    events: mpsc::UnboundedSender<MonitorEvent>,
) where
    S: AsyncRead + AsyncWrite + Send,
{
    let (reader, mut writer) = tokio::io::split(stream);
    let mut reader = BufReader::new(reader);
    let mut buffer = Vec::new();
    let mut waiting: VecDeque<(u64, oneshot::Sender<Answer>)> = VecDeque::new();
    loop {
        tokio::select! {
            question = questions.recv() => {
                let Some(question) = question else { return };
                waiting.push_back((question.id, question.answer));
                if writer.write_all(&question.line).await.is_err() { return }
            }
            read = read_line(&mut reader, &mut buffer) => {
                if !matches!(read, Ok(true)) { return }
                if let Some(event) = take_line(&buffer, &mut waiting) {
                    let _ = events.send(event);
                }
                buffer.clear();
            }
        }
    }
}

/// Reads up to the next end of a line into `buffer`; safe to cancel, what was read stays there.
async fn read_line<R: AsyncRead + Unpin>(
    reader: &mut BufReader<R>,
    buffer: &mut Vec<u8>,
) -> io::Result<bool> {
    loop {
        let available = reader.fill_buf().await?;
        if available.is_empty() {
            return Ok(false);
        }
        let end = available.iter().position(|&byte| byte == b'\n');
        let taken = end.map_or(available.len(), |end| end + 1);
        buffer.extend_from_slice(&available[..taken]);
        reader.consume(taken);
        if end.is_some() {
            return Ok(true);
        }
        if buffer.len() > LONGEST_LINE {
            return Err(io::Error::other("a line without end"));
        }
    }
}

/// Hands an answer to whoever waits for it; an event is the caller's.
fn take_line(
    line: &[u8],
    waiting: &mut VecDeque<(u64, oneshot::Sender<Answer>)>,
) -> Option<MonitorEvent> {
    // The guest agent puts the byte 0xFF, which JSON never has, before an answer that ends a lull.
    let text: Vec<u8> = line.iter().copied().filter(|&byte| byte != 0xFF).collect();
    let parsed: Line = serde_json::from_slice(&text).ok()?;
    if let Some(name) = parsed.event {
        return Some(MonitorEvent {
            name,
            data: parsed.data,
        });
    }
    let answer = match (parsed.value, parsed.error) {
        (Some(value), _) => Ok(value),
        (None, Some(refusal)) => Err(format!("{} ({})", refusal.desc, refusal.class)),
        // QMP's greeting, or noise.
        (None, None) => return None,
    };
    // Answers come in order. One without an id belongs to the oldest question; earlier questions
    // than the one named will never be answered. One that names none of ours is none of ours.
    let at = match parsed.id {
        Some(answered) => waiting.iter().position(|(id, _)| *id == answered)?,
        None => 0,
    };
    let (_, sender) = waiting.drain(..waiting.len().min(at + 1)).next_back()?;
    let _ = sender.send(answer);
    None
}

#[cfg(test)]
mod tests {
    use qapi::qmp;
    use tokio::io::{DuplexStream, duplex};

    use super::*;

    const SOON: Deadline = Deadline::seconds("an answer", 5);

    fn connected() -> (
        Monitor,
        mpsc::UnboundedReceiver<MonitorEvent>,
        BufReader<DuplexStream>,
    ) {
        let (ours, theirs) = duplex(1 << 16);
        let (sender, events) = mpsc::unbounded_channel();
        (Monitor::start(ours, sender), events, BufReader::new(theirs))
    }

    async fn question(peer: &mut BufReader<DuplexStream>) -> Value {
        let mut line = String::new();
        peer.read_line(&mut line).await.unwrap();
        serde_json::from_str(&line).unwrap()
    }

    async fn say(peer: &mut BufReader<DuplexStream>, text: &str) {
        peer.write_all(format!("{text}\r\n").as_bytes())
            .await
            .unwrap();
    }

    #[tokio::test]
    async fn answers_reach_their_question_past_greetings_noise_and_unknown_events() {
        let (monitor, mut events, mut peer) = connected();
        say(
            &mut peer,
            r#"{"QMP": {"version": {}, "capabilities": ["oob"]}}"#,
        )
        .await;
        say(&mut peer, "not json").await;
        say(
            &mut peer,
            r#"{"event": "FROM_THE_FUTURE", "data": {"x": 1}}"#,
        )
        .await;
        let asked = tokio::spawn(async move { monitor.ask(qmp::query_status {}, SOON).await });
        let asked_for = question(&mut peer).await;
        assert_eq!(asked_for["execute"], "query-status");
        let reply = json!({"return": {"running": true, "status": "running"},
                           "id": asked_for["id"]});
        say(&mut peer, &reply.to_string()).await;
        assert!(asked.await.unwrap().unwrap().running);
        assert_eq!(events.recv().await.unwrap().name, "FROM_THE_FUTURE");
    }

    #[tokio::test]
    async fn a_question_given_up_does_no_harm_to_the_next() {
        let (monitor, _events, mut peer) = connected();
        let short = Deadline {
            what: "an answer",
            after: std::time::Duration::from_millis(20),
        };
        let late = monitor.ask(qmp::query_status {}, short).await;
        assert!(matches!(late, Err(MonitorError::Late(_))));
        let first = question(&mut peer).await;
        let asked = tokio::spawn(async move { monitor.ask(qmp::cont {}, SOON).await });
        let second = question(&mut peer).await;
        say(
            &mut peer,
            &json!({"return": {"late": 1}, "id": first["id"]}).to_string(),
        )
        .await;
        say(
            &mut peer,
            &json!({"return": {}, "id": second["id"]}).to_string(),
        )
        .await;
        asked.await.unwrap().unwrap();
    }

    #[tokio::test]
    async fn an_answer_to_what_an_earlier_connection_asked_is_nobodys() {
        let (earlier, _events, mut peer) = connected();
        let asked = tokio::spawn(async move { earlier.ask(qmp::cont {}, SOON).await });
        let stale = question(&mut peer).await["id"].clone();
        asked.abort();
        let (monitor, _events, mut peer) = connected();
        let asked = tokio::spawn(async move {
            monitor.ask(qmp::stop {}, SOON).await?;
            monitor.ask(qmp::cont {}, SOON).await
        });
        for _ in 0..2 {
            let ours = question(&mut peer).await["id"].clone();
            assert_ne!(ours, stale);
            for id in [&stale, &ours, &ours] {
                say(&mut peer, &json!({"return": {}, "id": id}).to_string()).await;
            }
        }
        asked.await.unwrap().unwrap();
    }

    #[tokio::test]
    async fn a_refusal_says_why_and_a_lost_connection_is_not_a_hang() {
        let (monitor, _events, mut peer) = connected();
        let monitor = std::sync::Arc::new(monitor);
        let asked = tokio::spawn({
            let monitor = std::sync::Arc::clone(&monitor);
            async move { monitor.ask(qmp::cont {}, SOON).await }
        });
        question(&mut peer).await;
        say(
            &mut peer,
            r#"{"error": {"class": "GenericError", "desc": "no"}}"#,
        )
        .await;
        let error = asked.await.unwrap().unwrap_err();
        assert_eq!(error.to_string(), "`cont` was refused: no (GenericError)");
        drop(peer);
        let error = monitor.ask(qmp::cont {}, SOON).await.unwrap_err();
        assert!(matches!(error, MonitorError::Ended { .. }), "{error}");
    }

    #[tokio::test]
    async fn a_line_without_end_ends_the_connection() {
        let (monitor, _events, mut peer) = connected();
        let flood = tokio::spawn(async move {
            let block = vec![b'x'; 1 << 16];
            while peer.write_all(&block).await.is_ok() {}
        });
        let error = monitor.ask(qmp::cont {}, SOON).await.unwrap_err();
        assert!(matches!(error, MonitorError::Ended { .. }), "{error}");
        flood.await.unwrap();
    }
}
