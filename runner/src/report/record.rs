//! An event as a line of JSON. Lines of output come by the million, and those that came together differ
//! in their text alone: what stands before it is encoded once for all of them.

use std::io;
use std::sync::Arc;

use jiff::Timestamp;

use crate::event::{JobEvent, Stamped, Stream};

/// How an encoded log line without text ends.
const NO_TEXT: &[u8] = b"\"\"}";

/// What two log lines have in common that begin alike.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Common {
    t_ms: u64,
    ts: Timestamp,
    job: Arc<str>,
    leg: Option<Arc<str>>,
    instance: Option<Arc<str>>,
    number: usize,
    stream: Stream,
}

/// Encodes the events of a run.
#[derive(Debug, Default)]
pub struct Encoder {
    line: Vec<u8>,
    common: Option<Common>,
    beginning: Vec<u8>,
}

impl Encoder {
    /// The event's line, with its end.
    pub fn encode(&mut self, event: &Stamped) -> io::Result<&[u8]> {
        self.line.clear();
        match &event.event {
            JobEvent::Log {
                number,
                stream,
                text,
            } => {
                self.begin(event, *number, *stream)?;
                self.line.extend_from_slice(&self.beginning);
                serde_json::to_writer(&mut self.line, text)?;
                self.line.push(b'}');
            }
            _ => serde_json::to_writer(&mut self.line, event)?,
        }
        self.line.push(b'\n');
        Ok(&self.line)
    }

    /// Encodes everything before the text, unless the line before began alike.
    fn begin(&mut self, event: &Stamped, number: usize, stream: Stream) -> io::Result<()> {
        let common = Common {
            t_ms: event.t_ms,
            ts: event.ts,
            job: Arc::clone(&event.job),
            leg: event.leg.clone(),
            instance: event.instance.clone(),
            number,
            stream,
        };
        if self.common.as_ref() == Some(&common) {
            return Ok(());
        }
        let mut empty = event.clone();
        empty.event = JobEvent::Log {
            number,
            stream,
            text: String::new(),
        };
        self.beginning = serde_json::to_vec(&empty)?;
        // The text is the last of an event's fields; a test sees to that.
        let before = self.beginning.len().saturating_sub(NO_TEXT.len());
        self.beginning.truncate(before);
        self.common = Some(common);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stamped(t_ms: u64, event: JobEvent) -> Stamped {
        Stamped {
            v: 1,
            t_ms,
            ts: Timestamp::UNIX_EPOCH,
            job: "a \"job\"".into(),
            leg: None,
            instance: Some("abc".into()),
            key: "a".into(),
            may_fail: false,
            event,
        }
    }

    #[test]
    fn a_line_is_what_the_event_is_however_it_was_encoded() {
        let log = |number, stream, text: &str| JobEvent::Log {
            number,
            stream,
            text: text.to_owned(),
        };
        let mut encoder = Encoder::default();
        for event in [
            stamped(1, log(1, Stream::Stdout, "one \"two\" \u{1b} \u{fffd} ü")),
            stamped(1, log(1, Stream::Stdout, "")),
            stamped(1, log(1, Stream::Stderr, "\"\"}")),
            stamped(1, log(2, Stream::Stderr, "x")),
            stamped(1, JobEvent::TornDown { ms: 3 }),
            stamped(2, log(2, Stream::Stderr, "x")),
            Stamped {
                leg: Some("a (1)".into()),
                ..stamped(2, log(2, Stream::Stderr, "x"))
            },
        ] {
            let expected = format!("{}\n", serde_json::to_string(&event).unwrap());
            assert_eq!(encoder.encode(&event).unwrap(), expected.as_bytes());
        }
    }
}
