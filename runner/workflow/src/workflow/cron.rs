//! Cron expressions as GitHub takes them: POSIX's five fields, with names and steps.

use crate::source::Span;
use crate::text;

/// GitHub starts no schedule more often.
const MIN_INTERVAL: u32 = 5;

/// What one field may hold.
struct Field {
    name: &'static str,
    min: u32,
    max: u32,
    /// Names of the values, the first of `min`. Empty where there are only numbers.
    names: &'static [&'static str],
}

const MINUTE: Field = field("minute", 0, 59, &[]);
const HOUR: Field = field("hour", 0, 23, &[]);
const FIELDS: [Field; 5] = [
    MINUTE,
    HOUR,
    field("day of the month", 1, 31, &[]),
    field(
        "month",
        1,
        12,
        &[
            "jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec",
        ],
    ),
    field(
        "day of the week",
        0,
        6,
        &["sun", "mon", "tue", "wed", "thu", "fri", "sat"],
    ),
];

const fn field(name: &'static str, min: u32, max: u32, names: &'static [&'static str]) -> Field {
    Field {
        name,
        min,
        max,
        names,
    }
}

/// What is wrong with an expression, and with which part of it.
#[derive(Debug, PartialEq)]
pub(super) struct CronFault {
    pub(super) span: Span,
    pub(super) message: String,
    pub(super) help: String,
}

/// Checks an expression. Gives how often it asks to be started, such as `2 minutes`, where that is
/// more often than GitHub does.
pub(super) fn check(cron: &str) -> Result<Option<String>, CronFault> {
    let parts: Vec<(usize, &str)> = words(cron).collect();
    let whole = |message: String, help: String| CronFault {
        span: Span::new(0, cron.len()),
        message,
        help,
    };
    if let Some(written) = nickname(cron) {
        let message = format!("GitHub does not know `{}`", cron.trim());
        return Err(whole(message, format!("write `{written}`")));
    }
    if parts.len() != FIELDS.len() {
        let message = format!("expected five fields, found {}", parts.len());
        let names = FIELDS.iter().map(|field| field.name);
        let help = format!("the fields are {}", text::listed(names, "and"));
        return Err(whole(message, help));
    }
    let mut values = Vec::new();
    for (field, (at, part)) in FIELDS.iter().zip(&parts) {
        values.push(field.read(*at, part)?);
    }
    Ok(too_often(&values))
}

/// The words of a text with the places they begin at.
fn words(text: &str) -> impl Iterator<Item = (usize, &str)> {
    text.split([' ', '\t', '\n'])
        .scan(0, |at, word| {
            let start = *at;
            *at += word.len() + 1;
            Some((start, word))
        })
        .filter(|(_, word)| !word.is_empty())
}

/// What a short form of other crons is in fields.
fn nickname(cron: &str) -> Option<&'static str> {
    Some(match cron.trim() {
        "@yearly" | "@annually" => "0 0 1 1 *",
        "@monthly" => "0 0 1 * *",
        "@weekly" => "0 0 * * 0",
        "@daily" | "@midnight" => "0 0 * * *",
        "@hourly" => "0 * * * *",
        _ => return None,
    })
}

/// Whether it asks for less than five minutes between two starts, within an hour or from one hour
/// to the next.
fn too_often(values: &[Vec<u32>]) -> Option<String> {
    let minutes = values.first()?;
    let hours = values.get(1)?;
    let within = minutes.windows(2).map(|pair| pair[1] - pair[0]).min();
    let next_hour = hours.windows(2).any(|pair| pair[1] - pair[0] == 1);
    let across = match (minutes.first(), minutes.last()) {
        (Some(first), Some(last)) if next_hour => Some(first + MINUTE.max + 1 - last),
        _ => None,
    };
    let least = within.into_iter().chain(across).min()?;
    match least {
        1 => Some("minute".to_owned()),
        _ if least < MIN_INTERVAL => Some(format!("{least} minutes")),
        _ => None,
    }
}

impl Field {
    /// The values that a field stands for, in order.
    fn read(&self, at: usize, part: &str) -> Result<Vec<u32>, CronFault> {
        let mut found = vec![false; self.max as usize + 1];
        let mut start = at;
        for item in part.split(',') {
            for value in self.item(start, item)? {
                found[value as usize] = true;
            }
            start += item.len() + 1;
        }
        Ok((self.min..=self.max)
            .filter(|&value| found[value as usize])
            .collect())
    }

    /// A value or range with an optional step.
    fn item(&self, at: usize, item: &str) -> Result<Vec<u32>, CronFault> {
        let (range, step) = match item.split_once('/') {
            Some((range, step)) => (range, Some(step)),
            None => (item, None),
        };
        let (first, last) = self.range(at, range)?;
        let Some(step) = step else {
            return Ok((first..=last).collect());
        };
        let step_at = at + range.len() + 1;
        let width = self.value(step_at, step)?;
        if width == 0 {
            return Err(self.fault(step_at, step, "a step can't be 0".to_owned()));
        }
        // A lone value with a step counts from there on.
        let last = if range.contains('-') { last } else { self.max };
        Ok((first..=last).step_by(width as usize).collect())
    }

    /// `*`, a value, or two values with `-` between them.
    fn range(&self, at: usize, range: &str) -> Result<(u32, u32), CronFault> {
        if range == "*" {
            return Ok((self.min, self.max));
        }
        let Some((first, last)) = range.split_once('-') else {
            let value = self.value(at, range)?;
            return Ok((value, value));
        };
        let from = self.value(at, first)?;
        let to = self.value(at + first.len() + 1, last)?;
        if to < from {
            let message = format!("the range `{range}` ends before it begins");
            return Err(self.fault(at, range, message));
        }
        Ok((from, to))
    }

