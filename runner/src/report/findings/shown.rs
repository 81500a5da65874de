//! Findings as they are shown when a job is over: as lines for people, as workflow commands for GitHub's
//! log.

use crate::event::{Annotation, Level};
use crate::report::findings::{JobFindings, word};
use crate::report::plain::{harmless, harmless_name};
use crate::report::style::{Palette, Tone};

/// How many lines of one annotation people see.
const LINES_OF_ONE: usize = 10;
/// How many lines of all summaries of a job people see.
const LINES_OF_SUMMARIES: usize = 60;

/// What people see of a job's annotations, but for those that only say what was told already; nothing if
/// there are none.
pub fn annotations(findings: &JobFindings, told: &[String], palette: Palette) -> Vec<String> {
    let mut lines = Vec::new();
    let all = findings.annotations.iter();
    let news: Vec<_> = all.filter(|found| !says_only(found, told)).collect();
    if news.is_empty() && findings.left_out == 0 {
        return lines;
    }
    lines.push("annotations:".to_owned());
    for found in news {
        annotation(&mut lines, found, palette);
    }
    if findings.left_out > 0 {
        lines.push(format!("  … and {} more", findings.left_out));
    }
    lines
}

/// Whether each line of an annotation that is about no place is one of these.
fn says_only(found: &Annotation, told: &[String]) -> bool {
    let is_told = |line: &str| told.iter().any(|one| one == line);
    found.file.is_none() && found.title.is_none() && found.message.lines().all(is_told)
}

fn annotation(lines: &mut Vec<String>, found: &Annotation, palette: Palette) {
    let tone = match found.severity {
        Level::Notice => Tone::Quiet,
        Level::Warning => Tone::Caution,
        Level::Error => Tone::Bad,
    };
    let word = palette.paint(tone, &format!("{}:", word(found.severity)));
    let message = harmless(&found.message);
    let mut rest = message.lines();
    let mut first = format!("  {word} ");
    for part in [place(found), found.title.clone().unwrap_or_default()] {
        if !part.is_empty() {
            first += &format!("{}: ", harmless_name(&part));
        }
    }
    first += rest.next().unwrap_or_default();
    if let Some(code) = &found.code {
        first += &format!(" ({})", harmless_name(code));
    }
    lines.push(first);
    lines.extend(
        rest.by_ref()
            .take(LINES_OF_ONE - 1)
            .map(|line| format!("    {line}")),
    );
    if rest.next().is_some() {
        lines.push("    …".to_owned());
    }
}

/// `file:line:column`, as far as it is known, which terminals and editors make links of.
fn place(found: &Annotation) -> String {
    let Some(file) = &found.file else {
        return String::new();
    };
    let numbers = [found.line, found.line.and(found.col)];
    let numbers = numbers
        .into_iter()
        .flatten()
        .map(|number| format!(":{number}"));
    file.clone() + &numbers.collect::<String>()
}

/// What people see of a job's summaries; nothing if there are none.
pub fn summaries(findings: &JobFindings) -> Vec<String> {
    let mut lines = Vec::new();
    for summary in &findings.summaries {
        lines.push(format!(
            "summary of {}:",
            harmless_name(findings.name_of(summary.number))
        ));
        let text = harmless(&summary.text);
        lines.extend(text.lines().map(|line| format!("  {line}")));
    }
    let more = lines.len().saturating_sub(LINES_OF_SUMMARIES);
    if more > 0 {
        lines.truncate(LINES_OF_SUMMARIES);
        lines.push(format!("  … and {more} more lines"));
    }
    lines
}

/// An annotation as the workflow command that makes it. `data` and `property` write what stands behind and
/// within a command.
pub fn command(
    found: &Annotation,
    data: impl Fn(&str) -> String,
    property: impl Fn(&str) -> String,
) -> String {
    let number = |number: Option<u32>| number.map(|number| number.to_string());
    let title = match (&found.title, &found.code) {
        (None, Some(code)) => Some(code),
        (title, _) => title.as_ref(),
    };
    let properties = [
        ("file", found.file.clone()),
        ("line", number(found.line)),
        ("endLine", number(found.end_line)),
        ("col", number(found.col)),
        ("endColumn", number(found.end_col)),
        ("title", title.cloned()),
    ];
    let written: Vec<String> = properties
        .into_iter()
        .filter_map(|(name, value)| Some(format!("{name}={}", property(&value?))))
        .collect();
    let blank = if written.is_empty() { "" } else { " " };
    let (word, message) = (word(found.severity), data(&found.message));
    format!("::{word}{blank}{}::{message}", written.join(","))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::findings::tests::{annotation as plain, event, found, started, summary};
    use crate::report::findings::{Findings, Limits};

    #[test]
    fn people_see_where_what_and_how_many_more() {
        let mut findings = Findings::new(Limits::SHOWN);
        let one = Annotation {
            file: Some("src/a.c".to_owned()),
            line: Some(3),
            col: Some(5),
            title: Some("Odd\u{1b}[2J".to_owned()),
            code: Some("C1".to_owned()),
            ..plain(1, Level::Error, "first\nsecond")
        };
        findings.take(&event("build", started(1, "Compile")));
        findings.take(&event("build", found(one)));
        for number in 0..12 {
            findings.take(&event(
                "build",
                found(plain(1, Level::Notice, &format!("n{number}"))),
            ));
        }
        let job = findings.of("build").unwrap();
        let lines = annotations(job, &[], Palette::default());
        assert_eq!(
            lines[..4],
            [
                "annotations:",
                "  error: src/a.c:3:5: Odd\u{fffd}[2J: first (C1)",
                "    second",
                "  notice: n0",
            ]
        );
        assert_eq!(lines.last().unwrap(), "  … and 2 more");
        let lines = annotations(
            job,
            &["n0".to_owned(), "first\nsecond".to_owned()],
            Palette::default(),
        );
        assert_eq!(lines[3], "  notice: n1");
        assert!(summaries(job).is_empty());
    }

    #[test]
    fn a_long_summary_is_cut_on_the_screen() {
        let mut findings = Findings::new(Limits::SHOWN);
        findings.take(&event("build", started(1, "Step 1")));
        findings.take(&event("build", summary(1, &"| a |\n".repeat(100))));
        let lines = summaries(findings.of("build").unwrap());
        assert_eq!(lines[..2], ["summary of Step 1:", "  | a |"]);
        assert_eq!(lines.len(), LINES_OF_SUMMARIES + 1);
        assert_eq!(lines.last().unwrap(), "  … and 41 more lines");
    }

    #[test]
    fn a_command_names_only_what_is_known() {
        let same = |text: &str| text.to_owned();
        let one = plain(1, Level::Notice, "hi");
        assert_eq!(command(&one, same, same), "::notice::hi");
        let one = Annotation {
            file: Some("a.c".to_owned()),
            line: Some(3),
            end_col: Some(4),
            code: Some("C1".to_owned()),
            ..one
        };
        let expected = "::notice file=a.c,line=3,endColumn=4,title=C1::hi";
        assert_eq!(command(&one, same, same), expected);
    }
}
