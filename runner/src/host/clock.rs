//! Waiting, with a name and an end. Nothing else in Dormer sleeps or times out by itself, so that
//! each wait can be found here and each failure can say what was waited for.

use std::fmt;
use std::future::Future;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use thiserror::Error;

/// How long to wait for what.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Deadline {
    /// What is waited for, as in "the guest agent's answer".
    pub what: &'static str,
    /// How long.
    pub after: Duration,
}

impl Deadline {
    /// A deadline of so many seconds.
    pub const fn seconds(what: &'static str, seconds: u64) -> Self {
        Self {
            what,
            after: Duration::from_secs(seconds),
        }
    }
}

/// A deadline passed.
#[derive(Debug, Error, Clone, Copy, PartialEq, Eq)]
#[error("{} did not come within {:?}", .0.what, .0.after)]
pub struct DeadlinePassed(pub Deadline);

/// The result of `work`, or the deadline's passing.
pub async fn within<T>(
    deadline: Deadline,
    work: impl Future<Output = T>,
) -> Result<T, DeadlinePassed> {
    tokio::time::timeout(deadline.after, work)
        .await
        .map_err(|_| DeadlinePassed(deadline))
}

/// Waits before looking again at something that gives no notice of its change.
pub async fn pause(duration: Duration) {
    #[expect(clippy::disallowed_methods, reason = "the one place that sleeps")]
    tokio::time::sleep(duration).await;
}

/// Looks every `interval` until `look` finds something.
pub async fn poll<T, F: Future<Output = Option<T>>>(
    interval: Duration,
    mut look: impl FnMut() -> F,
) -> T {
    loop {
        if let Some(found) = look().await {
            return found;
        }
        pause(interval).await;
    }
}

/// Parses a duration such as `90s`, `30m`, `1h30m`, `2d` or `1500ms`; a bare number is seconds.
pub fn parse_duration(text: &str) -> Result<Duration, String> {
    let complaint = || format!("`{text}` is no duration: write 90s, 30m, 1h30m or 2d");
    let mut total = Duration::ZERO;
    let mut rest = text.trim();
    if rest.is_empty() {
        return Err(complaint());
    }
    if let Ok(seconds) = rest.parse::<u64>() {
        return Ok(Duration::from_secs(seconds));
    }
    while !rest.is_empty() {
        let digits = rest
            .find(|c: char| !c.is_ascii_digit())
            .ok_or_else(complaint)?;
        let number: u64 = rest[..digits].parse().map_err(|_| complaint())?;
        rest = &rest[digits..];
        let letters = rest
            .find(|c: char| !c.is_ascii_alphabetic())
            .unwrap_or(rest.len());
        let unit = match &rest[..letters] {
            "ms" => Duration::from_millis(1),
            "s" => Duration::from_secs(1),
            "m" => Duration::from_secs(60),
            "h" => Duration::from_secs(3600),
            "d" => Duration::from_secs(86_400),
            _ => return Err(complaint()),
        };
        let part = u32::try_from(number).ok().and_then(|n| unit.checked_mul(n));
        total = part
            .and_then(|part| total.checked_add(part))
            .ok_or_else(complaint)?;
        rest = &rest[letters..];
    }
    Ok(total)
}

/// A length of time, and how somebody wrote it: what is said of it later is in their words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Written {
    /// The length.
    pub length: Duration,
    text: Arc<str>,
}

impl FromStr for Written {
    type Err = String;

    /// See [`parse_duration`].
    fn from_str(text: &str) -> Result<Self, String> {
        let text = text.trim();
        Ok(Self {
            length: parse_duration(text)?,
            text: text.into(),
        })
    }
}

impl fmt::Display for Written {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// A length of time as events tell it.
pub fn milliseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_read_as_people_write_them() {
        assert_eq!(parse_duration("90s"), Ok(Duration::from_secs(90)));
        assert_eq!(parse_duration("1h30m"), Ok(Duration::from_secs(5400)));
        assert_eq!(parse_duration("45"), Ok(Duration::from_secs(45)));
        assert_eq!(parse_duration("250ms"), Ok(Duration::from_millis(250)));
        for wrong in [
            "",
            "1x",
            "m",
            "1h-3m",
            "99999999999999999999s",
            "4294967295d9",
        ] {
            assert!(parse_duration(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn durations_are_told_as_they_were_written() {
        for text in ["90s", "1h30m", "0090m", "48h", "90", "0s"] {
            let read: Written = text.parse().unwrap();
            assert_eq!(read.to_string(), text);
            assert_eq!(Ok(read.length), parse_duration(text));
        }
        assert!("soon".parse::<Written>().is_err());
    }

    #[tokio::test(start_paused = true)]
    async fn a_deadline_names_what_did_not_come() {
        let deadline = Deadline::seconds("the banner", 3);
        let error = within(deadline, std::future::pending::<()>())
            .await
            .unwrap_err();
        assert_eq!(error.to_string(), "the banner did not come within 3s");
    }
}