    fn value(&self, at: usize, value: &str) -> Result<u32, CronFault> {
        let named = self
            .names
            .iter()
            .zip(self.min..)
            .find(|(name, _)| name.eq_ignore_ascii_case(value));
        if let Some((_, value)) = named {
            return Ok(value);
        }
        let is_number = !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit());
        match value.parse() {
            Ok(number) if is_number && (self.min..=self.max).contains(&number) => Ok(number),
            _ if value.is_empty() => Err(self.fault(
                at,
                value,
                format!("a value of the {} is missing", self.name),
            )),
            _ => {
                let message = format!("`{value}` is no {}", self.name);
                Err(self.fault(at, value, message))
            }
        }
    }

    fn fault(&self, at: usize, part: &str, message: String) -> CronFault {
        let names = match (self.names.first(), self.names.last()) {
            (Some(first), Some(last)) => format!(
                " or `{}` to `{}`",
                first.to_ascii_uppercase(),
                last.to_ascii_uppercase()
            ),
            _ => String::new(),
        };
        CronFault {
            span: Span::new(at, at + part.len()),
            message,
            help: format!(
                "the {} is `*` or {} to {}{names}, with `,` `-` and `/` between them",
                self.name, self.min, self.max
            ),
        }
    }
}

/// Whether a text looks like the name of a time zone. Which ones there are changes every year.
pub(super) fn is_timezone(name: &str) -> bool {
    let is_part = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '+');
    name.starts_with(|c: char| c.is_ascii_alphabetic())
        && name
            .split('/')
            .all(|part| !part.is_empty() && part.chars().all(is_part))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fault(cron: &str) -> String {
        let fault = check(cron).unwrap_err();
        format!(
            "{}: {}",
            &cron[fault.span.start..fault.span.end],
            fault.message
        )
    }

    #[test]
    fn fields_take_values_ranges_lists_steps_and_names() {
        for cron in [
            "0 0 * * *",
            "59 23 31 12 6",
            "*/15 * * * *",
            "0,30 8-18 * * MON-FRI",
            "0 0 1 jan,JUL *",
            "5-59/10 */6 1-15/2 JAN-MAR SUN",
            "20/15 * * * *",
            "  0   0\t*  * 0 ",
            "07 00 01 01 00",
        ] {
            assert_eq!(check(cron), Ok(None), "{cron}");
        }
    }

    #[test]
    fn what_is_out_of_range_is_named() {
        for (cron, expected) in [
            ("60 * * * *", "60: `60` is no minute"),
            ("* 24 * * *", "24: `24` is no hour"),
            ("0 0 0 * *", "0: `0` is no day of the month"),
            ("0 0 * 13 *", "13: `13` is no month"),
            ("0 0 * * 7", "7: `7` is no day of the week"),
            ("0 0 * * MONDAY", "MONDAY: `MONDAY` is no day of the week"),
            ("0 0 jan * *", "jan: `jan` is no day of the month"),
            ("*/60 * * * *", "60: `60` is no minute"),
            ("*/0 * * * *", "0: a step can't be 0"),
            ("*/ * * * *", ": a value of the minute is missing"),
            ("0,,1 * * * *", ": a value of the minute is missing"),
            (
                "30-10 * * * *",
                "30-10: the range `30-10` ends before it begins",
            ),
            ("1-2-3 * * * *", "2-3: `2-3` is no minute"),
            ("*-5 * * * *", "*: `*` is no minute"),
            ("0 0 ? * *", "?: `?` is no day of the month"),
            ("0 0 L * *", "L: `L` is no day of the month"),
            ("+5 * * * *", "+5: `+5` is no minute"),
            ("1.5 * * * *", "1.5: `1.5` is no minute"),
            (
                "99999999999 * * * *",
                "99999999999: `99999999999` is no minute",
            ),
            ("* * * *", "* * * *: expected five fields, found 4"),
            ("0 0 0 * * *", "0 0 0 * * *: expected five fields, found 6"),
            ("@daily", "@daily: GitHub does not know `@daily`"),
            ("@reboot", "@reboot: expected five fields, found 1"),
        ] {
            assert_eq!(fault(cron), expected, "{cron}");
        }
    }

    #[test]
    fn more_often_than_every_five_minutes_is_noticed() {
        for (cron, interval) in [
            ("* * * * *", Some("minute")),
            ("*/2 * * * *", Some("2 minutes")),
            ("*/4 3 * * *", Some("4 minutes")),
            ("0,1 0 1 1 *", Some("minute")),
            ("0,58 * * * *", Some("2 minutes")),
            ("0,58 */2 * * *", None),
            ("*/5 * * * *", None),
            ("*/7 * * * *", Some("4 minutes")),
            ("0 * * * *", None),
        ] {
            assert_eq!(check(cron).unwrap().as_deref(), interval, "{cron}");
        }
    }

    #[test]
    fn time_zones_have_iana_names() {
        for name in [
            "UTC",
            "Europe/Berlin",
            "America/Argentina/Buenos_Aires",
            "Etc/GMT+5",
            "GMT0",
        ] {
            assert!(is_timezone(name), "{name}");
        }
        for name in [
            "",
            "+02:00",
            "Europe/",
            "/",
            "Europe Berlin",
            "${{ x }}",
            "Zürich",
        ] {
            assert!(!is_timezone(name), "{name}");
        }
    }
}
